#include "reconcile/edge/answer/server_status.h"
#include "reconcile/edge/source/upstream.h"
#include "reconcile/edge/state/iface.h"
#include "reconcile/edge/state/readers.h"
#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/state/verdicts.h"
#include "reconcile/text/json_value.h"

#include <stdlib.h>

static json_t *peer_json(const struct owners *o, uint32_t i)
{
	const struct peer *p = &served_now(o->served)->model->peers[i];
	const struct report *report = reports_of(o->reports, i);
	const struct reader *reader = readers_list(o->readers) ? &readers_list(o->readers)[i] : NULL;
	const struct revision *runs = report->has_runs ? served_named(o->served, &report->runs) : NULL;
	const bool invited = !enrolments_has_key(o->enrolments, p);
	json_t *root = json_object(), *addresses = json_array();
	char text[ADDR_STR_LEN];

	for (unsigned k = 0; k < p->n_ips; k++) {
		addr_format(&p->ip[k], text);
		json_array_append_new(addresses, json_string(text));
	}
	json_object_set_new(root, "name", json_string(p->name));
	json_object_set_new(root, "addresses", addresses);
	json_object_set_new(root, "state",
			    json_string(p->disabled ? "disabled"
					: p->server ? "server"
					: invited   ? "invited"
					: p->via    ? "relayed"
						    : "enrolled"));
	if (runs)
		json_object_set_new(root, "version", verdicts_version_json(&runs->parsed.version));
	if (report->polled)
		json_object_set_new(root, "polled",
				    json_integer(clock_unix() - (clock_boot_ms() - report->polled) / 1000));
	else if (reader && reader->heard)
		json_object_set_new(root, "polled", json_integer(reader->heard));
	if (reader && reader->heard) {
		json_object_set_new(root, "reads", json_integer(reader->reads));
		json_object_set_new(root, "needs", json_integer(readers_need(o->readers, i)));
	}
	json_object_set_new(
	    root, "converged",
	    json_boolean(i == served_now(o->served)->self ? iface_ok(o->iface) : runs == served_now(o->served)));
	return root;
}

static void add_peers(json_t *root, const struct owners *o, uint32_t only)
{
	const struct model *m = served_now(o->served)->model;
	json_t *list;
	uint32_t total, converged;

	if (!reports_converged(o->reports, &total, &converged))
		return;
	list = json_array();
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (only == NONE || only == i)
			json_array_append_new(list, peer_json(o, i));
	json_object_set_new(root, "peers_total", json_integer(total));
	json_object_set_new(root, "peers_converged", json_integer(converged));
	json_object_set_new(root, "peers", list);
}

/* An ordinary peer learns that there is a problem, not what people wrote: no messages, its own entry alone. */
static void redact(json_t *root)
{
	json_t *list = json_object_get(root, "conditions"), *c;
	size_t i;

	json_array_foreach(list, i, c)
	{
		json_object_del(c, "message");
		json_object_del(c, "commit");
	}
	json_object_del(root, "problem");
	json_object_del(root, "history");
	json_object_del(root, "source");
	json_object_del(root, "looked");
	json_object_del(root, "last_attempted");
	json_object_del(root, "converged_ms");
	json_object_del(root, "peers_total");
	json_object_del(root, "peers_converged");
}

/* A member that may not be there. */
static void put(json_t *root, const char *name, json_t *value)
{
	if (value)
		json_object_set_new(root, name, value);
}

static void add_served(json_t *root, const struct owners *o)
{
	const struct revision *g = served_now(o->served);
	char hex[HASH_HEX_LEN + 1];

	if (!g)
		return;
	hash_hex(&g->parsed.name, hex);
	json_object_set_new(root, "version", verdicts_version_json(&g->parsed.version));
	json_object_set_new(root, "commit", json_string(g->parsed.commit));
	json_object_set_new(root, "statement", json_string(hex));
	json_object_set_new(
	    root, "last_applied",
	    json_pack("{s:s, s:I}", "commit", g->commit.sha, "time", (json_int_t)served_since(o->served)));
}

/* `only`: as this peer may read it. NONE: all of it. */
static json_t *status_json(const struct owners *o, uint32_t only)
{
	json_t *root = json_object();

	json_object_set_new(root, "format_version", json_integer(1));
	json_object_set_new(root, "network", json_string(o->config->network));
	json_object_set_new(root, "interface", json_string(o->config->interface));
	add_served(root, o);
	put(root, "last_attempted", verdicts_attempted_json(o->verdicts));
	if (reports_converged_ms(o->reports) >= 0)
		json_object_set_new(root, "converged_ms", json_integer(reports_converged_ms(o->reports)));
	json_object_set_new(root, "conditions", conditions_json(o->conditions));
	if (o->config->remote)
		json_object_set_new(root, "source", upstream_json(o->upstream));
	else if (o->config->file)
		json_object_set_new(root, "source", json_pack("{s:s, s:s}", "kind", "file", "path", o->config->file));
	put(root, "looked", verdicts_looked_json(o->verdicts));
	json_object_set_new(root, "history", verdicts_history_json(o->verdicts));
	if (verdicts_problem(o->verdicts))
		json_object_set_new(root, "problem", json_string(verdicts_problem(o->verdicts)));
	if (enrolments_ledger(o->enrolments))
		json_object_set_new(root, "ledger", json_string(ledger_position(enrolments_ledger(o->enrolments))));
	if (served_now(o->served))
		add_peers(root, o, only);
	if (only != NONE)
		redact(root);
	return root;
}

int server_status_put(const struct owners *o, struct buf *out)
{
	json_t *root = status_json(o, NONE);
	int ret = value_write(out, root);

	json_decref(root);
	return ret;
}

void server_status_answer(const struct owners *o, struct http_request *q, const struct asker *asker,
			  enum http_reason why)
{
	const bool all = served_now(o->served)->model->peers[asker->peer].admin;
	json_t *root = status_json(o, all ? NONE : asker->peer);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	struct buf body = {0};

	(void)why;
	json_decref(root);
	if (text) {
		buf_str(&body, text);
		buf_char(&body, '\n');
	}
	body.failed |= !text;
	free(text);
	http_answer(q, 200, "application/json", &body, NULL, NULL);
}
