/* The text that Prometheus gets: exactly, and whatever a label holds. */
#include "reconcile/show/metrics.h"
#include "tests/cmocka.h"

#include <string.h>

static void test_whole(void **state)
{
	(void)state;
	const struct metrics_condition conditions[] = {{"Ready", "Serving", 1}, {"Valid", "yaml-syntax", 0}};
	const struct metrics m = {.network = "corp",
				  .version = {1, 17},
				  .applied_time = 1700000000,
				  .peers = 43,
				  .converged = 41,
				  .formats = {0, 2, 40},
				  .push_ms = 1042,
				  .polls = 7,
				  .announcements = 3,
				  .conditions = conditions,
				  .n_conditions = 2};
	struct buf out = {0};

	metrics_render(&out, &m);
	assert_false(out.failed);
	assert_non_null(strstr(out.p, "# HELP innernet_peers_converged Peers that run the published version.\n"
				      "# TYPE innernet_peers_converged gauge\n"
				      "innernet_peers_converged{network=\"corp\"} 41\n"));
	assert_non_null(strstr(out.p, "innernet_peers_by_format{network=\"corp\",format=\"1\"} 2\n"
				      "innernet_peers_by_format{network=\"corp\",format=\"2\"} 40\n"));
	assert_non_null(strstr(out.p, "innernet_version_number{network=\"corp\"} 17\n"));
	assert_non_null(strstr(out.p,
			       "innernet_condition{network=\"corp\",type=\"Ready\",reason=\"Serving\"} 1\n"
			       "innernet_condition{network=\"corp\",type=\"Valid\",reason=\"yaml-syntax\"} 0\n"));
	assert_non_null(strstr(out.p, "innernet_last_push_seconds{network=\"corp\"} 1.042\n"));
	assert_non_null(
	    strstr(out.p, "# TYPE innernet_polls_total counter\ninnernet_polls_total{network=\"corp\"} 7\n"));
	assert_non_null(strstr(out.p, "innernet_hint_announcements_total{network=\"corp\"} 3\n"));
	/* What is not known is left out, not zero. */
	assert_null(strstr(out.p, "memory"));
	/* Each line is a comment or a sample, each metric is described once. */
	for (char *line = strtok(out.p, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(!strncmp(line, "# HELP innernet_", 16) || !strncmp(line, "# TYPE innernet_", 16) ||
			    !strncmp(line, "innernet_", 9));
	buf_free(&out);
}

/* Each row has the number of its own member. */
static void test_each_row(void **state)
{
	static const char *const names[] = {"version_epoch",
					    "version_number",
					    "applied_timestamp_seconds",
					    "peers",
					    "peers_converged",
					    "invitations_open",
					    "ledger_available",
					    "connections",
					    "http_requests_total",
					    "http_refused_total",
					    "http_sent_bytes_total",
					    "polls_total",
					    "redemptions_total",
					    "hints",
					    "endpoint_reports_total",
					    "hint_announcements_total",
					    "knocks_total",
					    "revisions_accepted_total",
					    "revisions_refused_total",
					    "process_resident_memory_bytes"};
	const struct metrics m = {.network = "corp",
				  .version = {101, 102},
				  .applied_time = 103,
				  .peers = 104,
				  .converged = 105,
				  .invited = 106,
				  .ledger_available = true,
				  .connections = 108,
				  .requests = 109,
				  .refused = 110,
				  .sent_bytes = 111,
				  .polls = 112,
				  .redemptions = 113,
				  .hints = 114,
				  .reports = 115,
				  .announcements = 116,
				  .knocks = 117,
				  .verdicts_accepted = 118,
				  .verdicts_refused = 119,
				  .memory = 120,
				  .push_ms = 0};
	struct buf out = {0};

	(void)state;
	metrics_render(&out, &m);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf line = {0};

		buf_printf(&line, "\ninnernet_%s{network=\"corp\"} %u\n", names[i], i == 6 ? 1 : 101 + i);
		assert_non_null(strstr(out.p, line.p));
		buf_free(&line);
	}
	assert_non_null(strstr(out.p, "\ninnernet_last_push_seconds{network=\"corp\"} 0.000\n"));
	buf_free(&out);
}

static void test_labels_are_escaped(void **state)
{
	(void)state;
	const struct metrics_condition c = {"Ready", "a\"b\\c\nd", -1};
	const struct metrics m = {.network = "corp", .push_ms = -1, .conditions = &c, .n_conditions = 1};
	struct buf out = {0};

	metrics_render(&out, &m);
	assert_non_null(strstr(out.p, "reason=\"a\\\"b\\\\c\\nd\"} -1\n"));
	assert_null(strstr(out.p, "last_push"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_each_row),
	    cmocka_unit_test(test_labels_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
