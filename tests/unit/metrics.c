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
	    cmocka_unit_test(test_labels_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
