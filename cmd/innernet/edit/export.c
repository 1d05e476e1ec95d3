/* innernet export: makes the configuration of a peer that runs plain WireGuard, with a new key. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/edit/answer.h"
#include "cmd/innernet/edit/qr.h"
#include "cmd/terminal.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/invitation.h"
#include "reconcile/edge/config/key_file.h"
#include "reconcile/plan/wg_quick.h"
#include "schema/find.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The options and the rendered configuration: job->own. */
struct export
{
	const char *file; /* NULL: standard output */
	bool qr, all;
	const struct view *view;
	struct buf text, code; /* secret */
};

static void free_export(void *own)
{
	struct export *x = own;

	if (!x)
		return;
	buf_wipe(&x->text);
	buf_wipe(&x->code);
	free(x);
}

/* Returns FILE of "-o FILE", or NULL for standard output. */
static const char *output_file(const struct invocation *inv)
{
	const char *file = option_value(inv, "output");
	return file && strcmp(file, "-") != 0 ? file : NULL;
}

/* Returns the stream for messages: the stream of the configuration must have nothing else. */
static FILE *stream(const struct invocation *inv)
{
	return output_file(inv) && !option_given(inv, "qr") ? stdout : stderr;
}

static int take(struct edit_job *job)
{
	const struct invocation *inv = job->inv;
	struct export *x;
	bool key = option_given(inv, "key"), qr = option_given(inv, "qr"), json = option_given(inv, "json");

	if (key && option_given(inv, "new-key"))
		return usage_error(inv, "export: --key and --new-key exclude each other");
	if (key && (option_given(inv, "commit") || option_given(inv, "push")))
		return usage_error(inv, "export: with --key nothing is edited; leave out --commit and --push");
	if (key && option_given(inv, "via"))
		return usage_error(inv, "export: with --key nothing is edited; leave out --via");
	if (qr && json)
		return usage_error(inv, "export: --qr and --json exclude each other");
	if (!option_given(inv, "output") && !qr && isatty(STDOUT_FILENO))
		return usage_error(inv,
				   "export: the configuration has a private key, and standard output is a terminal; "
				   "give --qr, -o FILE, or -o - to print it anyway");
	job->own = x = calloc(1, sizeof(*x));
	if (!x) {
		diags_out_of_memory(&job->diags);
		return 1;
	}
	*x = (struct export){.file = output_file(inv), .qr = qr, .all = option_given(inv, "all")};
	job->edit.name = job->edit.peer.name = inv->args[0];
	job->edit.peer.via = option_value(inv, "via");
	return 0;
}

/* Replacing a peer's existing key needs --new-key. Returns -1 with a diagnostic. */
static int check_new(struct edit_job *job, const struct peer *p)
{
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	bool enrolled = p->is_invite && facts && ledger_enrolment(facts, &p->key);
	struct diag *g;

	if (p->server) {
		g = diag_error(&job->diags, "key-kept", &p->at, "'%s' is a server, which has its own key", p->name);
		diag_help(&job->diags, g, "export only peers that do not run innernet");
		return -1;
	}
	if ((p->is_invite && !enrolled) || option_given(job->inv, "new-key"))
		return 0;
	g = diag_error(&job->diags, "key-kept", &p->at_key,
		       enrolled ? "a machine has redeemed the invite of '%s'" : "peer '%s' has a key already", p->name);
	diag_help(&job->diags, g, "--new-key replaces it%s",
		  enrolled ? "" : "; --key FILE uses the private key that belongs to it");
	return -1;
}

static int prepare(struct edit_job *job)
{
	const struct export *x = job->own;
	uint8_t *key;

	if (check_new(job, &job->before->peers[model_peer_by_name(job->before, job->edit.name)]))
		return -1;
	if (edit_secret_new(job) || edit_secret_to(job, x->file, "output"))
		return -1;
	/* Clamps the key (RFC 7748 section 5), as WireGuard does, so that `wg` shows the same key as this file. */
	key = job->secret.key;
	randombytes_buf(key, KEY_LEN);
	key[0] &= 248;
	key[31] = (uint8_t)((key[31] & 127) | 64);
	x25519_public(key, &job->edit.peer.key);
	return 0;
}

/* Renders twice: first with a placeholder to size the buffer. Growing it with the key inside would leave a copy in memory. */
static int render(struct buf *out, const struct wg_quick *q, const uint8_t *secret, struct diags *d)
{
	char key[KEY_B64_LEN + 1];
	struct buf dry = {0};
	int r;

	memset(key, 'A', KEY_B64_LEN);
	key[KEY_B64_LEN] = '\0';
	r = wg_quick_render(&dry, q, key);
	buf_add(out, dry.p ? dry.p : "", dry.n);
	buf_reset(out);
	buf_free(&dry);
	config_secret_format(secret, key);
	if (r == 0)
		r = wg_quick_render(out, q, key);
	sodium_memzero(key, sizeof(key));
	if (r < 0)
		diags_out_of_memory(d);
	return r;
}

