/* What was looked at and what came of it: the lines of `innernet status` and `innernet doctor`. */
#ifndef RECONCILE_SHOW_CHECKS_H
#define RECONCILE_SHOW_CHECKS_H

#include "schema/buf.h"
#include <jansson.h>

enum check_level {
	CHECK_OK,
	CHECK_NOTE,    /* worth knowing, and as it may be */
	CHECK_WARN,    /* may become wrong, or limits something */
	CHECK_UNKNOWN, /* could not be told */
	CHECK_FAIL,
};

struct check {
	enum check_level level;
	const char *what; /* one word, or a peer's name */
	bool is_peer;
	const char *text, *help; /* help NULL: nothing to do */
};

/* Zero-initialise but for the arena. */
struct checks {
	struct arena *arena;
	struct check *list;
	uint32_t n, cap;
	bool failed; /* out of memory */
};

/* NULL when out of memory, which checks_help() takes. `what` is copied: a check outlives what it is about. */
struct check *checks_add(struct checks *c, enum check_level level, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void checks_help(struct checks *c, struct check *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* 0: all is well. 1: something is wrong. 2: nothing is known to be wrong, but something could not be told. */
int checks_verdict(const struct checks *c);
const char *checks_verdict_word(int verdict); /* "fine", "wrong", "unknown" */

/* A line each: "  ok    server     hub answered 12 s ago", and under it what to do. The words say it without colour. */
void checks_text(struct buf *out, const struct checks *c, bool color);
json_t *checks_json(const struct checks *c); /* a list; NULL: out of memory */

#endif
