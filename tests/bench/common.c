#include "tests/bench/bench.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void series_add(struct series *s, double v)
{
	if (s->n < RUNS_MAX)
		s->v[s->n++] = v;
}

static int value_cmp(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double percentile(double *v, size_t n, double p)
{
	size_t rank = (size_t)ceil(p / 100 * (double)n);

	if (!n)
		return NAN;
	qsort(v, n, sizeof(*v), value_cmp);
	return v[rank ? rank - 1 : 0];
}

double series_median(const struct series *s)
{
	struct series sorted = *s;

	return percentile(sorted.v, sorted.n, 50);
}

static json_t *real_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

void figure_say(const struct figure *f)
{
	static const char *const goals[] = {
	    [GOAL_RATIO_MAX] = "ratio at most", [GOAL_RATIO_MIN] = "ratio at least", [GOAL_OURS_MAX] = "at most"};
	const double rival = f->beside ? f->rival : NAN;
	const double ratio = rival > 0 ? f->ours / rival : NAN;
	const double judged = f->goal == GOAL_OURS_MAX ? f->ours : ratio;
	json_t *target = json_null(), *met = json_null(), *j;

	if (f->goal != GOAL_NONE)
		target = json_pack("{s:s, s:f}", "is", goals[f->goal], "bound", f->bound);
	if (f->goal != GOAL_NONE && isfinite(judged))
		met = json_boolean(f->goal == GOAL_RATIO_MIN ? judged >= f->bound : judged <= f->bound);
	j = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:o, s:o, s:o, s:o}", "row", f->row, "work", f->work, "unit", f->unit,
		      "ours", real_or_null(f->ours), "beside", f->beside, "rival", real_or_null(rival), "ratio",
		      real_or_null(ratio), "target", target, "met", met);
	if (!j || json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) < 0)
		die("a figure could not be written");
	putchar('\n');
	fflush(stdout);
	json_decref(j);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *need(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

const char *thousands(uint64_t n, char out[static 32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), o = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
	return out;
}

void run_command(const char *fmt, ...)
{
	struct buf line = {0}, said = {0};
	va_list ap;
	FILE *p;
	int c;

	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	buf_str(&line, " 2>&1 </dev/null");
	p = need(line.failed ? NULL : popen(line.p, "re"));
	while ((c = getc(p)) != EOF)
		buf_char(&said, (char)c);
	if (pclose(p) != 0)
		die("failed: %s\n%s", line.p, said.p ? said.p : "");
	buf_free(&line);
	buf_free(&said);
}

void file_put(const struct buf *b, const char *fmt, ...)
{
	struct buf path = {0};
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	buf_vprintf(&path, fmt, ap);
	va_end(ap);
	f = path.failed ? NULL : fopen(path.p, "we");
	if (!f || b->failed || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0)
		die("cannot write %s", path.p ? path.p : "a file");
	buf_free(&path);
}

uint64_t process_status(pid_t pid, const char *field)
{
	char path[64], line[256];
	uint64_t value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		size_t n = strlen(field);
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			value = strtoull(line + n + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

uint64_t process_cpu_ms(pid_t pid)
{
	unsigned long long user = 0, system = 0;
	char path[64], text[1024];
	const char *rest;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	/* After the name, which may have anything in it: fields 3 to 13 (proc(5)), then utime and stime. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2)
		return 0;
	return (user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK);
}
