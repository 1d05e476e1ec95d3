/*
 * Edits of YAML from anywhere: refused with a diagnostic and nothing given out, or made. Where nothing of its name is
 * in the file, what was put in can be taken out again, and comes back as it was.
 */
#include "schema/edit.h"
#include "schema/rewrite.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool make(const struct edit *e, struct span file, struct buf *out)
{
	struct diags d = {0};
	bool done = !edit_apply(e, &file, 1, out, &d);

	must(done ? !d.n_errors : (d.n_errors || d.out_of_memory) && !out->n);
	diags_free(&d);
	return done;
}

/* A section that stands empty is the one thing that does not come back (schema/edit.h). */
static bool has_empty(struct span file, const char *section)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct rewrite w = {0};
	bool empty = false;

	must(a != NULL);
	if (!rewrite_open(&w, a, file, 0, &d)) {
		const struct node *key = node_find(w.root, section);
		empty = key && node_is_null(key->next);
	}
	rewrite_close(&w);
	diags_free(&d);
	arena_free(a);
	return empty;
}

/* Two edits, the second of which undoes the first: the third bytes, put in once more, are the second ones. */
static void there_and_back(const struct edit *there, const struct edit *back, struct span file, const char *section)
{
	struct buf out = {0}, again = {0}, more = {0};

	if (make(there, file, &out) && make(back, buf_span(&out), &again) && make(there, buf_span(&again), &more))
		must(more.n == out.n || has_empty(file, section));
	buf_free(&out);
	buf_free(&again);
	buf_free(&more);
}

/* Of the first peer several pairs go and come in one go: what that makes can be read again, or it is refused. */
static void many_pairs(struct span file)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct rewrite w = {0};
	struct buf out = {0};

	must(a != NULL);
	if (!rewrite_open(&w, a, file, 0, &d)) {
		const struct node *peers = node_find(w.root, "peers"), *peer = peers ? peers->next : NULL;
		struct node *map = peer && peer->kind == NODE_MAP && peer->first ? peer->first->next : NULL;
		struct pair pairs[4] = {{{"new-one", VALUE_NAME, "no", NULL, 0}, NULL},
					{{"new-two", VALUE_TEXT, "#", NULL, 0}, "new-one"}};
		size_t n = 2;
		for (struct node *k = map && map->kind == NODE_MAP ? map->first : NULL; k && n < 4; k = k->next->next)
			if (k->kind == NODE_SCALAR && (k == map->first || file.n % 2))
				pairs[n++] = (struct pair){{k->text, VALUE_TEXT, NULL, NULL, 0}, NULL};
		bool done =
		    map && !rewrite_pairs(&w, map, pairs + (file.n % 3), n - file.n % 3) && !rewrite_finish(&w, &out);
		must(!map || (done ? !d.n_errors : (d.n_errors || d.out_of_memory) && !out.n));
	}
	rewrite_close(&w);
	buf_free(&out);
	diags_free(&d);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"hub", "a", "b", "bob", "humans", "infra"};
	struct span file = {data, size};
	const char *name = names[size % 6], *other = names[size / 6 % 6];
	const struct edit_fold fold = {.name = name};
	struct edit e = {.kind = EDIT_ADD_PEER,
			 .folds = &fold,
			 .n_folds = 1,
			 .name = "new-one",
			 .other = other,
			 .endpoint = "[2001:db8::1]:9",
			 .cidr = {.n_prefixes = 1, .description = "a \"b\": {#c}"},
			 .peer = {.name = "new-one", .n_ips = 1, .keepalive = 25, .admin = true, .description = "#"}};
	struct edit back = {.kind = EDIT_DELETE_PEER, .name = "new-one"};

	e.peer.ip[0].b[15] = 1;
	e.cidr.prefix[0].len = 64;
	if (!memmem(data, size, "new-one", 7)) {
		there_and_back(&e, &back, file, "peers");
		e.kind = EDIT_ADD_CIDR;
		back.kind = EDIT_DELETE_CIDR;
		there_and_back(&e, &back, file, "cidrs");
		e.kind = EDIT_ADD_ASSOCIATION;
		back = e;
		back.kind = EDIT_DELETE_ASSOCIATION;
		there_and_back(&e, &back, file, "associations");
	}
	many_pairs(file);
	for (int kind = EDIT_RENAME_PEER; kind < N_EDIT_KINDS; kind++) {
		struct buf out = {0};
		e.kind = (enum edit_kind)kind;
		e.name = name;
		make(&e, file, &out);
		buf_free(&out);
	}
	return 0;
}
