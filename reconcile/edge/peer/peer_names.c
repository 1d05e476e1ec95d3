#include "reconcile/edge/peer/peer_names.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct peer_names {
	const struct peer_file *file;
	struct buf block; /* that was written, or found good, last */
	/* Of then: the hosts file, and what the block was made from. */
	struct file_stamp hosts, settings;
	uint64_t serial; /* 0: the block is not known to be good */
};

/* The hosts file as it is, the place of the block in it, and the block as it should be. */
struct hosts_file {
	struct buf text, want;
	struct hosts_place at;
};

static void hosts_file_free(struct hosts_file *h)
{
	buf_free(&h->text);
	buf_free(&h->want);
}

static struct span block_of(const struct hosts_file *h)
{
	return (struct span){(const uint8_t *)h->text.p + h->at.start, h->at.end - h->at.start};
}

static int hosts_file_read(const struct peer_names *n, const char *path, const struct view *v, struct hosts_file *out,
			   struct diags *d)
{
	const char *network = peer_file_ifname(n->file);

	if (hosts_block_of_view(&out->want, v, network, peer_file_host_suffix(n->file), d) < 0)
		return -1;
	if (hosts_read(path, &out->text, d) < 0)
		return -1;
	return hosts_find(buf_span(&out->text), network, path, &out->at, d);
}

static struct hosts_diff *compare(const struct peer_names *n, struct arena *a, const char *path,
				  const struct hosts_file *h, struct diags *d)
{
	struct hosts_diff *diff = hosts_diff(a, path, block_of(h), buf_span(&h->want));

	if (!diff)
		diags_out_of_memory(d);
	else
		diff->drift = diff->differs && n->block.n && span_eq(buf_span(&n->block), buf_span(&h->want));
	return diff;
}

/* Adds what is wrong as a warning, once: a command looks more than once. */
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

struct hosts_diff *peer_names_plan(const struct peer_names *n, struct arena *a, const struct view *v, struct diags *d)
{
	const char *path = peer_file_hosts_path(n->file);
	struct hosts_diff *diff = NULL;
	struct hosts_file h = {0};
	struct diags own = {0};

	if (!path || !v)
		return NULL;
	if (hosts_file_read(n, path, v, &h, &own) == 0)
		diff = compare(n, a, path, &h, &own);
	warn(d, &own);
	diags_free(&own);
	hosts_file_free(&h);
	return diff;
}

/* All networks of one folder share the lock, as they share the hosts file. */
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

static int write_block(const struct hosts_file *h, const char *path, struct span block, struct diags *d)
{
	struct buf out = {0};
	int r = -1;

	hosts_replace(&out, buf_span(&h->text), &h->at, block);
	if (out.failed)
		diags_out_of_memory(d);
	else
		r = hosts_write(path, buf_span(&out), d);
	buf_free(&out);
	return r;
}

/* Under the lock: reads the file, writes the block where it differs, and reads it again. */
static int converge_locked(struct peer_names *n, const char *path, const struct view *v, struct names_turn *turn,
			   struct diags *d)
{
	struct arena *a = arena_new();
	struct hosts_diff *diff = NULL;
	struct hosts_file h = {0}, again = {0};
	int r = -1;

	if (!a)
		diags_out_of_memory(d);
	else if (hosts_file_read(n, path, v, &h, d) == 0)
		diff = compare(n, a, path, &h, d);
	if (!diff)
		goto out;
	if (diff->differs) {
		if (write_block(&h, path, buf_span(&h.want), d) < 0 || hosts_file_read(n, path, v, &again, d) < 0)
			goto out;
		if (!span_eq(block_of(&again), buf_span(&h.want))) {
			diag_file_error(d, "hosts-failed", path,
					"%s is not as it was written: something else changes it", path);
			goto out;
		}
		turn->wrote = true;
		turn->n_lines = diff->n_add + diff->n_remove;
		if (diff->drift)
			snprintf(turn->drift, sizeof(turn->drift), "the names in %s were changed", path);
	}
	buf_free(&n->block);
	n->block = h.want;
	h.want = (struct buf){0};
	r = 0;
out:
	hosts_file_free(&h);
	hosts_file_free(&again);
	arena_free(a);
	return r;
}

/* Is the hosts file as it was after the last look, and would the block be the same? */
static bool is_settled(const struct peer_names *n, const char *path, uint64_t serial)
{
	struct file_stamp now = hosts_stamp_of(path);

	return n->serial == serial && file_stamp_eq(&n->settings, peer_file_stamp(n->file)) && now.inode &&
	       file_stamp_eq(&now, &n->hosts);
}

void peer_names_converge(struct peer_names *n, const struct view *v, uint64_t serial, unsigned lock_ms,
			 struct names_turn *turn, struct diags *d)
{
	const char *path = peer_file_hosts_path(n->file);
	struct diags own = {0};
	int fd, r;

	*turn = (struct names_turn){0};
	if (!path || !v || is_settled(n, path, serial))
		return;
	r = lock(peer_file_options(n->file)->data_dir, lock_ms, &fd, &own);
	if (r == 0) {
		/* The stamp first: a change during the read is seen by the next turn. */
		struct file_stamp stamp = hosts_stamp_of(path);

		r = converge_locked(n, path, v, turn, &own);
		n->hosts = r == 0 && !turn->wrote ? stamp : (struct file_stamp){0};
		n->settings = *peer_file_stamp(n->file);
		n->serial = r == 0 ? serial : 0;
		close(fd);
	} else if (r == 1) {
		turn->later = true;
	}
	if (own.first)
		snprintf(turn->problem, sizeof(turn->problem), "%s", own.first->message);
	warn(d, &own);
	diags_free(&own);
}

struct peer_names *peer_names_new(const struct peer_file *f, struct diags *d)
{
	struct peer_names *n = calloc(1, sizeof(*n));

	if (n)
		n->file = f;
	else
		diags_out_of_memory(d);
	return n;
}

void peer_names_free(struct peer_names *n)
{
	if (!n)
		return;
	buf_free(&n->block);
	free(n);
}

int peer_names_remove(const char *data_dir, const char *path, const char *network, bool *gone, struct diags *d)
{
	const unsigned lock_ms = 5000;
	struct hosts_file h = {0};
	int fd, r = lock(data_dir, lock_ms, &fd, d);

	*gone = true;
	if (r) {
		if (r > 0)
			diag_error(d, "busy", NULL, "another innernet is at work on %s", path);
		return -1;
	}
	r = hosts_read(path, &h.text, d);
	if (r == 0)
		r = hosts_find(buf_span(&h.text), network, path, &h.at, d);
	if (r == 0 && h.at.found) {
		*gone = false;
		r = write_block(&h, path, (struct span){0}, d);
	}
	hosts_file_free(&h);
	close(fd);
	return r;
}
