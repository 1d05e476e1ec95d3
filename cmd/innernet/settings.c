/*
 * innernet set-listen-port, override-endpoint and override-peer-endpoint: what people set on one machine. It stands in
 * the network's own file, and a daemon takes it over by itself.
 */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/prompt.h"
#include "schema/model.h"

#include <stdlib.h>
#include <string.h>

/* 0: changed, 1: it was so already, -1 with a diagnostic. */
typedef int change_fn(void *ctx, struct this_peer *p, struct diags *d);

/* What cannot be applied is not kept. */
static int change_locked(struct this_peer *p, change_fn *change, void *ctx, struct diags *d)
{
	struct peer_turn turn;
	int r;

	if (peer_refresh_settings(p, d) != 0)
		return -1;
	r = change(ctx, p, d);
	if (r)
		return r;
	peer_resolve(p, RESOLVE_WAIT_MS, d);
	if (interface_exists(peer_ifname(p)) && peer_converge(p, clock_unix(), 0, SEARCH_MOVE, &turn, d) < 0)
		return -1;
	return peer_save_settings(p, d);
}

/* 0: changed, 1: it was so already, -1: reported. */
static int change_settings(const struct invocation *inv, change_fn *change, void *ctx)
{
	struct peer_options o;
	struct this_peer *p;
	struct diags d = {0};
	int r;

	if (peer_options(inv, &o) < 0 || !(p = open_network(inv, &o, inv->args[0], false)))
		return -1;
	r = lock_network(p, &d) < 0 ? -1 : change_locked(p, change, ctx, &d);
	peer_unlock(p);
	report(inv, &d, NULL);
	diags_free(&d);
	peer_close(p);
	return r;
}

/* ---- the port ------------------------------------------------------------------------------------------------- */

static const struct option_spec port_options[] = {
    {"listen-port", 'l', "PORT", "the UDP port to listen on"},
    {"unset", 'u', NULL, "whatever the system gives"},
    {0},
};

static int change_port(void *ctx, struct this_peer *p, struct diags *d)
{
	const uint16_t *port = ctx;

	(void)d;
	return peer_set_listen_port(p, *port);
}

static int run_port(struct invocation *inv)
{
	const char *name = inv->args[0];
	uint16_t port;
	long n;
	int r;

	if (option_given(inv, "listen-port") == option_given(inv, "unset"))
		return usage_error(inv, "either --listen-port or --unset");
	if (option_number(inv, "listen-port", 1, UINT16_MAX, 0, &n) < 0)
		return FAILED;
	port = (uint16_t)n;
	r = change_settings(inv, change_port, &port);
	if (r < 0)
		return FAILED;
	if (port)
		printf("%s: listens on UDP port %u%s\n", name, port, r ? " already" : "");
	else
		printf("%s: takes any port%s\n", name,
		       r ? " already" : "; the one it has stays until the interface is made again");
	return DONE;
}

const struct command command_set_listen_port = {
    .name = "set-listen-port",
    .synopsis = "IFACE -l PORT | -u",
    .summary = "set the UDP port that this machine listens on",
    .text = "Kept in the network's own file and applied at once; sessions go on. What cannot be applied, because\n"
	    "another program has the port, is not kept.",
    .example = "sudo innernet set-listen-port corp -l 51820",
    .options = port_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_port,
};

/* ---- where this machine is --------------------------------------------------------------------------------------- */

static const struct option_spec own_options[] = {
    {"endpoint", 'e', "HOST:PORT", "what others are told; 0.0.0.0:PORT is the host that a server sees"},
    {"unset", 'u', NULL, "the addresses of its interfaces alone"},
    {0},
};

