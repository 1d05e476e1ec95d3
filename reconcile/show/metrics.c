#include "reconcile/show/metrics.h"

#include <inttypes.h>

/* A label's value: backslashes, quotes and line feeds are escaped, nothing else. */
static void put_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=\"", name);
	for (; *value; value++)
		if (*value == '\n')
			buf_str(out, "\\n");
		else if (*value == '\\' || *value == '"')
			buf_printf(out, "\\%c", *value);
		else
			buf_char(out, *value);
	buf_char(out, '"');
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP innernet_%s %s\n# TYPE innernet_%s %s\n", name, help, name, type);
}

static void put_name(struct buf *out, const struct metrics *m, const char *name)
{
	buf_printf(out, "innernet_%s{", name);
	put_label(out, "network", m->network);
	buf_str(out, "} ");
}

static void put(struct buf *out, const struct metrics *m, const char *name, const char *type, const char *help,
		uint64_t value)
{
	put_head(out, name, type, help);
	put_name(out, m, name);
	buf_printf(out, "%" PRIu64 "\n", value);
}

static void put_conditions(struct buf *out, const struct metrics *m)
{
	put_head(out, "condition", "gauge",
		 "1 where a condition is true, 0 where it is false, -1 where it is unknown.");
	for (size_t i = 0; i < m->n_conditions; i++) {
		const struct metrics_condition *c = &m->conditions[i];
		buf_str(out, "innernet_condition{");
		put_label(out, "network", m->network);
		buf_char(out, ',');
		put_label(out, "type", c->type);
		buf_char(out, ',');
		put_label(out, "reason", c->reason);
		buf_printf(out, "} %d\n", c->status);
	}
}

void metrics_render(struct buf *out, const struct metrics *m)
{
	put(out, m, "version_epoch", "gauge", "Epoch of the published version.", m->version.epoch);
	put(out, m, "version_number", "gauge", "Number of the published version.", m->version.number);
	put(out, m, "applied_timestamp_seconds", "gauge", "When this server took the published revision.",
	    m->applied_time < 0 ? 0 : (uint64_t)m->applied_time);
	put(out, m, "peers", "gauge", "Enabled peers that have a key, without servers.", m->peers);
	put(out, m, "peers_converged", "gauge", "Peers that run the published version.", m->converged);
	put(out, m, "invitations_open", "gauge", "Invitations that nobody has redeemed.", m->invited);
	put_conditions(out, m);
	put(out, m, "ledger_available", "gauge", "1 while invitations can be recorded.", m->ledger_available);
	put(out, m, "connections", "gauge", "Connections of peers at this moment.", m->connections);
	put(out, m, "http_requests_total", "counter", "Answers given, held polls when they are answered.", m->requests);
	put(out, m, "http_refused_total", "counter", "Answers with a status of 400 and above.", m->refused);
	put(out, m, "http_sent_bytes_total", "counter", "Bytes of the answers' bodies.", m->sent_bytes);
	put(out, m, "polls_total", "counter", "Polls that peers began.", m->polls);
	put(out, m, "redemptions_total", "counter", "Invitations redeemed.", m->redemptions);
	put(out, m, "hints", "gauge", "Peers of which this server knows where they are.", m->hints);
	put(out, m, "endpoint_reports_total", "counter", "Reports of endpoints that said something new.", m->reports);
	put(out, m, "hint_announcements_total", "counter", "Times that held polls were woken for hints.",
	    m->announcements);
	put(out, m, "knocks_total", "counter", "Knocks taken to be handed on.", m->knocks);
	put(out, m, "revisions_accepted_total", "counter",
	    "Revisions looked at and published or found to change nothing.", m->verdicts_accepted);
	put(out, m, "revisions_refused_total", "counter", "Revisions looked at and refused.", m->verdicts_refused);
	if (m->push_ms >= 0) {
		put_head(out, "last_push_seconds", "gauge", "From the last push to the convergence of who was there.");
		put_name(out, m, "last_push_seconds");
		buf_printf(out, "%" PRId64 ".%03" PRId64 "\n", m->push_ms / 1000, m->push_ms % 1000);
	}
	if (m->memory)
		put(out, m, "process_resident_memory_bytes", "gauge", "What this process has in memory.", m->memory);
}
