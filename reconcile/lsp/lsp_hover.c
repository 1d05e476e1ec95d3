/* Hovers: what a key means, what a name is and whom it reaches, and why two reach each other. */
#include "reconcile/lsp/lsp_answer.h"
#include "reconcile/lsp/lsp_context.h"
#include "reconcile/net/why.h"
#include "reconcile/text/json_value.h"
#include "reconcile/text/text.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 12 /* peers of one rule that a hover names */

/* A name between the marks of code, where the editor shows them. */
static void put_code(struct buf *out, const struct lsp_question *q, const char *text)
{
	const char *mark = q->client->markdown ? "`" : "'";

	buf_printf(out, "%s%s%s", mark, text, mark);
}

static void put_key(struct buf *out, const struct lsp_question *q, const struct key_spec *k)
{
	put_code(out, q, k->name);
	buf_printf(out, ": %s.\n\nIt takes %s", k->help, key_type_expects(k->type));
	if (k->type == TYPE_INT)
		buf_printf(out, " from %lld to %lld", (long long)k->min, (long long)k->max);
	if (k->preset)
		buf_printf(out, "; %s when left out", k->preset);
	buf_str(out, ".\n");
}

/* ---- peers ------------------------------------------------------------------------------------------------------- */

static void put_reached(struct buf *out, const struct model *m, const struct reach_index *x, uint32_t peer,
			enum reach_rule rule, const char *words)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		if (i == peer || m->peers[i].disabled || reach_peers(x, peer, i).rule != rule)
			continue;
		if (n < NAMED_MAX)
			buf_printf(out, "%s%s", n ? ", " : words, m->peers[i].name);
		n++;
	}
	if (n > NAMED_MAX)
		buf_printf(out, " and %u more", n - NAMED_MAX);
	if (n)
		buf_char(out, '\n');
}

static void put_peer(struct buf *out, const struct lsp_question *q, struct arena *a, const struct model *m, uint32_t i)
{
	const struct peer *p = &m->peers[i];
	const struct reach_index *x = reach_index_new(a, m);
	uint32_t n = 0;

	put_code(out, q, p->name);
	buf_str(out, ": peer ");
	buf_ips(out, p->ip, p->n_ips);
	buf_str(out, " in CIDR ");
	put_code(out, q, m->cidrs[p->cidr].name);
	buf_printf(out, "%s%s%s%s.\n\n", p->server ? ", a server" : "", p->admin ? ", an admin" : "",
		   p->is_invite ? ", invited" : "", p->disabled ? ", disabled" : "");
	out->failed |= !x;
	if (!x || p->disabled) {
		buf_str(out, "It reaches no peer.\n");
		return;
	}
	for (uint32_t k = 0; k < m->n_peers; k++)
		n += k != i && !m->peers[k].disabled && reach_peers(x, i, k).rule != REACH_NONE;
	buf_printf(out, "It reaches %u peer%s%s\n\n", n, n == 1 ? "" : "s", n ? ":" : ".");
	put_reached(out, m, x, i, REACH_INFRA, "- by the CIDR of a server: ");
	put_reached(out, m, x, i, REACH_SAME_CIDR, "- in the same CIDR: ");
	put_reached(out, m, x, i, REACH_ASSOCIATION, "- by an association: ");
}

/* ---- CIDRs ------------------------------------------------------------------------------------------------------- */

static void put_cidr(struct buf *out, const struct lsp_question *q, struct arena *a, const struct model *m, uint32_t i)
{
	const struct cidr *c = &m->cidrs[i];
	const struct reach_index *x = reach_index_new(a, m);
	const uint32_t *joined;
	uint32_t n = 0;

	put_code(out, q, c->name);
	buf_str(out, ": CIDR ");
	buf_prefixes(out, c->prefix, c->n_prefixes);
	if (c->parent != NONE) {
		buf_str(out, " in ");
		put_code(out, q, m->cidrs[c->parent].name);
	}
	buf_printf(out, ", %u peer%s%s%s.\n\n", c->n_peers, c->n_peers == 1 ? "" : "s", c->isolated ? ", isolated" : "",
		   c->infra ? ", of a server" : "");
	out->failed |= !x;
	joined = x ? reach_subtrees(x, i, &n) : NULL;
	for (uint32_t k = 0; k < n && k < NAMED_MAX; k++) {
		buf_str(out, k ? ", " : "Associations join it with ");
		put_code(out, q, m->cidrs[joined[k]].name);
	}
	if (n > NAMED_MAX)
		buf_printf(out, " and %u more", n - NAMED_MAX);
	buf_str(out, n ? ".\n" : "No association joins it with another one.\n");
	for (int family = 0; family < 2; family++) {
		struct addr free_one;
		char text[ADDR_STR_LEN];
		if (model_next_free(m, i, family, &free_one))
			continue;
		addr_format(&free_one, text);
		buf_printf(out, "\nThe lowest address that no peer has is %s.\n", text);
	}
}

/* ---- why --------------------------------------------------------------------------------------------------------- */

/* Whether the place, as the model has it, is around the byte of the question. */
static bool is_here(const struct lsp_question *q, const struct place *at, uint32_t file)
{
	size_t from, to;

	if (!at->line || at->file != file)
		return false;
	lsp_place_bytes((struct span){(const uint8_t *)q->document->text, q->document->n}, at, &from, &to);
	return from <= q->offset && q->offset < to + 1;
}

