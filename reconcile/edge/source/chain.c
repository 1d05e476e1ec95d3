#include "reconcile/edge/source/chain.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/ledger_record.h"

#include <stdlib.h>
#include <string.h>

struct chain {
	struct served *served;
	const struct enrolments *enrolments;
	const struct server_config *config;
	size_t seen; /* statements on the ledger, when the last of them were taken */
};

struct chain *chain_new(struct served *s, const struct enrolments *e, const struct server_config *config)
{
	struct chain *c = calloc(1, sizeof(*c));

	if (c)
		*c = (struct chain){.served = s, .enrolments = e, .config = config};
	return c;
}

void chain_free(struct chain *c)
{
	free(c);
}

/* One statement, with all the signatures that are known of it. */
struct link {
	struct signed_text text;
	struct statement parsed;
};

static int link_cmp(const void *x, const void *y)
{
	return version_cmp(&((const struct link *)x)->parsed.version, &((const struct link *)y)->parsed.version);
}

/* Is it what its commit compiles to, and does what is published come after that? */
static bool is_true(const struct chain *c, struct repo *repo, const struct statement *st)
{
	const char *newest = served_now(c->served)->commit.sha;
	struct revision *g = NULL;
	struct diags quiet = {0};
	struct commit_info unused;
	bool descends = false, yes;

	if (repo_has_commit(repo, st->commit) &&
	    repo_commit_info(repo, newest, st->commit, &unused, &descends, &quiet) == 0 && descends)
		g = revision_load(repo, st->commit, &quiet);
	yes = g && !hash_cmp(&g->parsed.name, &st->name);
	revision_free(g);
	diags_free(&quiet);
	return yes;
}

static bool has_signature(const struct signed_text *s, struct span signature)
{
	for (unsigned i = 0; i < s->n_signatures; i++)
		if (span_eq(s->signatures[i], signature))
			return true;
	return false;
}

/*
 * Adds the signatures of `from` that `to` lacks, by keys that may sign it: its own signers, and those before it (NULL:
 * none).
 */
static int signatures_merge(struct arena *a, struct signed_text *to, const struct signed_text *from,
			    const struct trust *own, const struct trust *before)
{
	struct span *list = arena_array(a, 2 * SIGNERS_MAX, sizeof(*list));

	if (!list)
		return -1;
	if (to->n_signatures)
		memcpy(list, to->signatures, to->n_signatures * sizeof(*list));
	to->signatures = list;
	for (unsigned i = 0; i < from->n_signatures && to->n_signatures < 2 * SIGNERS_MAX; i++) {
		struct diags quiet = {0};
		struct signature sig;
		bool good = signature_parse(from->signatures[i], &sig, &quiet) == 0 &&
			    (trust_has_signer(own, &sig.by) || (before && trust_has_signer(before, &sig.by))) &&
			    sign_check("statement", &own->id, from->text, &sig.by, sig.sig);
		diags_free(&quiet);
		if (good && !has_signature(to, from->signatures[i]))
			to->signatures[to->n_signatures++] = from->signatures[i];
	}
	return 0;
}

/* This server's own chain and the true statements of the ledger, each once, oldest first; signatures not merged yet. */
static struct link *links_gather(const struct chain *c, struct repo *repo, struct arena *a, size_t *n)
{
	const struct published *p = served_record(c->served);
	size_t n_recorded;
	const struct ledger_statement *recorded = ledger_statements(enrolments_ledger(c->enrolments), &n_recorded);
	struct link *links = arena_array(a, p->n_chain + n_recorded + 1, sizeof(*links));

	*n = 0;
	for (size_t i = 0; links && i < p->n_chain; i++) {
		struct diags quiet = {0};
		struct link *l = &links[*n];
		*l = (struct link){.text = p->chain[i]};
		*n += statement_parse(l->text.text, &l->parsed, &quiet) == 0;
		diags_free(&quiet);
	}
	for (size_t i = 0; links && i < n_recorded; i++) {
		bool known = false;
		for (size_t k = 0; k < *n && !known; k++)
			known = !hash_cmp(&links[k].parsed.name, &recorded[i].parsed.name);
		if (known || version_cmp(&recorded[i].parsed.version, &p->parsed.version) > 0 ||
		    !is_true(c, repo, &recorded[i].parsed))
			continue;
		links[*n] = (struct link){.text = {.text = recorded[i].text.text}, .parsed = recorded[i].parsed};
		(*n)++;
	}
	if (links && *n)
		qsort(links, *n, sizeof(*links), link_cmp);
	return links;
}

