/* From the table of keys to a JSON Schema. Sections are those of draft 2020-12, core and validation. */
#include "reconcile/show/json_schema.h"

#include "reconcile/text/json_value.h"
#include "schema/keys.h"
#include "schema/limits.h"
#include "schema/model.h"

#include <string.h>

/* Values are taken over by what they are put into, so that one check at the end is enough. */
struct maker {
	bool included;
	bool ok;
};

static json_t *put(struct maker *m, json_t *object, const char *key, json_t *value)
{
	m->ok = value_put(object, key, value) && m->ok;
	return object;
}

static json_t *append(struct maker *m, json_t *array, json_t *value)
{
	m->ok = value_append(array, value) && m->ok;
	return array;
}

static json_t *typed(struct maker *m, const char *type)
{
	return put(m, json_object(), "type", json_string(type));
}

static json_t *pair(struct maker *m, json_t *first, json_t *second)
{
	return append(m, append(m, json_array(), first), second);
}

/* A list of such, and a section that was left empty. */
static json_t *list_of(struct maker *m, json_t *items, int64_t min, int64_t max)
{
	json_t *o = put(m, typed(m, "array"), "items", items);

	if (min)
		put(m, o, "minItems", json_integer(min));
	if (max)
		put(m, o, "maxItems", json_integer(max));
	return o;
}

static json_t *one_or_list(struct maker *m, json_t *(*item)(struct maker *m), int64_t min, int64_t max)
{
	return put(m, json_object(), "anyOf", pair(m, item(m), list_of(m, item(m), min, max)));
}

/* Regular expressions that ECMA-262, POSIX and Python's `re` read alike. */
#define OCTET            "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4             OCTET "(\\." OCTET "){3}"
#define IPV6             "[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
#define NAME             "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#define LABEL            "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define KEY              "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
#define PORT             "0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
#define LENGTH_4         "([0-9]|[12][0-9]|3[0-2])"
#define LENGTH_6         "([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"
#define LENGTH_4_NETWORK "([1-9]|[12][0-9]|3[0-2])"
#define LENGTH_6_NETWORK "([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"
/* Any name of a file but ".." */
#define STEP "([.]?[^/.][^/]*|[.][.][^/]+|[.])"
#define DATE "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#define TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"

/*
 * `says` is what an editor shows instead of the expression: yaml-language-server and Visual Studio Code read the key. No
 * other validator looks at it.
 */
static json_t *text(struct maker *m, const char *pattern, const char *says)
{
	json_t *o = put(m, typed(m, "string"), "pattern", json_string(pattern));

	return put(m, o, "patternErrorMessage", json_string(says));
}

/* The same for a schema that refuses for another reason than its pattern. */
static json_t *saying(struct maker *m, json_t *o, const char *says)
{
	return put(m, o, "errorMessage", json_string(says));
}

static json_t *name(struct maker *m)
{
	return text(m, "^" NAME "$", "not a name: lower case letters, digits and hyphens, at most 63 characters");
}

static json_t *address(struct maker *m)
{
	return text(m, "^(" IPV4 "|" IPV6 ")$", "not an address, such as 10.60.64.2 or fd00:60::2");
}

static json_t *prefix(struct maker *m)
{
	return text(m, "^(" IPV4 "/" LENGTH_4 "|" IPV6 "/" LENGTH_6 ")$",
		    "not a prefix, such as 10.60.64.0/24 or fd00:60::/64");
}

/* Longer than nothing: the network's own. */
static json_t *network_prefix(struct maker *m)
{
	_Static_assert(NETWORK_PREFIX_MIN == 1, "what the expression leaves out");
	return text(m, "^(" IPV4 "/" LENGTH_4_NETWORK "|" IPV6 "/" LENGTH_6_NETWORK ")$",
		    "not a prefix of 1 bit or more, such as 10.60.0.0/16 or fd00:60::/32");
}

static json_t *ed25519(struct maker *m)
{
	return text(m, "^ed25519:" KEY "$", "not 'ed25519:' and a key in base64, as `innernet invite-peer` writes it");
}

