#include "schema/keys.h"

#include "schema/limits.h"
#include "schema/model.h"

#include <string.h>

/* How and where the struct has the attribute. A member of a type that is not among these does not compile. */
/* clang-format off */
#define HELD(thing, name)                                                                                              \
	.offset = offsetof(struct thing, name),                                                                        \
	.member = _Generic(((struct thing *)0)->name,                                                                  \
		bool: MEMBER_BOOL, uint8_t: MEMBER_U8, uint16_t: MEMBER_U16, int32_t: MEMBER_I32,                      \
		uint64_t: MEMBER_U64, int64_t: MEMBER_I64, const char *: MEMBER_TEXT, struct prefix *: MEMBER_PREFIXES)
/* clang-format on */
/* The same of a peer's attribute that its leaf has: no member but those of LEAF_PEER compiles. */
#define IN_LEAF(name)      HELD(leaf_peer, name), .in_leaf = true
#define AT(thing, name)    .at = offsetof(struct thing, name)
#define COUNT(thing, name) .count = offsetof(struct thing, name)
#define WORDS_OF(number)   #number
#define PRESET(number)     WORDS_OF(number)

_Static_assert(offsetof(struct peer, leaf) == 0, "a member has one offset in a peer and in what its leaf says");

static const struct key_spec root_keys[N_ROOT_KEYS] = {
    [ROOT_VERSION] = {.name = "version",
		      .type = TYPE_INT,
		      .min = 1,
		      .max = 1,
		      .preset = "1",
		      .root_only = true,
		      .help = "version of this format"},
    [ROOT_NETWORK] = {.name = "network",
		      .type = TYPE_NETWORK_NAME,
		      .required = true,
		      .root_only = true,
		      HELD(model, network),
		      .help = "name of the network, of its interface and of its root CIDR"},
    [ROOT_CIDR] = {.name = "cidr",
		   .type = TYPE_PREFIXES,
		   .min = NETWORK_PREFIX_MIN,
		   .required = true,
		   .root_only = true,
		   .help = "the prefix of the whole network, or one a family"},
    [ROOT_EPOCH] = {.name = "epoch",
		    .type = TYPE_INT,
		    .max = EPOCH_MAX,
		    .preset = "0",
		    .root_only = true,
		    HELD(model, epoch),
		    .absent = -1,
		    .help = "raised by one when history is rewritten on purpose"},
    [ROOT_TRUST] = {.name = "trust",
		    .type = TYPE_MAP,
		    .inner = IN_TRUST,
		    .root_only = true,
		    .help = "whose signatures peers believe; written by innernet-reconcile init"},
    [ROOT_DEFAULTS] = {.name = "defaults",
		       .type = TYPE_MAP,
		       .inner = IN_DEFAULTS,
		       .root_only = true,
		       .help = "settings of every interface"},
    [ROOT_INCLUDE] = {.name = "include",
		      .type = TYPE_PATTERN_LIST,
		      .root_only = true,
		      .help = "more files, by glob(7) patterns relative to this one"},
    [ROOT_CIDRS] = {.name = "cidrs", .type = TYPE_NAMED, .inner = IN_CIDR, .help = "the CIDRs by name"},
    [ROOT_ASSOCIATIONS] = {.name = "associations",
			   .type = TYPE_PAIRS,
			   .help = "pairs of CIDRs whose peers reach each other"},
    [ROOT_PEERS] = {.name = "peers", .type = TYPE_NAMED, .inner = IN_PEER, .help = "the peers by name"},
    [ROOT_REUSE] = {.name = "reuse",
		    .type = TYPE_RANGE_LIST,
		    .root_only = true,
		    .help = "addresses or prefixes that other peers had once and that may be given out again"},
    [ROOT_TESTS] = {.name = "tests",
		    .type = TYPE_LIST,
		    .inner = IN_TEST,
		    .help = "which peers must and must not reach each other; a failure refuses it"},
};

static const struct key_spec defaults_keys[N_DEFAULTS_KEYS] = {
    [DEFAULTS_MTU] = {.name = "mtu",
		      .type = TYPE_INT,
		      .min = MTU_MIN,
		      .max = MTU_MAX,
		      .preset = PRESET(MTU_DEFAULT),
		      HELD(model, mtu),
		      .help = "MTU of the interfaces, in bytes"},
    [DEFAULTS_KEEPALIVE] = {.name = "keepalive",
			    .type = TYPE_INT,
			    .max = KEEPALIVE_MAX,
			    .preset = PRESET(KEEPALIVE_DEFAULT),
			    HELD(model, keepalive),
			    .absent = -1,
			    .help = "seconds between keepalives, where there are any; 0 is off"},
};

