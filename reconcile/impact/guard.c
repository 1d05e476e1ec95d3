#include "reconcile/impact/guard_changes.h"

#include <string.h>
#include <strings.h>

const struct guard_limits guard_defaults = {
    .peers = {.most = 50, .percent = 20, .free = 2},
    .pairs = {.most = 100000, .percent = 30, .free = 50},
    .keep_admin = true,
    .widest_route = 8,
    .widest_route6 = 32,
    .formats_days = 30,
};

bool guard_acceptable(const char *code)
{
	static const char prefix[] = "guard-";

	return strncmp(code, prefix, sizeof(prefix) - 1) == 0 && strcmp(code, "guard-server") != 0 &&
	       strcmp(code, "guard-admin") != 0;
}

/* One run of the guards. */
struct guarding {
	const struct impact *im;
	bool accepted;
	bool foretold; /* by the default limits, for a server whose own are not known: a warning */
	struct diags *d;
	struct diag *last;
};

/* An error, or a warning when the trailer acknowledges it or only a default server would refuse it. A guard_found. */
static void refuse(void *ctx, const char *code, const char *what)
{
	struct guarding *g = ctx;
	struct diags *d = g->d;

	g->last = g->accepted || g->foretold ? diag_warning(d, code, NULL, "%s", what)
					     : diag_error(d, code, NULL, "%s", what);
	if (g->accepted) {
		diag_note(d, g->last, NULL, "acknowledged by the trailer " ACCEPT_TRAILER ": %s", g->im->id);
		return;
	}
	if (g->foretold) {
		diag_note(d, g->last, NULL, "a server with the default guards refuses it without the trailer");
		diag_help(d, g->last, "when this is meant: git commit --trailer '" ACCEPT_TRAILER ": %s' ...",
			  g->im->id);
	} else {
		diag_help(d, g->last,
			  "when this is meant, say so in the last paragraph of the commit's message: " ACCEPT_TRAILER
			  ": %s",
			  g->im->id);
	}
}

static void check_limit(const struct guard_limit *l, uint64_t lost, uint64_t before, const char *code, const char *verb,
			const char *noun, const char *of, struct guarding *g)
{
	struct buf what = {0};
	unsigned long long n = lost, all = before;
	const char *s = n == 1 ? "" : "s";

	if (lost > l->most)
		buf_printf(&what, "this revision %s %llu %s%s%s of %llu, and %llu is the most", verb, n, noun, s, of,
			   all, (unsigned long long)l->most);
	else if (lost > l->free && before && lost > before / 100 * l->percent + before % 100 * l->percent / 100)
		buf_printf(&what, "this revision %s %llu %s%s%s of %llu, more than %llu %%", verb, n, noun, s, of, all,
			   (unsigned long long)l->percent);
	if (what.n)
		refuse(g, code, what.p);
	if (what.failed)
		diags_out_of_memory(g->d);
	buf_free(&what);
}

#define NAMES_MAX 10 /* of peers that are left behind; the rest are counted */

static void check_formats(unsigned days, struct guarding *g)
{
	const struct left_behind *left = &g->im->left;
	struct buf what = {0};

	if (!left->n)
		return;
	buf_printf(&what,
		   "this revision needs format %u, which %u peer%s that polled in the last %u day%s cannot read: ",
		   left->format, left->n, left->n == 1 ? "" : "s", days, days == 1 ? "" : "s");
	for (uint32_t i = 0; i < left->n && i < NAMES_MAX; i++)
		buf_printf(&what, "%s%s", i ? ", " : "", g->im->after->peers[left->peers[i]].name);
	if (left->n > NAMES_MAX)
		buf_printf(&what, " and %u more", left->n - NAMES_MAX);
	if (what.failed) {
		diags_out_of_memory(g->d);
	} else {
		refuse(g, "guard-formats", what.p);
		diag_note(g->d, g->last, NULL,
			  "%s keeps the network that it has until a newer innernet is installed there",
			  left->n == 1 ? "it" : "each");
	}
	buf_free(&what);
}

