/*
 * A definition from anywhere: loaded or refused with a diagnostic, never both; what is said about it can be
 * rendered, for people and programs, and corrected; what was loaded keeps the promises of schema/model.h. An input may hold
 * an included file: all after a line "%%".
 */
#include "reconcile/show/diag_formats.h"
#include "reconcile/show/diag_json.h"
#include "reconcile/net/reach.h"
#include "schema/fix.h"
#include "schema/load.h"
#include "schema/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	(void)d;
	*out = ctx;
	*n = (*out)->name && pattern[0] != 'x';
	return 0;
}

static void check_model(const struct model *m)
{
	struct addr a;

	check(m->network && m->n_cidrs >= 1 && m->cidrs[0].parent == NONE);
	for (uint32_t i = 1; i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i];

		check(c->parent < i && c->n_prefixes >= 1 && c->depth == m->cidrs[c->parent].depth + 1);
		check(model_cidr_by_name(m, c->name) == i && model_peer_by_name(m, c->name) == NONE);
		check(i == 1 || cidr_order_cmp(&m->cidrs[i - 1], c) < 0);
	}
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		check(p->n_ips >= 1 && p->cidr < m->n_cidrs && name_valid(p->name, strlen(p->name)));
		check(model_peer_by_name(m, p->name) == i);
		check(i == 0 || addr_cmp(peer_order(p - 1), peer_order(p)) < 0);
		for (unsigned j = 0; j < p->n_ips; j++) {
			check(model_peer_by_addr(m, &p->ip[j]) == i);
			check(model_cidr_of_addr(m, &p->ip[j]) == p->cidr);
		}
		if (model_next_free(m, p->cidr, 0, &a) == 0)
			check(model_peer_by_addr(m, &a) == NONE && model_cidr_of_addr(m, &a) == p->cidr);
	}
	for (uint32_t i = 0; i < m->n_associations; i++)
		check(m->associations[i].a <= m->associations[i].b && m->associations[i].b < m->n_cidrs);
}

static int readable(struct span bytes)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct node *root;
	int rc;

	check(a != NULL);
	rc = yaml_read(a, bytes, 0, &root, &d);
	diags_free(&d);
	arena_free(a);
	return rc;
}

/* A file with its fixes made is YAML where it was, line for line; a diff of the two has what was changed. */
static void check_fixes(const struct diags *d)
{
	for (uint32_t i = 0; i < d->n_files; i++) {
		struct buf fixed = {0}, diff = {0};
		int made = fixes_apply(d, i, d->sources[i], &fixed, NULL, NULL);

		check(made >= 0);
		if (made) {
			check(readable(d->sources[i]) == readable(buf_span(&fixed)));
			diff_lines(&diff, "network.yaml", d->sources[i], buf_span(&fixed));
			check(!diff.failed && diff.n > 0);
		} else {
			check(span_eq(d->sources[i], buf_span(&fixed)));
		}
		buf_free(&fixed);
		buf_free(&diff);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memmem(data, size, "\n%%\n", 4);
	struct source_file root = {"network.yaml", {data, cut ? (size_t)(cut - data) + 1 : size}}, included = {0};
	struct includes inc = {&included, match};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct diags d = {0};
	struct reach_index *x;
	struct model *m;

	if (cut)
		included = (struct source_file){"teams/a.yaml", {cut + 4, (size_t)(data + size - cut) - 4}};
	check(a != NULL);
	d.spellings = size % 4 == 0;
	m = definition_load(a, &root, &inc, size % 2, &d);
	check((m != NULL) == (d.n_errors == 0));
	if (m) {
		check_model(m);
		x = reach_index_new(a, m);
		check(x != NULL);
		reach_run_tests(x, &d);
		diags_sort(&d);
	}
	diags_render_human(&b, &d, NULL, size % 3 == 0);
	check(!b.failed);
	buf_reset(&b);
	check(diags_render_json(&b, &d) == 0);
	buf_reset(&b);
	check(diags_render_github(&b, &d) == 0 && diags_render_sarif(&b, &d) == 0 && diags_render_junit(&b, &d) == 0);
	check_fixes(&d);
	buf_free(&b);
	diags_free(&d);
	arena_free(a);
	return 0;
}
