/* The operations of a plan. What holds of a kind of operation stands in one row (op.c), whatever reads it. */
#ifndef RECONCILE_PLAN_OP_H
#define RECONCILE_PLAN_OP_H

#include "reconcile/text/plan_symbol.h"
#include "schema/addr.h"

/*
 * The order of a plan is the order in which it is applied: take away before giving, so that an
 * allowed IP that moves never belongs to two. Addresses are the other way round: with its last address of a family
 * an interface loses all routes of it (fib_disable_ip() in net/ipv4/fib_frontend.c).
 */
enum op_kind {
	OP_LINK_ADD,
	OP_LINK_MTU,
	OP_KEY_SET,
	OP_PORT_SET,
	OP_FWMARK_SET,
	OP_ROUTE_DEL,
	OP_PEER_REMOVE,
	OP_PEER_CHANGE,
	OP_PEER_ADD,
	OP_LINK_UP,
	OP_ADDRESS_ADD,
	OP_ADDRESS_DEL,
	OP_ROUTE_ADD,
	OP_LINK_DEL, /* `innernet down` alone */
	N_OP_KINDS,
};

/* Which part of reconcile/edge/device/ carries an operation out. */
enum op_backend {
	BY_RTNETLINK, /* links, addresses and routes: always the kernel's */
	BY_WIREGUARD, /* the kernel's WireGuard by generic netlink, or a userspace one by its UAPI socket */
};

/* What an operation is about. It decides which members of struct op are set, and how a plan shows them. */
enum op_subject {
	ABOUT_LINK,   /* the interface's existence */
	ABOUT_STATE,  /* whether the interface is up */
	ABOUT_KEY,    /* its private key; a plan shows the public one */
	ABOUT_NUMBER, /* old_value, new_value */
	ABOUT_MARK,   /* the same in hexadecimal; 0 is none */
	ABOUT_PREFIX, /* prefix */
	ABOUT_PEER,   /* before, after */
};

struct op_row {
	const char *word; /* "op" in `plan --json` */
	enum plan_action action;
	enum op_backend backend;
	enum op_subject subject;
	const char *field; /* in `plan --json`, the member that has its value; NULL: it has none, or those of a peer */
	const char *label; /* in the plan's text */
	const char *drift; /* for the log: what another program did that this undoes; NULL: it undoes nothing */
	bool takes_away;   /* it may end what works now: the server does it before it announces a snapshot */
};
extern const struct op_row op_rows[N_OP_KINDS];

struct device_peer;
struct op {
	enum op_kind kind;
	const struct device_peer *before, *after; /* peers: before NULL for an add, after NULL for a removal */
	bool set_endpoint, set_keepalive, set_allowed, clear_psk; /* OP_PEER_CHANGE: what of it */
	struct prefix prefix;                                     /* addresses and routes */
	uint32_t old_value, new_value;                            /* mtu, port, fwmark */
	bool drift; /* the interface had what we applied, and another program changed it */
};

#endif
