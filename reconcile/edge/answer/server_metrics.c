#include "reconcile/edge/answer/server_metrics.h"
#include "reconcile/edge/state/hints_board.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/state/readers.h"
#include "reconcile/edge/state/redemptions.h"
#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/state/verdicts.h"
#include "reconcile/show/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The second number of /proc/self/statm, in pages (proc(5)). 0: not known. */
static uint64_t resident_bytes(void)
{
	char line[128];
	unsigned long long pages = 0;
	long page = sysconf(_SC_PAGESIZE);
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0 || page <= 0)
		return 0;
	line[n] = '\0';
	return sscanf(line, "%*u %llu", &pages) == 1 ? pages * (uint64_t)page : 0;
}

void server_metrics_answer(const struct owners *o, struct http_request *q, const struct asker *asker,
			   enum http_reason why)
{
	const struct model *model = served_now(o->served)->model;
	const struct reader *readers = readers_list(o->readers);
	const struct http_counts http = http_counts(o->http);
	const struct hints_counts hints = hints_board_counts(o->hints);
	struct metrics_condition conditions[N_CONDITIONS];
	struct buf body = {0};
	struct metrics m = {
	    .network = o->config->network,
	    .version = served_now(o->served)->parsed.version,
	    .applied_time = served_since(o->served),
	    .connections = http_connections(o->http),
	    .push_ms = reports_converged_ms(o->reports),
	    .ledger_available = enrolments_available(o->enrolments),
	    .memory = resident_bytes(),
	    .requests = http.answers,
	    .refused = http.refused,
	    .sent_bytes = http.sent_bytes,
	    .polls = reports_polls(o->reports),
	    .redemptions = redemptions_count(o->redemptions),
	    .hints = (uint32_t)hints.known,
	    .reports = hints.reports,
	    .announcements = hints.announcements,
	    .knocks = knocks_count(o->knocks),
	    .verdicts_accepted =
		verdicts_count(o->verdicts, VERDICT_PUBLISHED) + verdicts_count(o->verdicts, VERDICT_UNCHANGED),
	    .verdicts_refused = verdicts_count(o->verdicts, VERDICT_REFUSED),
	    .conditions = conditions,
	};

	(void)asker;
	(void)why;
	reports_converged(o->reports, &m.peers, &m.converged);
	for (uint32_t i = 0; readers && i < model->n_peers; i++)
		if (!model->peers[i].disabled && readers[i].heard)
			m.formats[readers[i].reads < FORMAT_NEWEST ? readers[i].reads : FORMAT_NEWEST]++;
	for (uint32_t i = 0; i < model->n_peers; i++)
		m.invited += !model->peers[i].disabled && !enrolments_has_key(o->enrolments, &model->peers[i]);
	for (int i = 0; i < N_CONDITIONS; i++) {
		const struct condition *c = conditions_get(o->conditions, i);
		if (!conditions_applies(o->conditions, (enum condition_kind)i))
			continue;
		conditions[m.n_conditions++] =
		    (struct metrics_condition){conditions_name((enum condition_kind)i), c->reason,
					       c->status == TRUTH_TRUE    ? 1
					       : c->status == TRUTH_FALSE ? 0
									  : -1};
	}
	metrics_render(&body, &m);
	http_answer(q, 200, METRICS_CONTENT_TYPE, &body, NULL, NULL);
}
