/* innernet merge-driver: merges two branches' changes of a definition, for git(1). */
#include "cmd/innernet/merge_driver.h"
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/run.h"
#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/impact/merged.h"
#include "reconcile/net/reach.h"

#include <stdlib.h>
#include <string.h>

/* As gitattributes(5) has it: 0 merged, 1 to 128 conflicts, more is an error. */
enum { MERGED = 0, CONFLICTS = 1, CANNOT_MERGE = 129 };

static const struct option_spec options[] = {
    {"install", 0, NULL, "make git use the driver for network.yaml in the clone of DIR (or of this folder)"},
    {0},
};

/* ---- the clone --------------------------------------------------------------------------------------------------- */

#define DRIVER    "innernet merge-driver %O %A %B %P %L"
#define ATTRIBUTE SOURCE_NAME " merge=innernet"

static int git_config(const char *folder, const char *key, const char *value, struct diags *d)
{
	const char *const argv[] = {"git", "-C", folder, "config", key, value, NULL};
	int rc = run_program(argv, RUN_STDERR_SHOWN, NULL, 0, d);

	if (rc > 0)
		diag_error(d, "git-failed", NULL, "`git config %s` failed in %s", key, folder);
	return rc ? -1 : 0;
}

static bool has_line(const struct buf *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *s = text->p; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
		if (strcspn(s, "\r\n") == n && strncmp(s, line, n) == 0)
			return true;
	return false;
}

/* Adds the attribute to info/attributes, which no commit has. */
static int add_attribute(const char *folder, struct diags *d)
{
	const char *const argv[] = {
	    "git", "-C", folder, "rev-parse", "--path-format=absolute", "--git-path", "info/attributes", NULL};
	struct buf path = {0}, text = {0};
	bool absent = false;
	int rc = run_program(argv, RUN_STDERR_SHOWN, &path, 4096, d);
	char *slash;

	if (rc > 0)
		diag_help(d, diag_error(d, "git-failed", NULL, "%s is in no git repository", folder),
			  "name the folder of a clone: innernet merge-driver --install DIR");
	if (!rc && path.p)
		path.p[strcspn(path.p, "\n")] = '\0';
	if (rc || !path.p || file_read(path.p, CONFIG_MAX, &text, &absent, d)) {
		rc = -1;
	} else if (!has_line(&text, ATTRIBUTE)) {
		if (text.n && text.p[text.n - 1] != '\n')
			buf_char(&text, '\n');
		buf_str(&text, ATTRIBUTE "\n");
		slash = strrchr(path.p, '/');
		*slash = '\0';
		rc = text.failed ? diags_out_of_memory(d) : absent ? file_mkdirs(path.p, 0755, d) : 0;
		*slash = '/';
		rc = rc || file_write(path.p, buf_span(&text), 0644, d) ? -1 : 0;
	}
	buf_free(&path);
	buf_free(&text);
	return rc;
}

int merge_driver_install(const char *folder, struct diags *d)
{
	return add_attribute(folder, d) ||
		       git_config(folder, "merge.innernet.name", "innernet: a definition by its members", d) ||
		       git_config(folder, "merge.innernet.driver", DRIVER, d)
		   ? -1
		   : 0;
}

static int install(struct invocation *inv)
{
	const char *folder = inv->n_args ? inv->args[0] : ".";
	struct diags d = {0};
	struct buf b = {0};
	int rc;

	if (inv->n_args > 1)
		return usage_error(inv, "merge-driver --install takes one folder");
	rc = merge_driver_install(folder, &d);
	report(inv, &d, NULL);
	diags_free(&d);
	if (rc)
		return CONFLICTS;
	buf_printf(&b, "git merges %s in this clone with `innernet merge-driver`.\n", SOURCE_NAME);
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc ? CONFLICTS : MERGED;
}

/* ---- a merge ----------------------------------------------------------------------------------------------------- */

/* One run. */
struct job {
	struct invocation *inv;
	struct arena *arena;
	const char *const *files; /* the three versions, as git named them */
	const char *path;         /* of the file in the repository */
	const char *root;         /* of the definition's root file */
	struct buf bytes[N_MERGE_VERSIONS], result;
	struct merged merged;
	struct diags diags;
	bool whole; /* the result has both sides' changes, without a conflict */
};

static struct span span_of(const struct job *job, int version)
{
	return buf_span(&job->bytes[version]);
}

