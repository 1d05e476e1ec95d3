#include "reconcile/edge/peer/store.h"

#include "reconcile/edge/base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOAD_TRIES 4

struct kept *kept_share(struct kept *g)
{
	if (g)
		g->n_shares++;
	return g;
}

void kept_free(struct kept *g)
{
	if (!g)
		return;
	if (g->n_shares) {
		g->n_shares--;
		return;
	}
	arena_free(g->arena);
	buf_free(&g->bytes);
	free(g);
}

struct kept *kept_make(struct buf *bytes, const struct verifier *v, int64_t now, struct diags *d)
{
	struct kept *g = calloc(1, sizeof(*g));
	struct verifier alone = *v;
	struct bundle b;

	/* That time was about the held snapshot, not about this one. */
	if (v->held)
		alone.told_until = 0;
	alone.held = NULL;
	alone.held_view = NULL;
	alone.current = v->pinned;
	if (!g) {
		buf_free(bytes);
		diags_out_of_memory(d);
		return NULL;
	}
	g->bytes = *bytes;
	*bytes = (struct buf){0};
	g->arena = arena_new();
	if (!g->arena)
		diags_out_of_memory(d);
	else if (bundle_parse(g->arena, buf_span(&g->bytes), &b, d) == 0 &&
		 snapshot_verify(g->arena, &alone, &b, now, &g->view, &g->bundle, d) == VERIFY_OK)
		return g;
	kept_free(g);
	return NULL;
}

int store_init(struct store *s, const char *data_dir, const char *ifname, struct diags *d)
{
	int n = snprintf(s->dir, sizeof(s->dir), "%s/%s", data_dir, ifname);

	s->lock = -1;
	s->stamp = (struct file_stamp){0};
	/* Room for the longest name in it. */
	if (n > 0 && n < PATH_MAX - 64)
		return 0;
	diag_error(d, "file-error", NULL, "the name of the folder is too long");
	return -1;
}

static void path_in(const struct store *s, const char *name, char out[static PATH_MAX + 64])
{
	snprintf(out, PATH_MAX + 64, "%s/%s", s->dir, name);
}

int store_lock(struct store *s, unsigned wait_ms, struct diags *d)
{
	char path[PATH_MAX + 64];

	if (s->lock >= 0)
		return 0;
	if (file_mkdirs(s->dir, 0700, d) < 0)
		return -1;
	path_in(s, "lock", path);
	return file_lock(path, wait_ms, &s->lock, d);
}

