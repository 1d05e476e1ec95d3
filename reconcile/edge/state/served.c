#include "reconcile/edge/state/served.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/loop.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_REVISIONS 64          /* older ones in memory, so that peers are sent differences */
#define KEEP_BYTES     (32u << 20) /* of them together; the one before the current is always kept */

struct served {
	char *folder;
	struct arena *arena; /* of the record */
	struct published record;
	struct revision *now;
	int64_t since;
};

struct served *served_new(const char *data_dir)
{
	struct served *s = calloc(1, sizeof(*s));
	struct buf folder = {0};

	buf_printf(&folder, "%s/published", data_dir);
	if (s && (folder.failed || !(s->folder = strdup(folder.p)) || !(s->arena = arena_new()))) {
		served_free(s);
		s = NULL;
	}
	buf_free(&folder);
	return s;
}

int served_read(struct served *s, struct diags *d)
{
	return published_read(s->folder, s->arena, &s->record, d);
}

void served_free(struct served *s)
{
	if (!s)
		return;
	for (struct revision *g = s->now, *next; g; g = next) {
		next = g->older;
		revision_free(g);
	}
	arena_free(s->arena);
	free(s->folder);
	free(s);
}

const char *served_folder(const struct served *s)
{
	return s->folder;
}

const struct published *served_record(const struct served *s)
{
	return &s->record;
}

bool served_has_record(const struct served *s)
{
	return s->record.statement.text.p;
}

const struct revision *served_now(const struct served *s)
{
	return s->now;
}

const struct revision *served_named(const struct served *s, const struct hash *statement)
{
	for (const struct revision *g = s->now; g; g = g->older)
		if (!hash_cmp(&g->parsed.name, statement))
			return g;
	return NULL;
}

int64_t served_since(const struct served *s)
{
	return s->since;
}

/* --- the start --- */

static struct revision *restore_from(struct served *s, struct repo *repo, const struct server_config *c,
				     struct diags *d)
{
	const struct statement *st = &s->record.parsed;
	struct commit_info commit = {.number = st->version.number, .time = st->time};
	struct revision *g = revision_new(d);
	struct repo_definition def;
	char sha[HASH_HEX_LEN + 1];

	memcpy(commit.sha, st->commit, sizeof(commit.sha));
	memcpy(sha, st->commit, sizeof(sha));
	if (!g)
		return NULL;
	if (repo ? repo_definition(repo, sha, g->arena, &def, d) < 0
		 : published_definition(s->folder, st, g->arena, sha, &def.root, &def.includes, d) < 0)
		goto fail;
	if (revision_build(g, &def.root, &def.includes, &commit, NULL, d) < 0)
		goto fail;
	if (hash_cmp(&g->parsed.name, &st->name)) {
		diag_error(d, "published-differs", NULL, "commit %.12s compiles to other bytes than were signed",
			   commit.sha);
		goto fail;
	}
	if (revision_check(g, NULL, true, c, d) < 0 ||
	    signed_text_copy(g->arena, &s->record.statement, &g->statement) < 0)
		goto fail;
	memcpy(g->commit.sha, sha, sizeof(sha));
	return g;
fail:
	log_diags("restore", d);
	revision_free(g);
	return NULL;
}

bool served_restore(struct served *s, struct repo *repo, const struct server_config *c)
{
	const int ways = 1 + (repo && repo_has_commit(repo, s->record.parsed.commit));

	for (int way = 0; way < ways && !s->now; way++) {
		struct diags d = {0};
		s->now = restore_from(s, way == 1 ? repo : NULL, c, &d);
		diags_free(&d);
	}
	if (s->now)
		s->since = clock_unix();
	else
		log_error("restore", "the published version cannot be served again; the next valid commit will be");
	return s->now;
}

/* --- another revision --- */

