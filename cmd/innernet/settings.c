/*
 * innernet set-listen-port, override-endpoint and override-peer-endpoint: settings of one machine. They are in the
 * network's own file on this machine, which a running daemon reads again after a change.
 */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/prompt.h"
#include "schema/model.h"

#include <stdlib.h>
#include <string.h>

/* Changes the settings. Returns 0, 1 when the value is set already, or -1 with a diagnostic. */
typedef int change_fn(void *ctx, struct this_peer *p, struct diags *d);

/* Applies the change to the interface first, and saves it only if that succeeds. Returns as change_fn. */
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

/* Opens and locks the network, and changes it. Returns 0, 1 when the value is set already, or -1 after a report. */
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
    {"unset", 'u', NULL, "use any free port"},
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
		printf("%s: uses any free port%s\n", name,
		       r ? " already" : "; the current port stays until the interface is made again");
	return DONE;
}

const struct command command_set_listen_port = {
    .name = "set-listen-port",
    .synopsis = "IFACE -l PORT | -u",
    .summary = "set the UDP port that this machine listens on",
    .text = "Applies the port at once and saves it in the network's own file; sessions continue. A port that another\n"
	    "program uses is not saved.",
    .example = "sudo innernet set-listen-port corp -l 51820",
    .options = port_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_port,
};

/* ---- this machine's endpoint ------------------------------------------------------------------------------------- */

static const struct option_spec own_options[] = {
    {"endpoint", 'e', "HOST:PORT", "the endpoint to report to peers; 0.0.0.0:PORT: the address that a server sees"},
    {"unset", 'u', NULL, "report only the addresses of this machine's interfaces"},
    {0},
};

/* Returns the canonical endpoint in the arena, or NULL with the error text in `why`. */
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
		diag_help(
		    d, diag_error(d, "bad-endpoint", NULL, "%s", q.why),
		    "give a host and a port that peers can reach: vpn.example.com:51820, or 0.0.0.0:51820 for the "
		    "address from which a server sees this machine's packets");
		return -1;
	}
	return peer_set_endpoint(p, c->endpoint, d);
}

/* Asks for the endpoint. Returns -1 when the user cancels or the network cannot be opened. */
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
	/* The explanation is a line of its own: prompt_line() cuts a question longer than half of the terminal. */
	fprintf(stderr,
		"A host and a port. 0.0.0.0 means the address that a server sees. Type \"none\" to remove it.\n");
	r = prompt_line("Where peers reach this machine:", s->endpoint ? s->endpoint : preset, check_own, &q, answer);
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
			printf("%s: this machine reports the endpoint %s to its peers%s\n", name, c.endpoint,
			       r ? " already" : "");
		else if (r >= 0)
			printf("%s: this machine reports the addresses of its interfaces to its peers%s\n", name,
			       r ? " already" : "");
	}
	arena_free(c.arena);
	return code;
}

const struct command command_override_endpoint = {
    .name = "override-endpoint",
    .synopsis = "IFACE [-e HOST:PORT | -u]",
    .summary = "set the endpoint where peers reach this machine",
    .text = "Peers try it first, before the addresses of this machine's interfaces. A host name is resolved on this\n"
	    "machine, and again when it changes. A daemon reports it to the servers within seconds; without one, the\n"
	    "next `innernet fetch` does. At a terminal the command asks for what is not given.",
    .example = "sudo innernet override-endpoint corp -e home.example.com:51820",
    .options = own_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_own,
};

/* ---- a peer's endpoint ---------------------------------------------------------------------------------------- */

static const struct option_spec endpoint_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"endpoint", 'e', "HOST:PORT", "its endpoint for this machine"},
    {"unset", 'u', NULL, "use the network's endpoint"},
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

/* Returns whether the endpoint is an address of the network itself: its packets would go into the tunnel again. */
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

	/* --unset is valid for a peer that the network no longer has. */
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
		return usage_error(inv, "--name PEER is missing");
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
		printf("%s: this machine reaches %s at %s%s\n", inv->args[0], c.name, c.endpoint, r ? " already" : "");
	else if (r >= 0)
		printf("%s: this machine reaches %s at the network's endpoint%s\n", inv->args[0], c.name,
		       r ? " already" : "");
	arena_free(a);
	return r < 0 ? FAILED : DONE;
}

const struct command command_override_peer_endpoint = {
    .name = "override-peer-endpoint",
    .synopsis = "IFACE --name PEER -e HOST:PORT | -u",
    .summary = "set the endpoint where this machine reaches a peer",
    .text = "It goes before the network's endpoint, on this machine alone. An existing session with the peer\n"
	    "continues; the endpoint is used from the next session on.",
    .example = "sudo innernet override-peer-endpoint corp --name bob -e 192.168.1.20:51820",
    .options = endpoint_options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run_endpoint,
};
