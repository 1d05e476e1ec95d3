/* The place of the definition for `init`: its options, and the mirror of a remote repository. */
#ifndef CMD_RECONCILE_INIT_SOURCE_H
#define CMD_RECONCILE_INIT_SOURCE_H

#include "cmd/innernet-reconcile/commands.h"
#include "cmd/innernet-reconcile/init_ask.h"
#include "reconcile/edge/git/remote.h"
#include "reconcile/edge/git/repo.h"

/* Copies --remote and its options, --file and --branch into `c`. Returns -1 after printing a usage error. */
int init_source_take(const struct invocation *inv, const struct init_asked *asked, struct server_config *c);
struct remote_access init_source_access(const struct server_config *c);

/* Checks that c->repository does not exist. Returns -1 with the diagnostic "repository-exists". */
int init_repository_check(const struct server_config *c, struct diags *d);

/* A fetched mirror of the remote repository at a temporary path. */
struct init_mirror {
	char *path;   /* the temporary path; NULL after init_mirror_keep() */
	char *folder; /* the parent folder if init_mirror_make() made it; NULL: it existed */
	struct repo *repo;
};
/* The temporary path is `beside` (the future folder or repository) plus a suffix. Returns -1 with diagnostics. */
int init_mirror_make(const char *beside, const struct server_config *c, struct init_mirror *out, struct diags *d);
/* Moves the mirror to c->repository. Returns -1 with a diagnostic. */
int init_mirror_keep(struct init_mirror *m, const struct server_config *c, struct diags *d);
void init_mirror_end(struct init_mirror *m); /* closes the mirror; removes it unless init_mirror_keep() moved it */

/* `init --join`: makes the keys of a further server of an existing network. Returns the exit code. */
int init_join(const struct invocation *inv);

#endif
