#include "reconcile/edge/config/server_config.h"

#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/git/remote.h"
#include "schema/model.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char code[] = "bad-server-file";
static const char comment[] =
    "# The server's own file (innernet-reconcile): its keys, which no other user may read, and the place of\n"
    "# the definition. Made by `innernet-reconcile init`; the network itself is in network.yaml.\n";

struct raw_server_config {
	char *version, *network, *interface, *private_key, *listen_port, *repository, *branch;
	char *remote, *interval, *ssh_key, *known_hosts, *credentials, *file;
	char **seeds;
	unsigned n_seeds;
	struct raw_guards *guards;
};

static const cyaml_schema_value_t string_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096),
};

#define TEXT(name, flags)                                                                                              \
	CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | (flags), struct raw_server_config, name, 1, 4096)
static const cyaml_schema_field_t fields[] = {
    TEXT(version, 0),
    TEXT(network, 0),
    TEXT(interface, CYAML_FLAG_OPTIONAL),
    TEXT(listen_port, 0),
    TEXT(repository, 0),
    TEXT(branch, CYAML_FLAG_OPTIONAL),
    TEXT(remote, CYAML_FLAG_OPTIONAL),
    TEXT(interval, CYAML_FLAG_OPTIONAL),
    TEXT(ssh_key, CYAML_FLAG_OPTIONAL),
    TEXT(known_hosts, CYAML_FLAG_OPTIONAL),
    TEXT(credentials, CYAML_FLAG_OPTIONAL),
    TEXT(file, CYAML_FLAG_OPTIONAL),
    TEXT(private_key, 0),
    CYAML_FIELD_SEQUENCE_COUNT("signing_seeds", CYAML_FLAG_POINTER, struct raw_server_config, seeds, n_seeds,
			       &string_entry, 1, SIGNERS_MAX),
    CYAML_FIELD_MAPPING_PTR("guards", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_server_config, guards,
			    guard_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_server_config, fields),
};

struct server_config *server_config_new(void)
{
	struct server_config *c = calloc(1, sizeof(*c));

	if (c && !(c->private_key = secret_new())) {
		free(c);
		return NULL;
	}
	if (c) {
		c->guards = guard_defaults;
		c->interval = REMOTE_INTERVAL;
	}
	return c;
}

void server_config_free(struct server_config *c)
{
	if (!c)
		return;
	secret_free(c->private_key);
	for (unsigned i = 0; i < c->n_seeds; i++)
		secret_free(c->seeds[i]);
	free(c->repository);
	free(c->remote);
	free(c->ssh_key);
	free(c->known_hosts);
	free(c->credentials);
	free(c->file);
	free(c->ref);
	free(c);
}

/* Computes the public keys from the secret ones. */
static void derive(struct server_config *c)
{
	uint8_t sk[crypto_sign_SECRETKEYBYTES];

	x25519_public(c->private_key, &c->public_key);
	for (unsigned i = 0; i < c->n_seeds; i++)
		crypto_sign_seed_keypair(c->signers[i].b, sk, c->seeds[i]);
	sodium_memzero(sk, sizeof(sk));
}

int server_config_draw(struct server_config *c)
{
	if (!(c->seeds[0] = secret_new()))
		return -1;
	c->n_seeds = 1;
	randombytes_buf(c->private_key, KEY_LEN);
	/* Clamped as `wg genkey` does, so that the file shows the key that the device will show (RFC 7748 section 5). */
	c->private_key[0] &= 248;
	c->private_key[31] = (uint8_t)((c->private_key[31] & 127) | 64);
	randombytes_buf(c->seeds[0], KEY_LEN);
	derive(c);
	return 0;
}

static int take_names(const struct config_at *at, const struct raw_server_config *raw, struct server_config *c)
{
	const char *interface = raw->interface ? raw->interface : raw->network;
	const char *branch = raw->branch ? raw->branch : "main";
	uint64_t n;
	int bad = 0;

	bad |= config_number(at, "version", raw->version, 1, 1, &n);
	if (!network_name_valid(raw->network, strlen(raw->network)))
		bad |= config_fail(at, "network", "is not the name of a network");
	else
		snprintf(c->network, sizeof(c->network), "%s", raw->network);
	if (!network_name_valid(interface, strlen(interface)))
		bad |= config_fail(at, "interface",
				   "is not the name of an interface: lower case letters, digits, hyphens");
	else
		snprintf(c->interface, sizeof(c->interface), "%s", interface);
	if (config_number(at, "listen_port", raw->listen_port, 1, 65535, &n))
		bad = -1;
	else
		c->listen_port = (uint16_t)n;
	if (raw->repository[0] != '/')
		bad |= config_fail(at, "repository", "must be an absolute path");
	c->repository = strdup(raw->repository);
	struct buf ref = {0};
	buf_printf(&ref, "%s%s", strncmp(branch, "refs/", 5) ? "refs/heads/" : "", branch);
	c->ref = ref.failed ? NULL : strdup(ref.p);
	buf_free(&ref);
	if (!c->repository || !c->ref) {
		diags_out_of_memory(at->d);
		bad = -1;
	}
	return bad;
}

/* Reads an optional absolute path. */
static int take_path(const struct config_at *at, const char *field, const char *s, char **out)
{
	int bad = 0;

	if (!s)
		return 0;
	if (s[0] != '/')
		bad = config_fail(at, field, "must be an absolute path");
	if (!(*out = strdup(s))) {
		diags_out_of_memory(at->d);
		bad = -1;
	}
	return bad;
}

