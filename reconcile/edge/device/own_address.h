/* The address at which other machines may reach this one, as far as its own routes tell: no other machine is asked. */
#ifndef EDGE_OWN_ADDRESS_H
#define EDGE_OWN_ADDRESS_H

#include "schema/addr.h"
#include "schema/diag.h"

struct own_address {
	struct addr ip;
	bool preferred;  /* packets to the internet leave with it */
	bool is_private; /* behind a NAT, where machines outside cannot reach it (RFC 1918, 4193, 6598) */
};

/*
 * Of those that device_local_addresses() gives a public one, of several the one that packets to the internet leave
 * with, and of those IPv4's; never one that will go. -1 with a diagnostic: "no-address".
 */
int own_address_find(struct own_address *out, struct diags *d);

#endif
