#include "reconcile/edge/revision/revision.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct revision *revision_new(struct diags *d)
{
	struct revision *g = calloc(1, sizeof(*g));

	if (!g || !(g->arena = arena_new())) {
		free(g);
		diags_out_of_memory(d);
		return NULL;
	}
	return g;
}

void revision_free(struct revision *g)
{
	if (!g)
		return;
	arena_free(g->arena);
	free(g);
}

static int mark_sort_cmp(const void *x, const void *y, void *ctx)
{
	const struct peer *peers = ctx;

	return key_cmp(&peers[*(const uint32_t *)x].key, &peers[*(const uint32_t *)y].key);
}

static int marks_sort(struct revision *g)
{
	const struct model *m = g->model;

	if (!(g->by_mark = arena_array(g->arena, m->n_peers ? m->n_peers : 1, sizeof(*g->by_mark))))
		return -1;
	for (uint32_t i = 0; i < m->n_peers; i++)
		g->by_mark[i] = i;
	qsort_r(g->by_mark, m->n_peers, sizeof(*g->by_mark), mark_sort_cmp, m->peers);
	return 0;
}

uint32_t revision_by_mark(const struct revision *g, const struct key *mark)
{
	uint32_t low = 0, high = g->model->n_peers;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = key_cmp(&g->model->peers[g->by_mark[mid]].key, mark);
		if (!c)
			return g->by_mark[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NONE;
}

bool revision_sees(const struct revision *g, uint32_t a, uint32_t b)
{
	return a == b || reach_peers(g->reach, a, b).rule != REACH_NONE;
}

int revision_build(struct revision *g, const struct source_file *root, const struct includes *includes,
		   const struct commit_info *commit, const struct ledger_facts *facts, struct diags *d)
{
	size_t errors = d->n_errors;

	g->commit = *commit;
	g->model = definition_load(g->arena, root, includes, false, d);
	if (!g->model)
		return -1;
	g->reach = reach_index_new(g->arena, g->model);
	if (!g->reach)
		return diags_out_of_memory(d);
	reach_run_tests(g->reach, d);
	if (facts)
		ledger_check(g->model, facts, d);
	if (d->n_errors > errors || d->out_of_memory)
		return -1;
	g->snapshot = snapshot_compile(g->arena, g->model, g->reach, commit, d);
	if (!g->snapshot)
		return d->n_errors > errors ? -1 : diags_out_of_memory(d);
	if (marks_sort(g) < 0)
		return diags_out_of_memory(d);
	g->statement.text = g->snapshot->statement;
	return statement_parse(g->statement.text, &g->parsed, d);
}

static unsigned seeds_among(const struct server_config *c, const struct trust *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_seeds; i++)
		for (unsigned j = 0; j < t->n_signers; j++)
			n += key_eq(&c->signers[i], &t->signers[j]);
	return n;
}

struct revision *revision_load(struct repo *repo, const char *sha, struct diags *d)
{
	struct revision *g = revision_new(d);
	struct repo_definition def;
	struct commit_info commit;
	bool descends;

	if (g && repo_commit_info(repo, sha, NULL, &commit, &descends, d) == 0 &&
	    repo_definition(repo, sha, g->arena, &def, d) == 0 &&
	    revision_build(g, &def.root, &def.includes, &commit, NULL, d) == 0)
		return g;
	revision_free(g);
	return NULL;
}

/* The peer with this server's key, or NONE. */
static uint32_t find_self(const struct model *m, const struct server_config *c)
{
	uint32_t self = NONE;

	for (uint32_t i = 0; i < m->n_peers; i++)
		if (!m->peers[i].is_invite && key_eq(&m->peers[i].key, &c->public_key))
			self = i;
	return self;
}

/* The server's peer is there, and has another key now. A revision that another server published says nothing of it. */
static bool self_rekeyed(const struct revision *g, const struct revision *prev, const struct server_config *c)
{
	uint32_t was = prev ? find_self(prev->model, c) : NONE;
	uint32_t now = was != NONE ? model_peer_by_name(g->model, prev->model->peers[was].name) : NONE;

	return now != NONE && g->model->peers[now].server && !g->model->peers[now].is_invite;
}

static void check_self(struct revision *g, const struct revision *prev, const struct server_config *c, struct diags *d)
{
	const struct model *m = g->model;
	char key[KEY_B64_LEN + 1];
	struct diag *e;

	g->self = find_self(m, c);
	key_format(&c->public_key, key);
	if (g->self == NONE) {
		e = diag_error(d, "server-dropped", NULL, "no peer has this server's key, %s", key);
		if (self_rekeyed(g, prev, c)) {
			diag_help(d, e,
				  "another server publishes a new key of this one: push it there, then put the private "
				  "key into this server's own file and start it again");
			return;
		}
		diag_help(d, e, "a server does not publish a network without itself; list it with `public_key: \"%s\"`",
			  key);
		return;
	}
	const struct peer *p = &m->peers[g->self];
	if (!p->server || p->disabled) {
		e = diag_error(d, "server-dropped", &p->at, "'%s' has this server's key, but is %s", p->name,
			       p->disabled ? "disabled" : "no server");
		diag_help(d, e, "a server does not publish a network without itself: %s",
			  p->disabled ? "remove `disabled: true`" : "give it `server: true`");
	}
}

