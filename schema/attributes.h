/*
 * Attributes: the keys whose value one member of a struct of the model holds. The table of keys says which member; the
 * functions here initialise, compare and write any of them. A loader, a plan or a list loops over the table and names
 * no key. A "thing" is the struct of a place: struct model (IN_ROOT, IN_DEFAULTS), trust, cidr or peer.
 */
#ifndef SCHEMA_ATTRIBUTES_H
#define SCHEMA_ATTRIBUTES_H

#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/keys.h"

/*
 * The next attribute of a place, in the order of a plan; NULL when there are no more. `i` is where the loop stands:
 * for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
 */
static inline const struct key_spec *attribute_next(enum key_place place, size_t *i)
{
	const struct key_table *t = &key_tables[place];

	while (*i < t->n) {
		const struct key_spec *k = &t->keys[t->plan_order ? t->plan_order[*i] : *i];

		++*i;
		if (k->member != MEMBER_NONE)
			return k;
	}
	return NULL;
}

/* Gives every flag and number of a zeroed thing its default. */
void attributes_init(enum key_place place, void *thing);
bool attributes_same(enum key_place place, const void *x, const void *y);

bool attribute_same(const struct key_spec *k, const void *x, const void *y);
/* false: a flag is as by default, there is no text, no prefix, or the number that means "left out" (key_spec.absent). */
bool attribute_given(const struct key_spec *k, const void *thing);
/* The value as a definition spells it: "true", "25", "2026-12-06T12:00:00Z", "10.8.0.0/24,10.9.0.0/24", a text as it is. */
void attribute_write(struct buf *out, const struct key_spec *k, const void *thing);

bool attribute_bool(const struct key_spec *k, const void *thing);
int64_t attribute_number(const struct key_spec *k, const void *thing);
const char *attribute_text(const struct key_spec *k, const void *thing);
const struct prefix *attribute_prefixes(const struct key_spec *k, const void *thing, uint32_t *n);

void attribute_set_bool(const struct key_spec *k, void *thing, bool value);
void attribute_set_number(const struct key_spec *k, void *thing, int64_t value);
void attribute_set_text(const struct key_spec *k, void *thing, const char *value);

#endif
