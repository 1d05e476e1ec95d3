/* innernet-reconcile status: prints the server's last status file. Needs no running server. */
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/text/json_value.h"
#include "schema/time.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const struct option_spec options[] = {
    {"json", 'j', NULL, "print the JSON document"},
    {0},
};

static void add_conditions(struct buf *out, const json_t *o, bool *good)
{
	size_t i;
	json_t *c;
	int true_ones = 0;

	json_array_foreach(json_object_get(o, "conditions"), i, c)
	{
		const char *kind = status_text(c, "type"), *status = status_text(c, "status"),
			   *commit = status_text(c, "commit");
		if (!strcmp(kind, "Suspended") && strcmp(status, "True"))
			continue; /* "not suspended" is the normal state and is not printed */
		buf_printf(out, "  %-10s %-8s %-20s %s%.12s%s%s\n", kind, status, status_text(c, "reason"),
			   *commit ? "commit " : "", commit, *commit ? ": " : "", status_text(c, "message"));
		true_ones += (!strcmp(kind, "Ready") || !strcmp(kind, "Valid")) && !strcmp(status, "True");
	}
	*good = true_ones == 2; /* a missing condition counts as false */
}

/* Writes "2026-11-23T03:00:00Z", or "-" when there is no time. */
static void add_time(struct buf *out, const json_t *t)
{
	char text[TIME_STR_LEN];

	buf_str(out, t && !time_format(json_integer_value(t), text) ? text : "-");
}

/* Writes "remote: git@example.com:network.git, reached 2026-11-23T03:00:00Z". */
static void add_source(struct buf *out, const json_t *o)
{
	const json_t *source = json_object_get(o, "source");

	if (!strcmp(status_text(source, "kind"), "remote")) {
		buf_printf(out, "\nremote: %s, reached ", status_text(source, "url"));
		add_time(out, json_object_get(source, "reached"));
		buf_char(out, '\n');
	} else if (source) {
		buf_printf(out, "\nfile: %s\n", status_text(source, "path"));
	}
}

static void add_peers(struct buf *out, const json_t *o)
{
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(o, "peers"), i, p)
	{
		const json_t *polled = json_object_get(p, "polled"), *reads = json_object_get(p, "reads");
		const char *address = json_string_value(json_array_get(json_object_get(p, "addresses"), 0));
		struct buf version = {0};
		status_put_version(&version, p);
		buf_printf(out, "  %-24s %-16s %-9s %-8s", status_text(p, "name"), address ? address : "",
			   status_text(p, "state"), version.p ? version.p : "");
		buf_free(&version);
		if (json_is_true(json_object_get(p, "converged")))
			buf_str(out, "converged");
		else if (polled)
			buf_printf(out, "polled %" PRId64 " s ago",
				   (int64_t)(clock_unix() - json_integer_value(polled)));
		if (reads && json_integer_value(reads) < FORMAT_NEWEST)
			buf_printf(out, ", reads format %" JSON_INTEGER_FORMAT, json_integer_value(reads));
		while (out->n && out->p[out->n - 1] == ' ')
			out->p[--out->n] = '\0';
		buf_char(out, '\n');
	}
}

static void add_history(struct buf *out, const json_t *o)
{
	size_t i;
	json_t *h;

	if (json_array_size(json_object_get(o, "history")))
		buf_str(out, "\nhistory:\n");
	json_array_foreach(json_object_get(o, "history"), i, h)
	{
		buf_str(out, "  ");
		add_time(out, json_object_get(h, "time"));
		buf_printf(out, "  %.12s  %-9s  %s%s%s\n", status_text(h, "commit"), status_text(h, "verdict"),
			   status_text(h, "reason"), *status_text(h, "reason") ? ": " : "", status_text(h, "message"));
	}
}

/* A peer whose last poll is older than this counts as away; one that has polled since then counts as behind. */
#define AWAY_SECONDS 120

/* A group of the peers that do not run the published version: their number, and the names of the first three. */
struct group {
	unsigned n;
	struct buf names;
	int64_t since; /* the newest last poll of these peers, Unix time in seconds */
};

static void group_add(struct group *g, const json_t *p, int64_t polled)
{
	if (g->n++ < 3)
		buf_printf(&g->names, "%s%s", g->n > 1 ? ", " : "", status_text(p, "name"));
	else if (g->n == 4)
		buf_str(&g->names, ", ...");
	if (polled > g->since)
		g->since = polled;
}

