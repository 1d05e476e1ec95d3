/* innernet snapshot: shows what a server would publish for a definition, and what one peer would see. */
#include "cmd/innernet/commands.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/key_file.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/show/view_render.h"
#include "schema/find.h"

#include <sodium.h>
#include <string.h>

static const struct option_spec options[] = {
    {"output", 'o', "DIR", "write the statement, the objects, the list of views and the signatures to DIR"},
    {"for", 0, "PEER", "print the bundle of this peer: all that a server would send it"},
    {"key", 0, "FILE", "sign the statement with the Ed25519 seed in FILE (base64, mode 0600)"},
    {"summary", 0, NULL, "with --for: the CIDRs and peers that it sees, as a tree"},
    {"json", 0, NULL, "with --for: the CIDRs and peers that it sees, as JSON"},
    {0},
};

struct job {
	struct invocation *inv;
	struct arena *a;
	struct diags d;
	struct model *m;
	struct snapshot *s;
	struct signed_text statement;
	struct signature signature; /* valid when statement.n_signatures is 1 */
};

static int compile(struct job *j, bool run_tests)
{
	const char *path = j->inv->n_args ? j->inv->args[0] : ".";
	struct reach_index *x;

	j->m = source_load(j->a, path, false, &j->d);
	if (!j->m)
		return -1;
	x = reach_index_new(j->a, j->m);
	if (!x)
		return diags_out_of_memory(&j->d);
	if (run_tests)
		reach_run_tests(x, &j->d);
	if (j->d.n_errors)
		return -1;
	j->s = snapshot_compile(j->a, j->m, x, &commit_outside_git, &j->d);
	if (!j->s)
		return -1;
	j->statement.text = j->s->statement;
	return 0;
}

static bool is_signer(const struct trust *t, const struct key *k)
{
	for (unsigned i = 0; i < t->n_signers; i++)
		if (key_eq(&t->signers[i], k))
			return true;
	return false;
}

static int sign(struct job *j, const char *path)
{
	uint8_t seed[KEY_LEN];
	struct buf text = {0};
	int err = -1;

	if (!j->m->trust.present) {
		diag_error(&j->d, "missing-key", NULL,
			   "the definition has no `trust`: a snapshot without it is not signed");
		return -1;
	}
	if (key_file_read(path, "an Ed25519 seed", seed, &j->d) < 0)
		return -1;
	err = signature_make("statement", &j->m->trust.id, j->s->statement, seed, &j->signature);
	sodium_memzero(seed, sizeof(seed));
	if (err == 0 && !is_signer(&j->m->trust, &j->signature.by))
		diag_warning(&j->d, "not-a-signer", &j->m->trust.at,
			     "the key in %s is not one of this definition's signers: no peer will accept its signature",
			     path);
	signature_write(&text, &j->signature);
	j->statement.signatures = arena_alloc(j->a, sizeof(*j->statement.signatures));
	if (err == 0 && !text.failed && j->statement.signatures) {
		j->statement.signatures[0] = arena_span(j->a, buf_span(&text));
		j->statement.n_signatures = 1;
	}
	buf_free(&text);
	return j->statement.n_signatures && j->statement.signatures[0].p ? 0 : diags_out_of_memory(&j->d);
}

/* Writes DIR/<folder>/<name>. The folder must exist. */
static int write_file(struct job *j, const char *dir, const char *folder, const char *name, struct span bytes)
{
	struct buf path = {0};
	int err = -1;

	buf_printf(&path, "%s/%s%s%s", dir, folder, *folder ? "/" : "", name);
	if (path.failed)
		diags_out_of_memory(&j->d);
	else
		err = file_write(path.p, bytes, 0644, &j->d);
	buf_free(&path);
	return err;
}

static int make_folder(struct job *j, const char *dir, const char *folder)
{
	struct buf path = {0};
	int err = -1;

	buf_printf(&path, "%s/%s", dir, folder);
	if (path.failed)
		diags_out_of_memory(&j->d);
	else
		err = file_mkdirs(path.p, 0755, &j->d);
	buf_free(&path);
	return err;
}

