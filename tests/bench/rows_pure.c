/* Rows that need no network: from bytes to a model, and from a model to a signed snapshot. */
#include "tests/bench/bench.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/wire/sign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

/* Read, validated, tested and compiled; given back too. */
static double load_ours(const struct buf *yaml)
{
	double start = now_ms();
	struct arena *a = need(arena_new());

	network_compile(a, network_load(a, yaml));
	arena_free(a);
	return now_ms() - start;
}

/* What libyaml takes to say what is in the same bytes. */
static double load_rival(const struct buf *yaml)
{
	double start = now_ms();
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		die("out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const uint8_t *)yaml->p, yaml->n);
	while (!end) {
		if (!yaml_parser_parse(&parser, &event))
			die("libyaml does not read it");
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return now_ms() - start;
}

void rows_load(const struct bench *b)
{
	const uint32_t n = b->small ? 500 : 10000;
	char count[32], cidrs[32], work[128];

	for (unsigned shape = 0; shape < SHAPES; shape++) {
		const struct network net = {.shape = shape, .n = n, .seed = b->seed};
		struct series ours = {.n = 0}, rival = {.n = 0};
		struct arena *a = need(arena_new());
		struct buf yaml = {0};

		network_write(&yaml, &net);
		snprintf(work, sizeof(work), "%s peers in %s CIDRs, %s", thousands(n, count),
			 thousands(network_load(a, &yaml)->n_cidrs - 1, cidrs), shape_name(shape));
		arena_free(a);
		for (unsigned i = 0; i < 2 * b->runs + 1; i++) {
			series_add(&rival, load_rival(&yaml));
			series_add(&ours, load_ours(&yaml));
		}
		figure_say(&(struct figure){"load", work, "ms", "libyaml's event loop", series_median(&ours),
					    series_median(&rival), GOAL_RATIO_MAX, 2});
		buf_free(&yaml);
	}
}

struct grown {
	double ms, mib;
};

/* `bench load-once FILE`: a process of its own, so that its largest size is that of this one network. */
int load_once(const char *path)
{
	const uint64_t before = process_status(getpid(), "VmRSS");
	double start = now_ms(), end;
	struct arena *a = need(arena_new());
	struct buf yaml = {0};
	struct diags d = {0};

	if (file_read(path, DEFINITION_MAX, &yaml, NULL, &d) < 0)
		die("cannot read %s", path);
	network_compile(a, network_load(a, &yaml));
	end = now_ms();
	printf("%.3f %.3f\n", end - start, (double)(process_status(getpid(), "VmHWM") - before) / 1024);
	buf_free(&yaml);
	arena_free(a);
	return 0;
}

static struct grown grow_once(const char *path)
{
	struct grown g;
	struct buf line = {0};
	FILE *p;

	buf_printf(&line, "exec /proc/%d/exe load-once '%s'", (int)getpid(), path);
	p = need(line.failed ? NULL : popen(line.p, "re"));
	if (fscanf(p, "%lf %lf", &g.ms, &g.mib) != 2 || pclose(p) != 0)
		die("failed: %s", line.p);
	buf_free(&line);
	return g;
}

void rows_grow(const struct bench *b)
{
	const unsigned steps = b->small ? 2 : 4;
	struct grown last = {NAN, NAN};
	char count[32], work[128], path[4096];

	snprintf(path, sizeof(path), "%s/grow.yaml", b->work);
	for (unsigned step = 0, n = b->small ? 100 : 1000; step < steps; step++, n *= 10) {
		const struct network net = {.shape = SHAPE_FLAT, .n = n, .seed = b->seed};
		const bool million = n == 1000000;
		struct series ms = {.n = 0}, mib = {.n = 0};
		struct buf yaml = {0};
		struct grown g;

		network_write(&yaml, &net);
		file_put(&yaml, "%s", path);
		buf_free(&yaml);
		for (unsigned i = 0; i < (million ? 1 : b->runs); i++) {
			g = grow_once(path);
			series_add(&ms, g.ms);
			series_add(&mib, g.mib);
		}
		g = (struct grown){series_median(&ms), series_median(&mib)};
		/* Ten times the work at 1.1 times linear: eleven times the figure before. */
		snprintf(work, sizeof(work), "%s peers, time", thousands(n, count));
		figure_say(&(struct figure){"grow", work, "ms", step ? "a tenth of the peers" : NULL, g.ms, last.ms,
					    step ? GOAL_RATIO_MAX : GOAL_NONE, 11});
		snprintf(work, sizeof(work), "%s peers, memory", count);
		figure_say(&(struct figure){"grow", work, "MiB", step ? "a tenth of the peers" : NULL, g.mib, last.mib,
					    step ? GOAL_RATIO_MAX : GOAL_NONE, 11});
		if (million) {
			figure_say(&(struct figure){"grow", "the ceiling: 1,000,000 peers, time", "s", NULL,
						    g.ms / 1000, NAN, GOAL_OURS_MAX, 10});
			figure_say(&(struct figure){"grow", "the ceiling: 1,000,000 peers, memory", "MiB", NULL, g.mib,
						    NAN, GOAL_OURS_MAX, 1536});
		}
		last = g;
	}
	unlink(path);
}

/* The statement's signature, as a server makes it. */
static size_t sign_statement(const struct snapshot *s, const struct server_config *server)
{
	struct signature sig;
	struct buf text = {0};
	size_t n;

	if (signature_make("statement", &s->model->trust.id, s->statement, server->seeds[0], &sig) < 0)
		die("cannot sign");
	signature_write(&text, &sig);
	n = text.n;
	buf_free(&text);
	return n;
}

/* A wg-quick file for each peer, with all other peers in it. Returns how many bytes. */
static uint64_t write_wg_quick(const struct model *m, const char *folder)
{
	struct buf text = {0};
	uint64_t total = 0;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		char ip[ADDR_STR_LEN];

		buf_reset(&text);
		addr_format(&m->peers[i].ip[0], ip);
		buf_printf(&text, "[Interface]\nAddress = %s/8\nListenPort = 51820\n", ip);
		for (uint32_t k = 0; k < m->n_peers; k++)
			if (k != i)
				wg_quick_peer(&text, &m->peers[k]);
		file_put(&text, "%s/%s.conf", folder, m->peers[i].name);
		total += text.n;
	}
	buf_free(&text);
	return total;
}

void rows_render(const struct bench *b)
{
	const struct network net = {.shape = SHAPE_HUGE, .n = b->small ? 100 : 1000, .seed = b->seed};
	struct server_config *server = network_server(b->seed);
	struct series ours = {.n = 0}, rival = {.n = 0};
	uint64_t bytes = 0, rival_bytes = 0;
	struct arena *a = need(arena_new());
	char count[32], work[128], folder[4096];
	struct buf yaml = {0};
	struct model *m;

	network_write(&yaml, &net);
	m = network_load(a, &yaml);
	snprintf(folder, sizeof(folder), "%s/render", b->work);
	run_command("mkdir -p '%s'", folder);
	for (unsigned i = 0; i < b->runs; i++) {
		struct arena *once = need(arena_new());
		double start = now_ms();
		struct snapshot *s = network_compile(once, m);

		bytes = s->statement.n + sign_statement(s, server);
		for (size_t k = 0; k < s->n_objects; k++)
			bytes += s->objects[k].bytes.n;
		series_add(&ours, now_ms() - start);
		arena_free(once);
		start = now_ms();
		rival_bytes = write_wg_quick(m, folder);
		series_add(&rival, now_ms() - start);
	}
	run_command("rm -r '%s'", folder);
	snprintf(work, sizeof(work), "all views of %s peers, time", thousands(net.n, count));
	figure_say(&(struct figure){"render", work, "ms", "a loop that writes wg-quick files", series_median(&ours),
				    series_median(&rival), GOAL_RATIO_MAX, 0.01});
	snprintf(work, sizeof(work), "all views of %s peers, bytes", count);
	figure_say(&(struct figure){"render", work, "KiB", "a loop that writes wg-quick files", (double)bytes / 1024,
				    (double)rival_bytes / 1024, GOAL_RATIO_MAX, 0.01});
	server_config_free(server);
	buf_free(&yaml);
	arena_free(a);
}

void rows_change(const struct bench *b)
{
	struct network net = {.shape = SHAPE_FLAT, .n = b->small ? 500 : 10000, .seed = b->seed};
	struct server_config *server = network_server(b->seed);
	struct series reading = {.n = 0}, rest = {.n = 0};
	char count[32], work[128];
	struct buf yaml = {0};

	for (unsigned i = 0; i < 2 * b->runs + 1; i++) {
		struct arena *a = need(arena_new());
		struct model *m;
		double start, read;

		net.touched = i;
		buf_reset(&yaml);
		network_write(&yaml, &net);
		start = now_ms();
		m = network_load(a, &yaml);
		read = now_ms();
		sign_statement(network_compile(a, m), server);
		series_add(&rest, now_ms() - read);
		series_add(&reading, read - start);
		arena_free(a);
	}
	snprintf(work, sizeof(work), "one peer of %s: tests, compile, sign", thousands(net.n, count));
	figure_say(&(struct figure){"change", work, "ms", "reading the file", series_median(&rest),
				    series_median(&reading), GOAL_OURS_MAX, 10});
	server_config_free(server);
	buf_free(&yaml);
}