/* Canonical, in the arena. NULL with what is wrong with it. */
static const char *own_endpoint(struct arena *a, const struct prefix *root, unsigned n_root, const char *text,
				char why[static 160])
{
	const char *endpoint = endpoint_canonical(a, text, strlen(text));
	struct endpoints e = {.n = 1};
	struct diags d = {0};

	why[0] = '\0';
	if (!endpoint || strlen(endpoint) > ENDPOINT_MAX_LEN)
		snprintf(why, 160, "'%.80s' is not host:port", text);
	else if (sockpoint_parse(endpoint, strlen(endpoint), &e.at[0]) == 0 &&
		 endpoints_check(&e, root, n_root, &d) < 0)
		snprintf(why, 160, "%s", d.first ? d.first->message : "out of memory");
	diags_free(&d);
	return why[0] ? NULL : endpoint;
}

struct own_change {
	struct arena *arena;
	const char *given;    /* NULL: unset */
	const char *endpoint; /* out; NULL: unset */
};

struct own_question {
	struct arena *arena;
	const struct prefix *root;
	unsigned n_root;
	char why[160];
};

static const char *check_own(void *ctx, const char *answer)
{
	struct own_question *q = ctx;

	return strcmp(answer, "none") == 0 || own_endpoint(q->arena, q->root, q->n_root, answer, q->why) ? NULL
													 : q->why;
}

static int change_own(void *ctx, struct this_peer *p, struct diags *d)
{
	struct own_change *c = ctx;
	struct own_question q = {.arena = c->arena};

	q.root = peer_root(p, &q.n_root);
	if (c->given && !(c->endpoint = own_endpoint(c->arena, q.root, q.n_root, c->given, q.why))) {
		diag_help(d, diag_error(d, "bad-endpoint", NULL, "%s", q.why),
			  "give a host and a port that others reach: vpn.example.com:51820, or 0.0.0.0:51820 for the "
			  "host that a server sees this machine come from");
		return -1;
	}
	return peer_set_endpoint(p, c->endpoint, d);
}

/* -1: cancelled, or nobody can be asked. */
static int ask_own(struct invocation *inv, struct own_change *c)
{
	struct own_question q = {.arena = c->arena};
	char answer[PROMPT_MAX], preset[32];
	struct peer_options o;
	const struct peer_settings *s;
	struct this_peer *p;
	int r;

	if (peer_options(inv, &o) < 0 || !(p = open_network(inv, &o, inv->args[0], false)))
		return -1;
	s = peer_own_settings(p);
	q.root = peer_root(p, &q.n_root);
	snprintf(preset, sizeof(preset), "0.0.0.0:%u", s->listen_port ? s->listen_port : SERVER_PORT);
	/* On a line of its own: a question that is longer than half of the terminal is cut. */
	fprintf(stderr, "A host and a port; 0.0.0.0 is the host that a server sees; none takes back what was said.\n");
	r = prompt_line("Where others reach this machine:", s->endpoint ? s->endpoint : preset, check_own, &q, answer);
	peer_close(p);
	if (r == 0 && strcmp(answer, "none") != 0 && !(c->given = arena_strdup(c->arena, answer)))
		r = -1;
	return r;
}

static int run_own(struct invocation *inv)
{
	struct own_change c = {.arena = arena_new(), .given = option_value(inv, "endpoint")};
	const char *name = inv->args[0];
	int code = FAILED, r;

	if (!c.arena)
		return FAILED;
	if (c.given && option_given(inv, "unset")) {
		code = usage_error(inv, "either --endpoint or --unset");
	} else if (!c.given && !option_given(inv, "unset") && !prompt_possible()) {
		code = usage_error(inv, "either --endpoint or --unset");
	} else if (c.given || option_given(inv, "unset") || ask_own(inv, &c) == 0) {
		r = change_settings(inv, change_own, &c);
		code = r < 0 ? FAILED : DONE;
		if (r >= 0 && c.endpoint)
			printf("%s: others are told that this machine is at %s%s\n", name, c.endpoint,
			       r ? " already" : "");
		else if (r >= 0)
			printf("%s: others are told the addresses of this machine's interfaces%s\n", name,
			       r ? " already" : "");
	}
	arena_free(c.arena);
	return code;
}

