#include "reconcile/wire/verify_enrolments.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
	struct enrolment e;
	struct span record;
	struct view_peer *peer;
	uint32_t nth; /* held ones come first */
	bool held, taken;
};

/* A key that a peer has, or would have: candidates after all other claims, in their order. */
struct claim {
	struct key key;
	struct candidate *candidate; /* NULL: it is in the definition */
};

struct invited {
	struct key invite;
	struct view_peer *peer;
};

static int invited_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct invited *)a)->invite, &((const struct invited *)b)->invite);
}

static int candidate_cmp(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = key_cmp(&x->e.invite, &y->e.invite);

	return c ? c : (x->nth > y->nth) - (x->nth < y->nth);
}

static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = key_cmp(&x->key, &y->key);

	if (c || !x->candidate || !y->candidate)
		return c ? c : (x->candidate != NULL) - (y->candidate != NULL);
	return (x->candidate->nth > y->candidate->nth) - (x->candidate->nth < y->candidate->nth);
}

/* The peers that wait for their key, by invite. */
static struct invited *find_invited(struct arena *a, struct view *view, size_t *n)
{
	struct invited *out = arena_array(a, view->n_peers, sizeof(*out));

	*n = 0;
	if (!out)
		return NULL;
	for (uint32_t i = 0; i < view->n_peers; i++)
		if (view->peers[i].pending)
			out[(*n)++] = (struct invited){view->peers[i].invite, &view->peers[i]};
	if (*n)
		qsort(out, *n, sizeof(*out), invited_cmp);
	return out;
}

/* Those of a bundle whose invite stands in the view. The rest does not concern this peer, or not any more. */
static int add_candidates(const struct bundle *b, bool held, const struct key *id, const struct invited *invited,
			  size_t n_invited, struct candidate *out, uint32_t *n, struct diags *d)
{
	for (uint32_t i = 0; i < b->n_enrolments; i++) {
		struct candidate *c = &out[*n];
		const struct invited *invited_as;

		*c = (struct candidate){.record = b->enrolments[i], .nth = *n, .held = held};
		if (enrolment_parse(c->record, &c->e, d) < 0)
			return -1;
		invited_as = n_invited ? bsearch(&(struct invited){.invite = c->e.invite}, invited, n_invited,
						 sizeof(*invited), invited_cmp)
				       : NULL;
		if (!invited_as)
			continue;
		if (!held && enrolment_check(&c->e, id, d) < 0)
			return -1;
		c->peer = invited_as->peer;
		(*n)++;
	}
	return 0;
}

static void warn_second(struct diags *d, const char *name)
{
	diag_warning(d, "enrolment-second", NULL,
		     "there are two enrolments with different keys for the invite of '%s'; the first one stays", name);
}

/* One an invite: the first. Another one with another key is an alarm. */
static void drop_seconds(struct candidate *c, uint32_t n, struct diags *d)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct candidate *first = i ? &c[i - 1] : NULL;

		c[i].taken = !first || first->peer != c[i].peer;
		if (!c[i].taken && !key_eq(&first->e.key, &c[i].e.key))
			warn_second(d, c[i].peer->name);
	}
}

/* Takes back those whose key is known already: in the definition, an open invite's, or enrolled before. */
static int drop_known_keys(struct arena *a, const struct view *view, struct candidate *c, uint32_t n, bool any_new,
			   struct diags *d)
{
	struct claim *claims = arena_array(a, (size_t)view->n_peers + n, sizeof(*claims));
	size_t n_claims = 0;

	if (!claims)
		return -1;
	for (uint32_t i = 0; i < view->n_peers; i++) {
		struct key key = view->peers[i].key;

		/* An invite's temporary key costs a conversion: only where a new key could be the same. */
		if (view->peers[i].pending && (!any_new || ed25519_to_x25519(&view->peers[i].invite, &key) < 0))
			continue;
		claims[n_claims++] = (struct claim){.key = key};
	}
	for (uint32_t i = 0; i < n; i++)
		if (c[i].taken)
			claims[n_claims++] = (struct claim){c[i].e.key, &c[i]};
	qsort(claims, n_claims, sizeof(*claims), claim_cmp);
	for (size_t i = 1; i < n_claims; i++) {
		if (!claims[i].candidate || !key_eq(&claims[i - 1].key, &claims[i].key))
			continue;
		claims[i].candidate->taken = false;
		diag_warning(d, "enrolment-key-known", NULL,
			     "the enrolment of '%s' is not taken: another peer has its key already",
			     claims[i].candidate->peer->name);
	}
	return 0;
}

int verify_enrolments(struct arena *a, struct view *view, const struct key *id, const struct bundle *held,
		      const struct bundle *b, struct bundle *merged, struct diags *d)
{
	size_t most = (size_t)(held ? held->n_enrolments : 0) + b->n_enrolments, n_invited;
	struct invited *invited = find_invited(a, view, &n_invited);
	struct candidate *c = arena_array(a, most, sizeof(*c));
	uint32_t n = 0, n_held = 0;

	merged->enrolments = arena_array(a, most, sizeof(*merged->enrolments));
	if (!invited || (most && (!c || !merged->enrolments)))
		goto oom;
	if (held && add_candidates(held, true, id, invited, n_invited, c, &n, d) < 0)
		return -1;
	n_held = n;
	if (add_candidates(b, false, id, invited, n_invited, c, &n, d) < 0)
		return -1;
	if (n == 0)
		return 0;
	qsort(c, n, sizeof(*c), candidate_cmp);
	drop_seconds(c, n, d);
	if (drop_known_keys(a, view, c, n, n > n_held, d) < 0)
		goto oom;
	for (uint32_t i = 0; i < n; i++) {
		if (!c[i].taken)
			continue;
		c[i].peer->key = c[i].e.key;
		c[i].peer->pending = false;
		merged->enrolments[merged->n_enrolments++] = c[i].record;
	}
	return 0;
oom:
	return diags_out_of_memory(d);
}

bool verify_has_news(struct arena *a, const struct bundle *b, const struct view *held_view, struct diags *d)
{
	struct invited *all = arena_array(a, held_view->n_peers, sizeof(*all));
	const char *second = NULL;
	struct diags unheard = {0};
	struct enrolment e;
	bool news = !all;
	size_t n = 0;

	for (uint32_t i = 0; i < held_view->n_peers && !news; i++)
		if (!key_is_zero(&held_view->peers[i].invite))
			all[n++] = (struct invited){held_view->peers[i].invite, &held_view->peers[i]};
	if (n)
		qsort(all, n, sizeof(*all), invited_cmp);
	for (uint32_t i = 0; i < b->n_enrolments && !news; i++) {
		const struct invited *invited_as = NULL;

		/*
		 * One that cannot be read counts as news: verify_enrolments() then reports what is wrong with it.
		 */
		news = enrolment_parse(b->enrolments[i], &e, &unheard) < 0;
		if (!news && n)
			invited_as = bsearch(&(struct invited){.invite = e.invite}, all, n, sizeof(*all), invited_cmp);
		if (invited_as && invited_as->peer->pending)
			news = true;
		else if (invited_as && !key_eq(&invited_as->peer->key, &e.key))
			second = invited_as->peer->name;
	}
	if (!news && second)
		warn_second(d, second);
	diags_free(&unheard);
	return news;
}