static const struct key_spec trust_keys[N_TRUST_KEYS] = {
    [TRUST_ID] = {.name = "id",
		  .type = TYPE_KEY,
		  .required = true,
		  .help = "32 random bytes that make this network this one and no other"},
    [TRUST_SIGNERS] = {.name = "signers",
		       .type = TYPE_ED25519_LIST,
		       .min = 1,
		       .max = SIGNERS_MAX,
		       .required = true,
		       .help = "whose signatures make a snapshot valid"},
    [TRUST_THRESHOLD] = {.name = "threshold",
			 .type = TYPE_INT,
			 .min = 1,
			 .max = SIGNERS_MAX,
			 .preset = "1",
			 .range_code = "bad-threshold",
			 HELD(trust, threshold),
			 .help = "how many of the signers must sign"},
    [TRUST_ONLINE] = {.name = "online",
		      .type = TYPE_ED25519_LIST,
		      .min = 1,
		      .max = SIGNERS_MAX,
		      .help = "keys that may vouch for the newest snapshot; the signers when left out"},
};

static const struct key_spec cidr_keys[N_CIDR_KEYS] = {
    [CIDR_CIDR] = {.name = "cidr",
		   .type = TYPE_PREFIXES,
		   .required = true,
		   .help = "the prefix, or one a family; a CIDR of nothing else is written as this alone"},
    [CIDR_DESCRIPTION] = {.name = "description",
			  .type = TYPE_TEXT,
			  .max = DESCRIPTION_MAX,
			  HELD(cidr, description),
			  .by_option = true,
			  .help = "for people"},
    [CIDR_ISOLATED] = {.name = "isolated",
		       .type = TYPE_BOOL,
		       .preset = "false",
		       HELD(cidr, isolated),
		       .by_option = true,
		       .help = "its own peers do not reach each other"},
};

static const struct key_spec peer_keys[N_PEER_KEYS] = {
    [PEER_IP] = {.name = "ip",
		 .type = TYPE_ADDRESSES,
		 .required = true,
		 .help = "the address, or one a family; the innermost CIDR around it is the peer's"},
    [PEER_PUBLIC_KEY] = {.name = "public_key", .type = TYPE_KEY, .help = "its WireGuard public key"},
    [PEER_INVITE] = {.name = "invite",
		     .type = TYPE_ED25519,
		     .help = "the invite of a peer that has not made its own key yet"},
    [PEER_INVITE_EXPIRES] = {.name = "invite_expires",
			     .type = TYPE_TIME,
			     HELD(peer, invite_expires),
			     .help = "when the invite can no longer be redeemed"},
    [PEER_ENDPOINT] = {.name = "endpoint",
		       .type = TYPE_ENDPOINT,
		       IN_LEAF(endpoint),
		       AT(peer, at_endpoint),
		       .by_option = true,
		       .help = "where it is reached; a server needs one"},
    [PEER_KEEPALIVE] = {.name = "keepalive",
			.type = TYPE_INT,
			.max = KEEPALIVE_MAX,
			IN_LEAF(keepalive),
			.absent = -1,
			.by_option = true,
			.help = "seconds between keepalives towards this peer; 0 is off"},
    [PEER_ROUTES] = {.name = "routes",
		     .type = TYPE_PREFIX_LIST,
		     .max = ROUTES_MAX,
		     .root_only = true,
		     IN_LEAF(routes),
		     COUNT(leaf_peer, n_routes),
		     .help = "prefixes outside the network that are reached through it"},
    [PEER_VIA] = {.name = "via",
		  .type = TYPE_TEXT,
		  .max = NAME_MAX_LEN,
		  IN_LEAF(via),
		  AT(peer, at_via),
		  .by_option = true,
		  .names_peer = true,
		  .help = "the peer that forwards for it; all other peers reach it through that one"},
    [PEER_SERVER] = {.name = "server",
		     .type = TYPE_BOOL,
		     .preset = "false",
		     .root_only = true,
		     IN_LEAF(server),
		     .help = "it runs innernet-reconcile, and everyone reaches its CIDR"},
    [PEER_ADMIN] = {.name = "admin",
		    .type = TYPE_BOOL,
		    .preset = "false",
		    .root_only = true,
		    HELD(peer, admin),
		    .by_option = true,
		    .help = "it may read and push the definition through the tunnel"},
    [PEER_DISABLED] = {.name = "disabled",
		       .type = TYPE_BOOL,
		       .preset = "false",
		       HELD(peer, disabled),
		       .help = "no peer reaches it; its name, address and key stay taken"},
    [PEER_DESCRIPTION] = {.name = "description",
			  .type = TYPE_TEXT,
			  .max = DESCRIPTION_MAX,
			  HELD(peer, description),
			  .by_option = true,
			  .help = "for people"},
};

static const struct key_spec test_keys[N_TEST_KEYS] = {
    [TEST_FROM] = {.name = "from",
		   .type = TYPE_REFS,
		   .required = true,
		   .help = "peers, CIDRs or addresses that set out"},
    [TEST_CAN_REACH] = {.name = "can_reach", .type = TYPE_REFS, .help = "all that each of them must reach"},
    [TEST_CANNOT_REACH] = {.name = "cannot_reach", .type = TYPE_REFS, .help = "all that none of them may reach"},
};

static const uint8_t cidr_plan_order[] = {CIDR_CIDR, CIDR_ISOLATED, CIDR_DESCRIPTION};
_Static_assert(sizeof(cidr_plan_order) == N_CIDR_KEYS, "a new key of a CIDR needs its place in a plan");

