#include "reconcile/impact/guard_changes.h"

#include <stdio.h>
#include <string.h>

#define LISTED_MAX 10 /* of one finding; the rest are counted */

/* The sentence of one guard, as it grows: "this revision makes peers admins: " and what it lists. */
struct finding {
	struct buf text;
	uint32_t n;
};

/* Returns the buffer for the next entry, or NULL when it is only counted. */
static struct buf *list(struct finding *f, const char *start)
{
	if (!f->n++)
		buf_str(&f->text, start);
	if (f->n > LISTED_MAX)
		return NULL;
	buf_str(&f->text, f->n > 1 ? ", " : "");
	return &f->text;
}

static int end(struct finding *f, const char *code, guard_found *found, void *ctx)
{
	int rc = 0;

	if (f->n > LISTED_MAX)
		buf_printf(&f->text, " and %u more", f->n - LISTED_MAX);
	if (f->text.failed)
		rc = -1;
	else if (f->n)
		found(ctx, code, f->text.p);
	buf_free(&f->text);
	return rc;
}

/* Adds a fact to the finding when the guard stops it. */
typedef void guard_fact(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			struct finding *out);

/* ---- routes ------------------------------------------------------------------------------------------------------ */

enum width { NARROW, WIDE, PUBLIC, DEFAULT };

/* The widest kind that a new route is of: a default route is not called public as well. */
static enum width width_of(const struct guard_limits *l, const struct impact_fact *f)
{
	if (f->what != FACT_ROUTE_ADDED && f->what != FACT_ROUTE_MOVED)
		return NARROW;
	if (f->is_default)
		return DEFAULT;
	if (f->is_public)
		return PUBLIC;
	return prefix_wire_len(&f->prefix) < (prefix_is_v4(&f->prefix) ? l->widest_route : l->widest_route6) ? WIDE
													     : NARROW;
}

static void list_route(const struct impact *im, const struct impact_fact *f, const char *start, struct finding *out)
{
	struct buf *to = list(out, start);
	char text[PREFIX_STR_LEN];

	if (!to)
		return;
	prefix_format(&f->prefix, text);
	buf_printf(to, "%s through %s", text, impact_peer_name(im, f->peer));
}

static void default_route(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			  struct finding *out)
{
	if (width_of(l, f) == DEFAULT)
		list_route(im, f, "this revision adds a default route: ", out);
}

static void public_route(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			 struct finding *out)
{
	if (width_of(l, f) == PUBLIC)
		list_route(im, f, "this revision routes public addresses: ", out);
}

static void wide_route(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
		       struct finding *out)
{
	char start[96];

	if (width_of(l, f) != WIDE)
		return;
	snprintf(start, sizeof(start),
		 "this revision adds routes wider than /%u (IPv4) or /%u (IPv6): ", (unsigned)l->widest_route,
		 (unsigned)l->widest_route6);
	list_route(im, f, start, out);
}

/* ---- rights and servers ------------------------------------------------------------------------------------------- */

static void new_admin(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
		      struct finding *out)
{
	struct buf *to;

	(void)l;
	if (f->what != FACT_ADMIN_ADDED && f->what != FACT_ADMIN_REKEYED)
		return;
	to = list(out, "this revision makes peers admins: ");
	if (to)
		buf_printf(to, "%s%s", impact_peer_name(im, f->peer),
			   f->what == FACT_ADMIN_REKEYED ? " (with another key)" : "");
}

/* The first admin of a network takes no right from another one. */
static bool had_admin(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].admin && !m->peers[i].disabled)
			return true;
	return false;
}

static void server_address(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			   struct finding *out)
{
	const struct peer *x, *y;
	struct buf *to;
	bool kept = true;

	(void)l;
	if (f->what != FACT_SERVER_ADDRESS)
		return;
	x = &im->before->peers[im->peers[f->peer].before];
	y = &im->after->peers[im->peers[f->peer].after];
	for (unsigned i = 0; i < x->n_ips; i++)
		kept &= peer_has_addr(y, &x->ip[i]);
	to = kept ? NULL : list(out, "this revision changes the address of a server, by which the peers reach it: ");
	if (to)
		buf_printf(to, "%s from %s to %s", y->name, f->before, f->after);
}

static bool has_endpoint(const struct peer *p, const char *endpoint)
{
	if (p->endpoint && strcmp(p->endpoint, endpoint) == 0)
		return true;
	for (unsigned i = 0; i < p->n_more_endpoints; i++)
		if (strcmp(p->more_endpoints[i], endpoint) == 0)
			return true;
	return false;
}

static void server_endpoint(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			    struct finding *out)
{
	const struct peer *x, *y;
	struct buf *to;
	bool kept;

	(void)l;
	if (f->what != FACT_SERVER_ENDPOINT || !f->before)
		return;
	x = &im->before->peers[im->peers[f->peer].before];
	y = &im->after->peers[im->peers[f->peer].after];
	kept = has_endpoint(y, x->endpoint);
	for (unsigned i = 0; i < x->n_more_endpoints; i++)
		kept |= has_endpoint(y, x->more_endpoints[i]);
	to = kept ? NULL : list(out, "this revision leaves a server none of its endpoints: ");
	if (to)
		buf_printf(to, "%s from %s to %s", y->name, f->before, f->after ? f->after : "none");
}

static void root_growth(const struct guard_limits *l, const struct impact *im, const struct impact_fact *f,
			struct finding *out)
{
	struct buf *to;
	char text[PREFIX_STR_LEN];

	(void)l, (void)im;
	if (f->what != FACT_NETWORK_GROWS ||
	    !(to = list(out, "this revision takes more addresses for the network itself: ")))
		return;
	prefix_format(&f->prefix, text);
	if (f->before)
		buf_printf(to, "%s, which was %s", text, f->before);
	else
		buf_printf(to, "%s, where it had none", text);
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

int guard_changes(const struct guard_limits *limits, const struct impact *im, guard_found *found, void *ctx)
{
	const struct {
		const char *code;
		bool allowed;
		guard_fact *stops;
	} guards[] = {
	    {"guard-default-route", limits->default_routes, default_route},
	    {"guard-public-route", limits->public_routes, public_route},
	    {"guard-wide-route", false, wide_route},
	    {"guard-new-admin", limits->new_admins || !im->before || !had_admin(im->before), new_admin},
	    {"guard-server-address", limits->server_moves, server_address},
	    {"guard-server-endpoint", limits->server_moves, server_endpoint},
	    {"guard-root", limits->root_growth, root_growth},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		struct finding f = {0};
		for (uint32_t k = 0; !guards[i].allowed && k < im->facts.n; k++)
			guards[i].stops(limits, im, &im->facts.list[k], &f);
		rc |= end(&f, guards[i].code, found, ctx);
	}
	return rc ? -1 : 0;
}
