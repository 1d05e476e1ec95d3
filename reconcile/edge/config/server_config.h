/* A server's own file, CONFIG-DIR/NAME.yaml (0600), and the default folders. */
#ifndef EDGE_SERVER_CONFIG_H
#define EDGE_SERVER_CONFIG_H

#include "reconcile/edge/config/config.h"
#include "reconcile/impact/guard.h"

#define SERVER_CONFIG_DIR "/etc/innernet-reconcile"
#define SERVER_DATA_DIR   "/var/lib/innernet-reconcile"

struct server_config {
	char network[NETWORK_MAX_LEN + 1];
	char interface[NETWORK_MAX_LEN + 1]; /* default: the network's name */
	char *repository;                    /* path of the bare repository on this machine */
	char *remote;                        /* URL of which the repository is a mirror (remote.h); NULL: none */
	uint32_t interval;                   /* seconds between two fetches from the remote */
	char *ssh_key, *known_hosts;         /* files for ssh; NULL: ssh's defaults */
	char *credentials;                   /* file with a user name and password for https; NULL: none */
	char *file;                          /* path of a definition outside a repository; NULL: none */
	char *ref;                           /* default: "refs/heads/main" */
	uint16_t listen_port;                /* UDP, WireGuard's */
	uint8_t *private_key;                /* secret_new(): WireGuard's */
	struct key public_key;               /* of private_key */
	uint8_t *seeds[SIGNERS_MAX];         /* secret_new(): Ed25519 signing seeds */
	struct key signers[SIGNERS_MAX];     /* the public key of each */
	unsigned n_seeds;
	struct guard_limits guards; /* `guards:` (guard_file.h), or the defaults */
};

/* Reads and checks `path`. Codes: "bad-server-file", "file-...". The caller frees *out with server_config_free(). */
int server_config_read(const char *path, struct server_config **out, struct diags *d);
/* The same from bytes. `name`: the file's name for diagnostics. */
int server_config_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d);
/* Writes the file's YAML into `out`. The caller wipes `out`. */
int server_config_emit(const struct server_config *c, struct buf *out, struct diags *d);
struct server_config *server_config_new(void); /* with memory for the private key; NULL: out of memory */
/* Draws a random private key and one signing seed. Returns -1 when memory runs out. */
int server_config_draw(struct server_config *c);
void server_config_free(struct server_config *c);

/*
 * The same without secrets, DATA-DIR/NAME/push.yaml (0644), for the repository's hooks, which run as the user of the push.
 * A struct read from it has no private_key, seeds or paths; n_seeds is the number of `signers` for which the server has
 * seeds. The server writes the file at each start.
 */
int server_public_write(const char *data_dir, const struct server_config *c, struct diags *d);
int server_public_read(const char *data_dir, struct server_config **out, struct diags *d);
int server_public_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d);

#endif
