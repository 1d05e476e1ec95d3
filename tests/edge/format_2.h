/*
 * A definition that asks for format 2 of a snapshot, which no key can do yet. What links this with
 * -Wl,--wrap=definition_load takes it from a peer's description:
 *
 *   description: "format 2: endpoint 192.0.2.9:51820"    one more endpoint
 *   description: "format 2: x-note spare"                an x- line
 */
#ifndef TESTS_EDGE_FORMAT_2_H
#define TESTS_EDGE_FORMAT_2_H

#include "schema/load.h"

#include <string.h>

struct model *__real_definition_load(struct arena *a, const struct source_file *root, const struct includes *includes,
				     bool without_server, struct diags *d);
struct model *__wrap_definition_load(struct arena *a, const struct source_file *root, const struct includes *includes,
				     bool without_server, struct diags *d);

struct model *__wrap_definition_load(struct arena *a, const struct source_file *root, const struct includes *includes,
				     bool without_server, struct diags *d)
{
	static const char words[] = "format 2: ", endpoint[] = "endpoint ";
	struct model *m = __real_definition_load(a, root, includes, without_server, d);

	for (uint32_t i = 0; m && i < m->n_peers; i++) {
		struct peer *p = &m->peers[i];
		const char **more = arena_array(a, 1, sizeof(*more)), *what;
		size_t n;
		char *line;

		if (!more || !p->description || strncmp(p->description, words, sizeof(words) - 1) != 0)
			continue;
		what = p->description + sizeof(words) - 1;
		n = strlen(what);
		if (strncmp(what, endpoint, sizeof(endpoint) - 1) == 0) {
			*more = what + sizeof(endpoint) - 1;
			p->more_endpoints = more;
			p->n_more_endpoints = 1;
		} else if ((line = arena_array(a, n + 2, 1))) {
			memcpy(line, what, n);
			line[n] = '\n';
			p->extra = line;
		}
	}
	return m;
}

#endif
