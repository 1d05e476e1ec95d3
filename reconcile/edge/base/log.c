#include "reconcile/edge/base/log.h"
#include "schema/utf8.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Global state, on purpose: any function of the edge must be able to log. */
static struct {
	enum log_format format;
	bool verbose, timestamps;
} settings;

void log_open(enum log_format format, bool verbose, bool timestamps)
{
	settings.format = format;
	settings.verbose = verbose;
	settings.timestamps = timestamps;
}

static void now_string(char out[static 32])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(ts.tv_nsec / 1000000) % 1000);
}

static void put_human(struct buf *line, const char *level, const char *event, const char *message)
{
	char when[32];

	if (settings.timestamps) {
		now_string(when);
		buf_printf(line, "%s ", when);
	}
	if (strcmp(level, "info") != 0)
		buf_printf(line, "%s: ", level);
	buf_printf(line, "%s: ", event);
	/* A message may quote untrusted text: control characters and newlines are escaped. */
	buf_visible(line, span_str(message));
}

static void put_json(struct buf *line, const char *level, const char *event, const char *code, const char *message)
{
	char when[32], *text;
	json_t *o;

	now_string(when);
	o = json_pack("{s:s, s:s, s:s, s:s*, s:s}", "time", when, "level", level, "event", event, "code", code,
		      "message", message);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	buf_str(line,
		text ? text : "{\"level\":\"error\",\"event\":\"log\",\"message\":\"a line could not be written\"}");
	free(text);
	json_decref(o);
}

static void emit(const char *level, const char *event, const char *code, const char *message)
{
	struct buf line = {0};

	if (settings.format == LOG_JSON)
		put_json(&line, level, event, code, message);
	else
		put_human(&line, level, event, message);
	buf_char(&line, '\n');
	/* One write(2) a line, so that lines of several programs in one file do not mix. A failed write is ignored. */
	if (!line.failed && write(STDERR_FILENO, line.p, line.n) < 0 && errno == EINTR)
		(void)!write(STDERR_FILENO, line.p, line.n);
	buf_free(&line);
}

__attribute__((format(printf, 3, 0))) static void emitv(const char *level, const char *event, const char *fmt,
							va_list ap)
{
	struct buf message = {0};

	buf_vprintf(&message, fmt, ap);
	emit(level, event, NULL, message.failed ? "out of memory" : message.p ? message.p : "");
	buf_free(&message);
}

#define LOG_FUNCTION(name, level, condition)                                                                           \
	void name(const char *event, const char *fmt, ...)                                                             \
	{                                                                                                              \
		va_list ap;                                                                                            \
		if (!(condition))                                                                                      \
			return;                                                                                        \
		va_start(ap, fmt);                                                                                     \
		emitv(level, event, fmt, ap);                                                                          \
		va_end(ap);                                                                                            \
	}

LOG_FUNCTION(log_info, "info", true)
LOG_FUNCTION(log_warn, "warning", true)
LOG_FUNCTION(log_error, "error", true)
LOG_FUNCTION(log_debug, "debug", settings.verbose)

bool log_verbose(void)
{
	return settings.verbose;
}

static void put_place(struct buf *b, const struct diags *d, const struct diag *g)
{
	const char *file = g->file                                             ? g->file
			   : g->at.line && d->files && g->at.file < d->n_files ? d->files[g->at.file]
									       : NULL;

	if (file && g->at.line)
		buf_printf(b, "%s:%u:%u: ", file, g->at.line, g->at.column);
	else if (file && !strstr(g->message, file))
		buf_printf(b, "%s: ", file);
}

void log_diags(const char *event, const struct diags *d)
{
	for (const struct diag *g = d->first; g; g = g->next) {
		struct buf b = {0};
		put_place(&b, d, g);
		buf_str(&b, g->message);
		if (settings.format == LOG_HUMAN)
			buf_printf(&b, " [%s]", g->code);
		for (const struct diag_note *n = g->notes; n; n = n->next)
			buf_printf(&b, "; %s", n->text);
		if (g->help)
			buf_printf(&b, " (%s)", g->help);
		emit(g->severity == SEVERITY_ERROR ? "error" : "warning", event, g->code,
		     b.failed ? "out of memory" : b.p);
		buf_free(&b);
	}
	if (d->n_dropped)
		log_warn(event, "%zu more diagnostics were not kept", d->n_dropped);
	if (d->out_of_memory && !d->first)
		log_error(event, "out of memory");
}
