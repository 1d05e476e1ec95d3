/* What /metrics says, gathered. */
#include "reconcile/edge/server/reconciler_state.h"
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

void reconciler_metrics(const struct reconciler *r, struct buf *out)
{
	const struct model *model = served_now(r->served)->model;
	const struct reader *readers = readers_list(r->readers);
	const struct http_counts http = http_counts(r->http);
	const struct hints_counts hints = hints_board_counts(r->hints);
	struct metrics_condition conditions[N_CONDITIONS];
	struct metrics m = {
	    .network = r->config->network,
	    .version = served_now(r->served)->parsed.version,
	    .applied_time = served_since(r->served),
	    .connections = http_connections(r->http),
	    .push_ms = reports_converged_ms(r->reports),
	    .ledger_available = enrolments_available(r->enrolments),
	    .memory = resident_bytes(),
	    .requests = http.answers,
	    .refused = http.refused,
	    .sent_bytes = http.sent_bytes,
	    .polls = reports_polls(r->reports),
	    .redemptions = redemptions_count(r->redemptions),
	    .hints = (uint32_t)hints.known,
	    .reports = hints.reports,
	    .announcements = hints.announcements,
	    .knocks = knocks_count(r->knocks),
	    .verdicts_accepted = r->verdicts[VERDICT_PUBLISHED] + r->verdicts[VERDICT_UNCHANGED],
	    .verdicts_refused = r->verdicts[VERDICT_REFUSED],
	    .conditions = conditions,
	};

	reports_converged(r->reports, &m.peers, &m.converged);
	for (uint32_t i = 0; readers && i < model->n_peers; i++)
		if (!model->peers[i].disabled && readers[i].heard)
			m.formats[readers[i].reads < FORMAT_NEWEST ? readers[i].reads : FORMAT_NEWEST]++;
	for (uint32_t i = 0; i < model->n_peers; i++)
		m.invited += !model->peers[i].disabled && !enrolments_has_key(r->enrolments, &model->peers[i]);
	for (int i = 0; i < N_CONDITIONS; i++) {
		const struct condition *c = conditions_get(r->conditions, i);
		if (!conditions_applies(r->conditions, (enum condition_kind)i))
			continue;
		conditions[m.n_conditions++] =
		    (struct metrics_condition){conditions_name((enum condition_kind)i), c->reason,
					       c->status == TRUTH_TRUE    ? 1
					       : c->status == TRUTH_FALSE ? 0
									  : -1};
	}
	metrics_render(out, &m);
}
