/* After a push: waits for the verdict of the running server, and prints it to the person who pushed. */
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/push/push.h"
#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/control/status_file.h"
#include "schema/utf8.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_MS       100  /* where nothing says that the status is a new one */
#define LOOK_AGAIN_MS 1000 /* does the server still run, and is this still the last push? */

enum said { SAID_NOTHING, SAID_SOME, SAID_ALL };

static bool is_true(const json_t *c)
{
	return !strcmp(status_text(c, "status"), "True");
}

/* What the status says about this commit. SAID_SOME: published, and not every peer runs it yet. */
static enum said verdict(const json_t *o, const char *sha, struct buf *out)
{
	const json_t *valid = status_condition(o, "Valid"), *published = status_condition(o, "Published");
	const json_t *took = json_object_get(o, "converged_ms");
	const json_t *suspended = status_condition(o, "Suspended");
	json_int_t total = json_integer_value(json_object_get(o, "peers_total"));

	if (is_true(suspended)) {
		buf_str(out, "not published yet, the network is suspended: ");
		buf_visible(out, span_str(status_text(suspended, "message")));
		buf_char(out, '\n');
		return SAID_ALL;
	}
	if (strcmp(status_text(json_object_get(o, "last_attempted"), "commit"), sha))
		return SAID_NOTHING;
	if (!is_true(valid)) {
		buf_printf(out, "not published: %s: ", status_text(valid, "reason"));
		buf_visible(out, span_str(status_text(valid, "message")));
		buf_char(out, '\n');
		return SAID_ALL;
	}
	if (strcmp(status_text(json_object_get(o, "last_applied"), "commit"), sha) || !is_true(published)) {
		buf_str(out, "not published yet: ");
		buf_visible(out, span_str(status_text(published, "message")));
		buf_char(out, '\n');
		return SAID_ALL;
	}
	if (!strcmp(status_text(published, "reason"), "SameContent")) {
		buf_str(out, "taken; version ");
		status_put_version(out, o);
		buf_str(out, " says the same to every peer\n");
		return SAID_ALL;
	}
	buf_str(out, "published as version ");
	status_put_version(out, o);
	if (total)
		buf_printf(out, "; %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " peer%s run%s it",
			   json_integer_value(json_object_get(o, "peers_converged")), total, total == 1 ? "" : "s",
			   total == 1 ? "s" : "");
	if (took && total)
		buf_printf(out, " after %" JSON_INTEGER_FORMAT " ms", json_integer_value(took));
	buf_char(out, '\n');
	return took || !total || is_true(status_condition(o, "Converged")) ? SAID_ALL : SAID_SOME;
}

static enum said look(const struct push *p, const char *sha, struct buf *out)
{
	struct diags d = {0};
	json_t *o = NULL;
	enum said said = SAID_NOTHING;

	buf_reset(out);
	if (status_file_read(p->data_dir, NULL, &o, &d) > 0)
		said = verdict(o, sha, out);
	json_decref(o);
	diags_free(&d);
	return said;
}

/* Until the status file is a new one, or may be, or the time is over. */
static void wait_status(int fd, int64_t ms)
{
	_Alignas(struct inotify_event) char events[4096];
	struct pollfd f = {.fd = fd, .events = POLLIN};

	if (fd < 0 && ms > LOOK_MS)
		ms = LOOK_MS;
	if (ms > 0 && poll(&f, fd >= 0, (int)ms) > 0)
		while (read(fd, events, sizeof(events)) > 0)
			;
}

/* A server gives its verdict on the branch as it finds it: one that another push has replaced has none to wait for. */
static bool is_tip(const char *ref, const char *sha)
{
	struct diags ignored = {0};
	struct repo *r = repo_open_hook(ref, &ignored);
	char tip[HASH_HEX_LEN + 1];
	bool same = !r || repo_tip(r, tip, &ignored) < 0 || !strcmp(tip, sha);

	repo_close(r);
	diags_free(&ignored);
	return same;
}

static void follow(const struct push *p, const char *ref, const char *sha, struct buf *out)
{
	const int64_t begun = clock_boot_ms();
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	enum said said;

	/* The status is replaced by a rename: its folder is what is watched. First the watch, then the look. */
	if (fd >= 0 && inotify_add_watch(fd, p->data_dir, IN_MOVED_TO | IN_ONLYDIR) < 0) {
		close(fd);
		fd = -1;
	}
	while ((said = look(p, sha, out)) != SAID_ALL) {
		int64_t now = clock_boot_ms(), left = begun + PUSH_WAIT_MS - now;
		if (left <= 0 && said == SAID_NOTHING && is_tip(ref, sha)) {
			left = begun + PUSH_VERDICT_MS - now;
			left = left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS;
		}
		if (left <= 0)
			break;
		if (said == SAID_NOTHING && !status_server_runs(p->data_dir)) {
			buf_str(out, "the reconciler is not running; this will be published when it does\n");
			said = SAID_SOME;
			break;
		}
		wait_status(fd, left);
	}
	if (said == SAID_NOTHING)
		buf_printf(out, "no verdict yet; `innernet-reconcile status %s` will have it\n", p->network);
	if (fd >= 0)
		close(fd);
}

void push_follow(const struct push *p, struct span lines, struct buf *out)
{
	struct server_config *c = NULL;
	struct diags d = {0};
	struct push_update u;
	int more = 0;

	if (!server_public_read(p->data_dir, &c, &d))
		while ((more = push_next(&lines, &u)) > 0 && (strcmp(u.ref, c->ref) || u.deletes))
			;
	if (more > 0)
		follow(p, c->ref, u.after, out);
	diags_free(&d);
	server_config_free(c);
}
