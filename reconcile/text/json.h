/* Values as JSON. Each returns a new reference, or NULL when out of memory. */
#ifndef RECONCILE_TEXT_JSON_H
#define RECONCILE_TEXT_JSON_H

#include "schema/keys.h"
#include "schema/model.h"
#include <jansson.h>

json_t *addresses_json(const struct addr *ip, unsigned n); /* ["10.60.0.1", "fd00:60::1"] */
json_t *prefixes_json(const struct prefix *p, uint32_t n); /* ["10.60.0.0/16"] */
json_t *key_json(const struct key *k);                     /* base64 */
json_t *ed25519_json(const struct key *k);                 /* "ed25519:<base64>" */
json_t *text_json(const char *s);                          /* null for NULL */
/* true, 25, "2026-12-06T12:00:00Z", ["10.8.0.0/24"], a text; null for a number, a time or a text that is not given. */
json_t *attribute_json(const struct key_spec *k, const void *thing);
bool json_put(json_t *object, const char *key, json_t *value); /* takes the value over; false: out of memory */
bool json_add(json_t *list, json_t *value);
/* Appends the document and a line's end, and takes it over; NULL sets out->failed. */
void json_render(struct buf *out, json_t *root);

#endif
