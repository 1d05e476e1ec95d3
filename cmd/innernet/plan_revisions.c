#include "cmd/innernet/plan_revisions.h"

#include <string.h>
#include <unistd.h>

bool plan_is_range(const char *word)
{
	size_t n = strlen(word);

	if (!strstr(word, "..") || access(word, F_OK) == 0)
		return false;
	return strcmp(word, "..") != 0 && strncmp(word, "../", 3) != 0 && strncmp(word, "./", 2) != 0 &&
	       !strstr(word, "/../") && (n < 3 || strcmp(word + n - 3, "/..") != 0);
}

/* "main...HEAD": the left side is the base; an empty side is HEAD, as for git. */
static int read_range(struct plan_revisions *r, struct arena *a, const char *word)
{
	const char *dots = strstr(word, "..");
	char *base = arena_strndup(a, word, (size_t)(dots - word));

	r->merge_base |= dots[2] == '.';
	r->head = dots + (dots[2] == '.' ? 3 : 2);
	r->base = base && !*base ? "HEAD" : base;
	if (!*r->head)
		r->head = "HEAD";
	r->range = true;
	return base ? 0 : -1;
}

int plan_revisions_read(const struct invocation *inv, struct arena *a, struct plan_revisions *out)
{
	int n = inv->n_args;

	*out = (struct plan_revisions){.base = option_value(inv, "base"),
				       .head = option_value(inv, "head"),
				       .merge_base = option_given(inv, "merge-base"),
				       .path = "."};
	if (n && plan_is_range(inv->args[0])) {
		if (out->base || out->head)
			return usage_error(inv, "plan: either %s or --base and --head, not both", inv->args[0]);
		if (read_range(out, a, inv->args[0]) < 0)
			return usage_error(inv, "out of memory");
		if (n > 1)
			out->path = inv->args[1];
	} else if (n > 1) {
		return usage_error(inv, "plan: one argument too many: '%s'", inv->args[1]);
	} else if (n) {
		out->path = inv->args[0];
	}
	if (out->merge_base && !out->base)
		return usage_error(inv, "plan: --merge-base needs --base REV");
	return 0;
}

/* "--base main", or "main" of a range. */
static const char *option_of(const struct plan_revisions *r, const char *option)
{
	return r->range ? "" : option;
}

static int resolve(const struct plan_revisions *r, struct clone *c, const char *option, const char *revision,
		   char sha[static HASH_HEX_LEN + 1], struct diags *d)
{
	int found = clone_resolve(c, revision, sha, d);
	struct buf command = {0};
	struct diag *g;

	if (found)
		return found;
	g = diag_error(d, "revision-unknown", NULL, "%s%s: there is no such revision in this clone",
		       option_of(r, option), revision);
	clone_fetch_command(c, revision, &command);
	if (command.n)
		diag_help(d, g, "check the spelling, or bring it into this clone: %s", command.p);
	else
		diag_help(d, g, "check the spelling: git log --all --oneline lists the revisions of this clone");
	buf_free(&command);
	return -1;
}

/* The revision that the base has to be an ancestor of: the head, or HEAD where the head is the work tree. */
static const char *head_name(const struct plan_revisions *r)
{
	return r->head ? r->head : "HEAD";
}

static int find_merge_base(struct plan_revisions *r, struct clone *c, const char *head, struct diags *d)
{
	const char *fill = clone_fill_command(clone_gaps(c));
	char sha[HASH_HEX_LEN + 1];
	int found = clone_merge_base(c, r->base_sha, head, sha, d);
	struct diag *g;

	if (found < 0)
		return -1;
	if (found) {
		memcpy(r->base_sha, sha, sizeof(sha));
		return 0;
	}
	g = diag_error(d, "merge-base-missing", NULL, "%s and %s have no common ancestor in this clone", r->base,
		       head_name(r));
	if (fill)
		diag_help(d, g, "bring the older commits into this clone: %s", fill);
	else
		diag_help(d, g,
			  "leave out --merge-base, or write two dots for three: the two are compared as they are");
	return -1;
}

/* What the base has and the head lacks shows in the plan as undone. */
static void warn_of_branches(const struct plan_revisions *r, struct clone *c, const char *head, struct diags *d)
{
	const char *fill = clone_fill_command(clone_gaps(c));
	char sha[HASH_HEX_LEN + 1];
	struct diags quiet = {0};
	struct diag *g;
	size_t n = 0;
	bool known = clone_behind(c, r->base_sha, head, &n);

	if (known && !n)
		return;
	/* In a shallow clone two commits without a known ancestor may have one all the same. */
	if (fill && clone_gaps(c) == CLONE_SHALLOW && clone_merge_base(c, r->base_sha, head, sha, &quiet) <= 0) {
		g = diag_warning(
		    d, "base-not-ancestor", NULL,
		    "this shallow clone does not have the commits that tell whether %s is an ancestor of %s: if "
		    "it is not, the plan shows its newest changes as undone",
		    r->base, head_name(r));
		diag_help(d, g, "%s", fill);
	} else if (known) {
		g = diag_warning(d, "base-not-ancestor", NULL,
				 "%s has %zu commit%s that %s lacks: the plan shows %s changes as undone", r->base, n,
				 n == 1 ? "" : "s", head_name(r), n == 1 ? "its" : "their");
		diag_help(d, g, "compare with the common ancestor of the two: --merge-base");
	}
	diags_free(&quiet);
}

static int find_base(struct plan_revisions *r, struct clone *c, struct diags *d)
{
	char head[HASH_HEX_LEN + 1];

	if (!r->base)
		return clone_resolve(c, "HEAD", r->base_sha, d) < 0 ? -1 : 0;
	if (resolve(r, c, "--base ", r->base, r->base_sha, d) < 0)
		return -1;
	memcpy(head, r->head_sha, sizeof(head));
	if (!*head && clone_resolve(c, "HEAD", head, d) <= 0)
		return 0;
	if (r->merge_base)
		return find_merge_base(r, c, head, d);
	warn_of_branches(r, c, head, d);
	return 0;
}

int plan_revisions_find(struct plan_revisions *r, struct clone *c, struct diags *d)
{
	struct diag *g;

	if (!c && !r->base && !r->head)
		return 0;
	if (!c) {
		g = diag_error(d, "repository-missing", NULL, "%s is in no git repository", r->path);
		diag_help(d, g, "leave out the revisions: everything in it then counts as new");
		return -1;
	}
	if (r->head && resolve(r, c, "--head ", r->head, r->head_sha, d) < 0)
		return -1;
	return find_base(r, c, d);
}
