/*
 * What a peer tells a server beside its polls: where it may be reached, and which peer it looks for.
 *
 *   innernet-endpoints 1
 *   endpoint <ip:port>      at most CANDIDATES_MAX, none twice: what its people chose first, then what its own
 *                           interfaces have; 0.0.0.0 or [::] is the host that the server sees it come from
 *   end
 *
 *   innernet-knock 1
 *   key <b64>               the WireGuard key of the peer whose NAT is to be opened
 *   end
 */
#ifndef RECONCILE_WIRE_ENDPOINTS_H
#define RECONCILE_WIRE_ENDPOINTS_H

#include "reconcile/wire/hint.h"

struct endpoints {
	struct sockpoint at[CANDIDATES_MAX];
	uint8_t n;
};
bool endpoints_eq(const struct endpoints *a, const struct endpoints *b);

void endpoints_write(struct buf *out, const struct endpoints *e);
/* -1 with a diagnostic ("bad-endpoints"). */
int endpoints_parse(struct span bytes, struct endpoints *out, struct diags *d);
/*
 * May all of them be passed on, in a network with these prefixes? -1 with a diagnostic ("bad-endpoints") that names the
 * first that may not: loopback, multicast, of a link alone, inside the network.
 */
int endpoints_check(const struct endpoints *e, const struct prefix *root, unsigned n_root, struct diags *d);
bool endpoint_is_any_host(const struct sockpoint *at);
/*
 * The endpoints that other peers are told: with the host that was seen in the place of 0.0.0.0 and [::] (left out while
 * no server has seen it, `seen` with port 0), and none twice.
 */
void endpoints_resolve(const struct endpoints *e, const struct sockpoint *seen, struct endpoints *out);

/* An address of one of this machine's interfaces. */
struct local_address {
	struct addr ip;
	bool temporary; /* a privacy address (RFC 8981): it will go */
	bool preferred; /* what leaves by the default route comes from it */
};

/* What decides which of a machine's addresses are reported. */
struct report_rules {
	uint16_t port;             /* that WireGuard listens on; 0: not known, no address is reported */
	struct sockpoint override; /* what people chose; port 0: nothing */
	const struct prefix *root; /* the network's own prefixes */
	unsigned n_root;
	const struct prefix *exclude;
	unsigned n_exclude;
	bool no_addresses;
};
/*
 * The report: first the override, then addresses that another machine could reach (of IPv6 only global unicast ones,
 * 2000::/3), the preferred ones first, temporary ones last, else by address, so that the same machine always says the
 * same. `list` is sorted here.
 */
void endpoints_choose(struct local_address *list, size_t n, const struct report_rules *rules, struct endpoints *out);

void knock_write(struct buf *out, const struct key *key);
int knock_parse(struct span bytes, struct key *out, struct diags *d); /* -1 with a diagnostic ("bad-knock") */

#endif
