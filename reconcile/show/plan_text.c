/* A plan as people read it: Terraform's habits. The strings are an interface. */
#include "reconcile/plan/hosts.h"
#include "reconcile/show/plan.h"

#include <string.h>

bool op_is_interface(const struct op *op)
{
	enum op_subject subject = op_rows[op->kind].subject;
	return subject != ABOUT_PEER && subject != ABOUT_PREFIX;
}

const char *plan_interface(const struct plan *p)
{
	return p->desired ? p->desired->name : p->observed->name;
}

const struct device_peer *op_peer(const struct op *op)
{
	return op->after ? op->after : op->before;
}

void plan_escape(struct buf *out, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		if (c >= 0x20 && c < 0x7f && c != '\\')
			buf_char(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
}

bool allowed_next(const struct op *op, struct allowed_cursor *c, const struct prefix **out, bool *given)
{
	const struct device_peer *b = op->before, *a = op->after;
	uint32_t n_b = b ? b->n_allowed : 0, n_a = a ? a->n_allowed : 0;
	while (c->before < n_b || c->after < n_a) {
		int cmp = c->before == n_b  ? 1
			  : c->after == n_a ? -1
					    : prefix_cmp(&b->allowed[c->before], &a->allowed[c->after]);
		if (cmp == 0) {
			c->before++, c->after++;
			continue;
		}
		*given = cmp > 0;
		*out = *given ? &a->allowed[c->after++] : &b->allowed[c->before++];
		return true;
	}
	return false;
}

struct writer {
	struct buf *out;
	const struct plan *plan;
	bool color;
	bool used[PLAN_ACTIONS]; /* for the legend */
	bool creating;           /* the interface is new: its numbers have no old value */
};

static void put_title(struct writer *w, const char *title)
{
	buf_printf(w->out, "\n%s%s%s\n", w->color ? COLOR_BOLD : "", title, w->color ? COLOR_RESET : "");
}

/* "# peer bob will be added"; `mark` is for what has no name. */
static void put_heading(struct writer *w, const char *what, const char *name, const char *mark, enum plan_action action)
{
	buf_printf(w->out, "\n%s# %s ", w->color ? COLOR_BOLD : "", what);
	if (name)
		plan_escape(w->out, name);
	else
		buf_str(w->out, mark);
	buf_printf(w->out, " will be %s%s\n", plan_verb(action), w->color ? COLOR_RESET : "");
}

/* "  ~ listen port  "; the value follows. */
static void put_label(struct writer *w, enum plan_action action, const char *label)
{
	w->used[action] = true;
	buf_str(w->out, "  ");
	plan_put_symbol(w->out, action, w->color);
	buf_printf(w->out, " %-13s  ", label);
}

static void put_line(struct writer *w, enum plan_action action, const char *label, const char *value)
{
	put_label(w, action, label);
	buf_printf(w->out, "%s\n", value);
}

static void put_change(struct writer *w, const char *label, const char *before, const char *after)
{
	put_label(w, PLAN_CHANGE, label);
	buf_printf(w->out, "%s -> %s\n", before, after);
}

static void keepalive_put(struct buf *out, uint16_t seconds)
{
	if (seconds)
		buf_printf(out, "%us", (unsigned)seconds);
	else
		buf_str(out, "off");
}

static void endpoint_text(const struct sockpoint *p, char out[static SOCKPOINT_STR_LEN])
{
	if (p->port)
		sockpoint_format(p, out);
	else
		strcpy(out, "none");
}

static void put_allowed(struct writer *w, const struct op *op)
{
	struct allowed_cursor c = {0};
	const struct prefix *prefix;
	bool given;
	while (allowed_next(op, &c, &prefix, &given)) {
		char text[PREFIX_STR_LEN];
		prefix_format(prefix, text);
		put_line(w, given ? PLAN_CREATE : PLAN_REMOVE, "allowed ip", text);
	}
}

static void put_peer_changes(struct writer *w, const struct op *op)
{
	if (op->set_endpoint) {
		char before[SOCKPOINT_STR_LEN], after[SOCKPOINT_STR_LEN];
		endpoint_text(&op->before->endpoint, before);
		endpoint_text(&op->after->endpoint, after);
		put_change(w, "endpoint", before, after);
	}
	if (op->set_keepalive) {
		put_label(w, PLAN_CHANGE, "keepalive");
		keepalive_put(w->out, op->before->keepalive);
		buf_str(w->out, " -> ");
		keepalive_put(w->out, op->after->keepalive);
		buf_char(w->out, '\n');
	}
	if (op->clear_psk)
		put_line(w, PLAN_REMOVE, "preshared key", "(not shown)");
}

static void put_peer(struct writer *w, const struct op *op)
{
	enum plan_action action = op_rows[op->kind].action;
	const struct device_peer *p = op_peer(op);
	char key[KEY_B64_LEN + 1], mark[48];

	key_format(&p->key, key);
	memcpy(mark, key, 8);
	strcpy(mark + 8, "… (unmanaged)");
	put_heading(w, op_rows[op->kind].label, p->name, mark, action);
	if (action == PLAN_CHANGE) {
		put_peer_changes(w, op);
	} else {
		put_line(w, action, "public key", key);
		if (p->endpoint.port) {
			char endpoint[SOCKPOINT_STR_LEN];
			endpoint_text(&p->endpoint, endpoint);
			put_line(w, action, "endpoint", endpoint);
		}
		if (p->keepalive) {
			put_label(w, action, "keepalive");
			keepalive_put(w->out, p->keepalive);
			buf_char(w->out, '\n');
		}
	}
	put_allowed(w, op);
}

static void put_prefix(struct writer *w, const struct op *op)
{
	const struct op_row *row = &op_rows[op->kind];
	char text[PREFIX_STR_LEN];

	prefix_format(&op->prefix, text);
	put_heading(w, row->label, text, NULL, row->action);
	put_line(w, row->action, row->label, text);
}

static void put_number(struct writer *w, const struct op *op)
{
	const struct op_row *row = &op_rows[op->kind];

	put_label(w, w->creating ? PLAN_CREATE : row->action, row->label);
	for (int side = w->creating; side < 2; side++) {
		uint32_t v = side ? op->new_value : op->old_value;
		if (row->subject != ABOUT_MARK)
			buf_printf(w->out, "%u", v);
		else if (v)
			buf_printf(w->out, "0x%x", v);
		else
			buf_str(w->out, "off");
		buf_str(w->out, side ? "\n" : " -> ");
	}
}

static void put_key(struct writer *w, const char *label)
{
	const struct device_state *before = w->plan->observed;
	char old_key[KEY_B64_LEN + 1], new_key[KEY_B64_LEN + 1];

	key_format(&w->plan->desired->public_key, new_key);
	if (w->creating) {
		put_line(w, PLAN_CREATE, label, new_key);
		return;
	}
	if (before->has_key)
		key_format(&before->public_key, old_key);
	put_change(w, label, before->has_key ? old_key : "none", new_key);
}

static void put_interface_op(struct writer *w, const struct op *op)
{
	const struct op_row *row = &op_rows[op->kind];

	switch (row->subject) {
	case ABOUT_LINK:
		put_label(w, row->action, row->label);
		plan_escape(w->out, plan_interface(w->plan));
		buf_char(w->out, '\n');
		break;
	case ABOUT_STATE:
		if (w->creating)
			put_line(w, PLAN_CREATE, row->label, "up");
		else
			put_change(w, row->label, "down", "up");
		break;
	case ABOUT_KEY:
		put_key(w, row->label);
		break;
	case ABOUT_NUMBER:
	case ABOUT_MARK:
		put_number(w, op);
		break;
	case ABOUT_PREFIX:
	case ABOUT_PEER: /* items of their own */
		break;
	}
}

static void put_section(struct writer *w, bool drift)
{
	const struct plan *p = w->plan;
	bool headed = false;

	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];
		if (op->drift != drift || !op_is_interface(op))
			continue;
		if (!headed)
			put_heading(w, "interface", plan_interface(p), NULL,
				    w->creating ? PLAN_CREATE : op_rows[op->kind].action);
		headed = true;
		put_interface_op(w, op);
	}
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];
		if (op->drift != drift || op_is_interface(op))
			continue;
		if (op_peer(op))
			put_peer(w, op);
		else
			put_prefix(w, op);
	}
}

void plan_render_text(struct buf *out, const struct plan *p, bool color)
{
	if (!p->n_ops) {
		buf_str(out, "No changes. Interface ");
		plan_escape(out, plan_interface(p));
		buf_str(out, p->desired ? " is as the network defines it.\n" : " is not there.\n");
		hosts_diff_text(out, p->names, color);
		return;
	}

	/* The legend stands above what decides which symbols it has. */
	struct buf body = {0};
	struct writer w = {.out = &body, .plan = p, .color = color};
	bool drift = false, change = false;
	for (uint32_t i = 0; i < p->n_ops; i++) {
		drift |= p->ops[i].drift;
		change |= !p->ops[i].drift;
		w.creating |= p->ops[i].kind == OP_LINK_ADD;
	}
	if (drift) {
		put_title(&w, "Drift: another program changed this interface");
		put_section(&w, true);
		if (change)
			put_title(&w, "Change: what the network defines now");
	}
	put_section(&w, false);

	plan_put_legend(out, w.used, color);
	buf_add(out, body.p, body.n);
	buf_char(out, '\n');
	plan_put_summary(out, p->n_add, p->n_change, p->n_remove, color);
	hosts_diff_text(out, p->names, color);
	out->failed |= body.failed;
	buf_free(&body);
}