/* Compiles the peer's view of `m`, with the enrolled keys of this clone's ledger. NULL with a diagnostic. */
static const struct view *view_in(struct edit_job *job, const struct model *m)
{
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	struct reach_index *x = reach_index_new(job->arena, m);
	struct snapshot *s;

	if (!x) {
		diags_out_of_memory(&job->diags);
		return NULL;
	}
	s = snapshot_compile(job->arena, m, x, &commit_outside_git, &job->diags);
	return s ? view_of_peer(job->arena, s, model_peer_by_name(m, job->edit.name), facts ? facts->enrolments : NULL,
				facts ? facts->n_enrolments : 0, &job->diags)
		 : NULL;
}

static int render_all(struct edit_job *job, const struct model *m)
{
	struct export *x = job->own;
	struct wg_quick q = {.all = x->all, .comments = true};
	struct buf bare = {0};
	int r = -1;

	q.view = x->view = view_in(job, m);
	if (!x->view || render(&x->text, &q, job->secret.key, &job->diags))
		return -1;
	if (!x->qr)
		return 0;
	q.comments = false;
	if (render(&bare, &q, job->secret.key, &job->diags) == 0)
		r = qr_render(&x->code, buf_span(&bare), terminal_width(), use_color(job->inv, stdout), &job->diags);
	buf_wipe(&bare);
	return r;
}

static int make(struct edit_job *job)
{
	return render_all(job, job->after);
}

static int write_secret(struct edit_job *job)
{
	const struct export *x = job->own;
	return file_create(job->secret.file, buf_span(&x->text), 0600, &job->diags);
}

#define NAMES_SHOWN 12

/* Lists the view's peers that are in the configuration (`in`) or not in it. Returns their number. */
static uint32_t list_names(const struct edit_job *job, bool in, struct buf *text, json_t *list)
{
	const struct export *x = job->own;
	const struct view *v = x->view;
	const struct view_peer *self = &v->peers[v->self];
	const struct wg_quick q = {.view = v, .all = x->all};
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_peers; i++) {
		if (i == v->self || v->peers[i].pending || wg_quick_has(&q, i) != in)
			continue;
		if (text && n < NAMES_SHOWN)
			buf_printf(text, "%s%s", n ? ", " : "", v->peers[i].name);
		if (text && n < NAMES_SHOWN && !self->via && view_peer_via(v, i))
			buf_printf(text, " (through %s)", view_peer_via(v, i));
		if (list)
			json_array_append_new(list, json_string(v->peers[i].name));
		n++;
	}
	if (text && n > NAMES_SHOWN)
		buf_printf(text, " and %u more", n - NAMES_SHOWN);
	return n;
}

/* Returns whether the file is an invitation with this invite. */
static bool is_invitation(const char *path, const struct key *invite)
{
	struct invitation *i = NULL;
	struct diags quiet = {0};
	bool is = access(path, F_OK) == 0 && invitation_read(path, &i, &quiet) == 0 && key_eq(&i->invite, invite);

	invitation_free(i);
	diags_free(&quiet);
	return is;
}

/* Finds the invitation's file that the new key makes void, here or beside the definition. Empty when there is none. */
static void find_invitation(const struct edit_job *job, struct buf *out)
{
	const struct peer *p = &job->before->peers[model_peer_by_name(job->before, job->edit.name)];
	const char *root = job->before->files[0], *slash = strrchr(root, '/');

	if (!p->is_invite)
		return;
	buf_printf(out, "%s.yaml", p->name);
	if (slash && !(out->p && is_invitation(out->p, &p->key))) {
		buf_reset(out);
		buf_printf(out, "%.*s/%s.yaml", (int)(slash - root), root, p->name);
	}
	if (out->p && !is_invitation(out->p, &p->key))
		buf_reset(out);
}

