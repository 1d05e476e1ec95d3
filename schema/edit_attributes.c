/* What edits do with an attribute of a peer or a CIDR (attributes.h), whichever it is. */
#include "schema/edit_row.h"

#include <string.h>

static enum value_kind kind_of(const struct key_spec *k)
{
	switch (k->type) {
	case TYPE_BOOL:
	case TYPE_INT:
		return VALUE_BARE;
	case TYPE_TIME:
		return VALUE_WORD;
	default:
		return k->names_peer ? VALUE_NAME : VALUE_TEXT;
	}
}

int edit_put_attribute(struct editor *e, const struct key_spec *k, const void *thing, struct value *values, size_t *n)
{
	struct buf text = {0};
	const char *copy;

	if (!attribute_given(k, thing))
		return 0;
	attribute_write(&text, k, thing);
	copy = text.failed ? NULL : arena_strndup(e->arena, text.p, text.n);
	buf_free(&text);
	if (!copy)
		return diags_out_of_memory(e->diags);
	values[(*n)++] = (struct value){k->name, kind_of(k), copy, NULL, 0};
	return 0;
}
