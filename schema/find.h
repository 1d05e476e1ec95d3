/* Names that people type, looked up in a definition. */
#ifndef SCHEMA_FIND_H
#define SCHEMA_FIND_H

#include "schema/model.h"

/* The index, or NONE with "unknown-name" and what the word may have meant. */
uint32_t model_find_peer(const struct model *m, const char *name, struct diags *d);
uint32_t model_find_cidr(const struct model *m, const char *name, struct diags *d);

/* The peer's or CIDR's name that a mistyped one stands for; NULL: none is near. */
const char *model_nearest(const struct model *m, const char *name, bool cidr);

#endif
