#include "reconcile/hints.h"

#include "reconcile/text.h"
#include <string.h>

static bool keepable(const struct sockpoint *at)
{
	return at->port && !at->scope;
}

static void write_at(struct buf *out, const struct sockpoint *at)
{
	char text[SOCKPOINT_STR_LEN];

	sockpoint_format(at, text);
	buf_char(out, ' ');
	buf_str(out, text);
	buf_char(out, '\n');
}

void hints_write(struct buf *out, const struct hints *h)
{
	size_t n = 0;

	buf_str(out, "innernet-hints 1\n");
	for (size_t i = 0; i < h->n_hints && n < HINTS_KEPT_MAX; i++) {
		if (!keepable(&h->hints[i].at))
			continue;
		buf_str(out, "hint ");
		buf_key(out, &h->hints[i].key);
		write_at(out, &h->hints[i].at);
		n++;
	}
	n = 0;
	for (size_t i = 0; i < h->n_resolved && n < RESOLVE_MAX; i++) {
		if (!keepable(&h->resolved[i].at))
			continue;
		buf_str(out, "resolved ");
		buf_str(out, h->resolved[i].endpoint);
		write_at(out, &h->resolved[i].at);
		n++;
	}
	buf_str(out, "end\n");
}

struct reader {
	struct text t;
	struct arena *arena;
	struct hint *hints; /* NULL: counting */
	struct resolved *resolved;
	size_t n_hints, n_resolved;
	bool failed; /* out of memory */
};

static bool room(struct reader *r, size_t n, size_t max)
{
	if (n == max)
		return text_fail(&r->t, "more lines of a kind than are ever kept");
	return r->t.n == 3 || text_fail(&r->t, "a line with too few or too many words");
}

static bool read_hint(struct reader *r, struct key *last)
{
	struct hint h;

	if (!room(r, r->n_hints, HINTS_KEPT_MAX) || !text_key(&r->t, 1, &h.key) || !text_sockpoint(&r->t, 2, &h.at))
		return false;
	if (r->n_hints && key_cmp(last, &h.key) >= 0)
		return text_fail(&r->t, "hints that are not in the order of their keys");
	*last = h.key;
	if (r->hints)
		r->hints[r->n_hints] = h;
	r->n_hints++;
	return true;
}

static bool read_resolved(struct reader *r)
{
	const struct span *s = &r->t.field[1];
	struct resolved v;
	const char *same;

	if (!room(r, r->n_resolved, RESOLVE_MAX) || !text_sockpoint(&r->t, 2, &v.at))
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

	r->n_hints = r->n_resolved = 0;
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
		r.failed = !r.hints || !r.resolved;
		if (!r.failed && read_all(&r, bytes)) {
			*out = (struct hints){r.hints, r.resolved, r.n_hints, r.n_resolved};
			return 0;
		}
	}
	if (!r.failed)
		return text_report(&r.t, d, "bad-hints", "what was kept of endpoints");
	d->out_of_memory = true;
	return -1;
}

static bool has_base(const struct addr *a, const char *text)
{
	struct prefix p;

	return prefix_parse(text, strlen(text), &p) == PREFIX_OK && prefix_has(&p, a);
}

bool hint_usable(const struct prefix *root, unsigned n_root, const struct sockpoint *at)
{
	static const char *const never[] = {"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3",
					    "::/127",    "fe80::/10",   "ff00::/8"};

	if (!keepable(at))
		return false;
	for (unsigned i = 0; i < n_root; i++) {
		if (prefix_has(&root[i], &at->ip))
			return false;
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (has_base(&at->ip, never[i]))
			return false;
	}
	return true;
}