static void say(const struct edit_job *job, struct buf *out)
{
	const struct export *x = job->own;
	const char *name = job->edit.name;
	const struct view *v = x->view;
	const char *via = v->peers[v->self].via;
	struct buf in = {0}, left = {0}, invitation = {0};

	if (x->file)
		buf_printf(out,
			   "The configuration is in %s. It has a private key: give it to %s alone, and remove it.\n",
			   x->file, name);
	find_invitation(job, &invitation);
	if (invitation.n)
		buf_printf(out, "This makes the invitation in %s void: remove it.\n", invitation.p);
	if (list_names(job, true, &in, NULL))
		buf_printf(out, "%s reaches, %s%s: %s.\n", name, via ? "through " : "each directly", via ? via : "",
			   in.p ? in.p : "");
	else
		buf_printf(out, "%s reaches no peer.\n", name);
	if (list_names(job, false, &left, NULL))
		buf_printf(out, "Not in the configuration, because %s knows no endpoint of theirs: %s.\n", name,
			   left.p ? left.p : "");
	if (via)
		buf_printf(out,
			   "%s must forward: sysctl net.ipv4.ip_forward=1, and for IPv6 "
			   "net.ipv6.conf.all.forwarding=1.\n",
			   via);
	buf_str(out, "The configuration does not follow changes of the network: export it again after one.\n");
	buf_free(&in);
	buf_free(&left);
	buf_free(&invitation);
}

static int show(struct edit_job *job)
{
	const struct export *x = job->own;

	if (x->qr && print_buf(job->inv, &x->code))
		return -1;
	return x->qr || x->file ? 0 : print_buf(job->inv, &x->text);
}

static int put_json(const struct edit_job *job, bool changed, json_t *into)
{
	const struct export *x = job->own;
	json_t *in = json_array(), *left = json_array(), *more;
	struct buf invitation = {0};
	char key[KEY_B64_LEN + 1];
	int rc;

	if (changed)
		find_invitation(job, &invitation);
	list_names(job, true, NULL, in);
	list_names(job, false, NULL, left);
	key_format(&x->view->peers[x->view->self].key, key);
	more = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", job->edit.name, "public_key", key,
			 "configuration", x->file ? json_null() : json_stringn(x->text.p, x->text.n), "output",
			 x->file ? json_string(x->file) : json_null(), "reaches", in, "without_endpoint", left,
			 "void_invitation", invitation.n ? json_string(invitation.p) : json_null());
	buf_free(&invitation);
	rc = more ? json_object_update(into, more) : -1;
	json_decref(more);
	return rc;
}

/* --key: makes the configuration from the given private key; the definition has the public key already. */
static int look(struct edit_job *job)
{
	const struct export *x = job->own;
	const char *path = option_value(job->inv, "key");
	uint32_t i = model_find_peer(job->before, job->edit.name, &job->diags);
	struct buf said = {0};
	int code;

	if (i == NONE || edit_secret_new(job) || edit_secret_to(job, x->file, "output") ||
	    key_file_read_peer(path, job->before, i, job->secret.key, &job->diags) || render_all(job, job->before) ||
	    edit_secret_save(job))
		return 1;
	if (option_given(job->inv, "json"))
		return edit_answer_json(job, NULL);
	say(job, &said);
	code = print_buf_to(job->inv, stream(job->inv), &said) || show(job) ? 1 : 0;
	buf_free(&said);
	return code;
}

static const struct option_spec options[] = {
    {"key", 0, "FILE", "its existing private key; the definition is not edited"},
    {"new-key", 0, NULL, "replace its existing key by a new one"},
    {"via", 0, "PEER", "write to the definition that PEER forwards for it: a server, or a peer in a server's CIDR"},
    {"all", 0, NULL, "include peers without an endpoint: they must send first"},
    {"qr", 0, NULL, "print a QR code for a phone's WireGuard app"},
    {"output", 'o', "FILE", "write it to FILE (mode 0600); - is standard output, even a terminal"},
    EDIT_OPTIONS,
};
const struct command command_export = {
    .name = "export",
    .synopsis = "PEER [IFACE | FILE | DIR] [--key FILE | --new-key] [--via PEER] [--qr | -o FILE] [OPTION...]",
    .summary = "make the configuration of a peer that runs plain WireGuard",
    .text =
	"Prints a file for wg-quick(8) and the WireGuard apps of phones, for a peer that does not run innernet. The\n"
	"command makes the key: the private key is only in the configuration, and the public key replaces the\n"
	"peer's invite in the definition. It shows the plan first.\n\n"
	"With --via, or with `via` in the definition, all traffic goes through the peer that forwards. Otherwise the\n"
	"peer reaches directly each peer with an endpoint in the definition, servers always. The configuration does\n"
	"not follow changes of the network: export it again after one.",
    .example = "innernet export phone --via hub --qr --commit --push",
    .options = options,
    .min_args = 1,
    .max_args = 2,
    .words = {WORD_PEER, WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_SET_KEY, .take = take, .definition_at = 1, .draws_key = true, .no_edit = "key", .look = look,
	     .prepare = prepare, .make = make, .write_secret = write_secret, .say = say, .json = put_json, .show = show,
	     .stream = stream, .free = free_export),
};
