/* Conditions as Flux has them, and the status: one JSON document, on disk and over HTTP. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/text/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *version_json(const struct version *v)
{
	return json_pack("{s:I, s:I}", "epoch", (json_int_t)v->epoch, "number", (json_int_t)v->number);
}

static json_t *peer_json(const struct reconciler *r, uint32_t i)
{
	const struct peer *p = &served_now(r->served)->model->peers[i];
	const struct report *report = reports_of(r->reports, i);
	const struct reader *reader = readers_list(r->readers) ? &readers_list(r->readers)[i] : NULL;
	const struct revision *runs = report->has_runs ? served_named(r->served, &report->runs) : NULL;
	const bool invited = !enrolments_has_key(r->enrolments, p);
	json_t *o = json_object(), *addresses = json_array();
	char text[ADDR_STR_LEN];

	for (unsigned k = 0; k < p->n_ips; k++) {
		addr_format(&p->ip[k], text);
		json_array_append_new(addresses, json_string(text));
	}
	json_object_set_new(o, "name", json_string(p->name));
	json_object_set_new(o, "addresses", addresses);
	json_object_set_new(o, "state",
			    json_string(p->disabled ? "disabled"
					: p->server ? "server"
					: invited   ? "invited"
					: p->via    ? "relayed"
						    : "enrolled"));
	if (runs)
		json_object_set_new(o, "version", version_json(&runs->parsed.version));
	if (report->polled)
		json_object_set_new(o, "polled",
				    json_integer(clock_unix() - (clock_boot_ms() - report->polled) / 1000));
	else if (reader && reader->heard)
		json_object_set_new(o, "polled", json_integer(reader->heard));
	if (reader && reader->heard) {
		json_object_set_new(o, "reads", json_integer(reader->reads));
		json_object_set_new(o, "needs", json_integer(readers_need(r->readers, i)));
	}
	json_object_set_new(
	    o, "converged",
	    json_boolean(i == served_now(r->served)->self ? iface_ok(r->iface) : runs == served_now(r->served)));
	return o;
}

static void add_peers(json_t *o, const struct reconciler *r, uint32_t only)
{
	const struct model *m = served_now(r->served)->model;
	json_t *list;
	uint32_t total, converged;

	if (!reports_converged(r->reports, &total, &converged))
		return;
	list = json_array();
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (only == NONE || only == i)
			json_array_append_new(list, peer_json(r, i));
	json_object_set_new(o, "peers_total", json_integer(total));
	json_object_set_new(o, "peers_converged", json_integer(converged));
	json_object_set_new(o, "peers", list);
}

/* An ordinary peer learns that there is a problem, not what people wrote: no messages, its own entry alone. */
static void redact(json_t *o)
{
	json_t *list = json_object_get(o, "conditions"), *c;
	size_t i;

	json_array_foreach(list, i, c)
	{
		json_object_del(c, "message");
		json_object_del(c, "commit");
	}
	json_object_del(o, "problem");
	json_object_del(o, "history");
	json_object_del(o, "source");
	json_object_del(o, "looked");
	json_object_del(o, "last_attempted");
	json_object_del(o, "converged_ms");
	json_object_del(o, "peers_total");
	json_object_del(o, "peers_converged");
}

json_t *status_json(struct reconciler *r, uint32_t only)
{
	json_t *o = json_object();

	json_object_set_new(o, "format_version", json_integer(1));
	json_object_set_new(o, "network", json_string(r->config->network));
	json_object_set_new(o, "interface", json_string(r->config->interface));
	if (served_now(r->served)) {
		char hex[HASH_HEX_LEN + 1];
		hash_hex(&served_now(r->served)->parsed.name, hex);
		json_object_set_new(o, "version", version_json(&served_now(r->served)->parsed.version));
		json_object_set_new(o, "commit", json_string(served_now(r->served)->parsed.commit));
		json_object_set_new(o, "statement", json_string(hex));
		json_object_set_new(o, "last_applied",
				    json_pack("{s:s, s:I}", "commit", served_now(r->served)->commit.sha, "time",
					      (json_int_t)served_since(r->served)));
	}
	if (r->looked_at[0])
		json_object_set_new(
		    o, "last_attempted",
		    json_pack("{s:s, s:I}", "commit", r->looked_at, "time", (json_int_t)r->attempted_time));
	if (reports_converged_ms(r->reports) >= 0)
		json_object_set_new(o, "converged_ms", json_integer(reports_converged_ms(r->reports)));
	json_object_set_new(o, "conditions", conditions_json(r->conditions));
	if (r->config->remote)
		json_object_set_new(o, "source", reconciler_upstream_json(r));
	else if (r->config->file)
		json_object_set_new(o, "source", json_pack("{s:s, s:s}", "kind", "file", "path", r->config->file));
	if (r->looked[0])
		json_object_set_new(o, "looked",
				    json_pack("{s:s, s:s}", "word", r->looked, "result", turn_name(r->look_turn)));
	json_object_set_new(o, "history", reconciler_history_json(r));
	if (r->problem)
		json_object_set_new(o, "problem", json_string(r->problem));
	if (enrolments_ledger(r->enrolments))
		json_object_set_new(o, "ledger", json_string(ledger_position(enrolments_ledger(r->enrolments))));
	if (served_now(r->served))
		add_peers(o, r, only);
	if (only != NONE)
		redact(o);
	return o;
}

int reconciler_status(struct reconciler *r, struct buf *out)
{
	json_t *o = status_json(r, NONE);
	int ret = value_write(out, o);

	json_decref(o);
	return ret;
}

void status_write(struct reconciler *r)
{
	struct buf text = {0};
	struct diags d = {0};

	bool failed;

	if (!conditions_take_touched(r->conditions))
		return;
	if (r->o.notify)
		notify_status(r->o.notify, "%.110s; %.130s", conditions_get(r->conditions, CONDITION_READY)->message,
			      conditions_get(r->conditions, CONDITION_CONVERGED)->message);
	failed = reconciler_status(r, &text) < 0 || file_write(r->status_path, buf_span(&text), 0644, &d) < 0;
	if (failed) {
		/* A full disk: once there is room it says what is so by then. */
		conditions_touch(r->conditions);
		if (!r->status_failed)
			log_diags("status", &d);
	}
	r->status_failed = failed;
	diags_free(&d);
	buf_free(&text);
}
