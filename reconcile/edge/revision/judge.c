#include "reconcile/edge/revision/judge.h"
#include "reconcile/impact/guard.h"

#include <string.h>

static bool every_error_is(const struct diags *d, const char *const *codes, size_t n)
{
	for (const struct diag *g = d->first; g; g = g->next) {
		bool found = g->severity != SEVERITY_ERROR;
		for (size_t i = 0; i < n && !found; i++)
			found = !strcmp(g->code, codes[i]);
		if (!found)
			return false;
	}
	return d->n_errors && !d->n_dropped && !d->out_of_memory;
}

bool judge_acceptable(const struct diags *d)
{
	for (const struct diag *g = d->first; g; g = g->next)
		if (g->severity == SEVERITY_ERROR && !guard_acceptable(g->code))
			return false;
	return d->n_errors && !d->n_dropped && !d->out_of_memory;
}

/*
 * What is left of a definition that does not load, where that can be told: nothing of one that is empty or gone, all
 * of one that only lacks a server. A plan shows best what that would mean. False: it cannot be told.
 */
static bool remains(const struct judge *j, const struct repo_definition *def, struct arena *a, const struct diags *d,
		    struct model **m)
{
	static const char *const gone[] = {"definition-missing", "definition-empty"}, *const headless[] = {"no-server"};
	struct diags again = {0};

	*m = NULL;
	if (!j->published || every_error_is(d, gone, 2))
		return j->published != NULL;
	if (!every_error_is(d, headless, 1))
		return false;
	*m = definition_load(a, &def->root, &def->includes, true, &again);
	diags_free(&again);
	return *m != NULL;
}

/* The plan, and the guards that the commit's own message can open. */
static int guards(const struct judge *j, const struct model *m, const struct snapshot *s, struct span message,
		  struct arena *a, struct judgement *out, struct diags *d)
{
	const struct guard_formats formats = {
	    .before = j->published ? j->published->snapshot : NULL, .after = s, .readers = j->readers, .now = j->now};
	struct diags unguarded = {0};
	int ret;

	if (!j->published)
		return 0;
	/* Where nothing of the definition is left no trailer accepts it: then the plan is only shown. */
	if (j->guarded && m)
		return guard_judge(a, &j->config->guards, j->published->model, m, j->facts, message,
				   s && j->readers ? &formats : NULL, &out->plan, d);
	ret = guard_judge(a, NULL, j->published->model, m, j->facts, message, NULL, &out->plan, &unguarded);
	d->out_of_memory |= unguarded.out_of_memory;
	diags_free(&unguarded);
	return d->out_of_memory ? ret : 0;
}

int judge_commit(const struct judge *j, const char *sha, struct revision *g, struct arena *a, struct judgement *out,
		 struct diags *d)
{
	const size_t errors = d->n_errors;
	const char *base =
	    j->published && repo_has_commit(j->repo, j->published->commit.sha) ? j->published->commit.sha : NULL;
	struct repo_definition def = {0};
	struct commit_info commit;
	struct span message;
	struct model *left;
	bool descends;

	*out = (struct judgement){0};
	if (repo_commit_info(j->repo, sha, base, &commit, &descends, d) < 0 ||
	    !(message = repo_message(j->repo, sha, a, d)).p)
		return -1;
	g->commit = commit;
	if (repo_definition(j->repo, sha, g->arena, &def, d) < 0) {
		if (remains(j, &def, a, d, &left))
			guards(j, left, NULL, message, a, out, d);
		return -1;
	}
	if (revision_build(g, &def.root, &def.includes, &commit, j->facts, d) < 0) {
		out->final = !d->out_of_memory;
		left = g->model;
		if (out->final && (left || remains(j, &def, a, d, &left)))
			guards(j, left, NULL, message, a, out, d);
		return -1;
	}
	out->final = true;
	revision_check(g, j->published, descends, j->config, d);
	if (guards(j, g->model, g->snapshot, message, a, out, d) < 0 || d->out_of_memory)
		return -1;
	return d->n_errors > errors ? -1 : 0;
}
