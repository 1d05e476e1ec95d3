/* The address of this machine that others may reach it by, as far as it can tell by itself: nobody is asked. */
#ifndef EDGE_OWN_ADDRESS_H
#define EDGE_OWN_ADDRESS_H

#include "schema/addr.h"
#include "schema/diag.h"

#include <net/if.h>

struct own_address {
	struct addr ip;
	char ifname[IF_NAMESIZE]; /* that has it */
	bool is_private;          /* behind a NAT others cannot reach it (RFC 1918, 4193, 6598, 3927) */
};

/*
 * The one that packets to the internet leave with, else the first that is not of this link alone; of several a public
 * one, and of those IPv4's. -1 with a diagnostic: "no-address".
 */
int own_address_find(struct own_address *out, struct diags *d);

#endif
