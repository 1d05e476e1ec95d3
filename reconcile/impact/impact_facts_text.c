/* How facts are called, and how they read: one line a kind. The strings are an interface. */
#include "reconcile/impact/impact.h"

#include <string.h>

static const struct kind_words {
	const char *title, *name;
	const char *unchanged; /* as the list of what did not change has it; NULL: it is not in that list */
} kinds[N_FACT_KINDS] = {
    [FACTS_ROUTES] = {"Routes:", "routes", "routes"},
    [FACTS_NETWORK] = {"Network:", "network", "the network's prefix"},
    [FACTS_ADMINS] = {"Admins:", "admins", "admins"},
    [FACTS_SERVERS] = {"Servers:", "servers", "servers"},
    [FACTS_TRUST] = {"Trust:", "trust", "trust"},
    [FACTS_IDENTITY] = {"Identity:", "identity", NULL},
    [FACTS_FORWARDING] = {"Forwarding:", "forwarding", NULL},
    [FACTS_PEERS] = {"Peers:", "peers", NULL},
    [FACTS_CIDRS] = {"CIDRs:", "cidrs", NULL},
    [FACTS_ADDRESSES] = {"Addresses:", "addresses", "addresses"},
    [FACTS_KEYS] = {"Keys:", "keys", "keys"},
    [FACTS_ENDPOINTS] = {"Endpoints:", "endpoints", NULL},
    [FACTS_SETTINGS] = {"Settings:", "settings", NULL},
    [FACTS_NAMES] = {"Names:", "names", NULL},
    [FACTS_TESTS] = {"Tests:", "tests", "tests"},
};

static const struct what_words {
	enum fact_kind kind;
	const char *name;
} whats[N_FACT_WHATS] = {
    [FACT_ROUTE_ADDED] = {FACTS_ROUTES, "route-added"},
    [FACT_ROUTE_REMOVED] = {FACTS_ROUTES, "route-removed"},
    [FACT_ROUTE_MOVED] = {FACTS_ROUTES, "route-moved"},
    [FACT_ROUTE_VIA] = {FACTS_ROUTES, "route-via"},
    [FACT_ROUTE_REACH] = {FACTS_ROUTES, "route-reach"},
    [FACT_NETWORK_GROWS] = {FACTS_NETWORK, "network-grows"},
    [FACT_NETWORK_SHRINKS] = {FACTS_NETWORK, "network-shrinks"},
    [FACT_ADMIN_ADDED] = {FACTS_ADMINS, "admin-added"},
    [FACT_ADMIN_REMOVED] = {FACTS_ADMINS, "admin-removed"},
    [FACT_ADMIN_REKEYED] = {FACTS_ADMINS, "admin-rekeyed"},
    [FACT_SERVER_ADDED] = {FACTS_SERVERS, "server-added"},
    [FACT_SERVER_REMOVED] = {FACTS_SERVERS, "server-removed"},
    [FACT_SERVER_ADDRESS] = {FACTS_SERVERS, "server-address"},
    [FACT_SERVER_ENDPOINT] = {FACTS_SERVERS, "server-endpoint"},
    [FACT_SERVER_KEY] = {FACTS_SERVERS, "server-key"},
    [FACT_SIGNER_ADDED] = {FACTS_TRUST, "signer-added"},
    [FACT_SIGNER_REMOVED] = {FACTS_TRUST, "signer-removed"},
    [FACT_TRUST_SETTING] = {FACTS_TRUST, "trust-setting"},
    [FACT_ONLINE_ADDED] = {FACTS_TRUST, "online-added"},
    [FACT_ONLINE_REMOVED] = {FACTS_TRUST, "online-removed"},
    [FACT_IDENTITY] = {FACTS_IDENTITY, "identity"},
    [FACT_VIA] = {FACTS_FORWARDING, "via"},
    [FACT_PEER_ADDED] = {FACTS_PEERS, "peer-added"},
    [FACT_PEER_REMOVED] = {FACTS_PEERS, "peer-removed"},
    [FACT_PEER_DISABLED] = {FACTS_PEERS, "peer-disabled"},
    [FACT_PEER_ENABLED] = {FACTS_PEERS, "peer-enabled"},
    [FACT_PEER_MOVED] = {FACTS_CIDRS, "peer-moved"},
    [FACT_ADDRESS] = {FACTS_ADDRESSES, "address"},
    [FACT_KEY] = {FACTS_KEYS, "key"},
    [FACT_KEY_TO_INVITE] = {FACTS_KEYS, "key-to-invite"},
    [FACT_INVITE_TO_KEY] = {FACTS_KEYS, "invite-to-key"},
    [FACT_INVITE] = {FACTS_KEYS, "invite"},
    [FACT_INVITE_EXPIRES] = {FACTS_KEYS, "invite-expires"},
    [FACT_ENDPOINT] = {FACTS_ENDPOINTS, "endpoint"},
    [FACT_SETTING] = {FACTS_SETTINGS, "setting"},
    [FACT_PEER_SETTING] = {FACTS_SETTINGS, "peer-setting"},
    [FACT_PEER_NAME] = {FACTS_NAMES, "peer-name"},
    [FACT_CIDR_NAME] = {FACTS_NAMES, "cidr-name"},
    [FACT_TEST_DROPPED] = {FACTS_TESTS, "test-dropped"},
};

