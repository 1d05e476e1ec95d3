#include "reconcile/edge/state/readers.h"
#include "reconcile/edge/base/log.h"

#include <stdlib.h>

#define KEEP_MS      60000 /* between two writings */
#define KEEP_SECONDS 86400 /* by so much the time on the disk may be behind */

struct readers {
	const struct served *served;
	const struct enrolments *enrolments;
	struct conditions *conditions;
	struct reader *list; /* by the index in the served model */
	int64_t *kept;       /* their `heard` as it is on the disk, beside them */
	bool due;            /* the file is to be written soon */
	bool changed;        /* it is not what there is now */
	bool failed;         /* the last writing did, which was said */
	int64_t written;     /* clock_boot_ms(); 0: never */
};

struct readers *readers_new(const struct served *s, const struct enrolments *e, struct conditions *c)
{
	struct readers *r = calloc(1, sizeof(*r));

	if (r)
		*r = (struct readers){.served = s, .enrolments = e, .conditions = c};
	return r;
}

void readers_free(struct readers *r)
{
	if (r) {
		free(r->list);
		free(r->kept);
	}
	free(r);
}

static void read_kept(struct readers *r)
{
	const struct revision *g = served_now(r->served);
	struct kept_reader *kept = NULL;
	struct diags d = {0};
	size_t n = 0;

	if (published_read_readers(served_folder(r->served), &kept, &n, &d) < 0)
		log_diags("readers", &d);
	for (size_t i = 0; i < n; i++) {
		uint32_t k = enrolments_owner(r->enrolments, g, &kept[i].mark);
		if (k == NONE || k == g->self)
			continue;
		r->list[k] = kept[i].reader;
		r->kept[k] = kept[i].reader.heard;
	}
	free(kept);
	diags_free(&d);
}

void readers_follow(struct readers *r, const struct revision *old)
{
	const struct revision *g = served_now(r->served);
	const size_t n = g->model->n_peers ? g->model->n_peers : 1;
	struct reader *was = r->list;
	int64_t *kept = r->kept;

	r->list = calloc(n, sizeof(*r->list));
	r->kept = calloc(n, sizeof(*r->kept));
	if (!r->list || !r->kept) {
		free(r->list);
		free(r->kept);
		r->list = NULL;
		r->kept = NULL;
	} else if (!old) {
		read_kept(r);
	}
	for (uint32_t i = 0; r->list && old && was && i < old->model->n_peers; i++) {
		uint32_t k = was[i].heard ? enrolments_owner(r->enrolments, g, &old->model->peers[i].key) : NONE;
		if (k == NONE || k == g->self)
			continue;
		r->list[k] = was[i];
		r->kept[k] = kept[i];
	}
	/* The file names peers by their marks, which a revision may change. */
	r->due |= old != NULL;
	free(was);
	free(kept);
}

void readers_take(struct readers *r, uint32_t peer, uint32_t reads)
{
	struct reader *p = r->list ? &r->list[peer] : NULL;
	const int64_t now = clock_unix();

	if (!p)
		return;
	if (p->reads != reads)
		conditions_touch(r->conditions);
	r->due |= p->reads != reads || now < r->kept[peer] || now - r->kept[peer] >= KEEP_SECONDS;
	r->changed = true;
	*p = (struct reader){.heard = now, .reads = reads};
}

static int write_all(struct readers *r, struct diags *d)
{
	const struct model *m = served_now(r->served)->model;
	struct kept_reader *out = calloc(m->n_peers ? m->n_peers : 1, sizeof(*out));
	size_t n = 0;
	int ret;

	for (uint32_t i = 0; out && i < m->n_peers; i++)
		if (r->list[i].heard)
			out[n++] = (struct kept_reader){.mark = m->peers[i].key, .reader = r->list[i]};
	ret = out ? published_write_readers(served_folder(r->served), out, n, d) : diags_out_of_memory(d);
	for (uint32_t i = 0; ret == 0 && i < m->n_peers; i++)
		r->kept[i] = r->list[i].heard;
	free(out);
	return ret;
}

void readers_keep(struct readers *r, bool at_once)
{
	const int64_t now = clock_boot_ms();
	struct diags d = {0};

	if (!r || !r->list || !served_now(r->served) || !(at_once ? r->due || r->changed : r->due) ||
	    (!at_once && r->written && now - r->written < KEEP_MS))
		return;
	r->written = now;
	if (write_all(r, &d) == 0) {
		r->due = r->changed = r->failed = false;
	} else if (!r->failed) {
		r->failed = true;
		log_diags("readers", &d);
	}
	diags_free(&d);
}

const struct reader *readers_list(const struct readers *r)
{
	return r->list;
}

uint32_t readers_need(const struct readers *r, uint32_t peer)
{
	const struct snapshot *s = served_now(r->served)->snapshot;

	return s->view_of_peer[peer] == NONE ? 0 : s->views[s->view_of_peer[peer]].format;
}

bool readers_can(const struct readers *r, uint32_t peer)
{
	const struct reader *p = r->list ? &r->list[peer] : NULL;

	return !p || !p->heard || p->reads >= readers_need(r, peer);
}