static const struct peer *peer_by_mark(const struct model *m, const struct peer *x)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (peer_same_mark(&m->peers[i], x))
			return &m->peers[i];
	return NULL;
}

/*
 * A server keeps answering at the addresses that it leaves until each peer has polled at the new ones. It cannot where another
 * peer has the address at once.
 */
static void check_server_addresses(const struct model *published, const struct model *m, struct diags *d)
{
	char ip[ADDR_STR_LEN];
	struct diag *e;

	for (uint32_t i = 0; i < published->n_peers; i++) {
		const struct peer *x = &published->peers[i];
		const struct peer *y = x->server && !x->disabled ? peer_by_mark(m, x) : NULL;
		for (unsigned a = 0; y && y->server && a < x->n_ips; a++) {
			uint32_t taker = model_peer_by_addr(m, &x->ip[a]);
			if (taker == NONE || &m->peers[taker] == y)
				continue;
			addr_format(&x->ip[a], ip);
			e = diag_error(
			    d, "server-address-taken", &m->peers[taker].at_ip,
			    "%s is the address at which peers reach the server '%s', and '%s' takes it in the "
			    "revision that moves the server",
			    ip, y->name, m->peers[taker].name);
			diag_help(d, e,
				  "move the server first; take the address when each peer has polled at the new one");
		}
	}
}

/* Bit 0: IPv6, bit 1: IPv4. */
static unsigned families(const struct peer *p)
{
	unsigned set = 0;

	for (unsigned i = 0; i < p->n_ips; i++)
		set |= addr_is_v4(&p->ip[i]) ? 2u : 1u;
	return set;
}

static unsigned server_families(const struct model *m)
{
	unsigned set = 0;

	for (uint32_t i = 0; i < m->n_peers; i++)
		set |= m->peers[i].server && !m->peers[i].disabled ? families(&m->peers[i]) : 0;
	return set;
}

/* A peer polls a server at an address of a family that both have: what a server leaves must not be all of it. */
static void check_server_families(const struct model *published, const struct model *m, struct diags *d)
{
	const unsigned was = server_families(published), is = server_families(m);

	for (uint32_t i = 0; was & ~is && is && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		if (p->server || p->disabled || p->via || families(p) & is)
			continue;
		diag_help(d,
			  diag_error(d, "server-family", &p->at_ip,
				     "'%s' has %s addresses alone, and this revision leaves no server with one",
				     p->name, families(p) & 2 ? "IPv4" : "IPv6"),
			  "keep the %s address of a server", families(p) & 2 ? "IPv4" : "IPv6");
	}
}

void guard_outright(const struct model *published, const struct model *m, struct diags *d)
{
	unsigned long long was = published->epoch, is = m->epoch;
	struct diag *e;

	if (strcmp(m->network, published->network)) {
		e = diag_error(d, "network-changed", &m->at_network, "the network '%s' is called '%s' here",
			       published->network, m->network);
		diag_help(d, e, "a network keeps its name; `innernet-reconcile init` makes another one");
	}
	if (published->trust.present && !(m->trust.present && key_eq(&m->trust.id, &published->trust.id))) {
		e = diag_error(d, "network-changed", &m->trust.at, "`trust: id:` is %s",
			       m->trust.present ? "that of another network" : "gone");
		diag_help(d, e, "put the id back that `innernet-reconcile init` wrote");
	}
	if (is < was) {
		e = diag_error(d, "epoch-back", NULL, "the epoch is %llu, and %llu was published", is, was);
		diag_help(d, e, "set `epoch: %llu`", was);
	} else if (is > was + 1) {
		e = diag_error(d, "epoch-jump", NULL, "the epoch rises from %llu to %llu", was, is);
		diag_help(d, e, "an epoch rises by one: set `epoch: %llu`", was + 1);
	}
	check_server_addresses(published, m, d);
	check_server_families(published, m, d);
}

