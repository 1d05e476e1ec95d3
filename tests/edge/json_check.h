/* As much of a JSON Schema validator (draft 2020-12) as the schema of network.yaml uses, over our own YAML tree. */
#ifndef TESTS_EDGE_JSON_CHECK_H
#define TESTS_EDGE_JSON_CHECK_H

#include "schema/yaml.h"
#include "tests/unit/schema_test.h"

#include <jansson.h>
#include <regex.h>
#include <stdlib.h>

/* What an editor's YAML reader makes of a plain scalar (YAML 1.2 core schema). */
static inline json_t *plain_json(const char *s)
{
	static const char *const words[][2] = {{"", "null"},       {"~", "null"},     {"null", "null"},
					       {"Null", "null"},   {"NULL", "null"},  {"true", "true"},
					       {"True", "true"},   {"TRUE", "true"},  {"false", "false"},
					       {"False", "false"}, {"FALSE", "false"}};
	char *end;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i][0]) == 0)
			return json_loads(words[i][1], JSON_DECODE_ANY, NULL);
	if (strspn(s, "+-.0123456789") && !strchr(s, 'x') && s[strspn(s, "+-.0123456789eE")] == '\0') {
		double real = strtod(s, &end);

		if (*end == '\0')
			return s[strspn(s, "+-0123456789")] ? json_real(real) : json_integer(strtoll(s, NULL, 10));
	}
	if (strncmp(s, "0x", 2) == 0 && s[2] && s[2 + strspn(s + 2, "0123456789abcdefABCDEF")] == '\0')
		return json_integer(strtoll(s, NULL, 16));
	if (strcasecmp(s + (*s == '-' || *s == '+'), ".inf") == 0 || strcasecmp(s, ".nan") == 0)
		return json_real(0.5);
	return json_string(s);
}

static inline json_t *node_json(const struct node *n)
{
	json_t *o;

	if (n->kind == NODE_SCALAR)
		return n->style == NODE_PLAIN ? plain_json(n->text) : json_string(n->text);
	if (n->kind == NODE_LIST) {
		o = json_array();
		for (const struct node *i = n->first; i; i = i->next)
			assert_int_equal(json_array_append_new(o, node_json(i)), 0);
		return o;
	}
	assert_int_equal(n->kind, NODE_MAP);
	o = json_object();
	for (node_pairs(k, n))
		assert_int_equal(json_object_set_new(o, k->kind == NODE_SCALAR ? k->text : "?", node_json(k->next)), 0);
	return o;
}

/* NULL when it cannot be read; an empty file is null. */
static inline json_t *yaml_json(struct span bytes)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct node *root;
	json_t *o = NULL;

	assert_non_null(a);
	if (yaml_read(a, bytes, 0, &root, &d) == 0 && d.n_errors == 0)
		o = root ? node_json(root) : json_null();
	diags_free(&d);
	arena_free(a);
	return o;
}

static inline bool is_type(const json_t *v, const char *type)
{
	return strcmp(type, "null") == 0      ? json_is_null(v)
	       : strcmp(type, "boolean") == 0 ? json_is_boolean(v)
	       : strcmp(type, "integer") == 0 ? json_is_integer(v)
	       : strcmp(type, "string") == 0  ? json_is_string(v)
	       : strcmp(type, "array") == 0   ? json_is_array(v)
					      : strcmp(type, "object") == 0 && json_is_object(v);
}

/* Each pattern is compiled once: there are few of them, and they are asked thousands of times. */
static inline bool matches(const char *text, const char *pattern)
{
	static struct {
		char *pattern;
		regex_t re;
	} known[64];
	size_t i;

	for (i = 0; i < 64 && known[i].pattern && strcmp(known[i].pattern, pattern) != 0; i++)
		;
	assert_true(i < 64);
	if (!known[i].pattern) {
		assert_int_equal(regcomp(&known[i].re, pattern, REG_EXTENDED | REG_NOSUB), 0);
		known[i].pattern = strdup(pattern);
	}
	return regexec(&known[i].re, text, 0, NULL, 0) == 0;
}

static inline size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static inline bool accepts(const json_t *schema, const json_t *v);

static inline unsigned count_accepting(const json_t *schemas, const json_t *v)
{
	const json_t *one;
	unsigned n = 0;
	size_t i;

	json_array_foreach(schemas, i, one) n += accepts(one, v);
	return n;
}

static inline bool has_all(const json_t *names, const json_t *v)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i,
			   name) if (json_is_object(v) && !json_object_get(v, json_string_value(name))) return false;
	return true;
}

