/* Device states for tests, written short: D("10.0.0.1/32"), a key of one repeated byte, a peer of a few words. */
#ifndef TESTS_UNIT_DEVICE_STATES_H
#define TESTS_UNIT_DEVICE_STATES_H

#include "reconcile/plan/device.h"
#include "tests/cmocka.h"

#include <stdlib.h>
#include <string.h>

static inline struct key key_of(uint8_t byte)
{
	struct key k;
	memset(k.b, byte, sizeof(k.b));
	return k;
}

/* "10.0.0.1/32,10.0.0.2/32", in order already. */
static inline struct prefix *prefixes_of(struct arena *a, const char *text, uint32_t *n)
{
	struct prefix *out = arena_array(a, 64, sizeof(*out));
	*n = 0;
	while (text && *text) {
		size_t len = strcspn(text, ",");
		assert_int_equal(prefix_parse(text, len, &out[*n]), PREFIX_OK);
		++*n;
		text += len + (text[len] == ',');
	}
	return out;
}

static inline struct device_peer peer_of(struct arena *a, uint8_t key, const char *name, const char *allowed,
					 const char *endpoint, uint16_t keepalive)
{
	struct device_peer p = {.key = key_of(key), .name = name, .keepalive = keepalive};
	p.allowed = prefixes_of(a, allowed, &p.n_allowed);
	if (endpoint)
		assert_int_equal(sockpoint_parse(endpoint, strlen(endpoint), &p.endpoint), 0);
	return p;
}

/* An interface "corp", up, without peers; room for 32 of them, in the order of their keys. */
static inline struct device_state *state_of(struct arena *a, const char *addresses, const char *routes)
{
	struct device_state *s = arena_alloc(a, sizeof(*s));
	strcpy(s->name, "corp");
	s->exists = s->up = s->has_key = true;
	s->public_key = key_of(0xaa);
	s->listen_port = 51820;
	s->mtu = 1280;
	s->peers = arena_array(a, 32, sizeof(*s->peers));
	s->addresses = prefixes_of(a, addresses, &s->n_addresses);
	s->routes = prefixes_of(a, routes, &s->n_routes);
	return s;
}

static inline struct device_state *absent_state(struct arena *a)
{
	struct device_state *s = arena_alloc(a, sizeof(*s));
	strcpy(s->name, "corp");
	return s;
}

#endif