/* What no trailer acknowledges. */
static void check_never(const struct guard_limits *limits, struct guarding *g)
{
	struct diag *e;

	if (g->im->server_lost) {
		e = diag_error(g->d, "guard-server", NULL, "no server stays as it was: every peer would be cut off");
		diag_help(g->d, e, "add the new server first, and remove the old one in a later revision");
	}
	if (g->im->admin_lost && (!limits || limits->keep_admin)) {
		e = diag_error(g->d, "guard-admin", NULL, "this revision takes the last admin away");
		diag_help(g->d, e, "make another peer an admin in the same revision or before it");
	}
}

static void check_limits(const struct guard_limits *limits, struct guarding *g)
{
	const struct impact *im = g->im;

	if (im->trust_changed)
		refuse(g, "guard-trust", "this revision changes the keys whose signatures peers believe");
	check_limit(&limits->peers, im->n_cut, im->peers_before, "guard-peers", "cuts off", "peer", "", g);
	check_limit(&limits->pairs, im->pairs_lost, im->pairs_before, "guard-pairs", "parts", "pair", " of peers", g);
	if (guard_changes(limits, im, refuse, g) < 0)
		diags_out_of_memory(g->d);
	check_formats((unsigned)limits->formats_days, g);
}

unsigned guard_check(const struct guard_limits *limits, const struct impact *im, bool accepted, struct diags *d)
{
	struct guarding g = {.im = im, .accepted = accepted, .d = d};
	size_t before = d->n_errors;

	if (!im->before)
		return 0;
	check_never(limits, &g);
	if (limits)
		check_limits(limits, &g);
	return (unsigned)(d->n_errors - before);
}

void guard_foretell(const struct impact *im, bool accepted, struct diags *d)
{
	struct guarding g = {.im = im, .accepted = accepted, .foretold = true, .d = d};

	/* What no trailer accepts is refused already. */
	if (im->before && im->after && !im->server_lost)
		check_limits(&guard_defaults, &g);
}

static struct span next_line(struct span *text)
{
	const uint8_t *nl = text->n ? memchr(text->p, '\n', text->n) : NULL;
	struct span line = {text->p, nl ? (size_t)(nl - text->p) : text->n};
	size_t skip = nl ? line.n + 1 : line.n;

	text->p += skip;
	text->n -= skip;
	while (line.n && strchr(" \t\r", line.p[line.n - 1]))
		line.n--;
	return line;
}

/* The id itself, with or without the hyphens. */
static bool same_id(struct span s, const char *id)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	for (; s.n && *id; s.p++, s.n--) {
		if (*id == '-') {
			id++;
			if (*s.p == '-')
				continue;
		}
		if (*s.p != (uint8_t)*id++)
			return false;
	}
	return !s.n && !*id;
}

bool guard_accepted(struct span message, const char *id)
{
	static const char name[] = ACCEPT_TRAILER ":";
	bool found = false, first = true, any = false;

	/* Each empty line starts another paragraph; empty lines at the end start none. */
	while (message.n) {
		struct span line = next_line(&message);
		if (!line.n) {
			first = any ? false : first;
			any = false;
			continue;
		}
		if (!any)
			found = false;
		any = true;
		if (!first && line.n > sizeof(name) - 1 && !strncasecmp((const char *)line.p, name, sizeof(name) - 1) &&
		    same_id((struct span){line.p + sizeof(name) - 1, line.n - (sizeof(name) - 1)}, id))
			found = true;
	}
	return found;
}

int guard_judge(struct arena *a, const struct guard_limits *limits, const struct model *published,
		const struct model *m, const struct ledger_facts *facts, struct span message,
		const struct guard_formats *formats, struct impact **plan, struct diags *d)
{
	const unsigned days = limits && formats ? limits->formats_days : 0;

	struct impact *im = impact_new(a, published, m, facts);

	if (plan)
		*plan = im;
	if (!im || (days && impact_leave_behind(a, im, formats->before, formats->after, formats->readers,
						formats->now - (int64_t)days * 86400) < 0)) {
		return diags_out_of_memory(d);
	}
	return guard_check(limits, im, message.p && guard_accepted(message, im->id), d) ? -1 : 0;
}
