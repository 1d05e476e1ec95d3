#include "reconcile/edge/config/membership.h"

#include <inttypes.h>
#include <string.h>

const cyaml_schema_value_t raw_string = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

const cyaml_schema_field_t raw_floor_fields[] = {
    RAW_STRING("epoch", struct raw_floor, epoch),
    RAW_STRING("number", struct raw_floor, number),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t raw_server_fields[] = {
    RAW_STRING("name", struct raw_server, name),
    RAW_STRING("public_key", struct raw_server, public_key),
    RAW_LIST("addresses", struct raw_server, addresses, 1, 2),
    RAW_STRING("endpoint", struct raw_server, endpoint),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t raw_server_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_server, raw_server_fields),
};

static int take_name(const struct config_at *at, const char *field, const char *s, size_t max, char *out)
{
	size_t n = strlen(s);

	if (n > max || !name_valid(s, n))
		return config_fail(at, field, "must be a host name: lower case letters, digits and hyphens");
	memcpy(out, s, n + 1);
	return 0;
}

/* Reads at most one address of each family, in any order. IPv4 is first in `out`. */
static int take_addresses(const struct config_at *at, const char *field, char *const *list, unsigned n,
			  struct addr out[static 2], uint8_t *n_out)
{
	*n_out = 0;
	for (unsigned i = 0; i < n && i < 2; i++) {
		if (config_addr(at, field, list[i], &out[i]) < 0)
			return -1;
		(*n_out)++;
	}
	if (*n_out == 2 && addr_is_v4(&out[0]) == addr_is_v4(&out[1]))
		return config_fail(at, field, "must have at most one address of each family");
	if (*n_out == 2 && !addr_is_v4(&out[0])) {
		struct addr first = out[0];
		out[0] = out[1];
		out[1] = first;
	}
	return 0;
}

static int take_prefixes(const struct config_at *at, const struct raw_membership *r, struct membership *m)
{
	m->n_root = 0;
	for (unsigned i = 0; i < r->n_cidrs && i < 2; i++) {
		if (config_prefix(at, "cidrs", r->cidrs[i], &m->root[i]) < 0)
			return -1;
		if (!network_prefix_valid(&m->root[i]))
			return config_fail(at, "cidrs", "must not be all addresses of a family");
		m->n_root++;
	}
	if (m->n_root == 2 && prefix_is_v4(&m->root[0]) == prefix_is_v4(&m->root[1]))
		return config_fail(at, "cidrs", "must have at most one prefix of each family");
	if (m->n_root == 2 && !prefix_is_v4(&m->root[0])) {
		struct prefix first = m->root[0];
		m->root[0] = m->root[1];
		m->root[1] = first;
	}
	return 0;
}

static bool in_root(const struct membership *m, const struct addr *a)
{
	for (unsigned i = 0; i < m->n_root; i++) {
		if (prefix_has(&m->root[i], a))
			return true;
	}
	return false;
}

/* Reads Ed25519 keys, sorted and unique as in struct trust. */
static int take_keys(const struct config_at *at, const char *field, char *const *list, unsigned n,
		     struct key out[static SIGNERS_MAX], uint8_t *n_out)
{
	*n_out = 0;
	for (unsigned i = 0; i < n && i < SIGNERS_MAX; i++) {
		struct key k;
		unsigned at_slot = 0;

		if (config_ed25519(at, field, list[i], &k) < 0)
			return -1;
		while (at_slot < *n_out && key_cmp(&out[at_slot], &k) < 0)
			at_slot++;
		if (at_slot < *n_out && key_eq(&out[at_slot], &k))
			return config_fail(at, field, "names one key twice");
		memmove(&out[at_slot + 1], &out[at_slot], (*n_out - at_slot) * sizeof(*out));
		out[at_slot] = k;
		(*n_out)++;
	}
	return *n_out ? 0 : config_fail(at, field, "must name at least one key");
}

static int take_trust(const struct config_at *at, const struct raw_membership *r, struct trust *t)
{
	uint64_t threshold = 1;
	int bad = 0;

	t->present = true;
	bad |= config_base64(at, "id", r->id, &t->id);
	bad |= take_keys(at, "signers", r->signers, r->n_signers, t->signers, &t->n_signers);
	bad |= take_keys(at, "online", r->online, r->n_online, t->online, &t->n_online);
	if (!bad)
		bad |= config_number(at, "threshold", r->threshold, 1, t->n_signers, &threshold);
	t->threshold = (uint8_t)threshold;
	return bad ? -1 : 0;
}

static int take_server(const struct config_at *at, const struct raw_server *r, const struct membership *m,
		       struct server_ref *s)
{
	struct arena *a = arena_new();
	const char *endpoint;
	int bad = 0;

	if (!a)
		return diags_out_of_memory(at->d);
	bad |= take_name(at, "servers: name", r->name, NAME_MAX_LEN, s->name);
	bad |= config_x25519(at, "servers: public_key", r->public_key, &s->public_key);
	bad |= take_addresses(at, "servers: addresses", r->addresses, r->n_addresses, s->ip, &s->n_ips);
	for (unsigned i = 0; !bad && i < s->n_ips; i++) {
		if (!in_root(m, &s->ip[i]))
			bad = config_fail(at, "servers: addresses", "must be inside the network");
	}
	endpoint = endpoint_canonical(a, r->endpoint, strlen(r->endpoint));
	if (!endpoint || strlen(endpoint) > ENDPOINT_MAX_LEN)
		bad |= config_fail(at, "servers: endpoint", "must be host:port");
	else
		strcpy(s->endpoint, endpoint);
	arena_free(a);
	return bad ? -1 : 0;
}

