/* An impact for programs. Within one major format version keys are only added. */
#include "reconcile/show/impact_render.h"

static const char *const actions[] = {
    [PLAN_CREATE] = "add",
    [PLAN_CHANGE] = "change",
    [PLAN_REMOVE] = "remove",
};

/* Takes `value` in any case; false when it is NULL or there is no memory. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static bool append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

static json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *json_buf(const struct buf *b)
{
	return b->failed ? NULL : json_stringn(b->p ? b->p : "", b->n);
}

static json_t *json_targets(const struct impact *im, const struct impact_target *t, uint32_t n, const struct model *m)
{
	json_t *out = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < n; i++) {
		json_t *one = json_object();
		ok = put(one, "cidr", json_string(m->cidrs[t[i].cidr].name));
		ok = put(one, "peers", json_count(t[i].n_peers)) && ok;
		if (t[i].peer != NONE)
			ok = put(one, "peer", json_string(impact_peer_name(im, t[i].peer))) && ok;
		ok = append(out, one) && ok;
	}
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *json_cidr(const struct model *m, uint32_t cidr)
{
	return cidr == NONE ? json_null() : json_string(m->cidrs[cidr].name);
}

/* One subject: the peers that share it, or the CIDR whose peers all stay; each of them gains and loses these. */
static json_t *json_effect(const struct impact *im, const struct impact_effect *e)
{
	const struct impact_class *k = &im->classes[e->class];
	json_t *one = json_object(), *peers;
	bool ok = put(one, "before", json_cidr(im->before, k->before));

	ok = put(one, "after", json_cidr(im->after, k->after)) && ok;
	ok = put(one, "peers", json_count(k->n_peers)) && ok;
	if (!k->same) {
		peers = json_array();
		for (uint32_t i = 0; ok && i < k->n_peers; i++)
			ok = append(peers, json_string(impact_peer_name(im, k->first + i)));
		ok = put(one, "names", peers) && ok;
	}
	ok = put(one, "gained", json_targets(im, e->gained, e->n_gained, im->after)) && ok;
	ok = put(one, "gained_elsewhere", json_count(e->gained_left)) && ok;
	ok = put(one, "lost", json_targets(im, e->lost, e->n_lost, im->before)) && ok;
	ok = put(one, "lost_elsewhere", json_count(e->lost_left)) && ok;
	if (ok)
		return one;
	json_decref(one);
	return NULL;
}

static json_t *json_names(const struct model *m, const uint32_t *peers, uint32_t n)
{
	json_t *out = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < n; i++)
		ok = append(out, json_string(m->peers[peers[i]].name));
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

static bool put_cut(json_t *object, const struct impact *im)
{
	json_t *cut = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < im->n_cut; i++)
		ok = append(cut, json_pack("{s:s, s:s}", "peer", impact_peer_name(im, im->cut[i].peer), "reason",
					   impact_cut_text(im->cut[i].reason)));
	return put(object, "cut_off", cut) && ok;
}

static bool put_addresses(json_t *object, const struct impact *im)
{
	json_t *out = json_array();
	char addr[ADDR_STR_LEN];
	bool ok = true;

	for (uint32_t i = 0; ok && i < im->n_addresses; i++) {
		const struct impact_address *n = &im->addresses[i];
		addr_format(&n->addr, addr);
		ok = append(
		    out, json_pack("{s:s, s:s, s:o}", "peer", im->after->peers[n->peer].name, "address", addr, "from",
				   n->from == NONE ? json_null() : json_string(im->before->peers[n->from].name)));
	}
	return put(object, "new_addresses", out) && ok;
}

static json_t *json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *json_prefix(const struct prefix *p)
{
	char text[PREFIX_STR_LEN];

	prefix_format(p, text);
	return json_string(text);
}

/* What only routes and the network's own prefixes have. */
static bool put_prefixes(json_t *one, const struct impact_fact *f)
{
	bool ok = put(one, "prefix", json_prefix(&f->prefix));

	ok = (!f->has_but || put(one, "except", json_prefix(&f->but))) && ok;
	ok = put(one, "default_route", json_boolean(f->is_default)) && ok;
	ok = put(one, "public", json_boolean(f->is_public)) && ok;
	ok = put(one, "peers_before", json_count(f->n_before)) && ok;
	ok = put(one, "peers_after", json_count(f->n_after)) && ok;
	if (f->what == FACT_ROUTE_REACH) {
		ok = put(one, "peers_gained", json_count(f->gained)) && ok;
		ok = put(one, "peers_lost", json_count(f->lost)) && ok;
	}
	return ok;
}