const struct command command_override_endpoint = {
    .name = "override-endpoint",
    .synopsis = "IFACE [-e HOST:PORT | -u]",
    .summary = "say where others reach this machine",
    .text = "They are told of it first, before the addresses of its interfaces. A host name is resolved here, and\n"
	    "again when it changes. A daemon tells the servers within seconds; without one, the next `innernet\n"
	    "fetch` does. What is not given is asked for at a terminal.",
    .example = "sudo innernet override-endpoint corp -e home.example.com:51820",
    .options = own_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_own,
};

/* ---- where a peer is ------------------------------------------------------------------------------------------ */

static const struct option_spec endpoint_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"endpoint", 'e', "HOST:PORT", "where it is reached from this machine"},
    {"unset", 'u', NULL, "where the network says"},
    {0},
};

struct endpoint_change {
	const char *name, *endpoint; /* NULL: unset */
};

static const struct view_peer *peer_called(const struct view *v, const char *name)
{
	for (uint32_t i = 0; i < v->n_peers; i++) {
		if (strcmp(v->peers[i].name, name) == 0)
			return &v->peers[i];
	}
	return NULL;
}

/* A tunnel through itself is none. */
static bool inside(const struct view *v, const char *endpoint)
{
	const struct view_cidr *root = &v->cidrs[v->root];
	struct sockpoint at;

	if (sockpoint_parse(endpoint, strlen(endpoint), &at) < 0)
		return false;
	for (unsigned i = 0; i < root->n_prefixes; i++) {
		if (prefix_has(&root->prefix[i], &at.ip))
			return true;
	}
	return false;
}

static int change_endpoint(void *ctx, struct this_peer *p, struct diags *d)
{
	const struct endpoint_change *c = ctx;
	const struct view *v = peer_view(p);
	struct diag *g = NULL;

	/* What is to be forgotten may be about a peer that went. */
	if (c->endpoint && (!v || !peer_called(v, c->name))) {
		g = diag_error(d, "unknown-name", NULL, "this machine sees no peer called '%s'", c->name);
		diag_help(d, g, "`innernet show %s --short` lists them", peer_ifname(p));
	} else if (c->endpoint && peer_called(v, c->name) == &v->peers[v->self]) {
		g = diag_error(d, "bad-endpoint", NULL, "'%s' is this machine", c->name);
	} else if (c->endpoint && inside(v, c->endpoint)) {
		g = diag_error(d, "bad-endpoint", NULL, "'%s' is an address within the network itself", c->endpoint);
	}
	return g ? -1 : peer_set_endpoint_of(p, c->name, c->endpoint, d);
}

static int run_endpoint(struct invocation *inv)
{
	struct endpoint_change c = {.name = option_value(inv, "name")};
	const char *given = option_value(inv, "endpoint");
	struct arena *a;
	int r = -1;

	if (!c.name)
		return usage_error(inv, "--name says which peer");
	if (!given == !option_given(inv, "unset"))
		return usage_error(inv, "either --endpoint or --unset");
	a = arena_new();
	if (a && given)
		c.endpoint = endpoint_canonical(a, given, strlen(given));
	if (given && (!c.endpoint || strlen(c.endpoint) > ENDPOINT_MAX_LEN)) {
		arena_free(a);
		return usage_error(inv, "--endpoint takes host:port, not '%s'", given);
	}
	r = change_settings(inv, change_endpoint, &c);
	if (r >= 0 && given)
		printf("%s: %s is reached at %s from here%s\n", inv->args[0], c.name, c.endpoint, r ? " already" : "");
	else if (r >= 0)
		printf("%s: %s is reached where the network says%s\n", inv->args[0], c.name, r ? " already" : "");
	arena_free(a);
	return r < 0 ? FAILED : DONE;
}

const struct command command_override_peer_endpoint = {
    .name = "override-peer-endpoint",
    .synopsis = "IFACE --name PEER -e HOST:PORT | -u",
    .summary = "say where a peer is reached from this machine",
    .text = "Before what the network says, and only here. A peer that this machine has a session with is not\n"
	    "disturbed: the endpoint counts from the next one.",
    .example = "sudo innernet override-peer-endpoint corp --name bob -e 192.168.1.20:51820",
    .options = endpoint_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_endpoint,
};
