/* A table for a terminal: columns as wide as they must be, and no wider than the terminal lets them. */
#ifndef RECONCILE_TEXT_TABLE_H
#define RECONCILE_TEXT_TABLE_H

#include "schema/buf.h"

#define TABLE_COLUMNS_MAX 8

/* Zero-initialise but for the columns; table_free() when done. Cells are written one after the other, row by row. */
struct table {
	const char *const *titles; /* n_columns of them */
	unsigned n_columns;        /* at most TABLE_COLUMNS_MAX */
	struct buf cells;          /* the text of the cell that is being written is appended here */
};

void table_cell_end(struct table *t); /* the cell that was written into `cells` is whole */

/*
 * `width`: columns of the terminal; 0: as wide as the longest cells. What does not fit is wrapped, the widest column
 * first: at spaces, and where that is not enough within words. Nothing is left out but the columns that are empty in
 * every row. A code point counts as one column. Sets out->failed when out of memory.
 */
void table_render(struct buf *out, const struct table *t, unsigned width);
void table_free(struct table *t);

#endif