static inline bool accepts_members(const json_t *schema, const json_t *v)
{
	const json_t *properties = json_object_get(schema, "properties"),
		     *names = json_object_get(schema, "propertyNames"),
		     *others = json_object_get(schema, "additionalProperties"),
		     *depends = json_object_get(schema, "dependentRequired"), *member, *one;
	const char *key;

	json_object_foreach((json_t *)v, key, member)
	{
		json_t *name = json_string(key);
		bool good = !names || accepts(names, name);

		json_decref(name);
		one = json_object_get(properties, key);
		if (!good || (one ? !accepts(one, member) : others && !accepts(others, member)))
			return false;
	}
	json_object_foreach((json_t *)depends, key, one) if (json_object_get(v, key) && !has_all(one, v)) return false;
	return true;
}

static inline bool accepts_items(const json_t *schema, const json_t *v)
{
	const json_t *items = json_object_get(schema, "items"), *min = json_object_get(schema, "minItems"),
		     *max = json_object_get(schema, "maxItems"), *item, *other;
	size_t i, j;

	if ((min && json_array_size(v) < (size_t)json_integer_value(min)) ||
	    (max && json_array_size(v) > (size_t)json_integer_value(max)))
		return false;
	json_array_foreach(v, i, item)
	{
		if (items && !accepts(items, item))
			return false;
		if (json_is_true(json_object_get(schema, "uniqueItems")))
			json_array_foreach(v, j, other) if (j < i && json_equal(item, other)) return false;
	}
	return true;
}

/* Keywords that this program does not know would be passed over in silence: there must be none. */
static inline void check_keywords(const json_t *schema)
{
	static const char *const known[] = {"$schema",
					    "title",
					    "description",
					    "default",
					    "type",
					    "enum",
					    "const",
					    "pattern",
					    "patternErrorMessage",
					    "errorMessage",
					    "maxLength",
					    "minimum",
					    "maximum",
					    "items",
					    "minItems",
					    "maxItems",
					    "uniqueItems",
					    "properties",
					    "propertyNames",
					    "additionalProperties",
					    "required",
					    "anyOf",
					    "allOf",
					    "oneOf",
					    "not",
					    "if",
					    "then",
					    "dependentRequired"};
	const json_t *unused;
	const char *key;

	json_object_foreach((json_t *)schema, key, unused)
	{
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || strcmp(known[i], key) == 0;
		if (!found)
			print_error("the checker does not know '%s'\n", key);
		assert_true(found);
	}
}

static inline bool accepts_scalar(const json_t *schema, const json_t *v)
{
	const json_t *pattern = json_object_get(schema, "pattern"), *longest = json_object_get(schema, "maxLength"),
		     *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum"), *one;
	const json_t *allowed = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
	bool listed = !allowed;
	size_t i;

	json_array_foreach(allowed, i, one) listed = listed || json_equal(one, v);
	if (!listed || (constant && !json_equal(constant, v)))
		return false;
	if (json_is_string(v))
		return (!pattern || matches(json_string_value(v), json_string_value(pattern))) &&
		       (!longest || characters(json_string_value(v)) <= (size_t)json_integer_value(longest));
	if (json_is_integer(v))
		return (!min || json_integer_value(v) >= json_integer_value(min)) &&
		       (!max || json_integer_value(v) <= json_integer_value(max));
	return true;
}

static inline bool accepts(const json_t *schema, const json_t *v)
{
	const json_t *type = json_object_get(schema, "type"), *any = json_object_get(schema, "anyOf"),
		     *one = json_object_get(schema, "oneOf"), *none = json_object_get(schema, "not"),
		     *when = json_object_get(schema, "if"), *item;
	bool typed = !type;
	size_t i;

	if (json_is_boolean(schema))
		return json_is_true(schema);
	check_keywords(schema);
	if (json_is_string(type))
		typed = is_type(v, json_string_value(type));
	json_array_foreach(type, i, item) typed = typed || is_type(v, json_string_value(item));
	if (!typed || !accepts_scalar(schema, v) || !has_all(json_object_get(schema, "required"), v))
		return false;
	if ((any && count_accepting(any, v) == 0) || (one && count_accepting(one, v) != 1) ||
	    (none && accepts(none, v)))
		return false;
	if (count_accepting(json_object_get(schema, "allOf"), v) != json_array_size(json_object_get(schema, "allOf")))
		return false;
	if (when && accepts(when, v) && !accepts(json_object_get(schema, "then"), v))
		return false;
	return (!json_is_object(v) || accepts_members(schema, v)) && (!json_is_array(v) || accepts_items(schema, v));
}

#endif
