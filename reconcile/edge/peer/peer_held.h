/*
 * Owner of what this peer holds of its network: the last good snapshot, in memory and on the disk, the ledger's position
 * and until when a server vouched for it. A snapshot is verified, then written to the disk, then held.
 *
 * Callers: peer.c loads it and gives it a server's replies. All other files of this room read it. The store (the lock,
 * what the daemon writes down) is used through peer_held_store().
 */
#ifndef EDGE_PEER_HELD_H
#define EDGE_PEER_HELD_H

#include "reconcile/edge/peer/peer_file.h"
#include "reconcile/edge/peer/store.h"

struct peer_held;
/* Holds `g` (NULL: nothing yet), which is taken over, also when it fails: NULL with a diagnostic. `f` outlives it. */
struct peer_held *peer_held_new(const struct peer_file *f, struct kept *g, struct diags *d);
void peer_held_free(struct peer_held *h); /* NULL is fine */

struct store *peer_held_store(struct peer_held *h);
const struct view *peer_held_view(const struct peer_held *h); /* NULL: none yet */
const struct bundle *peer_held_bundle(const struct peer_held *h);
struct kept *peer_held_share(const struct peer_held *h);  /* the snapshot; kept_free() gives it back. NULL: none */
uint64_t peer_held_serial(const struct peer_held *h);     /* another number after each change of it; never 0 */
const char *peer_held_ledger(const struct peer_held *h);  /* the position; "": unknown */
int64_t peer_held_fresh_until(const struct peer_held *h); /* Unix seconds: a server vouched until then; 0: none did */
bool peer_held_vouched(const struct peer_held *h);        /* the server that answered last did, in that answer */

/* The network's own prefixes: of the snapshot, else of the invitation. No peer's endpoint lies in them. */
const struct prefix *peer_held_root(const struct peer_held *h, unsigned *n);
/* The servers to ask, in the order in which to try them: of the snapshot, else of the invitation. */
struct peer_server {
	char name[NAME_MAX_LEN + 1]; /* a copy: the snapshot's own ends with it */
	struct addr ip;
};
size_t peer_held_servers(const struct peer_held *h, struct peer_server out[static SERVERS_MAX]);

/*
 * From the disk, and again when another process has replaced the file. A file that does not verify is set aside with a
 * warning. -1 with diagnostics: it could not be read, what is held stays.
 */
int peer_held_load(struct peer_held *h, int64_t now, struct diags *d);
int peer_held_refresh(struct peer_held *h, int64_t now, struct diags *d);

/*
 * Takes a server's reply, parsed into *b in the arena. *result says what became of it, diagnostics why. -1 when this
 * machine failed (disk, memory): what was held stays. Hints and knocks in *b are for the caller, with VERIFY_OK and
 * VERIFY_UNCHANGED.
 */
int peer_held_take(struct peer_held *h, struct arena *a, struct span reply, int64_t now, struct bundle *b,
		   enum verify_result *result, struct diags *d);
/* The server answered "no content", so it vouched for nothing: a warning when what is held is not fresh any more. */
void peer_held_take_nothing(struct peer_held *h, const char *server, int64_t now, struct diags *d);
/* Another process was told that what is held is the newest until then. */
void peer_held_hear(struct peer_held *h, int64_t fresh_until);

/*
 * No server vouches for what is held any more. Where none ever did, it is stale after FRESH_SECONDS. `now` in Unix
 * seconds; `ms`: for how long this process has held the network. An alarm, never more.
 */
bool peer_held_is_stale(const struct peer_held *h, int64_t now, int64_t ms);

#endif