/* git's own merge by lines, into the file of ours. Returns 0, 1 with conflict markers in it, -1 when it cannot be done. */
static int merge_lines(struct job *job)
{
	const char *size = job->inv->n_args > 4 ? job->inv->args[4] : "7", *marker;
	const char *argv[] = {"git",
			      "merge-file",
			      "-q",
			      "-L",
			      "ours",
			      "-L",
			      "base",
			      "-L",
			      "theirs",
			      NULL,
			      job->files[MERGE_OURS],
			      job->files[MERGE_BASE],
			      job->files[MERGE_THEIRS],
			      NULL};
	int rc;

	marker = arena_printf(job->arena, "--marker-size=%s", size);
	if (!marker)
		return diags_out_of_memory(&job->diags);
	argv[9] = marker;
	rc = run_program(argv, RUN_STDERR_SHOWN, NULL, 0, &job->diags);
	if (rc > 127)
		diag_error(&job->diags, "git-failed", NULL, "`git merge-file` failed");
	return rc < 0 || rc > 127 ? -1 : rc > 0;
}

static int find_root(struct job *job)
{
	job->root = source_root(job->arena, job->path, buf_span(&job->result));
	if (job->root)
		return 0;
	diag_error(&job->diags, "merge-failed", NULL,
		   "%s is not a definition, and no " SOURCE_NAME " is in a folder above it", job->path);
	return -1;
}

static struct model *load(struct job *job, struct span bytes, bool without_server, struct diags *d)
{
	const struct source_file edited = {job->path, bytes};
	struct model *m = source_load_edited(job->arena, job->root, &edited, 1, without_server, d);

	for (uint32_t i = 0; m && i < m->n_files; i++)
		if (strcmp(m->files[i], job->path) == 0)
			return m;
	if (m)
		diag_error(d, "merge-failed", NULL, "%s does not include %s", job->root, job->path);
	return NULL;
}

/* A version that is not valid by itself is none to compare with; its errors show in the result, unless the other side has mended them. */
static void load_versions(struct job *job)
{
	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		struct diags quiet = {0};
		if (job->bytes[v].n)
			job->merged.version[v] = load(job, span_of(job, v), true, &quiet);
		job->diags.out_of_memory |= quiet.out_of_memory;
		diags_free(&quiet);
	}
}

/* Gives peers that both sides added another address where they have the same one. *n moves were made. */
static int part_addresses(struct job *job, const struct ledger_facts *facts, struct merged_move **moves, size_t *n)
{
	struct merge_address *addresses;
	struct buf out = {0};
	int rc;

	if (merged_addresses(job->arena, &job->merged, facts, moves, n, &job->diags))
		return -1;
	if (!*n)
		return 0;
	addresses = arena_array(job->arena, *n, sizeof(*addresses));
	if (!addresses)
		return diags_out_of_memory(&job->diags);
	for (size_t i = 0; i < *n; i++)
		addresses[i] = (*moves)[i].address;
	rc = definition_readdress(buf_span(&job->result), addresses, *n, &out, &job->diags);
	if (rc == 0) {
		buf_free(&job->result);
		job->result = out;
		return 0;
	}
	buf_free(&out);
	*n = 0; /* a peer of another file: the loader reports the address */
	return rc < 0 ? -1 : 0;
}

static void check_result(struct job *job, const struct ledger_facts *facts)
{
	const struct model *ours = job->merged.version[MERGE_OURS];
	struct model *m = load(job, buf_span(&job->result), ours && !model_has_server(ours), &job->diags);
	struct reach_index *x;

	if (!m)
		return;
	merged_places(&job->merged, m, &job->diags);
	x = reach_index_new(job->arena, m);
	if (!x) {
		diags_out_of_memory(&job->diags);
		return;
	}
	reach_run_tests(x, &job->diags);
	if (facts)
		ledger_check(m, facts, &job->diags);
	diags_sort(&job->diags);
}

static void say_move(const struct job *job, const struct merged_move *move, struct buf *out)
{
	char from[ADDR_STR_LEN], to[ADDR_STR_LEN];
	bool here = strcmp(job->path, SOURCE_NAME) == 0;

	addr_format(&move->address.from, from);
	addr_format(&move->address.to, to);
	buf_printf(out, "%s: both sides gave out %s. Peer '%s' keeps it, peer '%s' gets %s.\n", job->path, from,
		   move->keeper, move->address.peer, to);
	if (move->peer->is_invite)
		buf_printf(out,
			   "  The invitation of '%s' names the old address. After the merge, make a new one: "
			   "innernet invite-peer %s%s--name %s --commit\n",
			   move->address.peer, here ? "" : job->root, here ? "" : " ", move->address.peer);
}

