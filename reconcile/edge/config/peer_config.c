#include "reconcile/edge/config/peer_config.h"

#include "reconcile/edge/base/file.h"
#include "reconcile/plan/hosts.h"
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char code[] = "bad-config";
static const char comment[] =
    "# This machine's peer in a private network: written by `innernet install`. The private key was\n"
    "# made on this machine and is in no other file; no other user may read this one.\n";

struct raw_endpoint {
	char *name, *endpoint;
};
struct raw_overrides {
	char *listen_port, *endpoint;
	struct raw_endpoint *peers;
	unsigned n_peers;
};
struct raw_hosts {
	char *path, *suffix, *write;
};
struct raw_nat {
	char *traversal, *candidates;
	char **exclude;
	unsigned n_exclude;
};
struct raw_config {
	struct raw_membership m;
	char *interface; /* NULL: the network's name */
	char *state, *invite, *private_key;
	struct raw_overrides *overrides; /* NULL: none */
	struct raw_hosts *hosts;         /* NULL: none */
	struct raw_nat *nat;             /* NULL: none */
};

static const cyaml_schema_field_t endpoint_fields[] = {
    RAW_STRING("name", struct raw_endpoint, name),
    RAW_STRING("endpoint", struct raw_endpoint, endpoint),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t endpoint_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_endpoint, endpoint_fields),
};