static void group_end(struct buf *out, struct group *g, const char *what, bool since)
{
	char when[TIME_STR_LEN];

	if (g->n)
		buf_printf(out, "; %u %s", g->n, what);
	if (g->n && since && !time_format(g->since, when))
		buf_printf(out, " since %s", when);
	if (g->n)
		buf_printf(out, ": %s", g->names.p ? g->names.p : "");
	buf_free(&g->names);
}

static bool cannot_read(const json_t *p)
{
	return json_integer_value(json_object_get(p, "reads")) < json_integer_value(json_object_get(p, "needs"));
}

/* Writes "peers: 41/43 on 0.17; 2 away since 2026-11-23T03:00:00Z: bob, carol". */
static void add_convergence(struct buf *out, const json_t *o)
{
	struct group behind = {0}, away = {0}, never = {0}, unable = {0};
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(o, "peers"), i, p)
	{
		const json_t *polled = json_object_get(p, "polled");
		const int64_t at = json_integer_value(polled);
		if (strcmp(status_text(p, "state"), "enrolled") || json_is_true(json_object_get(p, "converged")))
			continue;
		group_add(!polled                            ? &never
			  : cannot_read(p)                   ? &unable
			  : at + AWAY_SECONDS < clock_unix() ? &away
							     : &behind,
			  p, at);
	}
	buf_printf(out, "\npeers: %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " on ",
		   json_integer_value(json_object_get(o, "peers_converged")),
		   json_integer_value(json_object_get(o, "peers_total")));
	status_put_version(out, o);
	group_end(out, &behind, "behind", false);
	group_end(out, &away, "away", true);
	group_end(out, &unable, "cannot read its format", false);
	group_end(out, &never, "not heard of since the server started", false);
	buf_char(out, '\n');
}

static void render(struct buf *out, const json_t *o, bool *good)
{
	buf_printf(out, "%s: version ", status_text(o, "network"));
	status_put_version(out, o);
	if (*status_text(o, "commit"))
		buf_printf(out, ", commit %.12s", status_text(o, "commit"));
	buf_char(out, '\n');
	add_conditions(out, o, good);
	add_source(out, o);
	if (*status_text(o, "problem"))
		buf_printf(out, "\n%s", status_text(o, "problem"));
	if (json_array_size(json_object_get(o, "peers"))) {
		add_convergence(out, o);
		add_peers(out, o);
	}
	add_history(out, o);
}

/* The status file of a stopped server still says that it runs: corrects `o` and the JSON in `text`, and warns. */
static int not_running(const struct invocation *inv, json_t *o, struct buf *text, struct diags *d)
{
	struct diag *g = diag_warning(d, "not-running", NULL, "no server of '%s' runs", inv->args[0]);
	struct buf watch = {0};

	paths_put_command(&watch, inv, "--watch", inv->args[0]);
	diag_help(d, g, "start it: %s", watch.p ? watch.p : "");
	buf_free(&watch);
	status_not_running(o);
	buf_reset(text);
	if (value_write(text, o) == 0)
		return 0;
	return diags_out_of_memory(d);
}

static int run(struct invocation *inv)
{
	struct server_paths paths;
	struct buf text = {0}, out = {0};
	struct diags d = {0};
	bool good = false;
	json_t *o = NULL;
	int code = FAILED, found;

	if (paths_make(inv, inv->args[0], &paths) < 0)
		return FAILED;
	found = status_file_read(paths.data, &text, &o, &d);
	if (!found) {
		struct diag *g =
		    diag_error(&d, "no-status", NULL, "there is no status of '%s' in %s", inv->args[0], paths.data);
		struct buf watch = {0};
		paths_put_command(&watch, inv, "--watch", inv->args[0]);
		diag_help(&d, g, "the server writes it: %s", watch.p ? watch.p : "");
		buf_free(&watch);
	}
	if (found <= 0)
		goto out;
	if (!status_server_runs(paths.data) && not_running(inv, o, &text, &d) < 0)
		goto out;
	render(&out, o, &good);
	if (print_buf(inv, option_given(inv, "json") ? &text : &out) == 0)
		code = good ? DONE : FAILED;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	json_decref(o);
	buf_free(&text);
	buf_free(&out);
	paths_free(&paths);
	return code;
}

const struct command server_command_status = {
    .name = "status",
    .synopsis = "NAME [--json]",
    .summary = "what is published, what was refused and why, which peers have converged",
    .text =
	"Reads the server's last status, whether or not the server runs. Exit code 0 when it runs, is ready, and the\n"
	"newest commit is valid, else 1.",
    .example = "innernet-reconcile status corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
