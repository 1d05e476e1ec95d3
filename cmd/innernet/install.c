/* innernet install: redeems an invitation. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/peer/redeem.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 20 /* peers, or routes, in one line */

static const struct option_spec options[] = {
    HOSTS_OPTIONS,
    NAT_OPTIONS,
    {"name", 0, "NAME", "the interface's name on this machine (the network's name)"},
    {"default-name", 0, NULL, "the network's name, as without --name"},
    {"delete-invite", 'd', NULL, "remove the invitation's file afterwards"},
    {0},
};

static void progress(const char *text)
{
	fprintf(stderr, "%s...\n", text);
}

struct route {
	struct prefix prefix;
	const char *by;
};

/* Sorts the widest prefix first. */
static int route_cmp(const void *x, const void *y)
{
	const struct route *a = x, *b = y;
	unsigned m = prefix_wire_len(&a->prefix), n = prefix_wire_len(&b->prefix);

	return m != n ? (m > n) - (m < n) : prefix_cmp(&a->prefix, &b->prefix);
}

/* Prints the routes through the interface: the network's prefixes, and the routes of its peers. */
static void print_routes(const struct view *v)
{
	const struct view_cidr *root = &v->cidrs[v->root];
	struct route *routes;
	char text[PREFIX_STR_LEN];
	size_t n = root->n_prefixes, max = n;

	for (uint32_t i = 0; i < v->n_peers; i++)
		max += v->peers[i].n_routes;
	if (!(routes = calloc(max, sizeof(*routes))))
		return;
	for (size_t i = 0; i < n; i++)
		routes[i] = (struct route){root->prefix[i], "the network"};
	for (uint32_t i = 0; i < v->n_peers; i++)
		for (uint32_t j = 0; i != v->self && !v->peers[i].pending && j < v->peers[i].n_routes; j++)
			routes[n++] = (struct route){v->peers[i].routes[j], v->peers[i].name};
	qsort(routes, n, sizeof(*routes), route_cmp);
	printf("Routes through it:");
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		prefix_format(&routes[i].prefix, text);
		printf("%s %s (%s)", i ? "," : "", text, routes[i].by);
	}
	if (n > SHOWN_MAX)
		printf(", and %zu narrower ones", n - SHOWN_MAX);
	printf("\n");
	free(routes);
}

/* Prints this machine's peer, the peers that it reaches and its routes, as a sign that the install has worked. */
static void print_joined(const struct this_peer *p)
{
	const struct view *v = peer_view(p);
	const char *name = peer_ifname(p);
	const struct view_peer *self = &v->peers[v->self];
	char ip[ADDR_STR_LEN];
	uint32_t n = 0;

	addr_format(&self->ip[0], ip);
	bool renamed = strcmp(name, v->statement.network) != 0;
	printf("This machine is %s (%s) in the network %s%s%s.\n", self->name, ip, v->statement.network,
	       renamed ? ", by the interface " : "", renamed ? name : "");
	for (uint32_t i = 0; i < v->n_peers; i++)
		n += i != v->self && !v->peers[i].pending;
	printf("It reaches %u peer%s:", n, n == 1 ? "" : "s");
	for (uint32_t i = 0, shown = 0; i < v->n_peers && shown < SHOWN_MAX; i++) {
		if (i != v->self && !v->peers[i].pending)
			printf("%s %s", shown++ ? "," : "", v->peers[i].name);
	}
	printf("%s\n", n > SHOWN_MAX ? ", ..." : "");
	print_routes(v);
	printf("To follow changes of the network: innernet up --daemon %s\n", name);
}

static int run(struct invocation *inv)
{
	struct peer_options o;
	struct invitation *invitation = NULL;
	struct this_peer *p = NULL;
	struct diags d = {0};
	const char *name = option_value(inv, "name");
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		return FAILED;
	if (name && option_given(inv, "default-name"))
		return usage_error(inv, "--name or --default-name, not both");
	if (name && !network_name_valid(name, strlen(name)))
		return usage_error(inv,
				   "--name takes the name of an interface: a host name of at most %d letters, not '%s'",
				   NETWORK_MAX_LEN, name);
	if (invitation_read(inv->args[0], &invitation, &d) < 0 || redeem(&o, invitation, name, progress, &p, &d) < 0)
		goto out;
	code = DONE;
	print_joined(p);
	if (option_given(inv, "delete-invite") && file_remove(inv->args[0], &d) < 0)
		code = FAILED;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	peer_close(p);
	invitation_free(invitation);
	return code;
}

/* One command under two names. */
#define INSTALL                                                                                                        \
	.synopsis = "INVITATION [--name NAME] [-d]", .options = options, .min_args = 1, .max_args = 1,                 \
	.words = {WORD_FILE}, .run = run,                                                                              \
	.text = "Makes this machine's private key (it is on disk before anything is sent, and never leaves the "       \
		"machine),\n"                                                                                          \
		"redeems the invitation inside the tunnel, verifies the first snapshot and brings the interface up. "  \
		"If it\n"                                                                                              \
		"is interrupted, or the server does not answer, run it again: it continues where it stopped. On a "    \
		"machine\n"                                                                                            \
		"in two networks with the same name, --name gives the second interface another name."

const struct command command_install = {
    .name = "install",
    .summary = "join a network with an invitation",
    .example = "sudo innernet install bob.yaml --delete-invite",
    INSTALL,
};

const struct command command_redeem = {
    .name = "redeem",
    .summary = "the same as install",
    .example = "sudo innernet redeem bob.yaml --delete-invite",
    INSTALL,
};
