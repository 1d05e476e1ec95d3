/* One commit of the definition's branch: judged, then published, found to say the same, or refused. The turn calls it. */
#ifndef EDGE_ATTEMPT_H
#define EDGE_ATTEMPT_H

#include "reconcile/edge/answer/owners.h"
#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/state/turn.h"

/* `pushed`: clock_boot_ms() of the push that is being looked at; 0: none. */
enum turn attempt_commit(const struct owners *o, struct repo *repo, const char *sha, int64_t pushed);

#endif