static void check_signing(const struct revision *g, const struct revision *prev, const struct server_config *c,
			  struct diags *d)
{
	const struct trust *t = &g->model->trust;
	unsigned n = seeds_among(c, t);
	struct diag *e;

	if (n < t->threshold) {
		e = diag_error(d, "cannot-sign", &t->at,
			       "%u of the signers must sign, and this server has the seeds of %u", t->threshold, n);
		diag_help(d, e, "list the server's own signing key in `trust: signers:`");
	} else if (prev && revision_changes_signers(g, prev) &&
		   seeds_among(c, &prev->parsed.trust) < prev->parsed.trust.threshold) {
		e = diag_error(d, "cannot-sign", &t->at,
			       "this server cannot sign the change of signers as one of the old ones");
		diag_help(d, e,
			  "keep the old seeds in the server's file until the change is published; a server that joins "
			  "waits for another one to publish it");
	}
}

static void check_history(const struct revision *g, const struct revision *prev, bool descends, struct diags *d)
{
	const struct model *m = g->model;
	const struct version *was = &prev->parsed.version;
	struct diag *e;

	guard_outright(prev->model, m, d);
	if (m->epoch == was->epoch && !descends) {
		e = diag_error(d, "history-rewound", NULL, "commit %.12s does not come after %.12s", g->commit.sha,
			       prev->commit.sha);
		diag_help(d, e,
			  "push a commit on top of that one (git revert, not git reset); a history that was "
			  "rewritten on purpose needs `epoch: %" PRIu64 "`",
			  was->epoch + 1);
	}
}

int revision_check(struct revision *g, const struct revision *prev, bool descends, const struct server_config *c,
		   struct diags *d)
{
	const struct model *m = g->model;
	size_t errors = d->n_errors;
	struct diag *e;

	if (!m->trust.present) {
		e = diag_error(d, "trust-missing", NULL, "there is no `trust:`");
		diag_help(d, e, "put the lines back that `innernet-reconcile init` wrote; git has them");
		return -1;
	}
	if (strcmp(m->network, c->network)) {
		e = diag_error(d, "network-changed", &m->at_network,
			       "this server is that of the network '%s', not of '%s'", c->network, m->network);
		diag_help(d, e, "a network keeps its name; `innernet-reconcile init` makes another one");
	}
	check_self(g, prev, c, d);
	if (prev)
		check_history(g, prev, descends, d);
	check_signing(g, prev, c, d);
	return d->n_errors > errors ? -1 : 0;
}

bool revision_same_content(const struct revision *a, const struct revision *b)
{
	const struct statement *x = &a->parsed, *y = &b->parsed;

	return x->version.epoch == y->version.epoch && x->n_views == y->n_views &&
	       !hash_cmp(&x->views_root, &y->views_root) && key_eq(&x->trust.id, &y->trust.id) &&
	       !strcmp(x->network, y->network) && trust_same_signers(&x->trust, &y->trust) &&
	       x->trust.n_online == y->trust.n_online &&
	       !memcmp(x->trust.online, y->trust.online, x->trust.n_online * sizeof(x->trust.online[0]));
}

bool revision_changes_signers(const struct revision *g, const struct revision *prev)
{
	return !trust_same_signers(&g->parsed.trust, &prev->parsed.trust);
}

int revision_sign(struct revision *g, const struct revision *prev, const struct server_config *c, struct diags *d)
{
	struct signed_text *s = &g->statement;

	s->signatures = arena_array(g->arena, c->n_seeds, sizeof(*s->signatures));
	if (!s->signatures)
		return diags_out_of_memory(d);
	s->n_signatures = 0;
	for (unsigned i = 0; i < c->n_seeds; i++) {
		struct signature sig;
		struct buf text = {0};
		if (!trust_has_signer(&g->model->trust, &c->signers[i]) &&
		    !(prev && trust_has_signer(&prev->parsed.trust, &c->signers[i])))
			continue;
		if (signature_make("statement", &g->model->trust.id, s->text, c->seeds[i], &sig)) {
			diag_error(d, "cannot-sign", NULL, "a signing seed cannot be used");
			return -1;
		}
		signature_write(&text, &sig);
		if (!text.failed)
			s->signatures[s->n_signatures] = arena_span(g->arena, buf_span(&text));
		bool ok = !text.failed && s->signatures[s->n_signatures].p;
		buf_free(&text);
		if (!ok)
			return diags_out_of_memory(d);
		s->n_signatures++;
	}
	return 0;
}

int signed_text_copy(struct arena *a, const struct signed_text *from, struct signed_text *to)
{
	*to = (struct signed_text){.n_signatures = from->n_signatures};
	to->text = arena_span(a, from->text);
	if (!to->text.p)
		return -1;
	if (from->n_signatures && !(to->signatures = arena_array(a, from->n_signatures, sizeof(*to->signatures))))
		return -1;
	for (unsigned i = 0; i < from->n_signatures; i++)
		if (!(to->signatures[i] = arena_span(a, from->signatures[i])).p)
			return -1;
	return 0;
}
