/*
 * bench ROW...: measures, a line of JSON a figure (tests/bench/run makes a table of them).
 *
 *   bench [--small] [--seed N] [--runs N] [--work DIR] ROW...
 *   bench [--seed N] generate SHAPE PEERS      a network, on standard output
 */
#include "tests/bench/site.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row {
	const char *name;
	void (*run)(const struct bench *b);
	bool needs_work;
} rows[] = {
    {"load", rows_load, false},     {"grow", rows_grow, true},   {"render", rows_render, true},
    {"change", rows_change, false}, {"apply", rows_apply, true}, {"apply-kernel", rows_apply_kernel, true},
    {"push", rows_push, true},      {"bytes", rows_bytes, true}, /* and join */
    {"serve", rows_serve, true},    {"idle", rows_idle, true},   /* memory, and bytes of an idle minute */
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static _Noreturn void usage(void)
{
	fputs("usage: bench [--small] [--seed N] [--runs N] [--work DIR] ROW...\n"
	      "       bench [--seed N] generate SHAPE PEERS\nrows:",
	      stderr);
	for (size_t i = 0; i < N_ROWS; i++)
		fprintf(stderr, " %s", rows[i].name);
	fputs("\nshapes:", stderr);
	for (unsigned i = 0; i < SHAPES; i++)
		fprintf(stderr, " %s", shape_name(i));
	fputc('\n', stderr);
	exit(2);
}

static int generate(const struct bench *b, int argc, char **argv)
{
	struct network n = {.seed = b->seed};
	struct buf yaml = {0};
	bool ok;

	if (argc != 2 || shape_parse(argv[0], &n.shape) < 0)
		usage();
	n.n = (uint32_t)strtoul(argv[1], NULL, 10);
	if (n.n < 3 || n.n > 1000000)
		die("from 3 to 1000000 peers");
	network_write(&yaml, &n);
	ok = fwrite(yaml.p, 1, yaml.n, stdout) == yaml.n && fflush(stdout) == 0;
	buf_free(&yaml);
	return ok ? 0 : 1;
}

static void run_row(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].needs_work && !b->work)
			die("%s needs --work", name);
		say("%s ...", name);
		rows[i].run(b);
		return;
	}
	usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"small", no_argument, NULL, 's'},
						{"seed", required_argument, NULL, 'n'},
						{"runs", required_argument, NULL, 'r'},
						{"work", required_argument, NULL, 'w'},
						{0}};
	struct bench b = {.seed = 1, .runs = 5};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 's':
			b.small = true;
			break;
		case 'n':
			b.seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			b.runs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			b.work = optarg;
			break;
		default:
			usage();
		}
	}
	if (sodium_init() < 0)
		return 1;
	if (b.small)
		b.runs = 1;
	if (b.runs < 1 || b.runs > RUNS_MAX / 2 - 1 || optind == argc)
		usage();
	if (strcmp(argv[optind], "generate") == 0)
		return generate(&b, argc - optind - 1, argv + optind + 1);
	if (strcmp(argv[optind], "server") == 0 && b.work)
		return site_server_main(&b);
	if (strcmp(argv[optind], "load-once") == 0 && optind + 2 == argc)
		return load_once(argv[optind + 1]);
	for (int i = optind; i < argc; i++)
		run_row(&b, argv[i]);
	return 0;
}
