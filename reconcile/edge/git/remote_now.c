/* A look at a remote, or a push, that a command waits for. */
#include "reconcile/edge/git/remote.h"

#include <stdio.h>

struct waiting {
	struct loop *loop;
	bool done;
	enum remote_result result;
	char message[512];
};

static void on_pushed(void *ctx, enum remote_result result, const char *message)
{
	struct waiting *w = ctx;

	w->done = true;
	w->result = result;
	snprintf(w->message, sizeof(w->message), "%s", message);
	loop_stop(w->loop);
}

static void on_looked(void *ctx, enum remote_result result, bool moved, const char *message)
{
	(void)moved;
	on_pushed(ctx, result, message);
}

static int say(const struct waiting *w, const struct remote_access *access, struct diags *d)
{
	struct diag *g;

	if (w->done && w->result == REMOTE_DONE)
		return 0;
	if (!w->done) {
		diags_out_of_memory(d);
	} else if (w->result == REMOTE_REFUSED) {
		g = diag_error(d, "remote-refused", NULL, "%s does not take it: %s", access->url, w->message);
		diag_help(d, g, "check that this machine may write there, and that no other push came first");
	} else {
		g = diag_error(d, "remote-away", NULL, "%s cannot be reached: %s", access->url, w->message);
		diag_help(d, g, "try `git ls-remote %s` as the same user: it has to work without a prompt",
			  access->url);
	}
	return -1;
}

/* `to` NULL: a look. */
static int run(struct repo *mirror, const struct remote_access *access, const char *ref, const char *from,
	       const char *to, struct diags *d)
{
	struct waiting w = {.loop = loop_new(d)};
	const struct remote_options o = {.access = *access, .looked = on_looked, .pushed = on_pushed, .ctx = &w};
	struct remote *r = w.loop ? remote_new(w.loop, mirror, &o) : NULL;
	int ret;

	if (r && to)
		remote_push(r, ref, from, to);
	else if (r)
		remote_look(r);
	if (r && !w.done)
		loop_run(w.loop);
	ret = say(&w, access, d);
	remote_free(r);
	if (w.loop)
		loop_free(w.loop);
	return ret;
}

int remote_look_now(struct repo *mirror, const struct remote_access *access, struct diags *d)
{
	return run(mirror, access, NULL, NULL, NULL, d);
}

int remote_push_now(struct repo *mirror, const struct remote_access *access, const char *ref, const char *from,
		    const char *to, struct diags *d)
{
	return run(mirror, access, ref, from, to, d);
}
