/*
 * Every key of a definition, in one table: what it is called, what it takes, its range, its default
 * and one line of help. The loader, the JSON Schema and the list in network.yaml(5) come from it.
 */
#ifndef SCHEMA_KEYS_H
#define SCHEMA_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a key stands. */
enum key_place { IN_ROOT, IN_DEFAULTS, IN_TRUST, IN_CIDR, IN_PEER, IN_TEST, N_KEY_PLACES };

enum key_type {
	TYPE_BOOL,
	TYPE_INT,
	TYPE_TEXT,         /* one line */
	TYPE_NETWORK_NAME, /* a host name that is an interface name too */
	TYPE_PREFIXES,     /* one prefix, or a list of one a family */
	TYPE_ADDRESSES,    /* one address, or a list of one a family */
	TYPE_PREFIX_LIST,
	TYPE_RANGE_LIST, /* of addresses and prefixes */
	TYPE_KEY,        /* base64 of 32 bytes */
	TYPE_ED25519,    /* "ed25519:" and base64 of 32 bytes */
	TYPE_ED25519_LIST,
	TYPE_ENDPOINT,     /* host:port */
	TYPE_TIME,         /* RFC 3339, UTC */
	TYPE_PATTERN_LIST, /* glob(7) */
	TYPE_REFS,         /* one name or address, or a list */
	TYPE_MAP,          /* to the keys of another place */
	TYPE_NAMED,        /* names, each to the keys of another place */
	TYPE_PAIRS,        /* a list of lists of two CIDR names */
	TYPE_LIST,         /* a list of mappings of another place */
	N_KEY_TYPES
};

/* How the struct of its place (model.h) holds a value. */
enum key_member {
	MEMBER_NONE, /* no member holds it, or several do: each reader has code for this key */
	MEMBER_BOOL,
	MEMBER_U8,
	MEMBER_U16,
	MEMBER_I32,
	MEMBER_U64,
	MEMBER_I64,      /* a TYPE_TIME too: Unix seconds */
	MEMBER_TEXT,     /* const char *; NULL: left out */
	MEMBER_PREFIXES, /* struct prefix *, and a uint32_t that counts them */
};

struct key_spec {
	const char *name;
	enum key_type type;
	enum key_place inner; /* of TYPE_MAP, TYPE_NAMED and TYPE_LIST */
	int64_t min, max;     /* of TYPE_INT; bytes of TYPE_TEXT; bits of TYPE_PREFIXES; items of a list (0, 0: any) */
	const char *preset;   /* the default, as one would write it; NULL: none */
	const char *range_code; /* of a number outside min and max; NULL: bad-value */
	bool required;
	bool root_only;   /* refused in an included file */
	const char *help; /* one line */

	/* An attribute (attributes.h): where the struct of its place has it, by offsetof(). */
	enum key_member member;
	uint16_t offset;
	uint16_t count;  /* of MEMBER_PREFIXES */
	uint16_t at;     /* struct place: where its value stands in the definition; 0: the struct has none */
	int8_t absent;   /* of a number: what it is when the key is left out and has no default */
	bool in_leaf;    /* of a peer: every other one knows it (LEAF_PEER in model.h) */
	bool by_option;  /* add-peer or add-cidr has an option of this name */
	bool names_peer; /* its text is the name of a peer */
};

/* Indices into the tables, by place. */
enum {
	ROOT_VERSION,
	ROOT_NETWORK,
	ROOT_CIDR,
	ROOT_EPOCH,
	ROOT_TRUST,
	ROOT_DEFAULTS,
	ROOT_INCLUDE,
	ROOT_CIDRS,
	ROOT_ASSOCIATIONS,
	ROOT_PEERS,
	ROOT_REUSE,
	ROOT_TESTS,
	N_ROOT_KEYS
};
enum { DEFAULTS_MTU, DEFAULTS_KEEPALIVE, N_DEFAULTS_KEYS };
enum { TRUST_ID, TRUST_SIGNERS, TRUST_THRESHOLD, TRUST_ONLINE, N_TRUST_KEYS };
enum { CIDR_CIDR, CIDR_DESCRIPTION, CIDR_ISOLATED, N_CIDR_KEYS };
enum {
	PEER_IP,
	PEER_PUBLIC_KEY,
	PEER_INVITE,
	PEER_INVITE_EXPIRES,
	PEER_ENDPOINT,
	PEER_KEEPALIVE,
	PEER_ROUTES,
	PEER_VIA,
	PEER_SERVER,
	PEER_ADMIN,
	PEER_DISABLED,
	PEER_DESCRIPTION,
	N_PEER_KEYS
};
enum { TEST_FROM, TEST_CAN_REACH, TEST_CANNOT_REACH, N_TEST_KEYS };

/* The keys of the place that has the most of them. */
union keys_of_any_place {
	char root[N_ROOT_KEYS], defaults[N_DEFAULTS_KEYS], trust[N_TRUST_KEYS];
	char cidr[N_CIDR_KEYS], peer[N_PEER_KEYS], test[N_TEST_KEYS];
};
#define KEYS_MAX sizeof(union keys_of_any_place)
_Static_assert(N_KEY_PLACES == 6, "a new place needs its keys in the union above");

/* The keys of a place, and the order in which a plan has them: indices; NULL: that of the table. */
struct key_table {
	const struct key_spec *keys;
	const uint8_t *plan_order;
	size_t n;
};
extern const struct key_table key_tables[N_KEY_PLACES];

const struct key_spec *keys_of(enum key_place place, size_t *n);
const struct key_spec *key_find(enum key_place place, const char *name); /* NULL: unknown */
const char *key_type_expects(enum key_type type);                        /* "true or false", for a message */
const char *key_type_example(enum key_type type);                        /* one in flow style */

/* The insertions, deletions, replacements and swaps of neighbours between two words; at most `limit` + 1. */
unsigned word_distance(const char *a, const char *b, unsigned limit);
/* The nearest known key, when it is near enough to be meant; or NULL. */
const char *key_nearest(enum key_place place, const char *name);

#endif
