/*
 * A plan as programs read it. One document, `format_version` first; within a major version keys are only added.
 *
 *   {"format_version": "1.0", "interface": "corp",
 *    "summary": {"add": 1, "change": 0, "remove": 0},
 *    "ops": [{"op": "peer-add", "action": "add", "drift": false, "name": "bob", "public_key": "...",
 *             "endpoint": {"before": null, "after": "203.0.113.7:51820"}, ...}]}
 *
 * Of a peer that keeps names in a hosts file there is also
 *   "names": {"file": "/etc/hosts", "differs": true, "drift": false, "add": ["10.60.64.4 carol.corp.wg"], "remove": []}
 *
 * `ops` is in the order in which they are applied. A value that changes is {"before", "after"}; null: there is none.
 */
#include "reconcile/plan/hosts.h"
#include "reconcile/show/plan.h"

static const char *const action_names[] = {
    [PLAN_CREATE] = "add",
    [PLAN_CHANGE] = "change",
    [PLAN_REMOVE] = "remove",
};

/* Takes `value` in any case; false when it is NULL or there is no memory. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static bool put_change(json_t *object, const char *key, json_t *before, json_t *after)
{
	json_t *change = json_object();
	bool ok = put(change, "before", before);
	ok = put(change, "after", after) && ok;
	return put(object, key, change) && ok;
}

static json_t *json_name(const char *name)
{
	if (!name)
		return json_null();
	struct buf b = {0};
	plan_escape(&b, name);
	json_t *j = b.failed ? NULL : json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return j;
}

static json_t *json_key(const struct key *key)
{
	char text[KEY_B64_LEN + 1];
	key_format(key, text);
	return json_string(text);
}

static json_t *json_prefix(const struct prefix *prefix)
{
	char text[PREFIX_STR_LEN];
	prefix_format(prefix, text);
	return json_string(text);
}

static json_t *json_endpoint(const struct sockpoint *at)
{
	char text[SOCKPOINT_STR_LEN];
	if (!at->port)
		return json_null();
	sockpoint_format(at, text);
	return json_string(text);
}

static json_t *json_number(uint32_t v, bool present)
{
	return present ? json_integer(v) : json_null();
}

static bool put_allowed(json_t *object, const struct op *op)
{
	json_t *added = json_array(), *removed = json_array();
	struct allowed_cursor c = {0};
	const struct prefix *prefix;
	bool given, ok = true;

	while (ok && allowed_next(op, &c, &prefix, &given))
		ok = json_array_append_new(given ? added : removed, json_prefix(prefix)) == 0;
	json_t *both = json_object();
	ok = put(both, "add", added) && ok;
	ok = put(both, "remove", removed) && ok;
	return put(object, "allowed_ips", both) && ok;
}

static bool put_peer(json_t *object, const struct op *op)
{
	static const struct sockpoint none;
	const struct device_peer *b = op->before, *a = op->after, *p = op_peer(op);
	bool change = op->kind == OP_PEER_CHANGE, ok = true;

	ok = put(object, "name", json_name(p->name)) && ok;
	ok = put(object, "public_key", json_key(&p->key)) && ok;
	if (change ? op->set_endpoint : p->endpoint.port != 0)
		ok = put_change(object, "endpoint", json_endpoint(b ? &b->endpoint : &none),
				json_endpoint(a ? &a->endpoint : &none)) &&
		     ok;
	if (change ? op->set_keepalive : p->keepalive != 0)
		ok = put_change(object, "keepalive", json_number(b ? b->keepalive : 0, b),
				json_number(a ? a->keepalive : 0, a)) &&
		     ok;
	if (!change || op->set_allowed)
		ok = put_allowed(object, op) && ok;
	if (op->clear_psk)
		ok = put(object, "clear_preshared_key", json_true()) && ok;
	return ok;
}

static bool put_op(json_t *object, const struct plan *p, const struct op *op)
{
	const struct device_state *have = p->observed;
	const struct op_row *row = &op_rows[op->kind];
	bool ok = put(object, "op", json_string(row->word));
	ok = put(object, "action", json_string(action_names[row->action])) && ok;
	ok = put(object, "drift", json_boolean(op->drift)) && ok;
	switch (row->subject) {
	case ABOUT_LINK:
	case ABOUT_STATE:
		break;
	case ABOUT_KEY:
		return put_change(object, row->field,
				  have->exists && have->has_key ? json_key(&have->public_key) : json_null(),
				  json_key(&p->desired->public_key)) &&
		       ok;
	case ABOUT_NUMBER:
		return put_change(object, row->field, json_number(op->old_value, have->exists),
				  json_integer(op->new_value)) &&
		       ok;
	case ABOUT_MARK:
		return put_change(object, row->field, json_number(op->old_value, op->old_value),
				  json_number(op->new_value, op->new_value)) &&
		       ok;
	case ABOUT_PREFIX:
		return put(object, row->field, json_prefix(&op->prefix)) && ok;
	case ABOUT_PEER:
		return put_peer(object, op) && ok;
	}
	return ok;
}

json_t *plan_render_json(const struct plan *p)
{
	json_t *root = json_object(), *summary = json_object(), *ops = json_array();

	bool ok = put(root, "format_version", json_string("1.0"));
	ok = put(root, "interface", json_name(plan_interface(p))) && ok;
	ok = put(summary, "add", json_integer(p->n_add)) && ok;
	ok = put(summary, "change", json_integer(p->n_change)) && ok;
	ok = put(summary, "remove", json_integer(p->n_remove)) && ok;
	for (uint32_t i = 0; ok && i < p->n_ops; i++) {
		json_t *object = json_object();
		ok = put_op(object, p, &p->ops[i]);
		ok = json_array_append_new(ops, object) == 0 && ok;
	}
	ok = put(root, "summary", summary) && ok;
	ok = put(root, "ops", ops) && ok;
	if (p->names)
		ok = put(root, "names", hosts_diff_json(p->names)) && ok;
	if (ok)
		return root;
	json_decref(root);
	return NULL;
}
