/* The names of a network in this machine's hosts file. They come after the interface, and never touch it. */
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/plan/hosts.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *peer_hosts_path(const struct this_peer *p)
{
	const struct peer_settings *s = &p->config->settings;

	if (p->options->no_write_hosts || (s->no_write_hosts && !p->options->hosts_path))
		return NULL;
	return p->options->hosts_path ? p->options->hosts_path : s->hosts_path ? s->hosts_path : HOSTS_PATH;
}

const char *peer_host_suffix(const struct this_peer *p)
{
	const char *own = p->config->settings.host_suffix;

	return p->options->host_suffix ? p->options->host_suffix : own ? own : HOSTS_SUFFIX;
}

/* The whole file, where the block is, and what it should be. */
struct names {
	struct buf file, want;
	struct hosts_place at;
};

static void names_free(struct names *n)
{
	buf_free(&n->file);
	buf_free(&n->want);
}

static struct span block_of(const struct names *n)
{
	return (struct span){(const uint8_t *)n->file.p + n->at.start, n->at.end - n->at.start};
}

static int names_read(const struct this_peer *p, const char *path, struct names *out, struct diags *d)
{
	const char *network = peer_config_interface(p->config);

	if (hosts_block_of_view(&out->want, p->held->view, network, peer_host_suffix(p), d) < 0)
		return -1;
	if (hosts_read(path, &out->file, d) < 0)
		return -1;
	return hosts_find(buf_span(&out->file), network, path, &out->at, d);
}

static struct hosts_diff *names_diff(const struct this_peer *p, struct arena *a, const char *path,
				     const struct names *n, struct diags *d)
{
	struct hosts_diff *h = hosts_diff(a, path, block_of(n), buf_span(&n->want));

	if (!h)
		d->out_of_memory = true;
	else
		h->drift = h->differs && p->names.n && span_eq(buf_span(&p->names), buf_span(&n->want));
	return h;
}

/* What is wrong, as a warning; a command that looks more than once says it once. */
static void warn(struct diags *d, const struct diags *own)
{
	struct diag *g;

	d->out_of_memory = d->out_of_memory || own->out_of_memory;
	if (!own->first)
		return;
	for (g = d->first; g; g = g->next) {
		if (strcmp(g->message, own->first->message) == 0)
			return;
	}
	g = diag_warning(d, own->first->code, NULL, "%s", own->first->message);
	if (own->first->help)
		diag_help(d, g, "%s", own->first->help);
}

struct hosts_diff *peer_names_plan(struct this_peer *p, struct arena *a, struct diags *d)
{
	const char *path = peer_hosts_path(p);
	struct hosts_diff *h = NULL;
	struct diags own = {0};
	struct names n = {0};

	if (!path || !p->held)
		return NULL;
	if (names_read(p, path, &n, &own) == 0)
		h = names_diff(p, a, path, &n, &own);
	warn(d, &own);
	diags_free(&own);
	names_free(&n);
	return h;
}

/* The lock is of all networks of one folder: it is one file that they share. */
static int lock(const char *data_dir, unsigned wait_ms, int *fd, struct diags *d)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/hosts.lock", data_dir);

	*fd = -1;
	if (n < 0 || (size_t)n >= sizeof(path)) {
		diag_error(d, "file-error", NULL, "the name of the folder is too long");
		return -1;
	}
	return file_mkdirs(data_dir, 0700, d) < 0 ? -1 : file_lock(path, wait_ms, fd, d);
}

static int write_block(const struct names *n, const char *path, struct span block, struct diags *d)
{
	struct buf out = {0};
	int r = -1;

	hosts_replace(&out, buf_span(&n->file), &n->at, block);
	if (out.failed)
		d->out_of_memory = true;
	else
		r = hosts_write(path, buf_span(&out), d);
	buf_free(&out);
	return r;
}

static void say_drift(const char *path, struct peer_turn *turn)
{
	turn->names_drift = true;
	if (!turn->n_drift)
		snprintf(turn->drift, sizeof(turn->drift), "the names in %s were changed", path);
}

/* Under the lock: the file is read, written where it must be, and read again. */
static int converge_locked(struct this_peer *p, const char *path, struct peer_turn *turn, struct diags *d)
{
	struct arena *a = arena_new();
	struct hosts_diff *h = NULL;
	struct names n = {0}, again = {0};
	int r = -1;

	if (!a)
		d->out_of_memory = true;
	else if (names_read(p, path, &n, d) == 0)
		h = names_diff(p, a, path, &n, d);
	if (!h)
		goto out;
	if (h->differs) {
		if (write_block(&n, path, buf_span(&n.want), d) < 0 || names_read(p, path, &again, d) < 0)
			goto out;
		if (!span_eq(block_of(&again), buf_span(&n.want))) {
			diag_file_error(d, "hosts-failed", path,
					"%s is not as it was written: something else changes it", path);
			goto out;
		}
		turn->wrote_names = true;
		turn->n_names = h->n_add + h->n_remove;
		if (h->drift)
			say_drift(path, turn);
	}
	buf_free(&p->names);
	p->names = n.want;
	n.want = (struct buf){0};
	r = 0;
out:
	names_free(&n);
	names_free(&again);
	arena_free(a);
	return r;
}

/* Nothing changed since the last look: not the file, not what should be in it. */
static bool names_good(const struct this_peer *p, const char *path)
{
	struct file_stamp now = hosts_stamp_of(path);

	return p->names_of == p->held && now.inode && file_stamp_eq(&now, &p->names_stamp);
}

void peer_names_converge(struct this_peer *p, unsigned lock_ms, struct peer_turn *turn, struct diags *d)
{
	const char *path = peer_hosts_path(p);
	struct diags own = {0};
	int fd, r;

	if (!path || !p->held || names_good(p, path))
		return;
	r = lock(p->options->data_dir, lock_ms, &fd, &own);
	if (r == 0) {
		/* The stamp first: what changes while it is read is seen the next time. */
		struct file_stamp stamp = hosts_stamp_of(path);

		r = converge_locked(p, path, turn, &own);
		p->names_stamp = r == 0 && !turn->wrote_names ? stamp : (struct file_stamp){0};
		p->names_of = r == 0 ? p->held : NULL;
		close(fd);
	} else if (r == 1) {
		turn->names_later = true;
	}
	if (own.first)
		snprintf(turn->names_problem, sizeof(turn->names_problem), "%s", own.first->message);
	warn(d, &own);
	diags_free(&own);
}

int peer_names_remove(const char *data_dir, const char *path, const char *network, bool *gone, struct diags *d)
{
	const unsigned lock_ms = 5000;
	struct names n = {0};
	int fd, r = lock(data_dir, lock_ms, &fd, d);

	*gone = true;
	if (r) {
		if (r > 0)
			diag_error(d, "busy", NULL, "another innernet is at work on %s", path);
		return -1;
	}
	r = hosts_read(path, &n.file, d);
	if (r == 0)
		r = hosts_find(buf_span(&n.file), network, path, &n.at, d);
	if (r == 0 && n.at.found) {
		*gone = false;
		r = write_block(&n, path, (struct span){0}, d);
	}
	names_free(&n);
	close(fd);
	return r;
}