enum fact_kind fact_kind_of(enum fact_what what)
{
	return whats[what].kind;
}

const char *fact_kind_title(enum fact_kind kind)
{
	return kinds[kind].title;
}

const char *fact_kind_name(enum fact_kind kind)
{
	return kinds[kind].name;
}

const char *fact_what_name(enum fact_what what)
{
	return whats[what].name;
}

static uint32_t count(const struct impact *im, enum fact_kind kind)
{
	return im->facts.first[kind + 1] - im->facts.first[kind];
}

bool impact_facts_same(const struct impact *im, enum fact_kind kind)
{
	if (!im->before || !im->after || count(im, kind))
		return false;
	/* Peers that come bring an address and a key, and peers that go take theirs away. */
	if (kind != FACTS_ADDRESSES && kind != FACTS_KEYS)
		return true;
	for (uint32_t i = im->facts.first[FACTS_PEERS]; i < im->facts.first[FACTS_PEERS + 1]; i++)
		if (im->facts.list[i].what == FACT_PEER_ADDED || im->facts.list[i].what == FACT_PEER_REMOVED)
			return false;
	return true;
}

void impact_facts_unchanged(struct buf *out, const struct impact *im)
{
	const char *separator = "";

	for (unsigned k = 0; k < N_FACT_KINDS; k++) {
		if (!kinds[k].unchanged || !impact_facts_same(im, k))
			continue;
		buf_printf(out, "%s%s", separator, kinds[k].unchanged);
		separator = ", ";
	}
}

/* What can be listed together with the fact before it: one item of the line. */
static bool same(const char *x, const char *y)
{
	return !x || !y ? x == y : strcmp(x, y) == 0;
}

static bool joins(const struct impact_fact *x, const struct impact_fact *y)
{
	enum fact_kind kind = fact_kind_of(x->what);

	if (x->what != y->what || !same(x->before, y->before) || !same(x->after, y->after))
		return false;
	if (kind == FACTS_ROUTES)
		return x->peer == y->peer && x->other == y->other && x->n_before == y->n_before &&
		       x->n_after == y->n_after && x->gained == y->gained && x->lost == y->lost;
	if (kind == FACTS_PEERS)
		return x->is_disabled == y->is_disabled;
	return kind == FACTS_CIDRS && x->cidr_came == y->cidr_came && x->cidr_left == y->cidr_left;
}

#define TOGETHER_MAX 8 /* prefixes or names in one item; the rest are counted */

static void put_and(struct buf *out, uint32_t i, uint32_t n)
{
	if (i)
		buf_str(out, i + 1 == n ? " and " : ", ");
}

/* "10.8.0.0/24, 10.9.0.0/24 and 3 more" of routes; "+alice and +bob", or without signs, of peers. */
static void put_together(struct buf *out, const struct impact *im, const struct impact_fact *f, uint32_t n,
			 const char *sign)
{
	uint32_t listed = n > TOGETHER_MAX ? TOGETHER_MAX : n, words = listed + (n > listed);
	char text[PREFIX_STR_LEN];

	for (uint32_t i = 0; i < listed; i++) {
		put_and(out, i, words);
		if (fact_kind_of(f->what) == FACTS_ROUTES) {
			prefix_format(&f[i].prefix, text);
			buf_str(out, text);
		} else {
			buf_printf(out, "%s%s", sign, impact_peer_name(im, f[i].peer));
		}
	}
	if (n > listed)
		buf_printf(out, " and %u more", n - listed);
}

static void put_count(struct buf *out, uint64_t n, const char *more)
{
	if (n)
		buf_printf(out, "for %llu %speer%s", (unsigned long long)n, more, n == 1 ? "" : "s");
	else
		buf_str(out, "for no peer");
}