static const cyaml_schema_field_t overrides_fields[] = {
    RAW_OPTIONAL("listen_port", struct raw_overrides, listen_port),
    RAW_OPTIONAL("endpoint", struct raw_overrides, endpoint),
    CYAML_FIELD_SEQUENCE_COUNT("peers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_overrides, peers, n_peers,
			       &endpoint_value, 0, OVERRIDES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t hosts_fields[] = {
    RAW_OPTIONAL("path", struct raw_hosts, path),
    RAW_OPTIONAL("suffix", struct raw_hosts, suffix),
    RAW_OPTIONAL("write", struct raw_hosts, write),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t nat_fields[] = {
    RAW_OPTIONAL("traversal", struct raw_nat, traversal),
    RAW_OPTIONAL("candidates", struct raw_nat, candidates),
    CYAML_FIELD_SEQUENCE_COUNT("exclude", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_nat, exclude, n_exclude,
			       &raw_string, 0, EXCLUDES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t fields[] = {
    RAW_MEMBERSHIP_FIELDS(struct raw_config),
    RAW_OPTIONAL("interface", struct raw_config, interface),
    RAW_STRING("state", struct raw_config, state),
    RAW_STRING("invite", struct raw_config, invite),
    RAW_STRING("private_key", struct raw_config, private_key),
    CYAML_FIELD_MAPPING_PTR("overrides", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_config, overrides,
			    overrides_fields),
    CYAML_FIELD_MAPPING_PTR("hosts", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_config, hosts, hosts_fields),
    CYAML_FIELD_MAPPING_PTR("nat", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_config, nat, nat_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, fields),
};

struct peer_config *peer_config_new(struct diags *d)
{
	struct peer_config *c = calloc(1, sizeof(*c));

	if (c)
		c->private_key = secret_new();
	if (!c || !c->private_key) {
		diags_out_of_memory(d);
		peer_config_free(c);
		return NULL;
	}
	return c;
}

void peer_config_free(struct peer_config *c)
{
	if (!c)
		return;
	secret_free(c->private_key);
	peer_settings_free(&c->settings);
	free(c);
}

void peer_settings_free(struct peer_settings *s)
{
	free(s->endpoints);
	free(s->hosts_path);
	free(s->host_suffix);
	free(s->endpoint);
	*s = (struct peer_settings){0};
}

/* Returns the index of the peer's override, or the index at which it would be inserted. */
static uint32_t endpoint_slot(const struct peer_settings *s, const char *name, bool *found)
{
	uint32_t i = 0;
	int c = 1;

	while (i < s->n_endpoints && (c = strcmp(s->endpoints[i].name, name)) < 0)
		i++;
	*found = i < s->n_endpoints && c == 0;
	return i;
}

const char *peer_settings_find(const struct peer_settings *s, const char *name)
{
	bool found;
	uint32_t i = endpoint_slot(s, name, &found);

	return found ? s->endpoints[i].endpoint : NULL;
}

int peer_settings_endpoint(struct peer_settings *s, const char *name, const char *endpoint, struct diags *d)
{
	struct endpoint_override *more;
	bool found;
	uint32_t i = endpoint_slot(s, name, &found);

	if (!endpoint && !found)
		return 1;
	if (!endpoint) {
		memmove(&s->endpoints[i], &s->endpoints[i + 1], (s->n_endpoints - i - 1) * sizeof(*s->endpoints));
		s->n_endpoints--;
		return 0;
	}
	if (found && strcmp(s->endpoints[i].endpoint, endpoint) == 0)
		return 1;
	if (!found) {
		if (s->n_endpoints == OVERRIDES_MAX) {
			diag_error(d, "too-large", NULL,
				   "at most %u peers can have an endpoint override on this machine", OVERRIDES_MAX);
			return -1;
		}
		more = realloc(s->endpoints, (s->n_endpoints + 1) * sizeof(*more));
		if (!more)
			return diags_out_of_memory(d);
		s->endpoints = more;
		memmove(&more[i + 1], &more[i], (s->n_endpoints - i) * sizeof(*more));
		s->n_endpoints++;
	}
	snprintf(s->endpoints[i].name, sizeof(s->endpoints[i].name), "%s", name);
	snprintf(s->endpoints[i].endpoint, sizeof(s->endpoints[i].endpoint), "%s", endpoint);
	return 0;
}

static int take_state(const struct config_at *at, const char *s, bool *redeemed)
{
	*redeemed = strcmp(s, "redeemed") == 0;
	return *redeemed || strcmp(s, "pending") == 0 ? 0 : config_fail(at, "state", "must be 'pending' or 'redeemed'");
}

static int copy(const struct config_at *at, const char *s, char **out)
{
	*out = strdup(s);
	if (*out)
		return 0;
	return diags_out_of_memory(at->d);
}

static int take_endpoint(const struct config_at *at, struct arena *a, const char *s, struct peer_settings *out)
{
	const char *endpoint = endpoint_canonical(a, s, strlen(s));

	if (!endpoint || strlen(endpoint) > ENDPOINT_MAX_LEN)
		return config_fail(at, "overrides: endpoint", "must be host:port");
	return copy(at, endpoint, &out->endpoint);
}

static int take_overrides(const struct config_at *at, const struct raw_overrides *raw, struct peer_settings *s)
{
	struct arena *a = arena_new();
	uint64_t port = 0;
	int bad = 0;

	if (!a)
		return diags_out_of_memory(at->d);
	if (raw->listen_port)
		bad |= config_number(at, "overrides: listen_port", raw->listen_port, 1, UINT16_MAX, &port);
	s->listen_port = (uint16_t)port;
	if (raw->endpoint)
		bad |= take_endpoint(at, a, raw->endpoint, s);
	for (unsigned i = 0; i < raw->n_peers; i++) {
		const struct raw_endpoint *e = &raw->peers[i];
		const char *endpoint = endpoint_canonical(a, e->endpoint, strlen(e->endpoint));

		if (!name_valid(e->name, strlen(e->name)))
			bad |= config_fail(at, "overrides: peers: name", "must be a peer's name");
		else if (!endpoint || strlen(endpoint) > ENDPOINT_MAX_LEN)
			bad |= config_fail(at, "overrides: peers: endpoint", "must be host:port");
		else if (peer_settings_find(s, e->name))
			bad |= config_fail(at, "overrides: peers: name", "must be there once");
		else if (peer_settings_endpoint(s, e->name, endpoint, at->d) < 0)
			bad = -1;
	}
	arena_free(a);
	return bad;
}

/* Reads "yes" or "no" (NULL: yes). *no: whether it is "no". */
static int take_yes(const struct config_at *at, const char *field, const char *s, bool *no)
{
	*no = s && strcmp(s, "no") == 0;
	return !s || *no || strcmp(s, "yes") == 0 ? 0 : config_fail(at, field, "must be 'yes' or 'no'");
}

static int take_hosts(const struct config_at *at, const struct raw_hosts *raw, struct peer_settings *s)
{
	int bad = 0;

	if (raw->path && (raw->path[0] != '/' || strlen(raw->path) >= PATH_MAX))
		bad |= config_fail(at, "hosts: path", "must be an absolute path");
	else if (raw->path)
		bad |= copy(at, raw->path, &s->hosts_path);
	if (raw->suffix && !hosts_suffix_valid(raw->suffix))
		bad |= config_fail(at, "hosts: suffix", "must be a domain name");
	else if (raw->suffix)
		bad |= copy(at, raw->suffix, &s->host_suffix);
	return take_yes(at, "hosts: write", raw->write, &s->no_write_hosts) | bad;
}

static int take_nat(const struct config_at *at, const struct raw_nat *raw, struct nat_settings *s)
{
	int bad = take_yes(at, "nat: traversal", raw->traversal, &s->no_traversal) |
		  take_yes(at, "nat: candidates", raw->candidates, &s->no_candidates);

	for (; s->n_exclude < raw->n_exclude; s->n_exclude++)
		bad |= config_prefix(at, "nat: exclude", raw->exclude[s->n_exclude], &s->exclude[s->n_exclude]);
	return bad;
}

static int take_interface(const struct config_at *at, const char *name, struct peer_config *c)
{
	if (!network_name_valid(name, strlen(name)))
		return config_fail(at, "interface",
				   "must be the name of an interface: a host name of at most 15 characters");
	snprintf(c->interface, sizeof(c->interface), "%s", name);
	return 0;
}

const char *peer_config_interface(const struct peer_config *c)
{
	return c->interface[0] ? c->interface : c->m.network;
}

int peer_config_parse(struct span bytes, const char *name, struct peer_config **out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = code, .d = d};
	const struct raw_config *raw;
	struct peer_config *c = NULL;
	void *data = NULL;
	int bad = 0;

	*out = NULL;
	if (bytes.n > CONFIG_MAX) {
		diag_file_error(d, code, name, "%s is too large: at most %u bytes", name, CONFIG_MAX);
		return -1;
	}
	if (config_parse(&schema, bytes, code, name, &data, d) < 0)
		return -1;
	raw = data;
	c = peer_config_new(d);
	if (!c) {
		bad = -1;
		goto out;
	}
	bad |= membership_from_raw(&at, &raw->m, &c->m);
	bad |= take_state(&at, raw->state, &c->redeemed);
	bad |= config_ed25519(&at, "invite", raw->invite, &c->invite);
	bad |= config_secret(&at, "private_key", raw->private_key, c->private_key);
	if (raw->interface)
		bad |= take_interface(&at, raw->interface, c);
	if (raw->overrides)
		bad |= take_overrides(&at, raw->overrides, &c->settings);
	if (raw->hosts)
		bad |= take_hosts(&at, raw->hosts, &c->settings);
	if (raw->nat)
		bad |= take_nat(&at, raw->nat, &c->settings.nat);
	if (bad)
		goto out;
	x25519_public(c->private_key, &c->public_key);
	*out = c;
	c = NULL;
out:
	peer_config_free(c);
	config_free(&schema, data);
	return bad ? -1 : 0;
}

static char no[] = "no";

/* *out is NULL when all values are defaults. Returns -1 when memory runs out. */
static int emit_nat(struct arena *a, const struct nat_settings *s, struct raw_nat **out)
{
	struct raw_nat *raw = arena_alloc(a, sizeof(*raw));
	char text[PREFIX_STR_LEN];

	if (!raw || !(raw->exclude = arena_array(a, s->n_exclude + 1, sizeof(*raw->exclude))))
		return -1;
	raw->traversal = s->no_traversal ? no : NULL;
	raw->candidates = s->no_candidates ? no : NULL;
	for (; raw->n_exclude < s->n_exclude; raw->n_exclude++) {
		prefix_format(&s->exclude[raw->n_exclude], text);
		if (!(raw->exclude[raw->n_exclude] = arena_printf(a, "%s", text)))
			return -1;
	}
	if (!s->n_exclude)
		raw->exclude = NULL;
	*out = s->no_traversal || s->no_candidates || s->n_exclude ? raw : NULL;
	return 0;
}

/* *raw borrows from `s`; its lists are in the arena. Returns -1 when memory runs out. */
static int emit_settings(struct arena *a, struct peer_settings *s, struct raw_config *raw)
{
	struct raw_overrides *o = arena_alloc(a, sizeof(*o));
	struct raw_hosts *h = arena_alloc(a, sizeof(*h));

	if (!o || !h || !(o->peers = arena_array(a, s->n_endpoints + 1, sizeof(*o->peers))))
		return -1;
	if (s->listen_port && !(o->listen_port = arena_printf(a, "%u", s->listen_port)))
		return -1;
	for (; o->n_peers < s->n_endpoints; o->n_peers++) {
		o->peers[o->n_peers].name = s->endpoints[o->n_peers].name;
		o->peers[o->n_peers].endpoint = s->endpoints[o->n_peers].endpoint;
	}
	if (!s->n_endpoints)
		o->peers = NULL;
	*h =
	    (struct raw_hosts){.path = s->hosts_path, .suffix = s->host_suffix, .write = s->no_write_hosts ? no : NULL};
	o->endpoint = s->endpoint;
	if (s->listen_port || s->n_endpoints || s->endpoint)
		raw->overrides = o;
	if (h->path || h->suffix || h->write)
		raw->hosts = h;
	return emit_nat(a, &s->nat, &raw->nat);
}

int peer_config_emit(const struct peer_config *c, struct buf *out, struct diags *d)
{
	struct arena *a = arena_new();
	struct raw_config raw = {0};
	struct peer_settings settings = c->settings; /* its pointers are only read */
	char key[KEY_B64_LEN + 1], invite[ED25519_STR_LEN + 1], pending[] = "pending", redeemed[] = "redeemed";
	char interface[NETWORK_MAX_LEN + 1];
	int r = -1;

	memcpy(interface, c->interface, sizeof(interface));
	config_secret_format(c->private_key, key);
	ed25519_format(&c->invite, invite);
	raw.private_key = key;
	raw.invite = invite;
	raw.interface = interface[0] && strcmp(interface, c->m.network) != 0 ? interface : NULL;
	raw.state = c->redeemed ? redeemed : pending;
	if (!a || membership_to_raw(a, &c->m, &raw.m) < 0 || emit_settings(a, &settings, &raw) < 0)
		diags_out_of_memory(d);
	else
		r = config_emit(&schema, &raw, comment, out, d);
	sodium_memzero(key, sizeof(key));
	arena_free(a);
	return r;
}

static int path_of(const char *dir, const char *ifname, char out[static PATH_MAX], struct diags *d)
{
	int n = snprintf(out, PATH_MAX, "%s/%s.yaml", dir, ifname);

	if (n > 0 && n < PATH_MAX)
		return 0;
	diag_error(d, "file-error", NULL, "the name of the folder is too long");
	return -1;
}

int peer_config_read(const char *dir, const char *ifname, struct peer_config **out, bool *absent, struct diags *d)
{
	char path[PATH_MAX];
	struct buf b = {0};
	int r;

	*out = NULL;
	if (!network_name_valid(ifname, strlen(ifname))) {
		diag_error(d, "bad-name", NULL, "'%s' is not the name of a network", ifname);
		return -1;
	}
	if (path_of(dir, ifname, path, d) < 0)
		return -1;
	r = file_read_secret(path, CONFIG_MAX, &b, absent, d);
	if (r == 0 && !(absent && *absent))
		r = peer_config_parse(buf_span(&b), path, out, d);
	buf_wipe(&b);
	if (r == 0 && *out && strcmp(peer_config_interface(*out), ifname) != 0) {
		diag_file_error(d, code, path, "%s is the file of the network '%s', and must have its name", path,
				peer_config_interface(*out));
		peer_config_free(*out);
		*out = NULL;
		r = -1;
	}
	return r;
}

int peer_config_write(const char *dir, const struct peer_config *c, bool create, struct diags *d)
{
	char path[PATH_MAX];
	struct buf b = {0};
	int r = -1;

	if (path_of(dir, peer_config_interface(c), path, d) < 0 || file_mkdirs(dir, 0700, d) < 0 ||
	    peer_config_emit(c, &b, d) < 0)
		goto out;
	r = create ? file_create(path, buf_span(&b), 0600, d) : file_write(path, buf_span(&b), 0600, d);
out:
	buf_wipe(&b);
	return r;
}

/* Returns the length of "corp.yaml" without its suffix; 0 when it is not a network's file. */
static size_t network_file(const char *name)
{
	size_t n = strlen(name);

	if (n < 6 || strcmp(name + n - 5, ".yaml") != 0 || !network_name_valid(name, n - 5))
		return 0;
	return n - 5;
}

int peer_config_list(struct arena *a, const char *dir, const char *const **names, size_t *n, struct diags *d)
{
	return file_list(a, dir, network_file, names, n, d);
}
