/* innernet-reconcile [--watch] NAME: a single turn, or the server. */
#include "cmd/backend.h"
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/notify.h"
#include "reconcile/edge/server/reconciler.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct option_spec options[] = {
    {"watch", 'w', NULL, "keep running: publish each push, serve the peers"},
    {"mtu", 0, "BYTES", "MTU of the interface, instead of the definition's"},
    {"no-routing", 0, NULL, "set no routes"},
    {"log-format", 0, "human|json", "human by default"},
    {0},
};

/* Each waiting peer (long poll) uses a file descriptor: raises the soft limit to the hard limit. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

struct server {
	struct loop *loop;
	struct notify notify;
	struct reconciler *reconciler;
};

static void on_signal(void *ctx, int signo)
{
	struct server *s = ctx;

	if (signo == SIGHUP) {
		log_info("looking", "asked to look at the repository");
		notify_reloading(&s->notify);
		reconciler_turn(s->reconciler);
		notify_ready(&s->notify);
		return;
	}
	log_info("stopping", "the interface stays as it is");
	notify_stopping(&s->notify);
	loop_stop(s->loop);
}

static int serve(struct server *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (loop_signals(s->loop, &set, on_signal, s) < 0)
		return FAILED;
	reconciler_turn(s->reconciler);
	notify_ready(&s->notify);
	return loop_run(s->loop) < 0 ? FAILED : DONE;
}

int turn_say(enum turn turn)
{
	switch (turn) {
	case TURN_PUBLISHED:
		printf("published, and the interface has converged\n");
		return DONE;
	case TURN_UNCHANGED:
		printf("nothing new; the interface has converged\n");
		return DONE;
	case TURN_INVALID:
		return REFUSED;
	case TURN_SUSPENDED:
		printf("suspended: the newest commit is not published; `innernet-reconcile resume` ends that\n");
		return REFUSED;
	default:
		return FAILED;
	}
}

static int options_take(const struct invocation *inv, struct reconciler_options *o, enum log_format *format)
{
	const char *f = option_value(inv, "log-format");
	long mtu;

	*o = (struct reconciler_options){.watch = option_given(inv, "watch"),
					 .no_routing = option_given(inv, "no-routing")};
	if (option_number(inv, "mtu", MTU_MIN, MTU_MAX, 0, &mtu) < 0 || backend_option(inv, &o->backend) < 0)
		return -1;
	o->mtu = (uint32_t)mtu;
	if (f && strcmp(f, "human") && strcmp(f, "json")) {
		usage_error(inv, "--log-format takes human or json, not '%s'", f);
		return -1;
	}
	*format = f && !strcmp(f, "json") ? LOG_JSON : LOG_HUMAN;
	return 0;
}

static int run(struct invocation *inv)
{
	struct reconciler_options o;
	struct server_config *config = NULL;
	struct server_paths paths;
	struct server s = {.notify = {.fd = -1}};
	struct diags d = {0};
	enum log_format format;
	int code = FAILED;

	if (options_take(inv, &o, &format) < 0 || paths_make(inv, inv->args[0], &paths) < 0)
		return FAILED;
	/* journald has its own time stamps. */
	log_open(format, option_given(inv, "verbose"), o.watch && !getenv("JOURNAL_STREAM"));
	o.data_dir = paths.data;
	if (server_config_read(paths.config, &config, &d) < 0)
		goto out;
	raise_descriptors();
	if (!(s.loop = loop_new(&d)))
		goto out;
	if (o.watch) {
		notify_open(&s.notify, s.loop);
		o.notify = &s.notify;
	}
	if (!(s.reconciler = reconciler_new(s.loop, config, &o, &d)))
		goto out;
	code = o.watch ? serve(&s) : turn_say(reconciler_turn(s.reconciler));
out:
	report(inv, &d, NULL);
	diags_free(&d);
	reconciler_free(s.reconciler);
	notify_close(&s.notify);
	loop_free(s.loop);
	server_config_free(config);
	paths_free(&paths);
	return code;
}

const struct command server_command_run = {
    .name = "run",
    .synopsis = "[--watch] NAME",
    .summary = "publish the repository's newest commit, and serve it",
    .text =
	"Reads the network's branch, validates its newest commit, publishes it as a signed snapshot, and applies it "
	"to\n"
	"the server's own interface. With --watch it keeps running: it publishes each push at once and serves peers\n"
	"inside the tunnel. An invalid commit changes nothing; `status` names it and the reason.",
    .example = "innernet-reconcile --watch corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