/* Makes the result valid where it can, and reports what is wrong with it. The ledger tells which peers have had an address. */
static void judge(struct job *job)
{
	const struct model *any;
	struct clone *clone = NULL;
	struct ledger *ledger = NULL;
	struct merged_move *moves = NULL;
	const struct ledger_facts *facts;
	struct buf said = {0};
	size_t n = 0;

	load_versions(job);
	any = job->merged.version[MERGE_OURS] ? job->merged.version[MERGE_OURS] : job->merged.version[MERGE_THEIRS];
	if (any)
		clone_open_for(any, false, &clone, &ledger, &job->diags);
	facts = ledger ? ledger_facts(ledger) : NULL;
	if (!part_addresses(job, facts, &moves, &n))
		check_result(job, facts);
	for (size_t i = 0; i < n; i++)
		say_move(job, &moves[i], &said);
	if (said.n)
		fputs(said.p, stderr);
	buf_free(&said);
	ledger_free(ledger);
	clone_close(clone);
}

/* Puts the text of both sides together. Returns 0, 1 when conflicts are left in the file, -1. */
static int put_together(struct job *job)
{
	const struct span version[] = {span_of(job, 0), span_of(job, 1), span_of(job, 2)};
	struct diags why = {0};
	int rc = definition_merge(version, &job->result, &why), lines;

	if (rc == 1)
		goto out;
	lines = merge_lines(job);
	rc = 0;
	if (lines < 0)
		goto out;
	/* By lines it may be possible: a comment here, one there. */
	if (!lines && !why.out_of_memory) {
		struct diags quiet = {0};
		buf_reset(&job->result);
		if (!file_read(job->files[MERGE_OURS], DEFINITION_MAX, &job->result, NULL, &quiet) &&
		    definition_merge_fits(version, buf_span(&job->result), &quiet))
			rc = 1;
		diags_free(&quiet);
	}
	if (!rc)
		report(job->inv, &why, NULL);
out:
	diags_free(&why);
	return rc == 1 ? 0 : job->diags.n_errors ? -1 : 1;
}

static int merge(struct job *job)
{
	int rc = 0;

	for (int v = 0; v < N_MERGE_VERSIONS && !rc; v++)
		rc = file_read(job->files[v], DEFINITION_MAX, &job->bytes[v], NULL, &job->diags);
	if (rc)
		return merge_lines(job) < 0 ? CANNOT_MERGE : CONFLICTS;
	rc = put_together(job);
	if (rc)
		return rc < 0 ? CANNOT_MERGE : CONFLICTS;
	job->whole = true;
	if (!find_root(job))
		judge(job);
	file_replace(job->files[MERGE_OURS], buf_span(&job->result), 0600, &job->diags);
	return job->diags.n_errors || job->diags.out_of_memory ? CONFLICTS : MERGED;
}

static int run(struct invocation *inv)
{
	struct job job = {.inv = inv, .files = inv->args};
	int code = CANNOT_MERGE;

	if (option_given(inv, "install"))
		return install(inv);
	if (inv->n_args < N_MERGE_VERSIONS)
		return usage_error(inv, "merge-driver takes the files of the base, of ours and of theirs");
	job.path = inv->n_args > 3 ? inv->args[3] : inv->args[MERGE_OURS];
	if ((job.arena = arena_new()))
		code = merge(&job);
	else
		diags_out_of_memory(&job.diags);
	if (job.diags.n_errors || job.diags.out_of_memory)
		report(inv, &job.diags, NULL);
	if (code == CONFLICTS && job.whole)
		fprintf(
		    stderr,
		    "\n%s: both sides' changes are in it, but the result is not valid. Correct it, then: git add %s\n",
		    job.path, job.path);
	for (int v = 0; v < N_MERGE_VERSIONS; v++)
		buf_free(&job.bytes[v]);
	buf_free(&job.result);
	diags_free(&job.diags);
	arena_free(job.arena);
	return code;
}

const struct command command_merge_driver = {
    .name = "merge-driver",
    .synopsis = "BASE OURS THEIRS [PATH [SIZE]] | --install [DIR]",
    .summary = "merge two branches' changes of a definition, for git",
    .text =
	"git calls it when both branches changed the definition, as gitattributes(5) has it. It puts the changes of\n"
	"both into the file OURS, peer by peer and key by key, with their comments. Where both branches gave one\n"
	"address to two new peers, one of them gets the next free one. It validates the result with its tests. Exits\n"
	"with 1 when there is a conflict, with git's markers in the file, or when the result is not valid.\n"
	"`innernet clone` sets it up; --install does so in a clone that git made.",
    .example = "innernet merge-driver --install",
    .options = options,
    .max_args = 5,
    .words = {WORD_FILE},
    .usage_exit = CANNOT_MERGE,
    .run = run,
};
