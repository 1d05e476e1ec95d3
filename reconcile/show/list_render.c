#include "reconcile/show/list_render.h"

#include "reconcile/text/json.h"
#include "reconcile/wire/object.h"
#include "reconcile/text/table.h"
#include "schema/attributes.h"
#include "schema/time.h"
#include "schema/utf8.h"

#include <string.h>

static void put_addresses(struct buf *out, const struct peer *p)
{
	char text[ADDR_STR_LEN];

	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], text);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
}

/* "2026-12-06 12:00:00Z": with a space, at which a narrow column is broken. */
static void put_time(struct buf *out, int64_t seconds)
{
	char text[TIME_STR_LEN];

	if (time_format(seconds, text))
		return;
	*strchr(text, 'T') = ' ';
	buf_str(out, text);
}

/* Separates what follows from the note before it, which starts at `start`. */
static void next_note(struct buf *out, size_t start)
{
	if (out->n > start)
		buf_str(out, ", ");
}

static const struct enrolment *enrolment_of(const struct ledger_facts *facts, const struct peer *p)
{
	return facts && p->is_invite ? ledger_enrolment(facts, &p->key) : NULL;
}

/* "invite, open until 2026-12-06 12:00:00Z" */
static void put_invite(struct buf *out, const struct peer *p, int64_t now)
{
	buf_printf(out, "invite, %s", !p->invite_expires || p->invite_expires > now ? "open" : "expired");
	if (p->invite_expires) {
		buf_str(out, p->invite_expires > now ? " until " : " ");
		put_time(out, p->invite_expires);
	}
}

static void put_notes(struct buf *out, const struct peer *p, const struct ledger_facts *facts, int64_t now)
{
	size_t start = out->n;

	if (p->server)
		buf_str(out, "server");
	if (p->admin) {
		next_note(out, start);
		buf_str(out, "admin");
	}
	if (p->disabled) {
		next_note(out, start);
		buf_str(out, "disabled");
	}
	if (p->is_invite) {
		next_note(out, start);
		if (enrolment_of(facts, p))
			buf_str(out, "redeemed");
		else
			put_invite(out, p, now);
	}
	if (p->via) {
		next_note(out, start);
		buf_printf(out, "via %s", p->via);
	}
	if (p->n_routes) {
		next_note(out, start);
		buf_str(out, "routes ");
	}
	for (uint32_t i = 0; i < p->n_routes; i++) {
		char text[PREFIX_STR_LEN];
		prefix_format(&p->routes[i], text);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
}

void peer_list_table(struct buf *out, const struct model *m, const struct ledger_facts *facts, int64_t now,
		     unsigned width)
{
	static const char *const titles[] = {"NAME", "CIDR", "ADDRESSES", "ENDPOINT", "NOTES"};
	struct table t = {.titles = titles, .n_columns = 5};

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		buf_str(&t.cells, p->name);
		table_cell_end(&t);
		buf_str(&t.cells, m->cidrs[p->cidr].name);
		table_cell_end(&t);
		put_addresses(&t.cells, p);
		table_cell_end(&t);
		buf_str(&t.cells, p->endpoint ? p->endpoint : "");
		table_cell_end(&t);
		put_notes(&t.cells, p, facts, now);
		table_cell_end(&t);
	}
	table_render(out, &t, width);
	table_free(&t);
}

void peer_list_short(struct buf *out, const struct model *m)
{
	for (uint32_t i = 0; i < m->n_peers; i++) {
		buf_printf(out, "%s ", m->peers[i].name);
		put_addresses(out, &m->peers[i]);
		buf_char(out, '\n');
	}
}

struct peer_tree {
	const struct model *m;
	const struct cidr_list *l;
	const struct ledger_facts *facts;
	int64_t now;
};

static void put_cidr(struct buf *out, uint32_t i, const void *ctx)
{
	cidr_row_line(out, &((const struct peer_tree *)ctx)->l->rows[i]);
}

static void put_peer(struct buf *out, uint32_t i, const void *ctx)
{
	const struct peer_tree *t = ctx;
	const struct peer *p = &t->m->peers[i];
	struct buf notes = {0};

	put_notes(&notes, p, t->facts, t->now);
	out->failed |= notes.failed;
	buf_printf(out, "%s  ", p->name);
	put_addresses(out, p);
	if (p->endpoint)
		buf_printf(out, "  %s", p->endpoint);
	if (notes.n)
		buf_printf(out, "  %s", notes.p);
	if (p->description) {
		buf_str(out, "  (");
		buf_visible(out, span_str(p->description));
		buf_char(out, ')');
	}
	buf_free(&notes);
}

void peer_list_tree(struct buf *out, const struct model *m, const struct cidr_list *l, const struct ledger_facts *facts,
		    int64_t now, enum tree_style style)
{
	const struct peer_tree ctx = {m, l, facts, now};
	const struct tree_lines lines = {put_cidr, put_peer, &ctx};
	struct tree t;

	if (tree_init(&t, m->n_cidrs, m->n_peers, 0) < 0) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		t.parent[i] = m->cidrs[i].parent;
	for (uint32_t i = 0; i < m->n_peers; i++)
		t.cidr[i] = m->peers[i].cidr;
	tree_link(&t);
	tree_render(out, &t, style, 0, &lines);
	tree_free(&t);
}

static bool put_place(json_t *o, const struct model *m, const struct place *at)
{
	return json_put(o, "file", json_string(m->files[at->file])) && json_put(o, "line", json_integer(at->line)) &&
	       json_put(o, "column", json_integer(at->column));
}

