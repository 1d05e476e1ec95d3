/*
 * A push, as the hooks of the definition's repository see it: judged before anything of it is taken, and followed
 * until the server has given its verdict. Both run as the user who pushes, and read nothing that is secret.
 */
#ifndef EDGE_PUSH_H
#define EDGE_PUSH_H

#include "schema/buf.h"
#include "schema/limits.h"
#include <stdbool.h>

struct push {
	const char *data_dir; /* the network's: .../innernet-reconcile/NAME */
	const char *network;
	bool color;
};

/*
 * The pre-receive hook. `lines`: "<old> <new> <ref>" each, as git writes them; may be anything. What the person who
 * pushes is to read goes to `out`, whatever comes of it. False: the push is refused, all of it.
 */
bool push_judge(const struct push *p, struct span lines, struct buf *out);

/*
 * The post-receive hook: waits until the server that runs has given its verdict on what the definition's branch is
 * now, at most PUSH_VERDICT_MS, and until all that are reachable follow it, at most PUSH_WAIT_MS. Never fails.
 */
void push_follow(const struct push *p, struct span lines, struct buf *out);

/* What the two share: one update of a push, from the front of `lines`. 1, 0 at the end, -1: it is not one. */
#define PUSH_SHA_LEN 40
struct push_update {
	char before[PUSH_SHA_LEN + 1], after[PUSH_SHA_LEN + 1]; /* hex */
	bool creates, deletes;
	char ref[PUSH_REF_MAX + 1];
};
int push_next(struct span *lines, struct push_update *out);

#endif