/*
 * Keeps what is a chain: the first, and each that changes the signers and is signed by enough of both. 0: it does not
 * lead to the signers of now.
 */
static size_t links_follow(const struct chain *c, struct arena *a, const struct link *links, size_t n,
			   struct signed_text *out)
{
	size_t n_recorded, kept = 0;
	const struct ledger_statement *recorded = ledger_statements(enrolments_ledger(c->enrolments), &n_recorded);
	const struct trust *before = NULL;

	for (size_t i = 0; i < n; i++) {
		struct signed_text s = links[i].text;
		const struct trust *own = &links[i].parsed.trust;
		if (before && trust_same_signers(before, own))
			continue;
		for (size_t k = 0; k < n_recorded; k++)
			if (!hash_cmp(&recorded[k].parsed.name, &links[i].parsed.name) &&
			    signatures_merge(a, &s, &recorded[k].text, own, before) < 0)
				return 0;
		if (!trust_is_signed(own, &own->id, &s) || (before && !trust_is_signed(before, &before->id, &s)))
			continue;
		out[kept++] = s;
		before = own;
	}
	return before && trust_same_signers(before, &served_record(c->served)->parsed.trust) ? kept : 0;
}

static bool same_chain(const struct published *p, const struct signed_text *chain, size_t n)
{
	bool same = p->n_chain == n;

	for (size_t i = 0; same && i < n; i++)
		same = span_eq(p->chain[i].text, chain[i].text) && p->chain[i].n_signatures == chain[i].n_signatures;
	return same;
}

void chain_import(struct chain *c, struct repo *repo)
{
	struct arena *a = arena_new();
	struct signed_text *chain = NULL;
	struct diags d = {0};
	struct link *links = NULL;
	size_t n = 0, kept = 0, n_recorded;

	ledger_statements(enrolments_ledger(c->enrolments), &n_recorded);
	if (a && served_now(c->served) && repo && n_recorded != c->seen) {
		links = links_gather(c, repo, a, &n);
		chain = arena_array(a, n + 1, sizeof(*chain));
		kept = links && chain ? links_follow(c, a, links, n, chain) : 0;
		/* This server's own chain stays unless the recorded statements make a valid one. */
		if (kept && !same_chain(served_record(c->served), chain, kept) &&
		    served_write_chain(c->served, chain, kept, &d) < 0)
			log_diags("published", &d);
		else
			c->seen = n_recorded;
	}
	diags_free(&d);
	arena_free(a);
}

int chain_records(const struct chain *c, struct arena *a, const struct span **out, size_t *n)
{
	const struct published *p = served_record(c->served);
	struct span *list = arena_array(a, p->n_chain + 1, sizeof(*list));

	*out = list;
	*n = 0;
	for (size_t i = 0; list && i < p->n_chain; i++) {
		struct signed_text own = {.text = p->chain[i].text};
		struct buf text = {0};
		if (!(own.signatures = arena_array(a, 2 * SIGNERS_MAX, sizeof(*own.signatures))))
			return -1;
		for (unsigned k = 0; k < p->chain[i].n_signatures; k++) {
			struct diags quiet = {0};
			struct signature sig;
			bool ours = false;
			if (signature_parse(p->chain[i].signatures[k], &sig, &quiet) == 0)
				for (unsigned s = 0; s < c->config->n_seeds; s++)
					ours |= key_eq(&c->config->signers[s], &sig.by);
			diags_free(&quiet);
			if (ours)
				own.signatures[own.n_signatures++] = p->chain[i].signatures[k];
		}
		if (!own.n_signatures)
			continue;
		ledger_statement_write(&text, &own);
		if (!text.failed)
			list[*n] = arena_span(a, buf_span(&text));
		const bool failed = text.failed || !list[*n].p;
		buf_free(&text);
		if (failed)
			return -1;
		(*n)++;
	}
	return list ? 0 : -1;
}
