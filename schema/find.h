/* Names that people type, looked up in a definition. */
#ifndef SCHEMA_FIND_H
#define SCHEMA_FIND_H

#include "schema/model.h"

/* The index, or NONE with "unknown-name" and what the word may have meant. */
uint32_t model_find_peer(const struct model *m, const char *name, struct diags *d);
uint32_t model_find_cidr(const struct model *m, const char *name, struct diags *d);

#endif
