/* Where `init` puts a definition, or finds it: its options, and the mirror of a remote. */
#ifndef CMD_RECONCILE_INIT_SOURCE_H
#define CMD_RECONCILE_INIT_SOURCE_H

#include "cmd/innernet-reconcile/commands.h"
#include "cmd/innernet-reconcile/init_ask.h"
#include "reconcile/edge/git/remote.h"
#include "reconcile/edge/git/repo.h"

/* --remote and what belongs to it, --file, --branch, into `c`. -1 after saying what is wrong with them. */
int init_source_take(const struct invocation *inv, const struct init_asked *asked, struct server_config *c);
struct remote_access init_source_access(const struct server_config *c);

/* Nothing may be where the repository is to be. -1 with a diagnostic. */
int init_repository_check(const struct server_config *c, struct diags *d);

/* A mirror of the remote, filled, that is nowhere yet. */
struct init_mirror {
	char *path;   /* where it is made; NULL: nowhere any more */
	char *folder; /* around it, made for it; NULL: it was there */
	struct repo *repo;
};
/* `beside`: the folder of a network, or its repository, that is to be; for the name. -1 with diagnostics. */
int init_mirror_make(const char *beside, const struct server_config *c, struct init_mirror *out, struct diags *d);
/* Moves it to c->repository. */
int init_mirror_keep(struct init_mirror *m, const struct server_config *c, struct diags *d);
void init_mirror_end(struct init_mirror *m); /* removes what was not kept */

/* `init --join`: keys for another server of a network that there is. Returns the exit code. */
int init_join(const struct invocation *inv);

#endif