static json_t *reference(struct maker *m)
{
	return text(m, "^(" NAME "|" IPV4 "|" IPV6 ")$", "not the name of a CIDR or peer, and no address");
}

static json_t *network_name(struct maker *m)
{
	json_t *words = json_array();
	for (const char *const *taken = network_names_taken; *taken; taken++)
		append(m, words, json_string(*taken));
	json_t *o = text(m, "^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$",
			 "not a name of an interface: lower case letters, digits and hyphens, at most 15 characters");

	return put(m, o, "not", put(m, json_object(), "enum", words));
}

static json_t *file_pattern(struct maker *m)
{
	return text(m, "^" STEP "(/(" STEP ")?)*$",
		    "not a pattern of files in this file's folder, such as teams/*.yaml");
}

/* Characters, where the loader counts bytes: never stricter. */
static json_t *line_of_text(struct maker *m, int64_t max)
{
	return put(m, text(m, "^[^\x01-\x1f\x7f]*$", "not one line of text"), "maxLength", json_integer(max));
}

static json_t *number(struct maker *m, const struct key_spec *k)
{
	return put(m, put(m, typed(m, "integer"), "minimum", json_integer(k->min)), "maximum", json_integer(k->max));
}

static json_t *required(struct maker *m, const char *key)
{
	return put(m, json_object(), "required", append(m, json_array(), json_string(key)));
}

static json_t *object_of(struct maker *m, enum key_place place);

static json_t *named(struct maker *m, enum key_place inner)
{
	json_t *value = object_of(m, inner);
	json_t *o = put(m, typed(m, "object"), "propertyNames", name(m));

	/* A CIDR of nothing else is written as its prefixes alone. */
	if (inner == IN_CIDR)
		value = put(m, json_object(), "anyOf", pair(m, one_or_list(m, prefix, 1, 2), value));
	return put(m, o, "additionalProperties", value);
}

static json_t *value_of(struct maker *m, const struct key_spec *k)
{
	switch (k->type) {
	case TYPE_BOOL:
		return typed(m, "boolean");
	case TYPE_INT:
		return number(m, k);
	case TYPE_TEXT:
		return line_of_text(m, k->max);
	case TYPE_NETWORK_NAME:
		return network_name(m);
	case TYPE_PREFIXES:
		return one_or_list(m, k->min == NETWORK_PREFIX_MIN ? network_prefix : prefix, 1, 2);
	case TYPE_ADDRESSES:
		return one_or_list(m, address, 1, 2);
	case TYPE_PREFIX_LIST:
		return list_of(m, prefix(m), k->min, k->max);
	case TYPE_RANGE_LIST:
		return list_of(m, put(m, json_object(), "anyOf", pair(m, address(m), prefix(m))), k->min, k->max);
	case TYPE_KEY:
		return text(m, "^" KEY "$", "not a key: 32 bytes in base64, as `wg pubkey` prints them");
	case TYPE_ED25519:
		return ed25519(m);
	case TYPE_ED25519_LIST:
		return put(m, list_of(m, ed25519(m), k->min, k->max), "uniqueItems", json_true());
	case TYPE_ENDPOINT:
		return text(m, "^(" LABEL "([.]" LABEL ")*[.]?|\\[" IPV6 "\\]):" PORT "$",
			    "not host:port, such as vpn.example.com:51820 or [2001:db8::1]:51820");
	case TYPE_TIME:
		return text(m, "^" DATE "T" TIME "$", "not a time in UTC, such as 2026-12-06T12:00:00Z");
	case TYPE_PATTERN_LIST:
		return list_of(m, file_pattern(m), k->min, k->max);
	case TYPE_REFS:
		return one_or_list(m, reference, 0, 0);
	case TYPE_MAP:
		return object_of(m, k->inner);
	case TYPE_NAMED:
		return named(m, k->inner);
	case TYPE_PAIRS:
		return list_of(m, list_of(m, name(m), 2, 2), k->min, k->max);
	case TYPE_LIST:
		return list_of(m, object_of(m, k->inner), k->min, k->max);
	case N_KEY_TYPES:
		break;
	}
	m->ok = false;
	return NULL;
}