static void prune(struct served *s)
{
	struct revision *g = s->now;
	size_t bytes = 0;

	for (int n = 0; g && g->older; n++) {
		bytes += arena_used(g->older->arena);
		if (n >= KEEP_REVISIONS || (n >= 1 && bytes > KEEP_BYTES))
			break;
		g = g->older;
	}
	if (!g)
		return;
	for (struct revision *old = g->older, *next; old; old = next) {
		next = old->older;
		revision_free(old);
	}
	g->older = NULL;
}

/* The record of `g`, in an arena of its own: the chain grows when the signers change. -1: out of memory. */
static int record_next(const struct served *s, const struct revision *g, const char *position, struct arena **arena,
		       struct published *out)
{
	const struct published *was = &s->record;
	const bool keep = !served_has_record(s) || !s->now || revision_changes_signers(g, s->now);
	struct arena *a = arena_new();
	struct diags d = {0};

	*arena = NULL;
	*out = (struct published){.n_chain = was->n_chain + keep};
	if (!a || !(out->chain = arena_array(a, out->n_chain + 1, sizeof(*out->chain))))
		goto fail;
	for (size_t i = 0; i < was->n_chain; i++)
		if (signed_text_copy(a, &was->chain[i], &out->chain[i]) < 0)
			goto fail;
	if (keep && signed_text_copy(a, &g->statement, &out->chain[was->n_chain]) < 0)
		goto fail;
	if (signed_text_copy(a, &g->statement, &out->statement) < 0)
		goto fail;
	int bad = statement_parse(out->statement.text, &out->parsed, &d);
	diags_free(&d);
	if (bad)
		goto fail;
	position = position ? position : was->ledger;
	memcpy(out->ledger, position, strlen(position) + 1);
	*arena = a;
	return 0;
fail:
	arena_free(a);
	return -1;
}

static void record_replace(struct served *s, struct arena *arena, const struct published *next)
{
	arena_free(s->arena);
	s->arena = arena;
	s->record = *next;
}

int served_publish(struct served *s, struct revision *g, const char *position, struct diags *d)
{
	struct published next;
	struct arena *arena;

	if (record_next(s, g, position, &arena, &next) < 0)
		return diags_out_of_memory(d);
	if (published_write(s->folder, &next, g->model, d) < 0) {
		arena_free(arena);
		return -1;
	}
	record_replace(s, arena, &next);
	g->older = s->now;
	s->now = g;
	s->since = clock_unix();
	prune(s);
	return 0;
}

int served_adopt(struct served *s, struct revision *g, struct revision **was, struct diags *d)
{
	if (signed_text_copy(g->arena, &s->now->statement, &g->statement) < 0)
		return diags_out_of_memory(d);
	/* On disk first: what a restart forgets, a rewritten history could take back. */
	if (statement_parse(g->statement.text, &g->parsed, d) < 0 ||
	    published_adopt(s->folder, &g->parsed, g->commit.sha, g->model, d) < 0)
		return -1;
	*was = s->now;
	g->older = s->now->older;
	s->now->older = NULL;
	s->now = g;
	s->since = clock_unix();
	return 0;
}

/* --- what other owners keep in the record --- */

int served_write_position(struct served *s, const char *position, struct diags *d)
{
	memcpy(s->record.ledger, position, strlen(position) + 1);
	return published_write(s->folder, &s->record, s->now->model, d);
}

int served_write_chain(struct served *s, const struct signed_text *chain, size_t n, struct diags *d)
{
	struct arena *a = arena_new();
	struct published next = s->record;

	if (!a || !(next.chain = arena_array(a, n + 1, sizeof(*next.chain))) ||
	    signed_text_copy(a, &s->record.statement, &next.statement) < 0)
		goto fail;
	for (next.n_chain = 0; next.n_chain < n; next.n_chain++)
		if (signed_text_copy(a, &chain[next.n_chain], &next.chain[next.n_chain]) < 0)
			goto fail;
	if (published_write(s->folder, &next, s->now->model, d) < 0) {
		arena_free(a);
		return -1;
	}
	record_replace(s, a, &next);
	return 0;
fail:
	diags_out_of_memory(d);
	arena_free(a);
	return -1;
}
