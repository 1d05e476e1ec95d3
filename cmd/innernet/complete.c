#include "cmd/innernet/complete.h"
#include "cmd/innernet/own_clone.h"
#include "cmd/innernet/target.h"
#include "reconcile/edge/git/source.h"

#include <string.h>
#include <unistd.h>

/* One completion request. */
struct asked {
	const struct invocation *line;
	struct peer_options options;
	struct arena *arena;
	struct buf *out;
	struct diags diags; /* discarded: completion prints no errors */
};

static void put(struct asked *q, const char *name)
{
	buf_printf(q->out, "%s\n", name);
}

static void put_networks(struct asked *q)
{
	const char *const *names;
	size_t n;

	if (peer_networks(q->arena, &q->options, &names, &n, &q->diags) == 0)
		for (size_t i = 0; i < n; i++)
			put(q, names[i]);
}

static void put_definition(struct asked *q, unsigned kinds, const char *path)
{
	const struct model *m = source_load(q->arena, path, true, &q->diags);

	for (uint32_t i = 0; m && kinds & WORD_PEER && i < m->n_peers; i++)
		put(q, m->peers[i].name);
	for (uint32_t i = 0; m && kinds & WORD_CIDR && i < m->n_cidrs; i++)
		put(q, m->cidrs[i].name);
}

static void put_view(struct asked *q, unsigned kinds, const char *network)
{
	struct this_peer *p = NULL;
	const struct view *v = peer_open_any(&q->options, network, &p, &q->diags) == 0 ? peer_view(p) : NULL;

	for (uint32_t i = 0; v && kinds & WORD_PEER && i < v->n_peers; i++)
		put(q, v->peers[i].name);
	for (uint32_t i = 0; v && kinds & WORD_CIDR && i < v->n_cidrs; i++)
		put(q, v->cidrs[i].name);
	peer_close(p);
}

/* Puts the members of the network or definition that the line names; without one, of the current folder's definition. */
static void put_members(struct asked *q, unsigned kinds)
{
	const struct invocation *line = q->line;
	const char *path = option_value(line, "file");

	for (int i = 0; !path && i < line->n_args && i < WORDS_MAX; i++) {
		unsigned words = line->command->words[i];
		const char *word = line->args[i];

		if (words & WORD_NETWORK && target_is_network(&q->options, word)) {
			put_view(q, kinds, word);
			return;
		}
		if (words & WORD_CLONE && network_name_valid(word, strlen(word)))
			path = own_clone_find(q->arena, word);
		if (!path && words & WORD_FILE && access(word, F_OK) == 0)
			path = word;
		/* The line names a definition that does not exist: offer no names, not those of the current folder. */
		if (!path && words & (WORD_CLONE | WORD_FILE) && !(words & (WORD_PEER | WORD_CIDR)))
			return;
	}
	put_definition(q, kinds, path ? path : ".");
}

void complete_names(const struct invocation *line, unsigned kinds, struct buf *out)
{
	struct asked q = {.line = line, .arena = arena_new(), .out = out};

	if (q.arena && peer_options(line, &q.options) == 0) {
		if (kinds & WORD_NETWORK)
			put_networks(&q);
		if (kinds & WORD_CLONE)
			own_clone_list(out);
		if (kinds & (WORD_PEER | WORD_CIDR))
			put_members(&q, kinds);
	}
	diags_free(&q.diags);
	arena_free(q.arena);
}
