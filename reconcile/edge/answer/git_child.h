/*
 * git's own programs, run for a peer in the tunnel: without the server's rights, environment or descriptors, with
 * limits, confined to the repository, and ended when the peer's connection is gone. Nothing here blocks.
 */
#ifndef EDGE_GIT_CHILD_H
#define EDGE_GIT_CHILD_H

#include "reconcile/edge/answer/git_request.h"
#include "reconcile/edge/base/loop.h"
#include "schema/buf.h"
#include <sys/types.h>

struct git_children;
struct git_child;

struct git_children_options {
	const char *repository;   /* its folder, which must exist */
	const char *data_dir;     /* the network's folder, which must exist; the hooks read it */
	const char *network;      /* in reflogs the peer that pushes is PEER@NETWORK */
	void (*ended)(void *ctx); /* one of them is no more */
	void *ctx;
};
/* NULL with errno. */
struct git_children *git_children_new(struct loop *l, const struct git_children_options *o);
void git_children_free(struct git_children *all); /* ends those that run, and waits for them: at most GIT_END_MS */
unsigned git_children_count(const struct git_children *all);

struct git_command {
	struct git_request request;
	const char *protocol;       /* git_protocol_valid(); NULL: none */
	const char *peer, *address; /* that asks: for hooks, as REMOTE_USER and REMOTE_ADDR */
	int input;                  /* borrowed; -1: nothing */
};
/*
 * Starts it. `ready` is called whenever git_child_read() may have something after it said GIT_CHILD_WAIT, and the
 * first time. NULL with errno.
 */
struct git_child *git_child_start(struct git_children *all, const struct git_command *c, void (*ready)(void *ctx),
				  void *ctx);
/* At most `n` bytes of its output; how many, or: not yet; it ended well; it says that it failed; it was killed. */
enum { GIT_CHILD_WAIT = 0, GIT_CHILD_END = -1, GIT_CHILD_FAILED = -2, GIT_CHILD_KILLED = -3 };
ssize_t git_child_read(struct git_child *c, void *to, size_t n);
/* What it said to its standard error, first line, visible; "" for nothing. After it ended. */
void git_child_said(const struct git_child *c, struct buf *out);
/* The caller is done with it: it is ended when it still runs. */
void git_child_drop(struct git_child *c);

#endif
