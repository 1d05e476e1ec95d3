/* Making the fixes that diagnostics carry: bytes for bytes, so that comments and layout stay. */
#ifndef SCHEMA_FIX_H
#define SCHEMA_FIX_H

#include "schema/diag.h"

/*
 * Appends `bytes`, which are those of `file`, to `out` with the fixes of `d` for that file made. Of two that overlap,
 * the first is made. `made` (may be NULL) is told of each, in the order of the file. Returns how many, or -1: out of memory.
 */
int fixes_apply(const struct diags *d, uint32_t file, struct span bytes, struct buf *out,
		void (*made)(void *ctx, const struct diag *g), void *ctx);

/* A unified diff of two texts with as many lines each, as fixes leave them; nothing when they are the same. */
void diff_lines(struct buf *out, const char *name, struct span before, struct span after);

#endif
