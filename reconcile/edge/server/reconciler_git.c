/*
 * The definition's repository for admins in the tunnel: git's own smart HTTP, answered by git's own programs. What of it
 * is valid its hooks say, as at any other push.
 */
#include "reconcile/edge/base/confine.h"
#include "reconcile/edge/server/git_child.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One request, from its last byte on. */
struct job {
	struct git_server *server;
	struct http_request *q;
	struct git_request request;
	char protocol[GIT_PROTOCOL_MAX + 1]; /* "": none */
	char peer[NAME_MAX_LEN + 1];
	struct addr from;
	struct loop_timer turn;  /* until when it waits for its turn */
	struct git_child *child; /* NULL: it waits */
	int failed;              /* errno, when it could not be started */
	bool late;               /* its turn did not come */
	struct buf head;         /* of the answer, before what the child says */
	size_t sent;             /* of it */
	struct job *next;        /* in the order in which they came */
};

struct git_server {
	struct reconciler *r;
	struct git_children *children;
	struct job *jobs;
	unsigned n_jobs;
};

/* --- turns --- */

static void on_ready(void *ctx)
{
	http_stream_ready(((struct job *)ctx)->q);
}

static void on_late(void *ctx)
{
	struct job *j = ctx;

	j->late = true;
	http_stream_ready(j->q);
}

static bool peer_is_served(const struct git_server *g, const struct addr *from)
{
	for (const struct job *j = g->jobs; j; j = j->next)
		if (j->child && !addr_cmp(&j->from, from))
			return true;
	return false;
}

static void job_start(struct job *j)
{
	struct git_server *g = j->server;
	char address[ADDR_STR_LEN];
	const struct git_command c = {.request = j->request,
				      .protocol = j->protocol[0] ? j->protocol : NULL,
				      .peer = j->peer,
				      .address = address,
				      .input = http_body_file(j->q)};

	addr_format(&j->from, address);
	loop_timer_del(g->r->loop, &j->turn);
	j->child = git_child_start(g->children, &c, on_ready, j);
	if (j->child)
		return;
	j->failed = errno;
	http_stream_ready(j->q);
}

/* Whoever waits longest, but one of each peer: who asks for much does not keep the others away. */
static void start_next(struct git_server *g)
{
	for (struct job *j = g->jobs; j && git_children_count(g->children) < GIT_CHILDREN_MAX; j = j->next)
		if (!j->child && !j->failed && !j->late && !peer_is_served(g, &j->from))
			job_start(j);
}

static void on_child_ended(void *ctx)
{
	start_next(ctx);
}

/* --- the answer --- */

static void log_failure(const struct job *j)
{
	struct buf said = {0};

	git_child_said(j->child, &said);
	log_warn("git", "git %s for %s failed%s%s", git_service_name(j->request.service), j->peer,
		 said.n ? ": " : "; it did not say why", said.n && !said.failed ? said.p : "");
	buf_free(&said);
}

/* gitprotocol-http(5): the first line of an advertisement, which version 2 leaves out. */
static void head_make(struct job *j)
{
	struct buf line = {0};

	if (!j->request.advertise || git_protocol_version(j->protocol[0] ? j->protocol : NULL) == 2)
		return;
	buf_printf(&line, "# service=git-%s\n", git_service_name(j->request.service));
	buf_printf(&j->head, "%04zx%s0000", line.n + 4, line.p ? line.p : "");
	j->head.failed |= line.failed;
	buf_free(&line);
}

static void job_begin(void *ctx, struct http_request *q)
{
	struct job *j = ctx;
	char first[1024];
	ssize_t n;

	if (j->late) {
		http_refuse(q, 503, "busy", "others are at it; try again in a moment");
		return;
	}
	if (j->failed) {
		log_error("git", "cannot start git for %s: %s", j->peer, strerror(j->failed));
		http_refuse(q, 500, "git-failed", "the server cannot start git");
		return;
	}
	/* Until git says something it can still fail as a whole. */
	n = j->child ? git_child_read(j->child, first, sizeof(first)) : GIT_CHILD_WAIT;
	if (n == GIT_CHILD_WAIT)
		return;
	if (n == GIT_CHILD_FAILED || n == GIT_CHILD_KILLED) {
		log_failure(j);
		http_refuse(q, 500, "git-failed", "git failed on the server, whose log says why");
		return;
	}
	head_make(j);
	if (n > 0)
		buf_add(&j->head, first, (size_t)n);
	if (j->head.failed)
		http_refuse(q, 500, "out-of-memory", "out of memory");
	else
		http_stream_answer(q, 200, git_request_type(&j->request));
}

static ssize_t job_read(void *ctx, char *to, size_t max)
{
	struct job *j = ctx;
	size_t left = j->head.n - j->sent;
	ssize_t n;

	if (left) {
		left = left < max ? left : max;
		memcpy(to, j->head.p + j->sent, left);
		j->sent += left;
		return (ssize_t)left;
	}
	n = git_child_read(j->child, to, max);
	if (n == GIT_CHILD_FAILED || n == GIT_CHILD_KILLED)
		log_failure(j);
	/* A git that fails has said so to the other one. */
	return n == GIT_CHILD_KILLED                         ? HTTP_STREAM_BROKEN
	       : n == GIT_CHILD_END || n == GIT_CHILD_FAILED ? HTTP_STREAM_END
							     : n;
}

