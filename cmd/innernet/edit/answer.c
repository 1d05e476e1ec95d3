#include "cmd/innernet/edit/answer.h"
#include "cmd/innernet/edit/lines.h"
#include "cmd/terminal.h"
#include "reconcile/impact/guard.h"
#include "reconcile/show/diag_json.h"
#include "reconcile/show/impact_render.h"

#include <ctype.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static FILE *stream_of(const struct edit_job *job)
{
	return job->command->stream ? job->command->stream(job->inv) : stdout;
}

int edit_answer_plan(const struct edit_job *job, const struct impact *impact)
{
	const struct model *m = job->before;
	FILE *to = stream_of(job);
	bool color = use_color(job->inv, to);
	struct buf b = {0};
	int rc;

	if (option_given(job->inv, "json"))
		return 0;
	impact_render_text(&b, impact, &(struct impact_style){.color = color, .width = terminal_width()});
	for (const struct diag *g = job->guards.first; g; g = g->next)
		buf_printf(&b, "\nA server with the default guards stops this: %s (%s).\n", g->message, g->code);
	for (uint32_t i = 0; i < m->n_files; i++) {
		if (!job->bytes[i].p)
			continue;
		buf_printf(&b, "\n%s\n", m->files[i]);
		edit_lines(&b, m->sources[i], buf_span(&job->bytes[i]), color);
	}
	buf_char(&b, '\n');
	rc = print_buf_to(job->inv, to, &b);
	buf_free(&b);
	return rc;
}

bool edit_answer_asked(const struct edit_job *job)
{
	struct buf question = {0};
	bool yes;

	edit_describe(&job->edit, &question);
	buf_char(&question, '?');
	if (question.p)
		question.p[0] = (char)toupper((unsigned char)question.p[0]);
	yes = question.p && ask_yes(question.p);
	buf_free(&question);
	return yes;
}

static json_t *json_files(const struct edit_job *job)
{
	json_t *files = json_array();

	for (uint32_t i = 0; i < job->before->n_files; i++)
		if (job->bytes[i].p)
			json_array_append_new(files, json_string(job->before->files[i]));
	return files;
}

/* Wipes and frees memory of jansson: an exported configuration has a private key. */
static void free_wiped(void *p)
{
	if (p)
		sodium_memzero(p, malloc_usable_size(p));
	free(p);
}

int edit_answer_json(const struct edit_job *job, const struct impact *impact)
{
	const struct edit_command *c = job->command;
	bool push = impact && option_given(job->inv, "push"), commit = impact && option_given(job->inv, "commit");
	json_t *plan = impact ? impact_render_json(impact) : json_null(), *j;
	struct buf b = {0};
	char *text;

	json_set_alloc_funcs(malloc, free_wiped);
	j = json_pack("{s:s, s:s, s:b, s:o, s:b, s:b, s:s?, s:o, s:o}", "format_version", "1.0", "edit",
		      job->inv->command->name, "changed", impact != NULL, "files", json_files(job), "committed",
		      commit || push, "pushed", push, "accepted", impact ? job->accepted : NULL, "guards",
		      diags_json(&job->guards), "plan", plan);
	if (j && c->json && c->json(job, impact != NULL, j)) {
		json_decref(j);
		j = NULL;
	}
	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (text)
		buf_printf(&b, "%s\n", text);
	free_wiped(text);
	b.failed |= !b.n;
	int rc = print_buf(job->inv, &b);
	if (b.p)
		sodium_memzero(b.p, b.n);
	buf_free(&b);
	return rc ? 1 : 0;
}

/* Writes the git commands that commit and push the edit, for the current folder. */
static void put_commit(struct buf *out, const struct edit_job *job, const char *message)
{
	const char *root = job->before->files[0], *slash = strrchr(root, '/');
	size_t n = slash ? (size_t)(slash - root) + 1 : 0; /* length of "FOLDER/"; 0: the current folder */
	struct buf git = {0};

	buf_str(&git, "git");
	if (n)
		buf_printf(&git, " -C %.*s", (int)(n > 1 ? n - 1 : n), root);
	buf_printf(out, "Not active yet. Push it: %s commit -m '%s'", git.p ? git.p : "", message);
	if (job->accepted)
		buf_printf(out, " --trailer '" ACCEPT_TRAILER ": %s'", job->accepted);
	for (uint32_t i = 0; i < job->before->n_files; i++)
		if (job->bytes[i].p)
			buf_printf(out, " %s",
				   job->before->files[i] + (strncmp(job->before->files[i], root, n) ? 0 : n));
	buf_printf(out, " && %s push\n", git.p ? git.p : "");
	out->failed |= git.failed;
	buf_free(&git);
}

int edit_answer_done(const struct edit_job *job, const struct impact *impact, const char *message)
{
	struct buf b = {0};

	if (option_given(job->inv, "json"))
		return edit_answer_json(job, impact);
	if (job->command->say)
		job->command->say(job, &b);
	if (option_given(job->inv, "push"))
		buf_str(&b, "Committed and pushed.\n");
	else if (option_given(job->inv, "commit"))
		buf_str(&b, "Committed. Not active yet. Push it: git push\n");
	else
		put_commit(&b, job, message);
	int rc = print_buf_to(job->inv, stream_of(job), &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

int edit_answer_already(const struct edit_job *job)
{
	struct buf b = {0};

	if (option_given(job->inv, "json"))
		return edit_answer_json(job, NULL);
	edit_already(&job->edit, job->before, &b);
	buf_str(&b, " Nothing changed.\n");
	int rc = print_buf(job->inv, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}
