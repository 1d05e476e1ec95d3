#include "reconcile/edge/answer/git_http.h"
#include "reconcile/edge/answer/asker.h"
#include "reconcile/edge/answer/git_child.h"
#include "reconcile/edge/base/confine.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/edge/state/served.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One request, from its last byte on. */
struct job {
	struct git_http *server;
	struct http_request *q;
	struct git_request request;
	char protocol[GIT_PROTOCOL_MAX + 1]; /* "": none */
	char peer[NAME_MAX_LEN + 1];
	struct addr from;
	struct loop_timer turn;  /* it waits for its turn until then */
	struct git_child *child; /* NULL: it waits */
	int failed;              /* errno, when it could not be started */
	bool late;               /* its turn did not come */
	struct buf head;         /* of the answer, before what the child says */
	size_t sent;             /* of it */
	struct job *next;        /* in the order in which they came */
};

struct git_http {
	struct loop *loop;
	const struct server_config *config;
	const char *data_dir;
	struct git_children *children; /* NULL: no request has come yet */
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

static bool peer_is_served(const struct git_http *g, const struct addr *from)
{
	for (const struct job *j = g->jobs; j; j = j->next)
		if (j->child && !addr_cmp(&j->from, from))
			return true;
	return false;
}

static void job_start(struct job *j)
{
	struct git_http *g = j->server;
	char address[ADDR_STR_LEN];
	const struct git_command c = {.request = j->request,
				      .protocol = j->protocol[0] ? j->protocol : NULL,
				      .peer = j->peer,
				      .address = address,
				      .input = http_body_file(j->q)};

	addr_format(&j->from, address);
	loop_timer_del(g->loop, &j->turn);
	j->child = git_child_start(g->children, &c, on_ready, j);
	if (j->child)
		return;
	j->failed = errno;
	http_stream_ready(j->q);
}

/* The request that waits longest, but one of each peer: a peer that asks for much does not delay other peers. */
static void start_next(struct git_http *g)
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
		http_refuse(q, 503, "busy", "other requests are being served; try again in a moment");
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
		http_out_of_memory(q);
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
	/* A git that fails has told the other git so. */
	return n == GIT_CHILD_KILLED                         ? HTTP_STREAM_BROKEN
	       : n == GIT_CHILD_END || n == GIT_CHILD_FAILED ? HTTP_STREAM_END
							     : n;
}

static void job_end(void *ctx)
{
	struct job *j = ctx, **p = &j->server->jobs;
	struct git_http *g = j->server;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	g->n_jobs--;
	loop_timer_del(g->loop, &j->turn);
	if (j->child)
		git_child_drop(j->child);
	buf_free(&j->head);
	free(j);
	start_next(g);
}

struct git_http *git_http_new(struct loop *l, const struct server_config *c, const char *data_dir)
{
	struct git_http *g = calloc(1, sizeof(*g));

	if (g)
		*g = (struct git_http){.loop = l, .config = c, .data_dir = data_dir};
	return g;
}

void git_http_free(struct git_http *g)
{
	if (g && g->children)
		git_children_free(g->children);
	free(g);
}

/* What runs git, from the first request on. False: it cannot be started. */
static bool start_children(struct git_http *g)
{
	const struct git_children_options o = {.repository = g->config->repository,
					       .data_dir = g->data_dir,
					       .network = g->config->network,
					       .ended = on_child_ended,
					       .ctx = g};

	if (g->children)
		return true;
	if (!(g->children = git_children_new(g->loop, &o)))
		return false;
	if (!confine_has_files())
		log_warn("git",
			 "this kernel cannot confine git to the repository's files (Landlock, Linux 5.19): what it "
			 "runs for admins may read and write what the repository's owner may");
	return true;
}

static void serve(struct git_http *g, struct http_request *q, const struct git_request *request, const char *peer)
{
	const char *protocol = http_header(q, "Git-Protocol");
	const bool runs = start_children(g);
	struct job *j = runs && g->n_jobs < GIT_WAITING_MAX ? calloc(1, sizeof(*j)) : NULL, **last;

	if (!j) {
		http_refuse(q, 503, "busy",
			    runs ? "other requests are being served; try again in a moment"
				 : "the server cannot start git");
		return;
	}
	*j = (struct job){.server = g, .q = q, .request = *request, .from = *http_from(q)};
	j->turn = (struct loop_timer){.fn = on_late, .ctx = j};
	memcpy(j->peer, peer, strlen(peer) + 1);
	/* A header that makes no sense is ignored: git goes on in version 0. */
	if (protocol && git_protocol_valid(protocol))
		memcpy(j->protocol, protocol, strlen(protocol) + 1);
	for (last = &g->jobs; *last; last = &(*last)->next)
		;
	*last = j;
	g->n_jobs++;
	log_debug("git", "%s asks for %s%s", j->peer, git_service_name(request->service),
		  request->advertise ? " (refs)" : "");
	http_stream(q, &(struct http_stream){.begin = job_begin, .read = job_read, .end = job_end, .ctx = j});
	loop_timer_set(g->loop, &j->turn, GIT_TURN_SECONDS * 1000);
	start_next(g);
}

/* --- the right to ask, and what for --- */

/* A server that only follows what is elsewhere says where that is. The URL holds no password (remote.h). */
static bool is_here(const struct owners *o, struct http_request *q)
{
	if (o->config->remote)
		http_refuse(q, 404, "not-here", "the network's repository is %s", o->config->remote);
	else if (o->config->file)
		http_refuse(q, 404, "not-here", "the network is in no repository: it is %s on the server",
			    o->config->file);
	else
		return true;
	return false;
}

/* False: it was refused. */
static bool may(const struct owners *o, struct http_request *q, struct git_request *request, struct asker *asker)
{
	const char *why;
	unsigned status;

	if (!asker_may(o, q, RIGHT_ADMIN, false, asker) || !is_here(o, q))
		return false;
	status = git_request_parse(http_path(q), http_method(q) == HTTP_GET, http_method(q) == HTTP_POST,
				   http_argument(q, "service"), http_header(q, "Content-Type"), request, &why);
	if (status)
		http_refuse(q, status, status == 404 ? "not-found" : "bad-request", "%s", why);
	return !status;
}

bool git_http_is(const struct http_request *q)
{
	return !strncmp(http_path(q), GIT_PATH, strlen(GIT_PATH));
}

bool git_http_admit(const struct owners *o, struct http_request *q, struct http_body_rule *rule)
{
	struct git_request request;
	struct asker asker;

	if (!may(o, q, &request, &asker))
		return false;
	rule->ms = GIT_SECONDS * 1000;
	if (request.advertise)
		return true;
	rule->in_file = true;
	rule->max = request.service == GIT_RECEIVE_PACK ? GIT_PUSH_MAX : GIT_FETCH_MAX;
	if (http_bodies_in_files(o->http, NULL) < GIT_BODIES_MAX &&
	    http_bodies_in_files(o->http, http_from(q)) < GIT_BODIES_PEER)
		return true;
	http_refuse(q, 503, "busy", "other requests are being served; try again in a moment");
	return false;
}

void git_http_answer(struct git_http *g, const struct owners *o, struct http_request *q)
{
	struct git_request request;
	struct asker asker;

	/* Once more: much may have happened while the body came. */
	if (may(o, q, &request, &asker))
		serve(g, q, &request, served_now(o->served)->model->peers[asker.peer].name);
}
