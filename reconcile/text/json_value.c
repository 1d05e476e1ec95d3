#include "reconcile/text/json_value.h"

#include "schema/utf8.h"

#include <stdlib.h>

bool value_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

bool value_append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

json_t *value_text(struct span text)
{
	struct buf b = {0};
	json_t *out = NULL;

	buf_utf8(&b, text);
	if (!b.failed)
		out = json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return out;
}

int value_write(struct buf *out, const json_t *root)
{
	char *text = json_dumps(root, JSON_INDENT(2));

	if (!text) {
		out->failed = true;
		return -1;
	}
	buf_str(out, text);
	buf_char(out, '\n');
	free(text);
	return out->failed ? -1 : 0;
}
