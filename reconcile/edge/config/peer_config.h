/*
 * A peer's own file, CONFIG-DIR/IFACE.yaml (0600): its private key, the facts pinned at the join, and this machine's
 * settings. `install` writes it, and only the user's commands change it.
 */
#ifndef EDGE_PEER_CONFIG_H
#define EDGE_PEER_CONFIG_H

#include "reconcile/edge/config/membership.h"

#define PEER_CONFIG_DIR "/etc/innernet"
#define PEER_DATA_DIR   "/var/lib/innernet"

/* This machine's endpoint for a peer, which goes before the network's. */
struct endpoint_override {
	char name[NAME_MAX_LEN + 1];         /* the peer's */
	char endpoint[ENDPOINT_MAX_LEN + 1]; /* canonical host:port */
};
#define OVERRIDES_MAX 256

/* Which endpoints this machine reports to its peers, and whether it tries theirs. */
struct nat_settings {
	bool no_traversal;                   /* reports no addresses of interfaces, and tries no reported ones */
	bool no_candidates;                  /* reports no addresses of interfaces */
	struct prefix exclude[EXCLUDES_MAX]; /* reports no address within these */
	unsigned n_exclude;
};

/* This machine's settings. They may change while a daemon runs. */
struct peer_settings {
	uint16_t listen_port;                /* UDP; 0: any free port */
	struct endpoint_override *endpoints; /* sorted by name */
	uint32_t n_endpoints;
	char *hosts_path;    /* absolute; NULL: HOSTS_PATH */
	char *host_suffix;   /* NULL: HOSTS_SUFFIX */
	bool no_write_hosts; /* write no names */
	struct nat_settings nat;
	char *endpoint; /* the endpoint that this machine reports, canonical host:port; NULL: none */
};

struct peer_config {
	struct membership m;
	char interface[NETWORK_MAX_LEN + 1]; /* the name by `install --name`; "": the network's name */
	uint8_t *private_key;                /* secret_new(): X25519, 32 bytes */
	struct key public_key;               /* of private_key */
	struct key invite;                   /* the invite's Ed25519 public key */
	bool redeemed;                       /* false: no server has answered the enrolment; `install` continues it */
	struct peer_settings settings;
};

struct peer_config *peer_config_new(struct diags *d); /* zeroed, with memory for the key; NULL: out of memory */
void peer_config_free(struct peer_config *c);         /* wipes; NULL is fine */

/* Returns the name on this machine of the interface, of the file, and in the peers' host names. */
const char *peer_config_interface(const struct peer_config *c);

/* Parses and checks every value. Returns -1 with diagnostics ("bad-config"), which never show the key. */
int peer_config_parse(struct span bytes, const char *name, struct peer_config **out, struct diags *d);
int peer_config_emit(const struct peer_config *c, struct buf *out, struct diags *d); /* the caller wipes */

/*
 * Reads DIR/IFACE.yaml. Refuses a file that other users can read, or that is for another interface. With `absent`, a
 * missing file is no error: *absent = true.
 */
int peer_config_read(const char *dir, const char *ifname, struct peer_config **out, bool *absent, struct diags *d);
/* Writes the file durably (mode 0600), and makes the folder (0700). `create`: refuses to replace an existing file. */
int peer_config_write(const char *dir, const struct peer_config *c, bool create, struct diags *d);

/*
 * Adds or changes the override of a peer; `endpoint` NULL removes it. Returns 0, 1 when there is nothing to change, or -1
 * with a diagnostic.
 */
int peer_settings_endpoint(struct peer_settings *s, const char *name, const char *endpoint, struct diags *d);
const char *peer_settings_find(const struct peer_settings *s, const char *name); /* the endpoint, or NULL */
void peer_settings_free(struct peer_settings *s);

/* Lists the networks with a file in `dir`, sorted. Skips files with other names. A missing folder gives an empty list. */
int peer_config_list(struct arena *a, const char *dir, const char *const **names, size_t *n, struct diags *d);

#endif