void store_unlock(struct store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

static struct file_stamp stamp_of(const struct store *s)
{
	char path[PATH_MAX + 64];

	path_in(s, "snapshot", path);
	return file_stamp_of(path);
}

bool store_changed(const struct store *s)
{
	struct file_stamp now = stamp_of(s);

	return !file_stamp_eq(&now, &s->stamp);
}

/* Renames the file, for a person to look at. */
static int set_aside(const struct store *s, const char *path, int64_t now, const struct diags *why, struct diags *d)
{
	char aside[PATH_MAX + 64];
	struct diag *g;

	path_in(s, "snapshot.corrupt-", aside);
	snprintf(aside + strlen(aside), sizeof(aside) - strlen(aside), "%" PRId64, now);
	if (rename(path, aside) < 0) {
		diag_file_error(d, "file-error", path, "cannot rename %s: %s", path, strerror(errno));
		return -1;
	}
	g = diag_warning(d, "store-corrupt", NULL, "the last good snapshot could not be used and was set aside as %s",
			 aside);
	if (why->first)
		diag_note(d, g, NULL, "%s", why->first->message);
	diag_help(d, g, "it is fetched again from a server; until then the interface is left as it is");
	return 0;
}

/* 0, or -1; 1: the file was replaced by another process while it was looked at. */
static int load_once(struct store *s, const struct verifier *v, int64_t now, struct kept **out, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct diags why = {0};
	struct buf bytes = {0};
	bool absent = false;
	int r = 0;

	s->stamp = stamp_of(s);
	path_in(s, "snapshot", path);
	if (file_read(path, BUNDLE_MAX, &bytes, &absent, d) < 0)
		return -1;
	if (absent)
		return 0;
	*out = kept_make(&bytes, v, now, &why);
	if (!*out && why.out_of_memory) {
		diags_out_of_memory(d);
		r = -1;
	} else if (!*out && store_changed(s)) {
		r = 1;
	} else if (!*out) {
		r = set_aside(s, path, now, &why, d);
		s->stamp = (struct file_stamp){0};
	}
	diags_free(&why);
	return r;
}

int store_load(struct store *s, const struct verifier *v, int64_t now, struct kept **out, struct diags *d)
{
	int r = 1;

	*out = NULL;
	for (unsigned i = 0; i < LOAD_TRIES && r == 1; i++)
		r = load_once(s, v, now, out, d);
	if (r == 1)
		diag_file_error(d, "file-changed", s->dir, "%s: the snapshot changes faster than it can be read",
				s->dir);
	return r ? -1 : 0;
}

int store_save(struct store *s, const struct kept *g, struct diags *d)
{
	char path[PATH_MAX + 64];

	path_in(s, "snapshot", path);
	if (file_mkdirs(s->dir, 0700, d) < 0 || file_write(path, buf_span(&g->bytes), 0600, d) < 0)
		return -1;
	s->stamp = stamp_of(s);
	return 0;
}

int store_load_hints(struct store *s, struct arena *a, struct hints *out, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct diags why = {0};
	struct buf bytes = {0};
	bool absent = false;
	int r = 0;

	*out = (struct hints){0};
	path_in(s, "hints", path);
	if (file_read(path, HINTS_FILE_MAX, &bytes, &absent, &why) == 0 && !absent)
		hints_parse(a, buf_span(&bytes), out, &why);
	if (why.out_of_memory) {
		diags_out_of_memory(d);
		r = -1;
	} else if (why.first) {
		struct diag *g = diag_warning(d, "hints-ignored", NULL, "%s is ignored: %s", path, why.first->message);
		diag_help(d, g, "it is written anew; peers without a fixed endpoint are found by what a server knows");
	}
	diags_free(&why);
	buf_free(&bytes);
	return r;
}

int store_save_hints(struct store *s, const struct hints *h, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct buf bytes = {0};
	int r = -1;

	path_in(s, "hints", path);
	hints_write(&bytes, h);
	if (bytes.failed)
		diags_out_of_memory(d);
	else if (file_mkdirs(s->dir, 0700, d) == 0)
		r = file_replace(path, buf_span(&bytes), 0600, d);
	buf_free(&bytes);
	return r;
}

int store_clear(struct store *s, struct diags *d)
{
	char path[PATH_MAX + NAME_MAX + 2];
	const struct dirent *e;
	DIR *folder = opendir(s->dir);
	int r = 0;

	if (!folder)
		return errno == ENOENT ? 0 : -1;
	while (r == 0 && (e = readdir(folder))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "lock") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", s->dir, e->d_name);
		r = file_remove(path, d);
	}
	closedir(folder);
	return r;
}

int store_remove(struct store *s, struct diags *d)
{
	char path[PATH_MAX + 64];
	int r;

	path_in(s, "lock", path);
	r = file_remove(path, d);
	if (r == 0 && rmdir(s->dir) < 0 && errno != ENOENT) {
		diag_file_error(d, "file-error", s->dir, "cannot remove %s: %s", s->dir, strerror(errno));
		r = -1;
	}
	store_unlock(s);
	return r;
}

int store_running_lock(const struct store *s, int *fd, struct diags *d)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX + 64];

	if (file_mkdirs(s->dir, 0700, d) < 0)
		return -1;
	path_in(s, "running", path);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd >= 0 && fcntl(*fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (*fd >= 0 && (errno == EAGAIN || errno == EACCES)) {
		close(*fd);
		*fd = -1;
		return 1;
	}
	diag_file_error(d, "file-error", path, "cannot lock %s: %s", path, strerror(errno));
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -1;
}

