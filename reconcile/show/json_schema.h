/* The JSON Schema of network.yaml, for editors. */
#ifndef RECONCILE_SHOW_JSON_SCHEMA_H
#define RECONCILE_SHOW_JSON_SCHEMA_H

#include "schema/buf.h"

/*
 * Draft 2020-12, made from the table of keys (schema/keys.h). It accepts all that the loader accepts, and refuses what
 * a schema can: what depends on another key's value, on another file or on arithmetic is for the loader alone.
 * `included`: of an included file. -1: out of memory.
 */
int json_schema_render(struct buf *out, bool included);

#endif
