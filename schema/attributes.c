#include "schema/attributes.h"

#include "schema/time.h"

#include <stdlib.h>
#include <string.h>

static const void *member(const struct key_spec *k, const void *thing)
{
	return (const char *)thing + k->offset;
}

bool attribute_bool(const struct key_spec *k, const void *thing)
{
	return *(const bool *)member(k, thing);
}

int64_t attribute_number(const struct key_spec *k, const void *thing)
{
	const void *p = member(k, thing);

	switch (k->member) {
	case MEMBER_U8:
		return *(const uint8_t *)p;
	case MEMBER_U16:
		return *(const uint16_t *)p;
	case MEMBER_I32:
		return *(const int32_t *)p;
	case MEMBER_U64:
		return (int64_t) * (const uint64_t *)p;
	default:
		return *(const int64_t *)p;
	}
}

const char *attribute_text(const struct key_spec *k, const void *thing)
{
	return *(const char *const *)member(k, thing);
}

const struct prefix *attribute_prefixes(const struct key_spec *k, const void *thing, uint32_t *n)
{
	*n = *(const uint32_t *)(const void *)((const char *)thing + k->count);
	return *(const struct prefix *const *)member(k, thing);
}

void attribute_set_bool(const struct key_spec *k, void *thing, bool value)
{
	*(bool *)(void *)((char *)thing + k->offset) = value;
}

void attribute_set_number(const struct key_spec *k, void *thing, int64_t value)
{
	void *p = (char *)thing + k->offset;

	switch (k->member) {
	case MEMBER_U8:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case MEMBER_U16:
		*(uint16_t *)p = (uint16_t)value;
		break;
	case MEMBER_I32:
		*(int32_t *)p = (int32_t)value;
		break;
	case MEMBER_U64:
		*(uint64_t *)p = (uint64_t)value;
		break;
	default:
		*(int64_t *)p = value;
		break;
	}
}

void attribute_set_text(const struct key_spec *k, void *thing, const char *value)
{
	*(const char **)(void *)((char *)thing + k->offset) = value;
}

static bool default_bool(const struct key_spec *k)
{
	return k->preset && k->preset[0] == 't';
}

void attributes_init(enum key_place place, void *thing)
{
	const struct key_spec *k;

	for (size_t i = 0; (k = attribute_next(place, &i));) {
		switch (k->member) {
		case MEMBER_BOOL:
			attribute_set_bool(k, thing, default_bool(k));
			break;
		case MEMBER_U8:
		case MEMBER_U16:
		case MEMBER_I32:
		case MEMBER_U64:
		case MEMBER_I64:
			attribute_set_number(k, thing, k->preset ? strtoll(k->preset, NULL, 10) : k->absent);
			break;
		default:
			break;
		}
	}
}

bool attribute_given(const struct key_spec *k, const void *thing)
{
	uint32_t n;

	switch (k->member) {
	case MEMBER_NONE:
		return false;
	case MEMBER_BOOL:
		return attribute_bool(k, thing) != default_bool(k);
	case MEMBER_TEXT:
		return attribute_text(k, thing) != NULL;
	case MEMBER_PREFIXES:
		attribute_prefixes(k, thing, &n);
		return n > 0;
	default:
		return attribute_number(k, thing) != k->absent;
	}
}

static bool same_text(const char *x, const char *y)
{
	return x == y || (x && y && strcmp(x, y) == 0);
}

bool attribute_same(const struct key_spec *k, const void *x, const void *y)
{
	const struct prefix *p, *q;
	uint32_t n_p, n_q;

	switch (k->member) {
	case MEMBER_NONE:
		return true;
	case MEMBER_BOOL:
		return attribute_bool(k, x) == attribute_bool(k, y);
	case MEMBER_TEXT:
		return same_text(attribute_text(k, x), attribute_text(k, y));
	case MEMBER_PREFIXES:
		p = attribute_prefixes(k, x, &n_p);
		q = attribute_prefixes(k, y, &n_q);
		return prefixes_same(p, n_p, q, n_q);
	default:
		return attribute_number(k, x) == attribute_number(k, y);
	}
}

bool attributes_same(enum key_place place, const void *x, const void *y)
{
	const struct key_spec *k;

	for (size_t i = 0; (k = attribute_next(place, &i));)
		if (!attribute_same(k, x, y))
			return false;
	return true;
}

static void write_prefixes(struct buf *out, const struct prefix *p, uint32_t n)
{
	char text[PREFIX_STR_LEN];

	for (uint32_t i = 0; i < n; i++) {
		prefix_format(&p[i], text);
		buf_str(out, i ? "," : "");
		buf_str(out, text);
	}
}

void attribute_write(struct buf *out, const struct key_spec *k, const void *thing)
{
	const struct prefix *p;
	char time[TIME_STR_LEN];
	uint32_t n;

	switch (k->member) {
	case MEMBER_NONE:
		break;
	case MEMBER_BOOL:
		buf_str(out, attribute_bool(k, thing) ? "true" : "false");
		break;
	case MEMBER_TEXT:
		buf_str(out, attribute_text(k, thing) ? attribute_text(k, thing) : "");
		break;
	case MEMBER_PREFIXES:
		p = attribute_prefixes(k, thing, &n);
		write_prefixes(out, p, n);
		break;
	default:
		if (k->type != TYPE_TIME)
			buf_printf(out, "%lld", (long long)attribute_number(k, thing));
		else if (time_format(attribute_number(k, thing), time) == 0)
			buf_str(out, time);
		break;
	}
}