/* Writes DIR/views, one line a view: its index, CIDR, single peer or "-", and the name of its object. */
static int write_views(struct job *j, const char *dir)
{
	struct buf b = {0};
	char hex[HASH_HEX_LEN + 1];
	int err;

	for (uint32_t i = 0; i < j->s->n_views; i++) {
		const struct snapshot_view *v = &j->s->views[i];

		hash_hex(&v->name, hex);
		buf_printf(&b, "%u %s %s %s\n", i, j->m->cidrs[v->cidr].name,
			   v->only == NONE ? "-" : j->m->peers[v->only].name, hex);
	}
	err = b.failed ? diags_out_of_memory(&j->d) : write_file(j, dir, "", "views", b.p ? buf_span(&b) : SPAN(""));
	buf_free(&b);
	return err;
}

static int write_all(struct job *j, const char *dir)
{
	char hex[HASH_HEX_LEN + 1];
	struct hash by;

	if (make_folder(j, dir, "objects") < 0)
		return -1;
	for (size_t i = 0; i < j->s->n_objects; i++) {
		hash_hex(&j->s->objects[i].name, hex);
		if (write_file(j, dir, "objects", hex, j->s->objects[i].bytes) < 0)
			return -1;
	}
	if (write_views(j, dir) < 0 || write_file(j, dir, "", "statement", j->s->statement) < 0)
		return -1;
	if (!j->statement.n_signatures)
		return 0;
	memcpy(by.b, j->signature.by.b, sizeof(by.b));
	hash_hex(&by, hex);
	return make_folder(j, dir, "signatures") < 0
		   ? -1
		   : write_file(j, dir, "signatures", hex, j->statement.signatures[0]);
}

static int print_for(struct job *j, const char *name)
{
	uint32_t peer = model_find_peer(j->m, name, &j->d);
	struct bundle b = {0};
	struct buf out = {0};
	struct view *v;
	int err = -1;

	if (peer == NONE)
		return -1;
	/* Parses the objects as the peer would, so that the output shows the bytes and not the model. */
	v = view_of_peer(j->a, j->s, peer, NULL, 0, &j->d);
	if (!v)
		return -1;
	if (bundle_of_view(j->a, j->s, j->s->view_of_peer[peer], &b) < 0)
		return diags_out_of_memory(&j->d);
	b.statement = j->statement;
	if (option_given(j->inv, "json"))
		view_render_json(&out, v);
	else if (option_given(j->inv, "summary"))
		view_render_tree(&out, v);
	else
		bundle_write(&out, &b);
	err = out.failed ? diags_out_of_memory(&j->d) : print_buf(j->inv, &out);
	buf_free(&out);
	return err;
}

static int run(struct invocation *inv)
{
	const char *dir = option_value(inv, "output"), *peer = option_value(inv, "for"),
		   *key = option_value(inv, "key");
	struct job j = {.inv = inv};
	int err = -1;

	if (!dir == !peer)
		return usage_error(inv, "give either --output DIR or --for PEER");
	if (!peer && (option_given(inv, "json") || option_given(inv, "summary")))
		return usage_error(inv, "--json and --summary go with --for");
	j.a = arena_new();
	if (!j.a)
		diags_out_of_memory(&j.d);
	else if (compile(&j, dir != NULL) == 0 && (!key || sign(&j, key) == 0))
		err = dir ? write_all(&j, dir) : print_for(&j, peer);
	diags_sort(&j.d);
	if (j.d.first)
		report(inv, &j.d, NULL);
	diags_free(&j.d);
	arena_free(j.a);
	return err < 0 ? 1 : 0;
}

const struct command command_snapshot = {
    .name = "snapshot",
    .synopsis = "[FILE | DIR] (-o DIR [--key FILE] | --for PEER [--key FILE] [--summary | --json])",
    .summary = "show what a server would publish, or what one peer would see",
    .text =
	"Compiles the definition in the file, and ignores git: the commit is forty zeros, the number 1, the time 0.\n"
	"innernet-snapshot(5) describes the formats.",
    .example = "innernet snapshot network.yaml --for alice --summary",
    .options = options,
    .max_args = 1,
    .words = {WORD_FILE},
    .run = run,
};
