/*
 * A peer's own file, CONFIG-DIR/IFACE.yaml (0600): its private key, what it pinned when it joined, and what
 * people set on this machine. Written by `install`, changed only by people's commands.
 */
#ifndef EDGE_PEER_CONFIG_H
#define EDGE_PEER_CONFIG_H

#include "reconcile/edge/config/membership.h"

#define PEER_CONFIG_DIR "/etc/innernet"
#define PEER_DATA_DIR   "/var/lib/innernet"

/* Where people of this machine say that a peer is reached, whatever the network says. */
struct endpoint_override {
	char name[NAME_MAX_LEN + 1];         /* the peer's */
	char endpoint[ENDPOINT_MAX_LEN + 1]; /* canonical host:port */
};
#define OVERRIDES_MAX 256

/* What of this machine's endpoints others are told, and whether theirs are tried. */
struct nat_settings {
	bool
	    no_traversal; /* neither: the addresses of its interfaces are not reported, what others reported is not tried */
	bool no_candidates;                  /* the addresses are not reported */
	struct prefix exclude[EXCLUDES_MAX]; /* these are not */
	unsigned n_exclude;
};

/* What people set on this machine: all that may change while a daemon runs. */
struct peer_settings {
	uint16_t listen_port;                /* 0: whatever the system gives */
	struct endpoint_override *endpoints; /* sorted by name */
	uint32_t n_endpoints;
	char *hosts_path;    /* absolute; NULL: HOSTS_PATH */
	char *host_suffix;   /* NULL: HOSTS_SUFFIX */
	bool no_write_hosts; /* no names are written */
	struct nat_settings nat;
	char *endpoint; /* where others are told that this machine is: canonical host:port; NULL: nothing was said */
};

struct peer_config {
	struct membership m;
	char interface[NETWORK_MAX_LEN + 1]; /* as `install --name` called it; "": the network's name */
	uint8_t *private_key;                /* secret_new(): X25519, 32 bytes */
	struct key public_key;               /* of it */
	struct key invite;                   /* the Ed25519 key it came with */
	bool redeemed;                       /* false: the enrolment was not answered yet; `install` again goes on */
	struct peer_settings settings;
};

struct peer_config *peer_config_new(struct diags *d); /* zeroed, with memory for the key; NULL: out of memory */
void peer_config_free(struct peer_config *c);         /* wipes; NULL is fine */

/* What the interface, the file and the end of the peers' names are called on this machine. */
const char *peer_config_interface(const struct peer_config *c);

/* From bytes, every value checked; -1 with diagnostics ("bad-config") that do not show the key. */
int peer_config_parse(struct span bytes, const char *name, struct peer_config **out, struct diags *d);
int peer_config_emit(const struct peer_config *c, struct buf *out, struct diags *d); /* the caller wipes */

/*
 * DIR/IFACE.yaml. Refused when others can read it, or when it is about another interface. With `absent` given, a file
 * that is not there is no error: *absent = true.
 */
int peer_config_read(const char *dir, const char *ifname, struct peer_config **out, bool *absent, struct diags *d);
/* Durably, 0600; `create`: never over one that is there. Makes the folder (0700). */
int peer_config_write(const char *dir, const struct peer_config *c, bool create, struct diags *d);

/*
 * Adds or changes the override of a peer; `endpoint` NULL takes it away. 0; 1 when it was so already; -1 with a
 * diagnostic.
 */
int peer_settings_endpoint(struct peer_settings *s, const char *name, const char *endpoint, struct diags *d);
const char *peer_settings_find(const struct peer_settings *s, const char *name); /* the endpoint, or NULL */
void peer_settings_free(struct peer_settings *s);

/* The networks that have a file in `dir`, sorted; those whose name is none are skipped. A missing folder has none. */
int peer_config_list(struct arena *a, const char *dir, const char *const **names, size_t *n, struct diags *d);

#endif