/* Reads the keys about the source of the definition: `remote` and its options, or `file`. */
static int take_source(const struct config_at *at, const struct raw_server_config *raw, struct server_config *c)
{
	const char *const of_remote[][2] = {{"interval", raw->interval},
					    {"ssh_key", raw->ssh_key},
					    {"known_hosts", raw->known_hosts},
					    {"credentials", raw->credentials}};
	const char *refused = raw->remote ? remote_url_refused(raw->remote) : NULL;
	uint64_t n = REMOTE_INTERVAL;
	int bad = 0;

	for (size_t i = 0; i < sizeof(of_remote) / sizeof(of_remote[0]) && !raw->remote; i++)
		if (of_remote[i][1])
			bad |= config_fail(at, of_remote[i][0], "needs a `remote`");
	if (raw->remote && raw->file)
		bad |= config_fail(at, "file", "cannot be beside a `remote`");
	if (refused)
		bad |= config_fail(at, "remote", refused);
	if (raw->interval)
		bad |= config_number(at, "interval", raw->interval, 1, REMOTE_INTERVAL_MAX, &n);
	c->interval = (uint32_t)n;
	bad |= take_path(at, "ssh_key", raw->ssh_key, &c->ssh_key);
	bad |= take_path(at, "known_hosts", raw->known_hosts, &c->known_hosts);
	bad |= take_path(at, "credentials", raw->credentials, &c->credentials);
	bad |= take_path(at, "file", raw->file, &c->file);
	if (raw->remote && !(c->remote = strdup(raw->remote))) {
		diags_out_of_memory(at->d);
		bad = -1;
	}
	return bad;
}

int server_config_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = code, .d = d};
	struct raw_server_config *raw;
	struct server_config *c = NULL;
	void *data = NULL;
	int bad = 0;

	*out = NULL;
	if (config_parse(&schema, bytes, code, name, &data, d) < 0)
		return -1;
	raw = data;
	if (!(c = server_config_new())) {
		diags_out_of_memory(d);
		config_free(&schema, data);
		return -1;
	}
	bad |= take_names(&at, raw, c);
	bad |= take_source(&at, raw, c);
	bad |= config_secret(&at, "private_key", raw->private_key, c->private_key);
	for (unsigned i = 0; i < raw->n_seeds; i++) {
		if (!(c->seeds[i] = secret_new())) {
			diags_out_of_memory(d);
			bad = -1;
			break;
		}
		c->n_seeds++;
		bad |= config_secret(&at, "signing_seeds", raw->seeds[i], c->seeds[i]);
	}
	if (raw->guards)
		bad |= guard_values(&at, raw->guards, &c->guards);
	config_free(&schema, data);
	if (bad) {
		server_config_free(c);
		return -1;
	}
	derive(c);
	*out = c;
	return 0;
}

int server_config_read(const char *path, struct server_config **out, struct diags *d)
{
	struct buf text = {0};
	bool absent = false;
	int ret = -1;

	*out = NULL;
	if (file_read_secret(path, CONFIG_MAX, &text, &absent, d) < 0)
		goto out;
	if (absent) {
		struct diag *g = diag_file_error(d, "no-such-network", path, "%s is not there", path);
		diag_help(d, g,
			  "check the spelling of the name; `innernet-reconcile init` makes it, with a new network");
		goto out;
	}
	ret = server_config_parse(buf_span(&text), path, out, d);
out:
	buf_wipe(&text);
	return ret;
}

int server_config_emit(const struct server_config *c, struct buf *out, struct diags *d)
{
	char key[KEY_B64_LEN + 1], port[8], seeds[SIGNERS_MAX][KEY_B64_LEN + 1], version[] = "1";
	char interval[12], *list[SIGNERS_MAX], network[NETWORK_MAX_LEN + 1], interface[NETWORK_MAX_LEN + 1];
	struct raw_server_config raw = {.version = version,
					.network = network,
					.interface = interface,
					.private_key = key,
					.listen_port = port,
					.repository = c->repository,
					.branch = c->ref,
					.remote = c->remote,
					.ssh_key = c->ssh_key,
					.known_hosts = c->known_hosts,
					.credentials = c->credentials,
					.file = c->file,
					.seeds = list,
					.n_seeds = c->n_seeds};
	struct raw_guards guards;
	struct guard_texts room;
	int ret;

	guard_raw(&c->guards, &room, &guards);
	raw.guards = &guards;
	memcpy(network, c->network, sizeof(network));
	memcpy(interface, c->interface, sizeof(interface));
	snprintf(port, sizeof(port), "%u", c->listen_port);
	config_secret_format(c->private_key, key);
	for (unsigned i = 0; i < c->n_seeds; i++) {
		config_secret_format(c->seeds[i], seeds[i]);
		list[i] = seeds[i];
	}
	if (c->remote && c->interval != REMOTE_INTERVAL) {
		snprintf(interval, sizeof(interval), "%u", c->interval);
		raw.interval = interval;
	}
	if (!strcmp(interface, network))
		raw.interface = NULL;
	if (!strncmp(c->ref, "refs/heads/", 11))
		raw.branch = c->ref + 11;
	ret = config_emit(&schema, &raw, comment, out, d);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(seeds, sizeof(seeds));
	return ret;
}