static void put_hop(struct buf *out, const char *hop)
{
	if (hop)
		buf_printf(out, ", which %s forwards for", hop);
}

static void put_route(struct buf *out, const struct impact *im, const struct impact_fact *f, uint32_t n)
{
	const char *go = n == 1 ? "goes" : "go", *peer = impact_peer_name(im, f->peer);
	bool now = f->what != FACT_ROUTE_REMOVED && (f->what != FACT_ROUTE_REACH || f->gained);

	put_together(out, im, f, n, "");
	buf_printf(out, now ? " now %s through %s" : " no longer %s through %s", go, peer);
	put_hop(out, now ? f->after : f->before);
	switch (f->what) {
	case FACT_ROUTE_MOVED:
		buf_printf(out, ", and no longer through %s", impact_peer_name(im, f->other));
		break;
	case FACT_ROUTE_VIA:
		if (f->before)
			buf_printf(out, "%s (before: %s)", f->after ? "" : " itself", f->before);
		break;
	case FACT_ROUTE_REACH:
		buf_char(out, ' ');
		put_count(out, now ? f->gained : f->lost, now ? "more " : "");
		if (f->gained && f->lost)
			buf_printf(out, ", and no longer for %llu", (unsigned long long)f->lost);
		return;
	default:
		break;
	}
	buf_str(out, ", ");
	put_count(out, f->what == FACT_ROUTE_REMOVED ? f->n_before : f->n_after, "");
}

static void put_change(struct buf *out, const struct impact_fact *f)
{
	buf_printf(out, "%s -> %s", f->before ? f->before : "none", f->after ? f->after : "none");
}

static void put_network(struct buf *out, const struct impact_fact *f)
{
	bool grows = f->what == FACT_NETWORK_GROWS;
	char whole[PREFIX_STR_LEN], part[PREFIX_STR_LEN];

	if (f->before && f->after && (grows || f->has_but)) {
		put_change(out, f);
		buf_str(out, grows ? ", which newly covers " : ", which no longer covers ");
	} else {
		buf_str(out, grows ? "newly covers " : "no longer covers ");
	}
	prefix_format(&f->prefix, whole);
	buf_str(out, whole);
	if (f->has_but) {
		prefix_format(&f->but, part);
		buf_printf(out, " except %s", part);
	}
	buf_str(out, ", ");
	put_count(out, grows ? f->n_after : f->n_before, "");
}

static void put_forwarding(struct buf *out, const struct impact_fact *f, const char *peer)
{
	if (f->after)
		buf_printf(out, "%s %sforwards for %s", f->after, f->before ? "" : "now ", peer);
	else
		buf_printf(out, "%s no longer forwards for %s", f->before, peer);
	if (f->before && f->after)
		buf_printf(out, " instead of %s", f->before);
}

static void put_moved(struct buf *out, const struct impact *im, const struct impact_fact *f, uint32_t n)
{
	const char *separator = " (";

	put_together(out, im, f, n, "");
	buf_str(out, " in ");
	put_change(out, f);
	if (f->cidr_left) {
		buf_printf(out, "%s%s is gone", separator, f->before);
		separator = ", ";
	}
	if (f->cidr_came) {
		buf_printf(out, "%s%s is new", separator, f->after);
		separator = ", ";
	}
	if (f->in_root) {
		buf_printf(out, "%sthe network itself", separator);
		separator = ", ";
	}
	if (separator[0] == ',')
		buf_char(out, ')');
}

static void put_peers(struct buf *out, const struct impact *im, const struct impact_fact *f, uint32_t n)
{
	const char *be = n == 1 ? "is" : "are";

	put_together(out, im, f, n, f->what == FACT_PEER_ADDED ? "+" : f->what == FACT_PEER_REMOVED ? "-" : "");
	if (f->what == FACT_PEER_DISABLED)
		buf_printf(out, " %s disabled now", be);
	else if (f->what == FACT_PEER_ENABLED)
		buf_printf(out, " %s enabled again", be);
	else
		buf_printf(out, " in %s%s%s", f->after ? f->after : f->before,
			   f->in_root ? " (the network itself)" : "", f->is_disabled ? " (disabled)" : "");
}

static void put_server(struct buf *out, const struct impact_fact *f, const char *peer)
{
	switch (f->what) {
	case FACT_SERVER_ADDED:
		buf_printf(out, "+%s (%s)", peer, f->after);
		break;
	case FACT_SERVER_REMOVED:
		buf_printf(out, "-%s (%s)", peer, f->before);
		break;
	case FACT_SERVER_KEY:
		buf_printf(out, "%s has another key", peer);
		break;
	default:
		buf_printf(out, "%s %s ", peer, f->what == FACT_SERVER_ADDRESS ? "address" : "endpoint");
		put_change(out, f);
		break;
	}
}