const struct key_table key_tables[N_KEY_PLACES] = {
    [IN_ROOT] = {root_keys, NULL, N_ROOT_KEYS},    [IN_DEFAULTS] = {defaults_keys, NULL, N_DEFAULTS_KEYS},
    [IN_TRUST] = {trust_keys, NULL, N_TRUST_KEYS}, [IN_CIDR] = {cidr_keys, cidr_plan_order, N_CIDR_KEYS},
    [IN_PEER] = {peer_keys, NULL, N_PEER_KEYS},    [IN_TEST] = {test_keys, NULL, N_TEST_KEYS},
};

const struct key_spec *keys_of(enum key_place place, size_t *n)
{
	*n = key_tables[place].n;
	return key_tables[place].keys;
}

const struct key_spec *key_find(enum key_place place, const char *name)
{
	size_t n;
	const struct key_spec *keys = keys_of(place, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const char *key_type_expects(enum key_type type)
{
	static const char *const words[N_KEY_TYPES] = {
	    [TYPE_BOOL] = "true or false",
	    [TYPE_INT] = "a whole number",
	    [TYPE_TEXT] = "a text",
	    [TYPE_NETWORK_NAME] = "a name",
	    [TYPE_PREFIXES] = "a prefix, or a list of one a family",
	    [TYPE_ADDRESSES] = "an address, or a list of one a family",
	    [TYPE_PREFIX_LIST] = "a list of prefixes",
	    [TYPE_RANGE_LIST] = "a list of addresses and prefixes",
	    [TYPE_KEY] = "a key in base64",
	    [TYPE_ED25519] = "'ed25519:' and a key in base64",
	    [TYPE_ED25519_LIST] = "a list of keys, each 'ed25519:' and base64",
	    [TYPE_ENDPOINT] = "host:port",
	    [TYPE_TIME] = "a time such as 2026-12-06T12:00:00Z",
	    [TYPE_PATTERN_LIST] = "a list of file patterns",
	    [TYPE_REFS] = "a name or an address, or a list of them",
	    [TYPE_MAP] = "a mapping",
	    [TYPE_NAMED] = "a mapping of names",
	    [TYPE_PAIRS] = "a list of pairs of CIDR names",
	    [TYPE_LIST] = "a list of mappings",
	};

	return words[type];
}

const char *key_type_example(enum key_type type)
{
	static const char *const words[N_KEY_TYPES] = {
	    [TYPE_BOOL] = "true",
	    [TYPE_INT] = "25",
	    [TYPE_TEXT] = "\"some words\"",
	    [TYPE_NETWORK_NAME] = "corp",
	    [TYPE_PREFIXES] = "10.60.0.0/16",
	    [TYPE_ADDRESSES] = "10.60.64.2",
	    [TYPE_PREFIX_LIST] = "[192.168.7.0/24]",
	    [TYPE_RANGE_LIST] = "[10.60.64.9, 10.60.65.0/28]",
	    [TYPE_KEY] = "\"...=\"",
	    [TYPE_ED25519] = "\"ed25519:...=\"",
	    [TYPE_ED25519_LIST] = "[\"ed25519:...=\"]",
	    [TYPE_ENDPOINT] = "\"vpn.example.com:51820\"",
	    [TYPE_TIME] = "2026-12-06T12:00:00Z",
	    [TYPE_PATTERN_LIST] = "[teams/*.yaml]",
	    [TYPE_REFS] = "[humans, hub]",
	    [TYPE_MAP] = "{ key: value }",
	    [TYPE_NAMED] = "{ name: value }",
	    [TYPE_PAIRS] = "[[humans, ci-servers]]",
	    [TYPE_LIST] = "[{ from: humans, can_reach: hub }]",
	};

	return words[type];
}

/* The longest word that is compared; longer ones are near to nothing. */
#define WORD_MAX 64

unsigned word_distance(const char *a, const char *b, unsigned limit)
{
	unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2], *swap, best;
	size_t na = strnlen(a, WORD_MAX + 1), nb = strnlen(b, WORD_MAX + 1), i, j;

	if (na > WORD_MAX || nb > WORD_MAX || (na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (i = 1; i <= na; i++) {
		best = now[0] = (unsigned)i;
		for (j = 1; j <= nb; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < now[j])
				now[j] = last[j] + 1;
			if (now[j - 1] + 1 < now[j])
				now[j] = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
			if (now[j] < best)
				best = now[j];
		}
		if (best > limit)
			return limit + 1;
		swap = before;
		before = last;
		last = now;
		now = swap;
	}
	return last[nb] > limit ? limit + 1 : last[nb];
}

const char *key_nearest(enum key_place place, const char *name)
{
	size_t n;
	const struct key_spec *keys = keys_of(place, &n);
	const char *nearest = NULL;
	unsigned best = strlen(name) > 4 ? 3 : 2, distance;

	for (size_t i = 0; i < n; i++) {
		distance = word_distance(name, keys[i].name, best - 1);
		if (distance < best) {
			best = distance;
			nearest = keys[i].name;
		}
		if (best == 0)
			break;
	}
	return nearest;
}
