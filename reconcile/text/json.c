#include "reconcile/text/json.h"

#include "schema/attributes.h"

bool json_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

bool json_add(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) == 0;
}

/* A list that lacks something is none. */
static json_t *whole(json_t *list, bool ok)
{
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

json_t *addresses_json(const struct addr *ip, unsigned n)
{
	char text[ADDR_STR_LEN];
	json_t *list = json_array();
	bool ok = list != NULL;

	for (unsigned i = 0; ok && i < n; i++) {
		addr_format(&ip[i], text);
		ok = json_add(list, json_string(text));
	}
	return whole(list, ok);
}

json_t *prefixes_json(const struct prefix *p, uint32_t n)
{
	char text[PREFIX_STR_LEN];
	json_t *list = json_array();
	bool ok = list != NULL;

	for (uint32_t i = 0; ok && i < n; i++) {
		prefix_format(&p[i], text);
		ok = json_add(list, json_string(text));
	}
	return whole(list, ok);
}

json_t *key_json(const struct key *k)
{
	char text[KEY_B64_LEN + 1];

	key_format(k, text);
	return json_string(text);
}

json_t *ed25519_json(const struct key *k)
{
	char text[ED25519_STR_LEN + 1];

	ed25519_format(k, text);
	return json_string(text);
}

json_t *text_json(const char *s)
{
	return s ? json_string(s) : json_null();
}

/* The value as a definition spells it. */
static json_t *spelled(const struct key_spec *k, const void *thing)
{
	struct buf text = {0};
	json_t *out;

	attribute_write(&text, k, thing);
	out = text.failed ? NULL : json_stringn(text.p, text.n);
	buf_free(&text);
	return out;
}

json_t *attribute_json(const struct key_spec *k, const void *thing)
{
	const struct prefix *prefixes;
	uint32_t n;

	switch (k->member) {
	case MEMBER_BOOL:
		return json_boolean(attribute_bool(k, thing));
	case MEMBER_TEXT:
		return text_json(attribute_text(k, thing));
	case MEMBER_PREFIXES:
		prefixes = attribute_prefixes(k, thing, &n);
		return prefixes_json(prefixes, n);
	default:
		if (!attribute_given(k, thing))
			return json_null();
		return k->type == TYPE_TIME ? spelled(k, thing) : json_integer(attribute_number(k, thing));
	}
}

static int append(const char *p, size_t n, void *ctx)
{
	struct buf *out = ctx;

	buf_add(out, p, n);
	return out->failed ? -1 : 0;
}

void json_render(struct buf *out, json_t *root)
{
	if (!root || json_dump_callback(root, append, out, JSON_INDENT(2)) < 0)
		out->failed = true;
	buf_char(out, '\n');
	json_decref(root);
}
