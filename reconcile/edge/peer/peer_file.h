/*
 * Owner of the network's own file on this machine (CONFIG-DIR/IFACE.yaml), as this process uses it, and of what the
 * command line says besides. A peer that `apply -f` made has no such file: its values come from the definition.
 *
 * Callers: peer.c opens, refreshes and changes it; redeem.c marks it as redeemed; all owners of this room read it.
 */
#ifndef EDGE_PEER_FILE_H
#define EDGE_PEER_FILE_H

#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/peer_config.h"
#include "reconcile/edge/device/device.h"

/* The command line. The strings outlive the peer. */
struct peer_options {
	const char *config_dir, *data_dir;
	enum device_backend backend;
	uint32_t mtu; /* 0: the network's */
	bool no_routing;
	/* Of the hosts file. NULL and false: the peer file of the network decides. */
	const char *hosts_path, *host_suffix;
	bool no_write_hosts;
	struct nat_settings nat; /* the same: false, or no prefix, is as the file says */
};

struct peer_file;

/* Reads the file. 0 and *out; 1: there is none; -1 with diagnostics. `o` is borrowed. */
int peer_file_open(const struct peer_options *o, const char *ifname, struct peer_file **out, struct diags *d);
/* Of `apply -f`. Takes `c` over, also when it fails: NULL, out of memory. */
struct peer_file *peer_file_made(const struct peer_options *o, struct peer_config *c, struct diags *d);
void peer_file_free(struct peer_file *f); /* NULL is fine */

const struct peer_options *peer_file_options(const struct peer_file *f);
const struct peer_config *peer_file_config(const struct peer_file *f);
const char *peer_file_ifname(const struct peer_file *f); /* what the interface is called */
bool peer_file_from_definition(const struct peer_file *f);
bool peer_file_is_there(const struct peer_file *f); /* on the disk, now */
/* Of the file whose settings are in use. It differs when they differ. */
const struct file_stamp *peer_file_stamp(const struct peer_file *f);
bool peer_file_is_there_for(const struct peer_options *o, const char *ifname);

/*
 * Takes over the settings of a file that was changed since. What else it has changed, a key or a network, is for the next
 * process. -1 with diagnostics: the file cannot be used, the settings stay.
 */
enum { PEER_FILE_SAME, PEER_FILE_GONE, PEER_FILE_READ };
int peer_file_refresh(struct peer_file *f, struct diags *d);

/* The command line counts before the file. */
struct nat_settings peer_file_nat(const struct peer_file *f);
const char *peer_file_hosts_path(const struct peer_file *f); /* NULL: no names are written */
const char *peer_file_host_suffix(const struct peer_file *f);

/* Change a setting in memory: 0; 1 when it was so already; -1 with a diagnostic. NULL: none. */
int peer_file_set_listen_port(struct peer_file *f, uint16_t port);
int peer_file_set_endpoint(struct peer_file *f, const char *endpoint, struct diags *d);
int peer_file_set_endpoint_of(struct peer_file *f, const char *peer, const char *endpoint, struct diags *d);
int peer_file_save(const struct peer_file *f, struct diags *d); /* writes the file */
/* The invitation is redeemed: written, with what the command line says of the hosts file and of NATs. */
int peer_file_redeemed(struct peer_file *f, struct diags *d);

#endif
