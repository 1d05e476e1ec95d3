#include "reconcile/plan/hints.h"

#include "reconcile/text/text.h"
#include <string.h>

void hints_write(struct buf *out, const struct hints *h)
{
	size_t n = 0;

	buf_str(out, "innernet-hints 1\n");
	for (size_t i = 0; i < h->n_hints && i < HINTS_KEPT_MAX; i++)
		hint_write(out, &h->hints[i]);
	for (size_t i = 0; i < h->n_resolved && n < RESOLVE_MAX; i++) {
		const struct sockpoint *at = &h->resolved[i].at;

		if (!at->port || at->scope)
			continue;
		buf_str(out, "resolved ");
		buf_str(out, h->resolved[i].endpoint);
		buf_char(out, ' ');
		buf_sockpoints(out, at, 1);
		buf_char(out, '\n');
		n++;
	}
	buf_str(out, "end\n");
}

struct reader {
	struct text t;
	struct arena *arena;
	struct hint *hints; /* NULL: counting */
	struct resolved *resolved;
	struct sockpoint *at; /* of all hints */
	size_t n_hints, n_resolved, n_at;
	bool failed; /* out of memory */
};

static bool room(struct reader *r, size_t n, size_t max)
{
	return n < max || text_fail(&r->t, "too many lines of this kind");
}

static bool read_hint(struct reader *r, struct key *last)
{
	struct sockpoint at[CANDIDATES_MAX];
	struct hint h;

	if (!room(r, r->n_hints, HINTS_KEPT_MAX) || !hint_read(&r->t, &h, at))
		return false;
	if (!h.seen.port && !h.n_at)
		return text_fail(&r->t, "a hint without an endpoint");
	if (r->n_hints && key_cmp(last, &h.key) >= 0)
		return text_fail(&r->t, "hints that are not in the order of their keys");
	*last = h.key;
	if (r->hints) {
		h.at = &r->at[r->n_at];
		if (h.n_at)
			memcpy(&r->at[r->n_at], at, h.n_at * sizeof(*at));
		r->hints[r->n_hints] = h;
	}
	r->n_hints++;
	r->n_at += h.n_at;
	return true;
}

static bool read_resolved(struct reader *r)
{
	const struct span *s = &r->t.field[1];
	struct resolved v;
	const char *same;

	if (!room(r, r->n_resolved, RESOLVE_MAX))
		return false;
	if (r->t.n != 3)
		return text_fail(&r->t, "a line with too few or too many words");
	if (!text_sockpoint(&r->t, 2, &v.at))
		return false;
	if (r->resolved) {
		v.endpoint = arena_strndup(r->arena, (const char *)s->p, s->n);
		same = v.endpoint ? endpoint_canonical(r->arena, v.endpoint, s->n) : NULL;
		r->failed = r->failed || !v.endpoint;
		if (!same || strcmp(same, v.endpoint) != 0)
			return text_fail(&r->t, "not a host and a port");
		r->resolved[r->n_resolved] = v;
	}
	r->n_resolved++;
	return true;
}

static bool read_all(struct reader *r, struct span bytes)
{
	struct key last;

	r->n_hints = r->n_resolved = r->n_at = 0;
	if (!text_open(&r->t, bytes, "innernet-hints"))
		return false;
	while (text_take(&r->t, "hint")) {
		if (!read_hint(r, &last))
			return false;
	}
	while (text_take(&r->t, "resolved")) {
		if (!read_resolved(r))
			return false;
	}
	return text_need(&r->t, "end", 1) && text_end(&r->t);
}

int hints_parse(struct arena *a, struct span bytes, struct hints *out, struct diags *d)
{
	struct reader r = {.arena = a};

	*out = (struct hints){0};
	if (read_all(&r, bytes)) {
		r.hints = arena_array(a, r.n_hints + 1, sizeof(*r.hints));
		r.resolved = arena_array(a, r.n_resolved + 1, sizeof(*r.resolved));
		r.at = arena_array(a, r.n_at + 1, sizeof(*r.at));
		r.failed = !r.hints || !r.resolved || !r.at;
		if (!r.failed && read_all(&r, bytes)) {
			*out = (struct hints){r.hints, r.resolved, r.n_hints, r.n_resolved};
			return 0;
		}
	}
	if (!r.failed)
		return text_report(&r.t, d, "bad-hints", "the file of hints");
	return diags_out_of_memory(d);
}