static void put_key(struct buf *out, const struct impact_fact *f, const char *peer)
{
	switch (f->what) {
	case FACT_KEY:
		buf_printf(out, "%s has another key", peer);
		break;
	case FACT_KEY_TO_INVITE:
		buf_printf(out, "%s has an invite for its key", peer);
		break;
	case FACT_INVITE_TO_KEY:
		buf_printf(out, "%s has a key for its invite", peer);
		break;
	case FACT_INVITE:
		buf_printf(out, "%s has another invite", peer);
		break;
	default:
		buf_printf(out, "%s's invite expires %s -> %s", peer, f->before ? f->before : "never",
			   f->after ? f->after : "never");
		break;
	}
}

static void put_trust(struct buf *out, const struct impact_fact *f)
{
	const char *key = f->after ? f->after : f->before;

	switch (f->what) {
	case FACT_SIGNER_ADDED:
	case FACT_SIGNER_REMOVED:
		buf_printf(out, "%csigner %s", f->after ? '+' : '-', key);
		break;
	case FACT_ONLINE_ADDED:
	case FACT_ONLINE_REMOVED:
		buf_printf(out, "%conline %s", f->after ? '+' : '-', key);
		break;
	default:
		buf_printf(out, "%s ", f->label);
		put_change(out, f);
		break;
	}
}

static void put_admin(struct buf *out, const struct impact_fact *f, const char *peer)
{
	if (f->what == FACT_ADMIN_REKEYED)
		buf_printf(out, "%s has another key", peer);
	else
		buf_printf(out, "%c%s", f->what == FACT_ADMIN_ADDED ? '+' : '-', peer);
}

/* One item: a fact, or n of them that are said together. */
static void put_item(struct buf *out, const struct impact *im, const struct impact_fact *f, uint32_t n)
{
	const char *peer = f->peer == NONE ? NULL : impact_peer_name(im, f->peer);

	switch (fact_kind_of(f->what)) {
	case FACTS_ROUTES:
		put_route(out, im, f, n);
		break;
	case FACTS_NETWORK:
		put_network(out, f);
		break;
	case FACTS_ADMINS:
		put_admin(out, f, peer);
		break;
	case FACTS_SERVERS:
		put_server(out, f, peer);
		break;
	case FACTS_TRUST:
		put_trust(out, f);
		break;
	case FACTS_FORWARDING:
		put_forwarding(out, f, peer);
		break;
	case FACTS_PEERS:
		put_peers(out, im, f, n);
		break;
	case FACTS_CIDRS:
		put_moved(out, im, f, n);
		break;
	case FACTS_KEYS:
		put_key(out, f, peer);
		break;
	case FACTS_TESTS:
		buf_str(out, f->before);
		break;
	case FACTS_NAMES:
		buf_str(out, f->what == FACT_CIDR_NAME ? "CIDR " : "");
		put_change(out, f);
		break;
	default: /* a value of a peer, or of the network: FACTS_ADDRESSES, _ENDPOINTS, _SETTINGS, _IDENTITY */
		buf_printf(out, "%s%s%s%s", peer ? peer : "", peer ? " " : "", f->label ? f->label : "",
			   f->label ? " " : "");
		put_change(out, f);
		break;
	}
}

void impact_facts_put(struct buf *out, const struct impact *im, enum fact_kind kind, uint32_t most)
{
	const bool sentences =
	    kind == FACTS_ROUTES || kind == FACTS_NETWORK || kind == FACTS_CIDRS || kind == FACTS_PEERS;
	uint32_t i = im->facts.first[kind], end = im->facts.first[kind + 1], n;

	if (kind == FACTS_TESTS && i < end)
		buf_str(out, "no longer: ");
	for (uint32_t items = 0; i < end && items < most; items++, i += n) {
		const struct impact_fact *f = &im->facts.list[i];
		for (n = 1; i + n < end && joins(f, &f[n]); n++)
			;
		if (items)
			buf_str(out, sentences ? "; " : ", ");
		put_item(out, im, f, n);
	}
	if (i < end && most)
		buf_printf(out, "%s and %u more", sentences ? ";" : ",", end - i);
	else if (i < end)
		buf_printf(out, "%u that %s not listed", end - i, end - i == 1 ? "is" : "are");
	if (kind == FACTS_SERVERS && im->facts.endpoints_lost)
		buf_printf(out, "; no endpoint of a server stays");
}
