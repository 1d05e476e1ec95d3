/*
 * Objects and the small signed texts: whatever parses is in its canonical form, so that writing it again gives
 * the same bytes.
 */
#include "reconcile/wire/object.h"
#include "reconcile/wire/verify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct span in, struct buf *out)
{
	if (out->n != in.n || memcmp(out->p, in.p, in.n) != 0)
		abort();
	buf_free(out);
}

static void leaf(struct arena *a, struct span in, struct diags *d)
{
	struct object_leaf o;
	struct buf b = {0};
	uint32_t format = 1;

	if (leaf_parse(a, in, &o, d) < 0)
		return;
	for (unsigned i = 0; i < o.n; i++)
		format = peer_format(&o.peers[i]) > format ? peer_format(&o.peers[i]) : format;
	leaf_write_header(&b, format);
	for (unsigned i = 0; i < o.n; i++)
		leaf_write_peer(&b, &o.peers[i]);
	same(in, &b);
}

static void children(struct arena *a, struct span in, struct diags *d)
{
	struct object_children o;
	struct buf b = {0};

	if (children_parse(a, in, &o, d) < 0)
		return;
	children_write_header(&b);
	for (unsigned i = 0; i < o.n; i++)
		children_write_child(&b, &o.children[i]);
	same(in, &b);
}

static void others(struct arena *a, struct span in, struct diags *d)
{
	struct object_node node;
	struct object_subtree tree;
	struct object_view view;
	struct statement statement;
	struct fresh fresh;
	struct signature signature;
	struct buf b = {0};

	if (node_parse(in, &node, d) == 0) {
		node_write(&b, &node);
		same(in, &b);
	}
	if (subtree_parse(a, in, &tree, d) == 0) {
		subtree_write(&b, &tree);
		same(in, &b);
	}
	if (view_parse(a, in, &view, d) == 0) {
		view_write(&b, &view);
		same(in, &b);
	}
	if (statement_parse(in, &statement, d) == 0) {
		statement_write(&b, &statement);
		same(in, &b);
	}
	if (fresh_parse(in, &fresh, d) == 0) {
		fresh_write(&b, &fresh);
		same(in, &b);
	}
	if (signature_parse(in, &signature, d) == 0) {
		signature_write(&b, &signature);
		same(in, &b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};
	struct arena *a = arena_new();
	struct diags d = {0};

	leaf(a, in, &d);
	children(a, in, &d);
	others(a, in, &d);
	diags_free(&d);
	arena_free(a);
	return 0;
}
