/*
 * A peer whose view is made on this machine, from a definition (`apply -f`), for a network without a server; and what is
 * kept of it between two runs. From the view to the interface it is as with a snapshot.
 *
 * Callers: peer.c, which makes a peer of it.
 */
#ifndef EDGE_PEER_DEFINITION_H
#define EDGE_PEER_DEFINITION_H

#include "reconcile/edge/peer/peer_file.h"
#include "reconcile/edge/peer/resolve.h"
#include "reconcile/edge/peer/store.h"

struct peer_definition {
	const char *path; /* a file or a folder */
	const char *name; /* the peer that this machine is */
	const char *key;  /* a file with its private key; NULL: only to be looked at, peer_converge() is not called */
	int resolve_ms;   /* how long to wait for host names */
	uint16_t listen_port; /* 0: that of the peer's own endpoint, else any */
};

/* Fills in the peer's own values and its view, which live in the arena with the diagnostics' files. -1 with diagnostics. */
int peer_definition_read(struct arena *a, const struct peer_definition *from, struct peer_config *c, struct kept *held,
			 struct diags *d);
/* The same as the last `apply -f` wrote it down. 1: there is nothing, or it makes no sense. */
int peer_definition_read_applied(const struct store *s, const char *ifname, struct peer_config *c, struct kept *held,
				 struct diags *d);
/* The networks that have something written down, sorted, in the arena. */
int peer_definition_list(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n,
			 struct diags *d);

/* -1 with a diagnostic: a server or a daemon keeps this interface. */
int peer_definition_check_served(const struct peer_file *f, const struct store *s, struct diags *d);
/* -1 with a diagnostic: an interface of that name is there, with another key, and no `apply -f` made it. */
int peer_definition_check_interface(const struct peer_file *f, const struct store *s, struct diags *d);
/* A warning for each peer whose host name has no address. Such a peer keeps the endpoint that the interface has. */
void peer_definition_say_unresolved(const struct view *v, const struct resolver *r, struct diags *d);
/* Writes down what is applied. Under the lock, before the interface is changed. */
int peer_definition_note(const struct peer_file *f, const struct store *s, const struct bundle *held, struct diags *d);

#endif