bool store_running(const struct store *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX + 64];
	bool running;
	int fd;

	path_in(s, "running", path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	running = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return running;
}

int store_save_state(const struct store *s, const struct daemon_state *state, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct buf b = {0};
	int r = -1;

	path_in(s, "daemon", path);
	daemon_state_write(&b, state);
	if (b.failed)
		diags_out_of_memory(d);
	else
		r = file_replace(path, buf_span(&b), 0600, d);
	buf_free(&b);
	return r;
}

int store_load_state(const struct store *s, struct daemon_state *out)
{
	char path[PATH_MAX + 64];
	struct diags ignored = {0};
	struct buf b = {0};
	bool absent = false;
	int r = 1;

	path_in(s, "daemon", path);
	if (file_read(path, DAEMON_STATE_MAX, &b, &absent, &ignored) == 0 && !absent)
		r = daemon_state_parse(buf_span(&b), out) < 0;
	buf_free(&b);
	diags_free(&ignored);
	return r;
}

int store_save_applied(const struct store *s, const struct applied *applied, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct buf b = {0};
	int r = -1;

	path_in(s, "applied", path);
	buf_printf(&b, "%s\n%s %u %s\n", applied->hosts, applied->name, applied->listen_port, applied->suffix);
	if (b.failed)
		diags_out_of_memory(d);
	else
		r = file_write(path, buf_span(&b), 0600, d);
	buf_free(&b);
	return r;
}

/* Splits the text before `end` off. false: there is no such character, or no room. */
static bool take_word(const char **text, char end, size_t size, char *out)
{
	const char *at = strchr(*text, end);
	size_t n = at ? (size_t)(at - *text) : size;

	if (n >= size)
		return false;
	memcpy(out, *text, n);
	out[n] = '\0';
	*text = at + 1;
	return true;
}

/* A line with the hosts file (an absolute path, or nothing), and a line "NAME PORT SUFFIX", which older files lack. */
static bool parse_applied(const char *text, struct applied *out)
{
	char port[8];

	if (!take_word(&text, '\n', sizeof(out->hosts), out->hosts) || (*out->hosts && *out->hosts != '/'))
		return false;
	if (!*text)
		return true;
	return take_word(&text, ' ', sizeof(out->name), out->name) && name_valid(out->name, strlen(out->name)) &&
	       take_word(&text, ' ', sizeof(port), port) &&
	       (strcmp(port, "0") == 0 || port_parse(port, strlen(port), &out->listen_port) == 0) &&
	       take_word(&text, '\n', sizeof(out->suffix), out->suffix) && hosts_suffix_valid(out->suffix) && !*text;
}

int store_load_applied(const struct store *s, struct applied *out)
{
	char path[PATH_MAX + 64];
	struct diags ignored = {0};
	struct buf b = {0};
	bool absent = false;
	int r = 1;

	*out = (struct applied){0};
	path_in(s, "applied", path);
	if (file_read(path, sizeof(*out), &b, &absent, &ignored) == 0 && !absent && b.n && strlen(b.p) == b.n)
		r = !parse_applied(b.p, out);
	buf_free(&b);
	diags_free(&ignored);
	return r;
}

int store_save_view(const struct store *s, struct span bytes, struct diags *d)
{
	char path[PATH_MAX + 64];
	struct diags ignored = {0};
	struct buf old = {0};
	bool same;

	path_in(s, "view", path);
	same = store_load_view(s, &old, &ignored) == 0 && span_eq(buf_span(&old), bytes);
	buf_free(&old);
	diags_free(&ignored);
	return same ? 0 : file_write(path, bytes, 0600, d);
}

int store_load_view(const struct store *s, struct buf *out, struct diags *d)
{
	char path[PATH_MAX + 64];
	bool absent = false;

	path_in(s, "view", path);
	return file_read(path, BUNDLE_MAX, out, &absent, d) < 0 ? -1 : absent;
}
