#include "reconcile/wire/hint.h"

#include <stdlib.h>
#include <string.h>

bool hint_eq(const struct hint *a, const struct hint *b)
{
	if (!key_eq(&a->key, &b->key) || !sockpoint_eq(&a->seen, &b->seen) || a->n_at != b->n_at)
		return false;
	for (unsigned i = 0; i < a->n_at; i++) {
		if (!sockpoint_eq(&a->at[i], &b->at[i]))
			return false;
	}
	return true;
}

int hint_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct hint *)a)->key, &((const struct hint *)b)->key);
}

const struct hint *hint_find(const struct hint *hints, size_t n, const struct key *key)
{
	const struct hint want = {.key = *key};

	return n ? bsearch(&want, hints, n, sizeof(want), hint_cmp) : NULL;
}

struct sockpoint hint_first(const struct hint *h)
{
	return h->seen.port || !h->n_at ? h->seen : h->at[0];
}

struct hint *hints_copy(const struct hint *hints, size_t n)
{
	struct sockpoint *at;
	struct hint *copy;
	size_t n_at = 0;

	for (size_t i = 0; i < n; i++)
		n_at += hints[i].n_at;
	copy = malloc((n + 1) * sizeof(*copy) + n_at * sizeof(*at));
	at = copy ? (struct sockpoint *)(copy + n + 1) : NULL;
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = hints[i];
		copy[i].at = at;
		if (hints[i].n_at)
			memcpy(at, hints[i].at, hints[i].n_at * sizeof(*at));
		at += hints[i].n_at;
	}
	return copy;
}

static bool has_base(const struct addr *a, const char *text)
{
	struct prefix p;

	return prefix_parse(text, strlen(text), &p) == PREFIX_OK && prefix_has(&p, a);
}

bool hint_usable(const struct prefix *root, unsigned n_root, const struct sockpoint *at)
{
	static const char *const never[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
					    "::/127",    "fe80::/10",   "ff00::/8"};

	if (!at->port || at->scope)
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

void hint_say(struct buf *out, const struct hint *h)
{
	if (h->seen.port) {
		buf_str(out, "seen at ");
		buf_sockpoints(out, &h->seen, 1);
	}
	for (unsigned i = 0; i < h->n_at; i++) {
		buf_str(out, i || h->seen.port ? ", " : "");
		buf_str(out, i ? "" : "reported ");
		buf_sockpoints(out, &h->at[i], 1);
	}
}

void hint_write(struct buf *out, const struct hint *h)
{
	buf_str(out, "hint ");
	buf_key(out, &h->key);
	buf_char(out, ' ');
	if (h->seen.port)
		buf_sockpoints(out, &h->seen, 1);
	else
		buf_char(out, '-');
	if (h->n_at)
		buf_char(out, ' ');
	buf_sockpoints(out, h->at, h->n_at);
	buf_char(out, '\n');
}

bool hint_read(struct text *t, struct hint *out, struct sockpoint at[static CANDIDATES_MAX])
{
	*out = (struct hint){.at = at};
	if (t->n != 3 && t->n != 4)
		return text_fail(t, "a line with too few or too many words");
	if (!text_key(t, 1, &out->key) || (!span_is(t->field[2], "-") && !text_sockpoint(t, 2, &out->seen)))
		return false;
	return t->n == 3 || text_sockpoints(t, 3, at, CANDIDATES_MAX, &out->n_at);
}
