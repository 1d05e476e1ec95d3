#include "reconcile/edge/state/freshness.h"
#include "reconcile/edge/base/loop.h"

#include <stdlib.h>

struct freshness {
	const struct server_config *config;
	struct buf bytes; /* the text, and after it the signatures */
	size_t text_len;
	size_t ends[SIGNERS_MAX]; /* of each signature in it */
	unsigned n;
	int64_t issued;
	struct hash of; /* the statement */
};

struct freshness *freshness_new(const struct server_config *c)
{
	struct freshness *f = calloc(1, sizeof(*f));

	if (f)
		f->config = c;
	return f;
}

void freshness_free(struct freshness *f)
{
	if (f)
		buf_free(&f->bytes);
	free(f);
}

static int make(struct freshness *f, const struct revision *g)
{
	const struct trust *t = &g->parsed.trust;
	const int64_t now = clock_unix();
	const struct fresh fresh = {.statement = g->parsed.name, .issued = now, .until = now + FRESH_SECONDS};

	buf_reset(&f->bytes);
	f->n = 0;
	fresh_write(&f->bytes, &fresh);
	f->text_len = f->bytes.n;
	f->issued = now;
	f->of = fresh.statement;
	for (unsigned i = 0; i < f->config->n_seeds; i++) {
		bool online = false;
		for (unsigned k = 0; k < t->n_online; k++)
			online |= key_eq(&f->config->signers[i], &t->online[k]);
		struct signature sig;
		const struct span text = {(const uint8_t *)f->bytes.p, f->text_len};
		if (!online || f->bytes.failed || signature_make("fresh", &t->id, text, f->config->seeds[i], &sig))
			continue;
		signature_write(&f->bytes, &sig);
		f->ends[f->n++] = f->bytes.n;
	}
	return f->bytes.failed ? -1 : 0;
}

int freshness_get(struct freshness *f, const struct revision *g, struct arena *a, struct signed_text *out,
		  int64_t *issued)
{
	const int64_t now = clock_unix();
	const bool good =
	    f->bytes.n && now >= f->issued && now - f->issued < FRESH_SECONDS / 4 && !hash_cmp(&f->of, &g->parsed.name);

	*out = (struct signed_text){0};
	if (!good && make(f, g) < 0)
		return -1;
	*issued = f->issued;
	if (!f->n)
		return 0;
	out->text = arena_span(a, (struct span){(const uint8_t *)f->bytes.p, f->text_len});
	out->signatures = arena_array(a, f->n, sizeof(*out->signatures));
	if (!out->text.p || !out->signatures)
		return -1;
	size_t start = f->text_len;
	for (unsigned i = 0; i < f->n; i++) {
		out->signatures[i] =
		    arena_span(a, (struct span){(const uint8_t *)f->bytes.p + start, f->ends[i] - start});
		if (!out->signatures[i].p)
			return -1;
		start = f->ends[i];
	}
	out->n_signatures = (uint8_t)f->n;
	return 0;
}

/* One from the future is due too: the clock was set back, and what the peer has may last for years. */
bool freshness_is_due(int64_t issued)
{
	const int64_t age = clock_unix() - issued;

	return age < 0 || age > FRESH_SECONDS / 2;
}
