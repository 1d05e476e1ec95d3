#include "reconcile/edge/control/control.h"
#include "reconcile/edge/base/file.h"
#include "schema/utf8.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define CONTROL_FILE_MAX 4096

/* Appends the path DATA/control, or of the file `name` in it. */
static int control_path(const char *data_dir, const char *name, struct buf *out, struct diags *d)
{
	buf_printf(out, "%s/control%s%s", data_dir, name ? "/" : "", name ? name : "");
	return out->failed ? diags_out_of_memory(d) : 0;
}

static int control_put(const char *data_dir, const char *name, const char *line, struct diags *d)
{
	struct buf path = {0}, text = {0};
	int ret = -1;

	buf_printf(&text, "%s\n", line);
	if (text.failed)
		diags_out_of_memory(d);
	else if (!control_path(data_dir, NULL, &path, d) && !file_mkdirs(path.p, 0755, d)) {
		buf_reset(&path);
		if (!control_path(data_dir, name, &path, d))
			ret = file_write(path.p, buf_span(&text), 0644, d);
	}
	buf_free(&text);
	buf_free(&path);
	return ret;
}

/* Reads the first line of a file. Returns 1 when the file is missing, -1 when it cannot be read. */
static int control_get(const char *data_dir, const char *name, struct buf *line)
{
	struct buf path = {0};
	struct diags quiet = {0};
	bool absent = false;
	char *end;
	int ret = control_path(data_dir, name, &path, &quiet);

	if (!ret)
		ret = file_read(path.p, CONTROL_FILE_MAX, line, &absent, &quiet);
	if (!ret && line->p && (end = strchr(line->p, '\n')))
		*end = '\0';
	diags_free(&quiet);
	buf_free(&path);
	return ret < 0 ? -1 : absent;
}

bool control_reason_valid(const char *reason)
{
	const uint8_t *s = (const uint8_t *)reason;
	size_t n = strlen(reason);
	unsigned len;
	uint32_t cp;

	if (n >= CONTROL_REASON_MAX)
		return false;
	for (size_t i = 0; i < n; i += len)
		if (!(len = utf8_decode(s + i, n - i, &cp)) || utf8_hides(cp))
			return false;
	return true;
}

int control_suspend(const char *data_dir, const char *reason, struct diags *d)
{
	return control_put(data_dir, "suspended", reason, d);
}

int control_resume(const char *data_dir, struct diags *d)
{
	struct buf path = {0};
	int ret = control_path(data_dir, "suspended", &path, d);

	if (!ret)
		ret = file_remove(path.p, d);
	buf_free(&path);
	return ret;
}

bool control_suspended(const char *data_dir, char reason[static CONTROL_REASON_MAX])
{
	struct buf line = {0};
	int absent = control_get(data_dir, "suspended", &line);

	reason[0] = '\0';
	if (absent == 0 && line.p && control_reason_valid(line.p))
		memcpy(reason, line.p, strlen(line.p) + 1);
	buf_free(&line);
	return absent != 1;
}

int control_ask(const char *data_dir, char word[static CONTROL_WORD_LEN + 1], struct diags *d)
{
	uint8_t random[CONTROL_WORD_LEN / 2];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(word, CONTROL_WORD_LEN + 1, random, sizeof(random));
	return control_put(data_dir, "look", word, d);
}

void control_asked(const char *data_dir, char word[static CONTROL_WORD_LEN + 1])
{
	struct buf line = {0};

	word[0] = '\0';
	if (!control_get(data_dir, "look", &line) && line.p && strlen(line.p) == CONTROL_WORD_LEN &&
	    strspn(line.p, "0123456789abcdef") == CONTROL_WORD_LEN)
		memcpy(word, line.p, CONTROL_WORD_LEN + 1);
	buf_free(&line);
}

/* --- watching --- */

struct control {
	struct loop *loop;
	int fd;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_said(void *ctx, int fd, uint32_t events)
{
	struct control *c = ctx;
	char chunk[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)events;
	while (read(fd, chunk, sizeof(chunk)) > 0)
		;
	c->fn(c->ctx);
}

struct control *control_watch(struct loop *l, const char *data_dir, void (*fn)(void *ctx), void *ctx, struct diags *d)
{
	struct control *c = calloc(1, sizeof(*c));
	struct buf path = {0};

	if (!c) {
		diags_out_of_memory(d);
		return NULL;
	}
	*c = (struct control){.loop = l, .fd = -1, .fn = fn, .ctx = ctx};
	if (control_path(data_dir, NULL, &path, d) < 0 || file_mkdirs(path.p, 0755, d) < 0)
		goto fail;
	/* file_write() renames a file into the folder, and control_resume() removes one. */
	c->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (c->fd < 0 || inotify_add_watch(c->fd, path.p, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) < 0 ||
	    loop_fd_set(l, c->fd, EPOLLIN, on_said, c) < 0) {
		diag_file_error(d, "watch-failed", path.p, "cannot watch %s: %s", path.p, strerror(errno));
		goto fail;
	}
	buf_free(&path);
	return c;
fail:
	buf_free(&path);
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->fd >= 0) {
		loop_fd_del(c->loop, c->fd);
		close(c->fd);
	}
	free(c);
}
