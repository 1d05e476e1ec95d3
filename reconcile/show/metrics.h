/* The server's state and counters as Prometheus reads them (text format 0.0.4). Pure: numbers in, text out. */
#ifndef RECONCILE_SHOW_METRICS_H
#define RECONCILE_SHOW_METRICS_H

#include "reconcile/wire/verify.h"
#include "schema/buf.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics_condition {
	const char *type, *reason;
	int status; /* 1: true, 0: false, -1: unknown */
};

struct metrics {
	const char *network;
	struct version version;
	int64_t applied_time; /* Unix time since when the version is published, or was read again */
	uint32_t peers;       /* enabled ones that have a key, without servers */
	uint32_t converged;   /* of them */
	/* Enabled peers that have polled, by the newest format that they read and this program knows. */
	uint32_t formats[FORMAT_NEWEST + 1];
	uint32_t invited;      /* invitations that stand open */
	uint32_t connections;  /* at this moment */
	uint32_t hints;        /* peers of which it is known where they are */
	int64_t push_ms;       /* from the last push to its convergence; -1: not known */
	bool ledger_available; /* invitations can be redeemed */
	uint64_t memory;       /* bytes that the process has in memory; 0: not known */
	/* Since the server started: */
	uint64_t requests, refused, sent_bytes, polls, redemptions, verdicts_accepted, verdicts_refused;
	uint64_t reports, announcements, knocks;
	const struct metrics_condition *conditions;
	size_t n_conditions;
};

/* Sets out->failed when out of memory. */
void metrics_render(struct buf *out, const struct metrics *m);

#endif
