/* A server's own file, CONFIG-DIR/NAME.yaml (0600), and where its data is. */
#ifndef EDGE_SERVER_CONFIG_H
#define EDGE_SERVER_CONFIG_H

#include "reconcile/edge/config/config.h"
#include "reconcile/impact/guard.h"

#define SERVER_CONFIG_DIR "/etc/innernet-reconcile"
#define SERVER_DATA_DIR   "/var/lib/innernet-reconcile"

struct server_config {
	char network[NETWORK_MAX_LEN + 1];
	char interface[NETWORK_MAX_LEN + 1]; /* the network's name, when left out */
	char *repository;                    /* path of the bare repository here */
	char *remote;                        /* where that is a mirror of (remote.h); NULL: of nothing */
	uint32_t interval;                   /* seconds between two looks at the remote */
	char *ssh_key, *known_hosts;         /* files for ssh; NULL: its own */
	char *credentials;                   /* file of a user's name and password for https; NULL: none */
	char *file;                          /* path of a definition that is in no repository; NULL: none */
	char *ref;                           /* "refs/heads/main", when left out */
	uint16_t listen_port;                /* UDP, WireGuard's */
	uint8_t *private_key;                /* secret_new(): WireGuard's */
	struct key public_key;               /* of private_key */
	uint8_t *seeds[SIGNERS_MAX];         /* secret_new(): Ed25519 signing seeds */
	struct key signers[SIGNERS_MAX];     /* the public key of each */
	unsigned n_seeds;
	struct guard_limits guards; /* `guards:` (guard_file.h); the defaults, when left out */
};

/* Reads and checks `path`; codes "bad-server-file", "file-...". *out is freed with server_config_free(). */
int server_config_read(const char *path, struct server_config **out, struct diags *d);
/* From bytes, `name` for people. */
int server_config_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d);
/* As the file has it; the caller wipes `out`. */
int server_config_emit(const struct server_config *c, struct buf *out, struct diags *d);
struct server_config *server_config_new(void); /* with room for the private key; NULL: out of memory */
/* Draws the private key, and one signing seed. -1: out of memory. */
int server_config_draw(struct server_config *c);
void server_config_free(struct server_config *c);

/*
 * The same without what is secret, for the hooks of the repository, which run as whoever pushes:
 * DATA-DIR/NAME/push.yaml (0644). As read, it has neither private_key nor seeds, nor where anything is; n_seeds says
 * how many of `signers` the server can sign for. It is written whenever the server starts, and is what it goes by.
 */
int server_public_write(const char *data_dir, const struct server_config *c, struct diags *d);
int server_public_read(const char *data_dir, struct server_config **out, struct diags *d);
int server_public_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d);

#endif
