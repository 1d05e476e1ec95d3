/* The little that everything which writes JSON needs besides jansson. */
#ifndef RECONCILE_TEXT_JSON_VALUE_H
#define RECONCILE_TEXT_JSON_VALUE_H

#include "schema/buf.h"

#include <jansson.h>

/* Each takes the value over; false when it is NULL or memory is short. */
bool value_put(json_t *object, const char *key, json_t *value);
bool value_append(json_t *array, json_t *value);

/* A text from outside: JSON is UTF-8, and what is not is shown as U+FFFD. NULL: out of memory. */
json_t *value_text(struct span text);

/* The document, indented, and a newline. -1, and out->failed: out of memory, or there is none (NULL). */
int value_write(struct buf *out, const json_t *root);

#endif
