#include "reconcile/show/metrics.h"

#include <inttypes.h>
#include <stddef.h>

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

static void put_conditions(struct buf *out, const struct metrics *m)
{
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

static void put_formats(struct buf *out, const struct metrics *m)
{
	for (unsigned i = 1; i <= FORMAT_NEWEST; i++) {
		buf_str(out, "innernet_peers_by_format{");
		put_label(out, "network", m->network);
		buf_printf(out, ",format=\"%u\"} %u\n", i, m->formats[i]);
	}
}

/* The order in which they are written. */
static const struct metric {
	const char *name, *type, *help;
	size_t at, size; /* of its member of struct metrics */
	/* Of one with several values. NULL: it has the member's. */
	void (*put)(struct buf *out, const struct metrics *m);
	int64_t least; /* a value below is not known, and left out */
	bool is_ms;    /* written in seconds */
} metrics[] = {
#define AT(member) offsetof(struct metrics, member), sizeof(((const struct metrics *)0)->member), NULL
    {"version_epoch", "gauge", "Epoch of the published version.", AT(version.epoch), 0, false},
    {"version_number", "gauge", "Number of the published version.", AT(version.number), 0, false},
    {"applied_timestamp_seconds", "gauge", "When this server took the published revision.", AT(applied_time), 0, false},
    {"peers", "gauge", "Enabled peers that have a key, without servers.", AT(peers), 0, false},
    {"peers_converged", "gauge", "Peers that run the published version.", AT(converged), 0, false},
    {"peers_by_format", "gauge", "Enabled peers that have polled, by the newest format of a snapshot that they read.",
     0, 0, put_formats, 0, false},
    {"invitations_open", "gauge", "Invitations that no peer has redeemed.", AT(invited), 0, false},
    {"condition", "gauge", "1 where a condition is true, 0 where it is false, -1 where it is unknown.", 0, 0,
     put_conditions, 0, false},
    {"ledger_available", "gauge", "1 while invitations can be recorded.", AT(ledger_available), 0, false},
    {"connections", "gauge", "Connections of peers at this moment.", AT(connections), 0, false},
    {"http_requests_total", "counter", "Answers given, held polls when they are answered.", AT(requests), 0, false},
    {"http_refused_total", "counter", "Answers with a status of 400 and above.", AT(refused), 0, false},
    {"http_sent_bytes_total", "counter", "Bytes of the answers' bodies.", AT(sent_bytes), 0, false},
    {"polls_total", "counter", "Polls that peers began.", AT(polls), 0, false},
    {"redemptions_total", "counter", "Invitations redeemed.", AT(redemptions), 0, false},
    {"hints", "gauge", "Peers of which this server knows where they are.", AT(hints), 0, false},
    {"endpoint_reports_total", "counter", "Reports of endpoints that said something new.", AT(reports), 0, false},
    {"hint_announcements_total", "counter", "Times that held polls were woken for hints.", AT(announcements), 0, false},
    {"knocks_total", "counter", "Knocks taken to be handed on.", AT(knocks), 0, false},
    {"revisions_accepted_total", "counter", "Revisions looked at and published or found to change nothing.",
     AT(verdicts_accepted), 0, false},
    {"revisions_refused_total", "counter", "Revisions looked at and refused.", AT(verdicts_refused), 0, false},
    {"last_push_seconds", "gauge", "From the last push to the convergence of the peers that were there.", AT(push_ms),
     0, true},
    {"process_resident_memory_bytes", "gauge", "What this process has in memory.", AT(memory), 1, false},
};

static int64_t value_of(const struct metrics *m, const struct metric *row)
{
	const void *at = (const char *)m + row->at;

	return row->size == sizeof(bool)       ? *(const bool *)at
	       : row->size == sizeof(uint32_t) ? *(const uint32_t *)at
					       : *(const int64_t *)at;
}

void metrics_render(struct buf *out, const struct metrics *m)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const struct metric *row = &metrics[i];
		const int64_t value = row->put ? 0 : value_of(m, row);

		if (!row->put && value < row->least)
			continue;
		buf_printf(out, "# HELP innernet_%s %s\n# TYPE innernet_%s %s\n", row->name, row->help, row->name,
			   row->type);
		if (row->put) {
			row->put(out, m);
			continue;
		}
		buf_printf(out, "innernet_%s{", row->name);
		put_label(out, "network", m->network);
		if (row->is_ms)
			buf_printf(out, "} %" PRId64 ".%03" PRId64 "\n", value / 1000, value % 1000);
		else
			buf_printf(out, "} %" PRId64 "\n", value);
	}
}