/* The attributes of a peer that are flags, or all but these and the time of its invite. */
static bool put_attributes(json_t *o, const struct peer *p, bool flags)
{
	const struct key_spec *k;
	bool ok = true;

	for (size_t i = 0; ok && (k = attribute_next(IN_PEER, &i));)
		if (k->type != TYPE_TIME && (k->type == TYPE_BOOL) == flags)
			ok = json_put(o, k->name, attribute_json(k, p));
	return ok;
}

static json_t *peer_json(const struct model *m, const struct ledger_facts *facts, const struct peer *p)
{
	const struct key_spec *expires = key_find(IN_PEER, "invite_expires");
	const struct enrolment *e = enrolment_of(facts, p);
	json_t *o = json_object();
	bool ok = json_put(o, "name", json_string(p->name)) &&
		  json_put(o, "addresses", addresses_json(p->ip, p->n_ips)) &&
		  json_put(o, "cidr", json_string(m->cidrs[p->cidr].name)) && put_attributes(o, p, true) &&
		  json_put(o, "public_key", p->is_invite ? json_null() : key_json(&p->key)) &&
		  json_put(o, "invite", p->is_invite ? ed25519_json(&p->key) : json_null()) &&
		  json_put(o, expires->name, attribute_json(expires, p)) &&
		  json_put(o, "enrolled_key", e ? key_json(&e->key) : json_null()) && put_attributes(o, p, false) &&
		  put_place(o, m, &p->at);

	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

json_t *peer_list_json(const struct model *m, const struct ledger_facts *facts)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (uint32_t i = 0; ok && i < m->n_peers; i++)
		ok = json_add(list, peer_json(m, facts, &m->peers[i]));
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* How many peers an end of an association has, as a person counts them: "4 peers". */
static void put_count(struct buf *out, uint32_t n)
{
	buf_printf(out, "%u peer%s", n, n == 1 ? "" : "s");
}

void association_list_table(struct buf *out, const struct model *m, const struct cidr_list *l, unsigned width)
{
	static const char *const titles[] = {"CIDR", "CIDR", "JOINS", "AT"};
	struct table t = {.titles = titles, .n_columns = 4};

	for (uint32_t i = 0; i < m->n_associations; i++) {
		const struct association *s = &m->associations[i];
		buf_str(&t.cells, m->cidrs[s->a].name);
		table_cell_end(&t);
		buf_str(&t.cells, m->cidrs[s->b].name);
		table_cell_end(&t);
		put_count(&t.cells, l->rows[s->a].all);
		if (s->a == s->b) {
			buf_str(&t.cells, " with each other");
		} else {
			buf_str(&t.cells, " with ");
			put_count(&t.cells, l->rows[s->b].all);
		}
		table_cell_end(&t);
		buf_printf(&t.cells, "%s:%u", m->files[s->at.file], s->at.line);
		table_cell_end(&t);
	}
	table_render(out, &t, width);
	table_free(&t);
}

json_t *association_list_json(const struct model *m, const struct cidr_list *l)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (uint32_t i = 0; ok && i < m->n_associations; i++) {
		const struct association *s = &m->associations[i];
		json_t *o = json_pack("{s:[s,s], s:[I,I]}", "cidrs", m->cidrs[s->a].name, m->cidrs[s->b].name,
				      "all_peers", (json_int_t)l->rows[s->a].all, (json_int_t)l->rows[s->b].all);
		ok = put_place(o, m, &s->at);
		ok = json_add(list, o) && ok;
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

int view_reach_read(struct arena *a, const struct bundle *b, struct view_reach *out, struct diags *d)
{
	struct object_view v = {0};
	size_t i = 0;

	while (i < b->n_objects && object_kind(b->objects[i].bytes) != OBJECT_VIEW)
		i++;
	if (i == b->n_objects) {
		diag_error(d, "bad-bundle", NULL, "the snapshot has no view");
		return -1;
	}
	if (view_parse(a, b->objects[i].bytes, &v, d) < 0)
		return -1;
	*out = (struct view_reach){.here = v.cidr.name};
	out->rows = arena_array(a, (size_t)v.n_segments + v.n_subtrees, sizeof(*out->rows));
	if (!out->rows)
		return diags_out_of_memory(d);
	for (uint32_t j = 0; j < v.n_segments; j++)
		out->rows[out->n++] = (struct view_reach_row){v.segments[j].cidr.name, v.segments[j].own.count, false};
	for (uint32_t j = 0; j < v.n_subtrees; j++)
		out->rows[out->n++] = (struct view_reach_row){v.subtrees[j].name, v.subtrees[j].ref.count, true};
	return 0;
}

void view_reach_table(struct buf *out, const struct view_reach *r, unsigned width)
{
	static const char *const titles[] = {"CIDR", "REACHES", "PEERS", "WHICH"};
	struct table t = {.titles = titles, .n_columns = 4};

	for (uint32_t i = 0; i < r->n; i++) {
		buf_str(&t.cells, r->here);
		table_cell_end(&t);
		buf_str(&t.cells, r->rows[i].name);
		table_cell_end(&t);
		buf_printf(&t.cells, "%u", r->rows[i].peers);
		table_cell_end(&t);
		buf_str(&t.cells, r->rows[i].all_under ? "all that is under it" : "its own: it is infra");
		table_cell_end(&t);
	}
	table_render(out, &t, width);
	table_free(&t);
}

json_t *view_reach_json(const struct view_reach *r)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (uint32_t i = 0; ok && i < r->n; i++)
		ok = json_add(list, json_pack("{s:[s,s], s:I, s:b}", "cidrs", r->here, r->rows[i].name, "peers",
					      (json_int_t)r->rows[i].peers, "all_under", r->rows[i].all_under));
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}
