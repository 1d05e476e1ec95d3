/* What the parts of the benchmark share: the run's options, seeded networks, medians, and the figures they come to. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "reconcile/edge/config/server_config.h"
#include "reconcile/wire/snapshot.h"
#include "schema/load.h"

#include <sys/types.h>

/* How large, how often, from which seed. */
struct bench {
	const char *work; /* a folder to write to; NULL: the row needs none */
	uint64_t seed;
	bool small;    /* just enough to go through everything once: `make check` */
	unsigned runs; /* medians are of so many */
};

/* --- networks: a function of seed, shape and size --- */

enum shape {
	SHAPE_FLAT,   /* CIDRs of 50 peers side by side, some associated */
	SHAPE_DEEP,   /* CIDRs in CIDRs, seven levels of them */
	SHAPE_SMALL,  /* many CIDRs of a dozen peers */
	SHAPE_HUGE,   /* all peers in one CIDR */
	SHAPE_STACKS, /* flat, with IPv4 and IPv6 each */
	SHAPES
};
const char *shape_name(enum shape s);
int shape_parse(const char *name, enum shape *out);

struct network {
	enum shape shape;
	uint32_t n; /* peers, the server and the probe among them */
	uint64_t seed;
	/* Revisions: the endpoint of one peer that every peer sees (the probe), and of one ordinary peer. */
	uint32_t probe, touched;
	const struct server_config *server; /* its keys; NULL: some */
};
#define NETWORK_NAME   "bench"
#define NETWORK_SERVER "10.0.0.1"
void network_write(struct buf *out, const struct network *n);
/* The keys of a server, as the seed has them. The file's other fields are left alone. */
struct server_config *network_server(uint64_t seed);
struct key network_id(uint64_t seed);

/* Loads what network_write() wrote; ends the program when it does not load. */
struct model *network_load(struct arena *a, const struct buf *yaml);
struct snapshot *network_compile(struct arena *a, const struct model *m);

/* One line of a wg-quick file's [Peer] sections for each that peer may reach: what people generate by hand. */
void wg_quick_peer(struct buf *out, const struct peer *p);

/* splitmix64: small, seeded, the same everywhere. */
uint64_t draw(uint64_t *state);

/* --- measuring --- */

double now_ms(void); /* CLOCK_MONOTONIC */

/* At most so many runs of one row, however many were asked for. */
#define RUNS_MAX 64
struct series {
	double v[RUNS_MAX];
	unsigned n;
};
void series_add(struct series *s, double v);
double series_median(const struct series *s);
/* The p-th percentile (0 to 100) of n values; sorts them. */
double percentile(double *v, size_t n, double p);

/* --- figures: a line of JSON each, on standard output --- */

enum goal { GOAL_NONE, GOAL_RATIO_MAX, GOAL_RATIO_MIN, GOAL_OURS_MAX };
struct figure {
	const char *row;    /* the table's: "load" */
	const char *work;   /* "10,000 peers, flat" */
	const char *unit;   /* "ms" */
	const char *beside; /* what the rival is; NULL: there is none */
	double ours, rival;
	enum goal goal;
	double bound; /* of ours, or of ours / rival */
};
void figure_say(const struct figure *f);

/* A line on standard error: what is going on. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *need(void *p); /* out of memory ends the program */
/* 1234567 as "1,234,567". */
const char *thousands(uint64_t n, char out[static 32]);
/* Runs a command of sh(1), its output thrown away unless it fails; ends the program when it does. */
void run_command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Writes a file whose path is a format. */
void file_put(const struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* From /proc/PID/status: VmRSS, VmHWM, ... in KiB; 0 when it is not there. */
uint64_t process_status(pid_t pid, const char *field);
uint64_t process_cpu_ms(pid_t pid); /* user and system */

/* --- rows --- */

void rows_load(const struct bench *b);
void rows_grow(const struct bench *b);
void rows_render(const struct bench *b);
int load_once(const char *path); /* rows_grow() in a process of its own */
void rows_change(const struct bench *b);
void rows_apply(const struct bench *b);
void rows_apply_kernel(const struct bench *b);
void rows_push(const struct bench *b);
void rows_bytes(const struct bench *b);
void rows_serve(const struct bench *b);
void rows_idle(const struct bench *b);

#endif