static void job_end(void *ctx)
{
	struct job *j = ctx, **p = &j->server->jobs;
	struct git_server *g = j->server;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	g->n_jobs--;
	loop_timer_del(g->r->loop, &j->turn);
	if (j->child)
		git_child_drop(j->child);
	buf_free(&j->head);
	free(j);
	start_next(g);
}

static struct git_server *server_of(struct reconciler *r)
{
	struct git_server *g = r->git ? r->git : calloc(1, sizeof(*g));

	if (r->git || !g)
		return g;
	g->r = r;
	g->children = git_children_new(r->loop, &(struct git_children_options){.repository = r->config->repository,
									       .data_dir = r->o.data_dir,
									       .network = r->config->network,
									       .ended = on_child_ended,
									       .ctx = g});
	if (!g->children) {
		free(g);
		return NULL;
	}
	if (!confine_has_files())
		log_warn("git",
			 "this kernel cannot confine git to the repository's files (Landlock, Linux 5.19): what it "
			 "runs for admins may read and write what the repository's owner may");
	return r->git = g;
}

static void serve(struct reconciler *r, struct http_request *q, const struct git_request *request, uint32_t peer)
{
	const char *protocol = http_header(q, "Git-Protocol");
	struct git_server *g = server_of(r);
	struct job *j = g && g->n_jobs < GIT_WAITING_MAX ? calloc(1, sizeof(*j)) : NULL, **last;

	if (!j) {
		http_refuse(q, 503, "busy",
			    g ? "others are at it; try again in a moment" : "the server cannot start git");
		return;
	}
	*j = (struct job){.server = g, .q = q, .request = *request, .from = *http_from(q)};
	j->turn = (struct loop_timer){.fn = on_late, .ctx = j};
	memcpy(j->peer, served_now(r->served)->model->peers[peer].name,
	       strlen(served_now(r->served)->model->peers[peer].name) + 1);
	/* One that makes no sense is none: git goes on without, in version 0. */
	if (protocol && git_protocol_valid(protocol))
		memcpy(j->protocol, protocol, strlen(protocol) + 1);
	for (last = &g->jobs; *last; last = &(*last)->next)
		;
	*last = j;
	g->n_jobs++;
	log_debug("git", "%s asks for %s%s", j->peer, git_service_name(request->service),
		  request->advertise ? " (refs)" : "");
	http_stream(q, &(struct http_stream){.begin = job_begin, .read = job_read, .end = job_end, .ctx = j});
	loop_timer_set(r->loop, &j->turn, GIT_TURN_SECONDS * 1000);
	start_next(g);
}

void reconciler_git_stop(struct reconciler *r)
{
	if (r->git)
		git_children_free(r->git->children);
	free(r->git);
	r->git = NULL;
}

/* --- who may, and what --- */

/* A server that only follows what is elsewhere says where that is. The URL holds no password (remote.h). */
static bool is_here(const struct reconciler *r, struct http_request *q)
{
	if (r->config->remote)
		http_refuse(q, 404, "not-here", "the network's repository is %s", r->config->remote);
	else if (r->config->file)
		http_refuse(q, 404, "not-here", "the network is in no repository: it is %s on the server",
			    r->config->file);
	else
		return true;
	return false;
}

/* False: it was refused. */
static bool may(struct reconciler *r, struct http_request *q, struct git_request *request, struct asker *who)
{
	const char *why;
	unsigned status;

	if (!reconciler_may(r, q, RIGHT_ADMIN, false, who) || !is_here(r, q))
		return false;
	status = git_request_parse(http_path(q), http_method(q) == HTTP_GET, http_method(q) == HTTP_POST,
				   http_argument(q, "service"), http_header(q, "Content-Type"), request, &why);
	if (status)
		http_refuse(q, status, status == 404 ? "not-found" : "bad-request", "%s", why);
	return !status;
}

bool reconciler_is_git(const struct http_request *q)
{
	return !strncmp(http_path(q), GIT_PATH, strlen(GIT_PATH));
}

bool reconciler_git_admit(struct reconciler *r, struct http_request *q, struct http_body_rule *rule)
{
	struct git_request request;
	struct asker who;

	if (!may(r, q, &request, &who))
		return false;
	rule->ms = GIT_SECONDS * 1000;
	if (request.advertise)
		return true;
	rule->in_file = true;
	rule->max = request.service == GIT_RECEIVE_PACK ? GIT_PUSH_MAX : GIT_FETCH_MAX;
	if (http_bodies_in_files(r->http, NULL) < GIT_BODIES_MAX &&
	    http_bodies_in_files(r->http, http_from(q)) < GIT_BODIES_PEER)
		return true;
	http_refuse(q, 503, "busy", "others are at it; try again in a moment");
	return false;
}

void reconciler_git(struct reconciler *r, struct http_request *q)
{
	struct git_request request;
	struct asker who;

	/* Once more: much may have happened while its body came. */
	if (may(r, q, &request, &who))
		serve(r, q, &request, who.peer);
}
