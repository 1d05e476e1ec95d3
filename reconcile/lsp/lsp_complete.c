/* Completions: keys by their table, names of peers and CIDRs, free addresses. */
#include "reconcile/lsp/lsp_answer.h"
#include "reconcile/lsp/lsp_context.h"
#include "reconcile/text/json_value.h"
#include "schema/model.h"

#include <stdio.h>
#include <string.h>

/* CompletionItemKind of the protocol. */
enum { KIND_PROPERTY = 10, KIND_VALUE = 12, KIND_REFERENCE = 18 };

struct completion {
	const struct lsp_question *q;
	struct span text;
	struct lsp_context at;
	json_t *items;
	const char *noun;  /* of the names that are being added */
	bool failed, more; /* more: there are others, which a longer word brings */
};

static bool begins(const struct completion *c, const char *word, size_t n)
{
	size_t typed = c->at.to - c->at.from;

	return typed <= n && memcmp(word, c->text.p + c->at.from, typed) == 0;
}

/* A word that stands in the place of what has been typed. Words that do not begin so are left out. */
static void add(struct completion *c, struct span word, int kind, const char *detail, const char *after)
{
	struct buf b = {0};
	json_t *edit;

	if (c->failed || !begins(c, (const char *)word.p, word.n))
		return;
	if (json_array_size(c->items) >= LSP_COMPLETIONS_MAX) {
		c->more = true;
		return;
	}
	buf_printf(&b, "%.*s%s", (int)word.n, (const char *)word.p, after);
	edit = json_pack("{s:o, s:o}", "range", lsp_range(c->text, c->at.from, c->at.to, c->q->client->units),
			 "newText", value_text(buf_span(&b)));
	c->failed |= b.failed || !value_append(c->items, json_pack("{s:o, s:i, s:s, s:o}", "label", value_text(word),
								   "kind", kind, "detail", detail, "textEdit", edit));
	buf_free(&b);
}

static void add_keys(struct completion *c)
{
	size_t n;
	const struct key_spec *keys = keys_of(c->at.place, &n);

	for (size_t i = 0; i < n; i++) {
		bool section = keys[i].type == TYPE_MAP || keys[i].type == TYPE_NAMED || keys[i].type == TYPE_LIST ||
			       keys[i].type == TYPE_PAIRS;
		add(c, span_str(keys[i].name), KIND_PROPERTY, keys[i].help, section ? ":" : ": ");
	}
}

static bool add_name(void *ctx, struct span name)
{
	struct completion *c = ctx;

	add(c, name, KIND_REFERENCE, c->noun, "");
	return !c->failed && !c->more;
}

static void add_peers(struct completion *c, const struct model *m)
{
	char ip[ADDR_STR_LEN], detail[ADDR_STR_LEN + NAME_MAX_LEN + 32];

	for (uint32_t i = 0; m && i < m->n_peers && !c->more; i++) {
		const struct peer *p = &m->peers[m->peers_by_name[i]];
		addr_format(&p->ip[0], ip);
		snprintf(detail, sizeof(detail), "peer %s in %s", ip, m->cidrs[p->cidr].name);
		add(c, span_str(p->name), KIND_REFERENCE, detail, "");
	}
	c->noun = "peer";
	if (!m)
		lsp_context_names(c->text, "peers", add_name, c);
}

static void add_cidrs(struct completion *c, const struct model *m)
{
	char prefix[PREFIX_STR_LEN], detail[PREFIX_STR_LEN + 16];

	for (uint32_t i = 0; m && i < m->n_cidrs && !c->more; i++) {
		const struct cidr *x = &m->cidrs[m->cidrs_by_name[i]];
		prefix_format(&x->prefix[0], prefix);
		snprintf(detail, sizeof(detail), "CIDR %s", prefix);
		add(c, span_str(x->name), KIND_REFERENCE, detail, "");
	}
	c->noun = "CIDR";
	if (!m)
		lsp_context_names(c->text, "cidrs", add_name, c);
}

/* The next free address of each CIDR: which of them the ledger remembers is known to `add-peer` alone. */
static void add_addresses(struct completion *c, const struct model *m)
{
	char ip[ADDR_STR_LEN], detail[NAME_MAX_LEN + 64];
	struct addr a;

	for (uint32_t i = 0; m && i < m->n_cidrs && !c->more && i < LSP_COMPLETIONS_MAX; i++)
		for (int family = 0; family < 2; family++) {
			if (model_next_free(m, i, family, &a))
				continue;
			addr_format(&a, ip);
			snprintf(detail, sizeof(detail), "no peer of %s has it", m->cidrs[i].name);
			add(c, span_str(ip), KIND_VALUE, detail, "");
		}
}

static void add_values(struct completion *c, const struct model *m)
{
	const struct key_spec *k = c->at.key;

	if (k->type == TYPE_BOOL) {
		add(c, SPAN("true"), KIND_VALUE, k->help, "");
		add(c, SPAN("false"), KIND_VALUE, k->help, "");
	} else if (k->type == TYPE_PAIRS) {
		add_cidrs(c, m);
	} else if (k->type == TYPE_REFS) {
		add_cidrs(c, m);
		add_peers(c, m);
	} else if (k->names_peer) {
		add_peers(c, m);
	} else if (k->type == TYPE_ADDRESSES) {
		add_addresses(c, m);
	} else if (k->preset) {
		add(c, span_str(k->preset), KIND_VALUE, "what holds when the key is left out", "");
	}
}

json_t *lsp_complete(const struct lsp_question *q)
{
	struct completion c = {.q = q, .text = {(const uint8_t *)q->document->text, q->document->n}};
	uint32_t file;
	const struct lsp_definition *def = lsp_definition_of(q->definitions, q->document, &file);

	if (!def)
		return json_null();
	lsp_context_at(c.text, q->offset, false, &c.at);
	c.items = json_array();
	c.failed = !c.items;
	if (!c.failed && c.at.at == LSP_AT_KEY)
		add_keys(&c);
	else if (!c.failed && c.at.at == LSP_AT_VALUE)
		add_values(&c, lsp_model_of(def));
	if (c.failed) {
		json_decref(c.items);
		return NULL;
	}
	return json_pack("{s:b, s:o}", "isIncomplete", c.more, "items", c.items);
}