static json_t *json_fact(const struct impact *im, const struct impact_fact *f)
{
	enum fact_kind kind = fact_kind_of(f->what);
	json_t *one = json_object();
	bool ok = put(one, "kind", json_string(fact_kind_name(kind)));

	ok = put(one, "change", json_string(fact_what_name(f->what))) && ok;
	if (f->peer != NONE)
		ok = put(one, "peer", json_string(impact_peer_name(im, f->peer))) && ok;
	if (f->other != NONE)
		ok = put(one, "peer_before", json_string(impact_peer_name(im, f->other))) && ok;
	if (f->label)
		ok = put(one, "setting", json_string(f->label)) && ok;
	if (kind == FACTS_ROUTES || kind == FACTS_NETWORK)
		ok = put_prefixes(one, f) && ok;
	ok = put(one, "before", json_text(f->before)) && ok;
	ok = put(one, "after", json_text(f->after)) && ok;
	if (ok)
		return one;
	json_decref(one);
	return NULL;
}

static bool put_facts(json_t *object, const struct impact *im)
{
	json_t *facts = json_array(), *unchanged = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < im->facts.n; i++)
		ok = append(facts, json_fact(im, &im->facts.list[i]));
	for (unsigned k = 0; ok && k < N_FACT_KINDS; k++)
		if (impact_facts_same(im, k))
			ok = append(unchanged, json_string(fact_kind_name(k)));
	ok = put(object, "facts", facts) && ok;
	ok = put(object, "unchanged", unchanged) && ok;
	return put(object, "server_endpoints_lost", json_boolean(im->facts.endpoints_lost)) && ok;
}

static json_t *json_effects(const struct impact *im)
{
	json_t *out = json_object(), *subjects = json_array();
	bool ok = put(out, "pairs_before", json_count(im->pairs_before));

	ok = put(out, "pairs_after", json_count(im->pairs_after)) && ok;
	ok = put(out, "pairs_gained", json_count(im->pairs_gained)) && ok;
	ok = put(out, "pairs_lost", json_count(im->pairs_lost)) && ok;
	ok = put(out, "peers_before", json_count(im->peers_before)) && ok;
	ok = put(out, "peers_after", json_count(im->peers_after)) && ok;
	for (uint32_t i = 0; ok && i < im->n_effects; i++)
		ok = append(subjects, json_effect(im, &im->effects[i]));
	ok = put(out, "subjects", subjects) && ok;
	ok = put(out, "subjects_left_out", json_count(im->effects_left)) && ok;
	ok = put_cut(out, im) && ok;
	ok = put(out, "server_lost", json_boolean(im->server_lost)) && ok;
	ok = put_addresses(out, im) && ok;
	ok = put(out, "invites_opened", json_names(im->after, im->opened, im->n_opened)) && ok;
	ok = put(out, "invites_voided", json_names(im->before, im->voided, im->n_voided)) && ok;
	ok = put(out, "keys_folded", json_names(im->after, im->folded, im->n_folded)) && ok;
	ok = put_facts(out, im) && ok;
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

struct attributes {
	json_t *out;
	bool ok;
};

static void put_attribute(void *ctx, const char *label, const char *before, const char *after)
{
	struct attributes *at = ctx;
	json_t *one = json_object();

	at->ok = put(one, "before", before ? json_string(before) : json_null()) && at->ok;
	at->ok = put(one, "after", after ? json_string(after) : json_null()) && at->ok;
	at->ok = put(at->out, label, one) && at->ok;
}

static json_t *json_item(const struct impact *im, const struct impact_item *item)
{
	json_t *one = json_object();
	struct attributes at = {.out = json_object(), .ok = true};
	struct buf name = {0};
	bool ok = put(one, "kind", json_string(impact_kind_name(item->kind)));

	impact_item_name(&name, im, item);
	ok = put(one, "name", json_buf(&name)) && ok;
	buf_free(&name);
	ok = put(one, "action", json_string(actions[item->action])) && ok;
	impact_describe(im, item, put_attribute, &at);
	ok = put(one, "attributes", at.out) && at.ok && ok;
	if (ok)
		return one;
	json_decref(one);
	return NULL;
}

json_t *impact_render_json(const struct impact *im)
{
	json_t *root = json_object(), *summary = json_object(), *items = json_array();
	bool ok = put(root, "format_version", json_string("1.0"));

	ok = put(root, "plan_id", json_string(im->id)) && ok;
	ok = put(root, "network",
		 json_string(im->after    ? im->after->network
			     : im->before ? im->before->network
					  : "")) &&
	     ok;
	ok = put(summary, "add", json_count(im->n_add)) && ok;
	ok = put(summary, "change", json_count(im->n_change)) && ok;
	ok = put(summary, "remove", json_count(im->n_remove)) && ok;
	ok = put(root, "summary", summary) && ok;
	ok = put(root, "effect", json_effects(im)) && ok;
	for (uint32_t i = 0; ok && i < im->n_items; i++)
		ok = append(items, json_item(im, &im->items[i]));
	ok = put(root, "changes", items) && ok;
	if (ok)
		return root;
	json_decref(root);
	return NULL;
}
