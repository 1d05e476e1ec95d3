/* What a change of a definition does, as people read it (also in a review), and as programs do. */
#ifndef RECONCILE_SHOW_IMPACT_RENDER_H
#define RECONCILE_SHOW_IMPACT_RENDER_H

#include "reconcile/impact/impact.h"

/* "No changes. ..." or the effect first and then the change in the definition. The strings are an interface. */
struct impact_style {
	bool color;
	bool full;      /* each changed item, also of a wide plan */
	unsigned width; /* columns of the terminal; 0: no limit */
};
void impact_render_text(struct buf *out, const struct impact *im, const struct impact_style *style);
/* format_version first. NULL: out of memory. */
json_t *impact_render_json(const struct impact *im);
/*
 * For one review comment: never above IMPACT_MARKDOWN_MAX bytes, whatever the size; what is left out is counted. Errors
 * of `d` (may be NULL) are why the change is refused.
 */
#define IMPACT_MARKDOWN_MAX 65000
void impact_render_markdown(struct buf *out, const struct impact *im, const struct diags *d);

#endif
