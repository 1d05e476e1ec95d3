#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/base/file.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIELD(name, member, max)                                                                                       \
	CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_guards, name, 1, 32),
const cyaml_schema_field_t guard_fields[] = {GUARD_KEYS(FIELD) CYAML_FIELD_END};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_guards, guard_fields),
};

static const struct guard_key {
	const char *name;
	size_t raw; /* offset of its text in struct raw_guards */
	size_t at;  /* offset of its value in struct guard_limits: a bool or a uint64_t */
	bool is_bool;
	uint64_t max;
} keys[] = {
#define ROW(name, member, max)                                                                                         \
	{#name, offsetof(struct raw_guards, name), offsetof(struct guard_limits, member),                              \
	 sizeof(guard_defaults.member) == sizeof(bool), max},
    GUARD_KEYS(ROW)};
#define TYPE(name, member, max)                                                                                        \
	_Static_assert(sizeof(guard_defaults.member) == sizeof(bool) ||                                                \
			   sizeof(guard_defaults.member) == sizeof(uint64_t),                                          \
		       #name " is neither a bool nor a uint64_t");
GUARD_KEYS(TYPE)
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static char **text_of(const struct raw_guards *raw, const struct guard_key *k)
{
	return (char **)(uintptr_t)((const char *)raw + k->raw);
}

static uint64_t value_of(const struct guard_limits *g, const struct guard_key *k)
{
	const void *at = (const char *)g + k->at;

	return k->is_bool ? *(const bool *)at : *(const uint64_t *)at;
}

static int take(const struct config_at *at, const struct guard_key *k, const char *s, struct guard_limits *out)
{
	void *value = (char *)out + k->at;

	if (!k->is_bool)
		return config_number(at, k->name, s, 0, k->max, value);
	*(bool *)value = strcmp(s, "true") == 0;
	return *(bool *)value || strcmp(s, "false") == 0 ? 0 : config_fail(at, k->name, "is true or false");
}

int guard_values(const struct config_at *at, const struct raw_guards *raw, struct guard_limits *out)
{
	int bad = 0;

	*out = guard_defaults;
	for (size_t i = 0; i < N_KEYS; i++) {
		const char *s = *text_of(raw, &keys[i]);
		if (s)
			bad |= take(at, &keys[i], s, out);
	}
	return bad ? -1 : 0;
}

void guard_raw(const struct guard_limits *g, struct guard_texts *room, struct raw_guards *out)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct guard_key *k = &keys[i];
		const uint64_t value = value_of(g, k);

		if (k->is_bool)
			strcpy(room->text[i], value ? "true" : "false");
		else
			snprintf(room->text[i], sizeof(room->text[i]), "%llu", (unsigned long long)value);
		*text_of(out, k) = room->text[i];
	}
}

int guard_file_parse(struct span bytes, const char *name, struct guard_limits *out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = "bad-guard-file", .d = d};
	void *raw = NULL;
	int ret = config_parse(&schema, bytes, at.code, name, &raw, d);

	if (ret == 0)
		ret = guard_values(&at, raw, out);
	config_free(&schema, raw);
	return ret;
}

int guard_file_read(const char *path, struct guard_limits *out, struct diags *d)
{
	struct buf text = {0};
	int ret = file_read(path, CONFIG_MAX, &text, NULL, d);

	if (ret == 0)
		ret = guard_file_parse(buf_span(&text), path, out, d);
	buf_free(&text);
	return ret;
}