int membership_from_raw(const struct config_at *at, const struct raw_membership *r, struct membership *m)
{
	uint64_t mtu = 0, keepalive = 0;
	size_t n = strlen(r->network);
	int bad = 0;

	memset(m, 0, sizeof(*m));
	/* The meaning of another version is unknown: checks nothing else in it. */
	if (strcmp(r->version, "1") != 0)
		return config_fail(at, "version", "must be 1: another one needs another version of innernet");
	if (!network_name_valid(r->network, n))
		bad |= config_fail(at, "network",
				   "must be a host name of at most 15 characters, and not lo, all or default");
	else
		memcpy(m->network, r->network, n + 1);
	bad |= take_name(at, "name", r->name, NAME_MAX_LEN, m->name);
	bad |= take_addresses(at, "addresses", r->addresses, r->n_addresses, m->ip, &m->n_ips);
	bad |= take_prefixes(at, r, m);
	for (unsigned i = 0; !bad && i < m->n_ips; i++) {
		if (!in_root(m, &m->ip[i]))
			bad = config_fail(at, "addresses", "must be inside the network");
	}
	bad |= take_trust(at, r, &m->trust);
	bad |= config_number(at, "floor: epoch", r->floor.epoch, 0, UINT64_MAX, &m->floor.epoch);
	bad |= config_number(at, "floor: number", r->floor.number, 0, UINT64_MAX, &m->floor.number);
	for (unsigned i = 0; i < r->n_servers && i < SERVERS_MAX; i++)
		bad |= take_server(at, &r->servers[i], m, &m->servers[m->n_servers++]);
	if (!m->n_servers)
		bad |= config_fail(at, "servers", "must name at least one server");
	bad |= config_number(at, "mtu", r->mtu, MTU_MIN, MTU_MAX, &mtu);
	bad |= config_number(at, "keepalive", r->keepalive, 0, KEEPALIVE_MAX, &keepalive);
	m->mtu = (uint16_t)mtu;
	m->keepalive = (uint16_t)keepalive;
	return bad ? -1 : 0;
}

static char **give_addresses(struct arena *a, const struct addr *ip, unsigned n)
{
	char **list = arena_array(a, n, sizeof(*list));

	for (unsigned i = 0; list && i < n; i++) {
		char text[ADDR_STR_LEN];
		addr_format(&ip[i], text);
		list[i] = arena_strdup(a, text);
		if (!list[i])
			return NULL;
	}
	return list;
}

static char **give_keys(struct arena *a, const struct key *keys, unsigned n)
{
	char **list = arena_array(a, n, sizeof(*list));

	for (unsigned i = 0; list && i < n; i++) {
		char text[ED25519_STR_LEN + 1];
		ed25519_format(&keys[i], text);
		list[i] = arena_strdup(a, text);
		if (!list[i])
			return NULL;
	}
	return list;
}

static char *give_key(struct arena *a, const struct key *k)
{
	char text[KEY_B64_LEN + 1];

	key_format(k, text);
	return arena_strdup(a, text);
}

static int give_server(struct arena *a, const struct server_ref *s, struct raw_server *r)
{
	*r = (struct raw_server){
	    .name = arena_strdup(a, s->name),
	    .public_key = give_key(a, &s->public_key),
	    .endpoint = arena_strdup(a, s->endpoint),
	    .addresses = give_addresses(a, s->ip, s->n_ips),
	    .n_addresses = s->n_ips,
	};
	return r->name && r->public_key && r->endpoint && r->addresses ? 0 : -1;
}

int membership_to_raw(struct arena *a, const struct membership *m, struct raw_membership *r)
{
	*r = (struct raw_membership){
	    .version = arena_strdup(a, "1"),
	    .network = arena_strdup(a, m->network),
	    .id = give_key(a, &m->trust.id),
	    .name = arena_strdup(a, m->name),
	    .addresses = give_addresses(a, m->ip, m->n_ips),
	    .n_addresses = m->n_ips,
	    .cidrs = arena_array(a, m->n_root, sizeof(char *)),
	    .n_cidrs = m->n_root,
	    .signers = give_keys(a, m->trust.signers, m->trust.n_signers),
	    .n_signers = m->trust.n_signers,
	    .threshold = arena_printf(a, "%u", m->trust.threshold),
	    .online = give_keys(a, m->trust.online, m->trust.n_online),
	    .n_online = m->trust.n_online,
	    .floor = {.epoch = arena_printf(a, "%" PRIu64, m->floor.epoch),
		      .number = arena_printf(a, "%" PRIu64, m->floor.number)},
	    .servers = arena_array(a, m->n_servers, sizeof(struct raw_server)),
	    .n_servers = m->n_servers,
	    .mtu = arena_printf(a, "%u", m->mtu),
	    .keepalive = arena_printf(a, "%u", m->keepalive),
	};
	if (!r->version || !r->network || !r->id || !r->name || !r->addresses || !r->cidrs || !r->signers ||
	    !r->threshold || !r->online || !r->floor.epoch || !r->floor.number || !r->servers || !r->mtu ||
	    !r->keepalive)
		return -1;
	for (unsigned i = 0; i < m->n_root; i++) {
		char text[PREFIX_STR_LEN];
		prefix_format(&m->root[i], text);
		r->cidrs[i] = arena_strdup(a, text);
		if (!r->cidrs[i])
			return -1;
	}
	for (unsigned i = 0; i < m->n_servers; i++) {
		if (give_server(a, &m->servers[i], &r->servers[i]) < 0)
			return -1;
	}
	return 0;
}
