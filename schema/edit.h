/*
 * Editing a definition as a person would: one thing is put in its place, in the style of its neighbours, and no
 * other byte changes. Pure: bytes in, bytes out.
 */
#ifndef SCHEMA_EDIT_H
#define SCHEMA_EDIT_H

#include "schema/addr.h"
#include "schema/diag.h"
#include "schema/key.h"

/* A peer to be written. Strings are borrowed; NULL: left out. What they say is the loader's to judge. */
struct edit_peer {
	const char *name;
	struct addr ip[2];
	uint8_t n_ips;
	struct key key; /* its WireGuard public key, or its invite's Ed25519 key */
	bool is_invite;
	int64_t invite_expires; /* Unix seconds; 0: never */
	const char *endpoint;
	const char *description;
	int32_t keepalive; /* seconds; -1: left out */
	bool admin;
};

/*
 * Adds `p` to the mapping `peers:` of a root file, after the last entry and before what belongs to whatever follows,
 * in block or flow style, with the indentation, alignment, quotes and line ends of that entry. A mapping that is
 * missing or empty is made, in block style, at the end of the file or where it stands. The caller loads the result
 * before it believes it. -1 with a diagnostic (what the YAML reader says, or "edit-style" for a layout that it does
 * not write in: nothing is guessed), or when out of memory (d->out_of_memory).
 */
int edit_add_peer(struct span file, const struct edit_peer *p, struct buf *out, struct diags *d);

/* "2026-12-06T12:00:00Z" (RFC 3339, UTC). Years 1970 to 9999; -1 for others. */
#define TIME_STR_LEN 21
int time_format(int64_t unix_seconds, char out[static TIME_STR_LEN]);

#endif