static bool put_why(struct buf *out, struct arena *a, const struct model *m, const char *one, const char *other)
{
	const struct reach_index *x = reach_index_new(a, m);
	struct why_end from, to;
	struct diags quiet = {0};
	struct why w;
	bool known;

	known = x && !why_find(m, one, &from, &quiet) && !why_find(m, other, &to, &quiet) &&
		!why_ask(a, x, m, &from, &to, &w, &quiet);
	out->failed |= !x || quiet.out_of_memory;
	diags_free(&quiet);
	if (!known)
		return false;
	why_put_answer(out, &w);
	for (unsigned i = 0; i < w.n_lines; i++)
		buf_printf(out, "\n- %s, at %s:%u\n", w.lines[i].text, m->files[w.lines[i].at.file],
			   w.lines[i].at.line);
	if (w.change)
		buf_printf(out, "\n%s%s%s\n", w.change, w.add ? ":\n" : "", w.add ? w.add : "");
	return true;
}

/* The name stands in an association, or is what a test is about: is its other end reached? */
static bool put_relation(struct buf *out, const struct lsp_question *q, struct arena *a, const struct model *m,
			 uint32_t file)
{
	for (uint32_t i = 0; i < m->n_associations; i++) {
		const struct association *s = &m->associations[i];
		if (is_here(q, &s->at_a, file) || is_here(q, &s->at_b, file))
			return put_why(out, a, m, m->cidrs[s->a].name, m->cidrs[s->b].name);
	}
	for (uint32_t i = 0; i < m->n_tests; i++) {
		const struct reach_test *t = &m->tests[i];
		for (uint32_t k = 0; t->n_from && k < t->n_can + t->n_cannot; k++) {
			const struct ref *r = k < t->n_can ? &t->can[k] : &t->cannot[k - t->n_can];
			if (is_here(q, &r->at, file))
				return put_why(out, a, m, t->from[0].text, r->text);
		}
	}
	return false;
}

/* ---- the answers ------------------------------------------------------------------------------------------------- */

static void put_name(struct buf *out, const struct lsp_question *q, struct arena *a, const struct model *m,
		     const char *name)
{
	uint32_t peer = m ? model_peer_by_name(m, name) : NONE, cidr = m ? model_cidr_by_name(m, name) : NONE;

	if (peer != NONE)
		put_peer(out, q, a, m, peer);
	else if (cidr != NONE)
		put_cidr(out, q, a, m, cidr);
}

static void put_hover(struct buf *out, const struct lsp_question *q, struct arena *a, const struct lsp_definition *def,
		      uint32_t file, const struct lsp_context *at)
{
	const struct key_spec *k = at->at == LSP_AT_KEY ? key_find(at->place, at->word) : NULL;
	const struct model *m = lsp_model_of(def);

	if (k) {
		put_key(out, q, k);
	} else if (at->at == LSP_AT_NAME) {
		put_name(out, q, a, m, at->word);
	} else if (at->at == LSP_AT_VALUE &&
		   (at->key->type == TYPE_PAIRS || at->key->type == TYPE_REFS || at->key->names_peer)) {
		put_name(out, q, a, m, at->word);
		if (out->n && def->now.model && !at->key->names_peer) {
			struct buf more = {0};
			if (put_relation(&more, q, a, def->now.model, file))
				buf_printf(out, "\n%s", more.p ? more.p : "");
			out->failed |= more.failed;
			buf_free(&more);
		}
	}
}

json_t *lsp_hover(const struct lsp_question *q)
{
	const struct span text = {(const uint8_t *)q->document->text, q->document->n};
	uint32_t file;
	const struct lsp_definition *def = lsp_definition_of(q->definitions, q->document, &file);
	struct arena *a = arena_new();
	struct lsp_context at;
	struct buf out = {0};
	json_t *result = NULL;

	out.failed |= !a;
	lsp_context_at(text, q->offset, true, &at);
	if (a && def && *at.word)
		put_hover(&out, q, a, def, file, &at);
	if (!out.failed && !out.n)
		result = json_null();
	else if (!out.failed)
		result = json_pack("{s:{s:s, s:o}, s:o}", "contents", "kind",
				   q->client->markdown ? "markdown" : "plaintext", "value", value_text(buf_span(&out)),
				   "range", lsp_range(text, at.from, at.to, q->client->units));
	buf_free(&out);
	arena_free(a);
	return result;
}

json_t *lsp_definition_place(const struct lsp_question *q)
{
	const struct span text = {(const uint8_t *)q->document->text, q->document->n};
	uint32_t file, peer, cidr;
	const struct lsp_definition *def = lsp_definition_of(q->definitions, q->document, &file);
	const struct model *m = def ? def->now.model : NULL;
	const struct place *at;
	struct lsp_context c;
	const struct lsp_document *open;
	size_t from, to;
	char *uri;
	json_t *result;

	lsp_context_at(text, q->offset, true, &c);
	peer = m && *c.word ? model_peer_by_name(m, c.word) : NONE;
	cidr = m && *c.word ? model_cidr_by_name(m, c.word) : NONE;
	at = peer != NONE ? &m->peers[peer].at : cidr != NONE ? &m->cidrs[cidr].at : NULL;
	if (c.at != LSP_AT_VALUE || !at || !at->line)
		return json_null();
	lsp_place_bytes(m->sources[at->file], at, &from, &to);
	open = lsp_document_at(q->documents, m->files[at->file]);
	uri = open ? NULL : lsp_path_uri(m->files[at->file]);
	result = !open && !uri ? NULL
			       : json_pack("{s:o, s:o}", "uri", value_text(span_str(open ? open->uri : uri)), "range",
					   lsp_range(m->sources[at->file], from, to, q->client->units));
	free(uri);
	return result;
}
