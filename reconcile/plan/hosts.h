/*
 * The names of a network in a hosts file (hosts(5)): one block between two marks, made from a view. Bytes in, bytes
 * out; bytes outside the marks stay as they are.
 *
 *   # innernet corp begin
 *   # Made from the definition of the network; what is changed here is undone.
 *   10.60.0.1 hub.corp.wg
 *   # innernet corp end
 */
#ifndef RECONCILE_PLAN_HOSTS_H
#define RECONCILE_PLAN_HOSTS_H

#include "reconcile/wire/verify.h"
#include <jansson.h>

#define HOSTS_SUFFIX     "wg" /* NAME.NETWORK.wg, unless people want another one */
#define HOSTS_SUFFIX_MAX 200

/* Dot-separated host labels, at most 200 bytes: what may follow a peer's name and the network's. */
bool hosts_suffix_valid(const char *s);

/*
 * The whole block of a view: one line an address of each peer, itself and open invites too, in the view's order. Names
 * are checked once more: -1 with a diagnostic and nothing written for one that is no host name.
 */
int hosts_block_of_view(struct buf *out, const struct view *v, const char *network, const char *suffix,
			struct diags *d);

/* Where the block is: bytes [start, end), both marks included. Not there: start == end, where it would go. */
struct hosts_place {
	size_t start, end;
	bool found;
};
/*
 * -1 with "hosts-broken" and the line: a begin without an end, an end without a begin, or two blocks of one network.
 * Nothing must be written then. Marks count whatever white space is after them.
 */
int hosts_find(struct span file, const char *network, const char *path, struct hosts_place *out, struct diags *d);

/* The file with `block` in that place; an empty block: without. Only a file without a last line end gets one. */
void hosts_replace(struct buf *out, struct span file, const struct hosts_place *at, struct span block);

/* What differs between two blocks, as lines; sorted. */
struct hosts_diff {
	const char *path;
	bool differs; /* true too when only order, comments or spaces differ */
	bool drift;   /* it was as it should be, and another program changed it */
	char **add, **remove;
	uint32_t n_add, n_remove;
};
struct hosts_diff *hosts_diff(struct arena *a, const char *path, struct span have, struct span want);

/* "Names in /etc/hosts will be changed", the lines, and the line that counts. Nothing when nothing differs. */
void hosts_diff_text(struct buf *out, const struct hosts_diff *h, bool color);
json_t *hosts_diff_json(const struct hosts_diff *h); /* null for NULL; a NULL result: out of memory */

#endif
