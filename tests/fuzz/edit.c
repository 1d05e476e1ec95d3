/*
 * A peer added to YAML from anywhere: refused with a diagnostic, or every byte of the file is still there, in order
 * (but for an empty value of `peers`), and the result can be added to again.
 */
#include "schema/edit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* How many bytes of the file are not in the result, in order. */
static size_t lost(struct span file, const struct buf *out)
{
	size_t i = 0;

	for (size_t j = 0; j < out->n && i < file.n; j++)
		i += file.p[i] == (uint8_t)out->p[j];
	return file.n - i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = {data, size};
	struct edit_peer p = {
	    .name = "one", .n_ips = 1, .keepalive = 25, .admin = true, .description = "a \"b\": {#c}"};
	struct diags d = {0};
	struct buf out = {0}, again = {0};

	p.ip[0].b[15] = 1;
	if (edit_add_peer(file, &p, &out, &d)) {
		must((d.n_errors || d.out_of_memory) && !out.n);
	} else {
		must(!lost(file, &out) || memmem(data, size, "{", 1));
		p.name = "two";
		if (edit_add_peer(buf_span(&out), &p, &again, &d))
			must(memmem(data, size, "two", 3) != NULL);
	}
	buf_free(&out);
	buf_free(&again);
	diags_free(&d);
	return 0;
}
