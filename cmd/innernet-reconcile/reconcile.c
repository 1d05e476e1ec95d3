/* innernet-reconcile reconcile: reads the repository now and prints the verdict. */
#include "cmd/backend.h"
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/control/control.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/control/status_file.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WAIT_SECONDS 30 /* time-out for the verdict of a running server */

static const struct option_spec options[] = {
    {"now", 0, NULL, "no effect: the command always reads the repository at once"},
    {"timeout", 0, "SECONDS", "time-out for the verdict of a running server (30)"},
    {0},
};

/* Returns the status when it answers the request `word`, else NULL. The caller frees it. */
static json_t *answered(const char *data, const char *word)
{
	struct diags quiet = {0};
	json_t *o = NULL;

	if (status_file_read(data, NULL, &o, &quiet) > 0 &&
	    strcmp(status_text(json_object_get(o, "looked"), "word"), word)) {
		json_decref(o);
		o = NULL;
	}
	diags_free(&quiet);
	return o;
}

/* Waits up to `ms` for the status file to be replaced by one that answers `word`. Returns NULL after the time-out. */
static json_t *await_answer(const char *data, const char *word, int64_t ms)
{
	const int64_t until = clock_boot_ms() + ms;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[4096];
	json_t *o = NULL;

	if (fd < 0 || inotify_add_watch(fd, data, IN_MOVED_TO) < 0)
		goto out;
	while (!(o = answered(data, word))) {
		int64_t left = until - clock_boot_ms();
		if (left <= 0)
			break;
		poll(&p, 1, (int)left);
		while (read(fd, chunk, sizeof(chunk)) > 0)
			;
	}
out:
	if (fd >= 0)
		close(fd);
	return o;
}

/* Prints the running server's verdict from its status. Returns the exit code. */
static int say(const struct invocation *inv, const json_t *o)
{
	const char *result = status_text(json_object_get(o, "looked"), "result");
	struct buf out = {0};
	int code = FAILED;

	if (!strcmp(result, "published") || !strcmp(result, "unchanged")) {
		buf_printf(&out, "%s: %s\n", *result == 'p' ? "published" : "nothing new",
			   status_text(status_condition(o, "Published"), "message"));
		code = DONE;
	} else if (!strcmp(result, "suspended")) {
		buf_printf(&out, "suspended: %s\n", status_text(status_condition(o, "Suspended"), "message"));
		code = REFUSED;
	} else if (!strcmp(result, "refused")) {
		buf_printf(&out, "refused: what was published stays\n\n%s", status_text(o, "problem"));
		code = REFUSED;
	} else {
		const json_t *source = status_condition(o, "Source");
		const bool away = !strcmp(status_text(source, "status"), "False");
		buf_printf(&out, "cannot read the definition: %s\n",
			   status_text(away ? source : status_condition(o, "Valid"), "message"));
	}
	if (print_buf(inv, &out) < 0)
		code = FAILED;
	buf_free(&out);
	return code;
}

static int ask(const struct invocation *inv, const char *data, long seconds, struct diags *d)
{
	char word[CONTROL_WORD_LEN + 1];
	json_t *o;
	int code;

	if (control_ask(data, word, d) < 0)
		return FAILED;
	if (!(o = await_answer(data, word, seconds * 1000))) {
		struct diag *g = diag_error(d, "no-answer", NULL, "the server did not answer within %ld s", seconds);
		struct buf status = {0};
		paths_put_command(&status, inv, "status", inv->args[0]);
		diag_help(d, g, "%s", status.p ? status.p : "");
		buf_free(&status);
		return FAILED;
	}
	code = say(inv, o);
	json_decref(o);
	return code;
}

static int run(struct invocation *inv)
{
	struct reconciler_options o = {0};
	struct server_config *config = NULL;
	struct reconciler *r = NULL;
	struct loop *loop = NULL;
	struct server_paths paths;
	struct diags d = {0};
	long seconds;
	int code = FAILED;

	if (option_number(inv, "timeout", 1, 3600, WAIT_SECONDS, &seconds) < 0 || backend_option(inv, &o.backend) < 0 ||
	    paths_make(inv, inv->args[0], &paths) < 0)
		return FAILED;
	log_open(LOG_HUMAN, option_given(inv, "verbose"), false);
	o.data_dir = paths.data;
	if (server_config_read(paths.config, &config, &d) < 0 || !(loop = loop_new(&d)))
		goto out;
	/* When no server runs, this process does a single turn. Otherwise the lock is held: ask the running server. */
	if ((r = reconciler_new(loop, config, &o, &d))) {
		code = turn_say(reconciler_turn(r));
	} else if (d.first && !strcmp(d.first->code, "already-running")) {
		diags_free(&d);
		d = (struct diags){0};
		code = ask(inv, paths.data, seconds, &d);
	}
out:
	report(inv, &d, NULL);
	diags_free(&d);
	reconciler_free(r);
	loop_free(loop);
	server_config_free(config);
	paths_free(&paths);
	return code;
}

const struct command server_command_reconcile = {
    .name = "reconcile",
    .synopsis = "NAME [--now] [--timeout SECONDS]",
    .summary = "read the repository now, and wait for the verdict",
    .text = "Asks the running server; when none runs, this command does its work once. Exit code 0 when the branch's\n"
	    "commit is published, 3 when it is refused or the network is suspended, 1 on an error.",
    .example = "innernet-reconcile reconcile corp --now",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