/* An empty section or list is null in YAML; the loader reads it as absent. */
static bool may_be_null(const struct key_spec *k, enum key_place place)
{
	switch (k->type) {
	case TYPE_MAP:
	case TYPE_NAMED:
	case TYPE_PAIRS:
	case TYPE_LIST:
	case TYPE_PATTERN_LIST:
	case TYPE_RANGE_LIST:
	case TYPE_PREFIX_LIST:
		return place == IN_ROOT || place == IN_PEER;
	default:
		return false;
	}
}

static json_t *property(struct maker *m, const struct key_spec *k, enum key_place place)
{
	json_t *o = value_of(m, k);

	if (may_be_null(k, place)) {
		json_t *type = json_object_get(o, "type");

		put(m, o, "type", pair(m, json_string(type ? json_string_value(type) : "array"), json_string("null")));
	}
	put(m, o, "description", json_string(k->help));
	if (k->preset)
		put(m, o, "default", json_loads(k->preset, JSON_DECODE_ANY, NULL));
	return o;
}

static json_t *when(struct maker *m, json_t *condition, json_t *then)
{
	return put(m, put(m, json_object(), "if", condition), "then", then);
}

static json_t *no_public_key(struct maker *m)
{
	json_t *none = put(m, json_object(), "public_key", json_false());

	return saying(m, put(m, json_object(), "properties", none), "a peer has a public_key or an invite, not both");
}

/* What the table does not say: keys that go together. */
static void add_rules(struct maker *m, json_t *o, enum key_place place)
{
	json_t *serves, *rules;

	if (place == IN_TEST)
		put(m, o, "anyOf",
		    pair(m, saying(m, required(m, "can_reach"), "a test needs can_reach or cannot_reach"),
			 saying(m, required(m, "cannot_reach"), "a test needs can_reach or cannot_reach")));
	if (place != IN_PEER)
		return;
	put(m, o, "anyOf",
	    pair(m, saying(m, required(m, "public_key"), "a peer needs a public_key, or an invite until it has one"),
		 saying(m, required(m, "invite"), "a peer needs a public_key, or an invite until it has one")));
	put(m, o, "dependentRequired",
	    put(m, json_object(), "invite_expires", append(m, json_array(), json_string("invite"))));
	rules = append(m, json_array(), when(m, required(m, "invite"), no_public_key(m)));
	if (!m->included) {
		serves = put(m, json_object(), "server", put(m, json_object(), "const", json_true()));
		append(m, rules,
		       when(m, put(m, required(m, "server"), "properties", serves),
			    saying(m, required(m, "endpoint"), "a server needs an endpoint")));
	}
	put(m, o, "allOf", rules);
}

static json_t *object_of(struct maker *m, enum key_place place)
{
	size_t n;
	const struct key_spec *keys = keys_of(place, &n);
	json_t *o = typed(m, "object"), *properties = json_object(), *must = json_array();

	for (size_t i = 0; i < n; i++) {
		if (m->included && keys[i].root_only)
			continue;
		put(m, properties, keys[i].name, property(m, &keys[i], place));
		if (keys[i].required)
			append(m, must, json_string(keys[i].name));
	}
	put(m, o, "properties", properties);
	put(m, o, "additionalProperties", json_false());
	if (json_array_size(must))
		put(m, o, "required", must);
	else
		json_decref(must);
	add_rules(m, o, place);
	return o;
}

int json_schema_render(struct buf *out, bool included)
{
	struct maker m = {.included = included, .ok = true};
	json_t *root = json_object(), *definition = object_of(&m, IN_ROOT);
	int rc = -1;

	put(&m, root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	put(&m, root, "title", json_string(included ? "a file that network.yaml includes" : "network.yaml"));
	put(&m, root, "description",
	    json_string("The definition of a private network: network.yaml(5). Made by `innernet schema`."));
	if (json_object_update(root, definition))
		m.ok = false;
	json_decref(definition);
	/* One that holds comments alone says nothing, and may. */
	if (included)
		put(&m, root, "type", pair(&m, json_string("object"), json_string("null")));
	if (m.ok)
		rc = value_write(out, root);
	json_decref(root);
	return rc;
}
