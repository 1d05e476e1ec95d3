/* innernet-reconcile suspend, resume: stop and restart publishing new revisions. The published one is served always. */
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/control/control.h"

#include <string.h>
#include <unistd.h>

static const struct option_spec suspend_options[] = {
    {"reason", 0, "TEXT", "the reason, shown by `status`"},
    {0},
};

/* Returns whether this machine has the configuration file of a server of this network. */
static bool network_exists(const struct server_paths *paths, const char *name, struct diags *d)
{
	struct diag *g;

	if (!access(paths->config, F_OK))
		return true;
	g = diag_file_error(d, "network-unknown", paths->config,
			    "this machine has no server of '%s': %s does not exist", name, paths->config);
	diag_help(d, g, "`innernet-reconcile init` makes one; --config-dir names the folder of its file");
	return false;
}

static int run_suspend(struct invocation *inv)
{
	const char *reason = option_value(inv, "reason"), *name = inv->args[0];
	struct server_paths paths;
	struct diags d = {0};
	int code = FAILED;

	if (reason && !control_reason_valid(reason)) {
		usage_error(inv, "--reason takes one line of text, at most %d bytes", CONTROL_REASON_MAX - 1);
		return FAILED;
	}
	if (paths_make(inv, name, &paths) < 0)
		return FAILED;
	if (network_exists(&paths, name, &d) && !control_suspend(paths.data, reason ? reason : "", &d)) {
		struct buf resume = {0};
		paths_put_command(&resume, inv, "resume", name);
		printf("'%s' is suspended: the server still serves the published revision, and publishes no new one.\n"
		       "%s ends it.\n",
		       name, resume.p ? resume.p : "");
		buf_free(&resume);
		code = DONE;
	}
	report(inv, &d, NULL);
	diags_free(&d);
	paths_free(&paths);
	return code;
}

static int run_resume(struct invocation *inv)
{
	const char *name = inv->args[0];
	char reason[CONTROL_REASON_MAX];
	struct server_paths paths;
	struct diags d = {0};
	int code = FAILED;

	if (paths_make(inv, name, &paths) < 0)
		return FAILED;
	if (!network_exists(&paths, name, &d))
		goto out;
	const bool was = control_suspended(paths.data, reason);
	if (control_resume(paths.data, &d) < 0)
		goto out;
	if (was)
		printf("'%s' publishes new revisions again.\n", name);
	else
		printf("'%s' was not suspended.\n", name);
	code = DONE;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	paths_free(&paths);
	return code;
}

const struct command server_command_suspend = {
    .name = "suspend",
    .synopsis = "NAME [--reason TEXT]",
    .summary = "publish no new revisions; serve the published one",
    .text =
	"Lasts until `resume`, also over restarts. Invitations can still be redeemed, and the server repairs drift.",
    .example = "innernet-reconcile suspend corp --reason \"moving the server, back by noon\"",
    .options = suspend_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_suspend,
};

const struct command server_command_resume = {
    .name = "resume",
    .synopsis = "NAME",
    .summary = "publish new revisions again",
    .example = "innernet-reconcile resume corp",
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_resume,
};
