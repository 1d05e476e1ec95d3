/* innernet add-peer and invite-peer: the peer's options, its address, its invite and its invitation. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/edit/take.h"
#include "cmd/innernet/edit/words.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/config/invitation.h"
#include "schema/time.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int take_expiry(struct edit_job *job)
{
	const char *s = option_value(job->inv, "invite-expires");
	int64_t seconds;

	if (edit_read_expiry(s ? s : EDIT_EXPIRY_DEFAULT, &seconds))
		return usage_error(
		    job->inv, "--invite-expires takes a number and m, h, d or w, as in 14d, or never; not '%s'", s);
	job->edit.peer.invite_expires = seconds ? clock_unix() + seconds : 0;
	return 0;
}

static int take_add_peer(struct edit_job *job)
{
	const struct invocation *inv = job->inv;
	const char *ip = option_value(inv, "ip"), *key = option_value(inv, "public-key");
	struct peer *p = &job->edit.peer;

	if (ip && option_given(inv, "auto-ip"))
		return usage_error(inv, "add-peer: --ip and --auto-ip exclude each other");
	if (key && (option_given(inv, "save-config") || option_given(inv, "invite-expires")))
		return usage_error(inv,
				   "add-peer: with --public-key there is no invitation; leave out --save-config and "
				   "--invite-expires");
	if (option_given(inv, "via") && !key)
		return usage_error(inv, "add-peer: --via needs --public-key: peers reach an invited peer directly");
	p->name = job->edit.name = option_value(inv, "name");
	p->is_invite = !key;
	job->edit.parent = option_value(inv, "cidr");
	if (!edit_name_ok(job, "name", p->name))
		return 1;
	if (key && key_parse(key, strlen(key), &p->key))
		return usage_error(inv, "--public-key takes a key as `wg pubkey` prints it, not '%s'", key);
	if (edit_take_attributes(job, IN_PEER, p))
		return 1;
	if (ip && edit_read_ips(ip, p->ip, &p->n_ips))
		return usage_error(
		    inv, "--ip takes an address, or one of each family as in 10.60.64.3,fd00:60::3; not '%s'", ip);
	return p->is_invite ? take_expiry(job) : 0;
}

static int take_invite_peer(struct edit_job *job)
{
	job->edit.name = job->edit.peer.name = option_value(job->inv, "name");
	job->edit.peer.is_invite = true;
	return take_expiry(job);
}

/* Finds the lowest address of each family that no peer has, and that by this clone's ledger no peer has had. */
static int find_addresses(struct edit_job *job)
{
	const struct model *m = job->before;
	struct peer *p = &job->edit.peer;
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	uint32_t cidr = model_cidr_by_name(m, job->edit.parent);
	const struct cidr *c = &m->cidrs[cidr];

	for (unsigned i = 0; i < c->n_prefixes; i++) {
		int family = prefix_is_v4(&c->prefix[i]) ? 0 : 1;
		struct addr *out = &p->ip[p->n_ips];
		if (facts ? ledger_next_free(m, facts, cidr, family, out) : model_next_free(m, cidr, family, out)) {
			struct diag *g =
			    diag_error(&job->diags, "cidr-full", &c->at, "no %s address is free in CIDR '%s'",
				       family ? "IPv6" : "IPv4", c->name);
			char range[PREFIX_STR_LEN];
			prefix_format(&c->prefix[i], range);
			if (facts)
				diag_help(&job->diags, g,
					  "make it larger; addresses that peers had before are free with `reuse: [%s]`",
					  range);
			else
				diag_help(&job->diags, g, "make it larger, or remove peers that are gone");
			return -1;
		}
		p->n_ips++;
	}
	return 0;
}

/* Draws the invite's key pair and names its file. `otherwise`: the end of the help text when no invite can be made. */
static int draw_invite(struct edit_job *job, const char *otherwise)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	const char *path = option_value(job->inv, "save-config");

	if (!job->before->trust.present) {
		struct diag *g =
		    diag_error(&job->diags, "not-invited", NULL,
			       "%s has no 'trust', so a machine with an invitation could not verify a server",
			       job->before->files[0]);
		diag_help(&job->diags, g, "`innernet-reconcile init` writes it%s", otherwise);
		return -1;
	}
	if (!path && !(path = arena_printf(job->arena, "%s.yaml", job->edit.peer.name)))
		return diags_out_of_memory(&job->diags);
	if (edit_secret_new(job) || edit_secret_to(job, path, "save-config"))
		return -1;
	randombytes_buf(job->secret.key, KEY_LEN);
	crypto_sign_seed_keypair(job->edit.peer.key.b, secret, job->secret.key);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}

static int prepare_add_peer(struct edit_job *job)
{
	if (!job->edit.peer.n_ips && find_addresses(job))
		return -1;
	return job->edit.peer.is_invite ? draw_invite(job, "; or give --public-key") : 0;
}

static int prepare_invite_peer(struct edit_job *job)
{
	return draw_invite(job, "");
}

static int write_invitation(struct edit_job *job)
{
	struct version floor = {0, 0};
	uint32_t i = model_peer_by_name(job->after, job->edit.peer.name);
	struct invitation *invitation = NULL;
	int rc;

	edit_git_floor(job, &floor);
	rc = invitation_make(job->after, i, job->secret.key, &floor, &invitation, &job->diags) ||
		     invitation_write(job->secret.file, invitation, &job->diags)
		 ? -1
		 : 0;
	invitation_free(invitation);
	return rc;
}

static void say_invitation(const struct edit_job *job, struct buf *out)
{
	const char *name = job->edit.peer.name, *slash = job->secret.file ? strrchr(job->secret.file, '/') : NULL;
	char expires[TIME_STR_LEN];

	if (!job->secret.file)
		return;
	buf_printf(out, "The invitation is in %s. A machine that has it can become %s, once", job->secret.file, name);
	if (job->edit.peer.invite_expires && !time_format(job->edit.peer.invite_expires, expires))
		buf_printf(out, " and until %s", expires);
	buf_printf(out,
		   ".\nGive it to %s alone, in a way you trust, and keep it out of git. There: innernet install %s\n",
		   name, slash ? slash + 1 : job->secret.file);
}

static json_t *string_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static int put_peer_json(const struct edit_job *job, bool changed, json_t *into)
{
	const struct model *m = changed ? job->after : job->before;
	uint32_t i = model_peer_by_name(m, job->edit.peer.name);
	const struct peer *p = &m->peers[i];
	char key[ED25519_STR_LEN + 1], expires[TIME_STR_LEN] = "";
	json_t *ips = json_array(), *more;
	int rc;

	for (unsigned n = 0; n < p->n_ips; n++) {
		char text[ADDR_STR_LEN];
		addr_format(&p->ip[n], text);
		json_array_append_new(ips, json_string(text));
	}
	if (p->is_invite)
		ed25519_format(&p->key, key);
	else
		key_format(&p->key, key);
	if (p->invite_expires)
		time_format(p->invite_expires, expires);
	more = json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "name", p->name, "ip", ips, "cidr", m->cidrs[p->cidr].name,
			 p->is_invite ? "invite" : "public_key", key, "invite_expires",
			 string_or_null(*expires ? expires : NULL), "invitation",
			 string_or_null(changed ? job->secret.file : NULL));
	rc = more ? json_object_update(into, more) : -1;
	json_decref(more);
	return rc;
}

static const struct option_spec add_peer_options[] = {
    {"name", 0, "NAME", "the peer's name, a host name"},
    {"ip", 0, "ADDRESS[,ADDRESS6]", "its address, or one of each family"},
    {"auto-ip", 0, NULL, "the lowest free address of each family in --cidr"},
    {"cidr", 0, "CIDR", "the name of its CIDR"},
    {"admin", 0, "[BOOL]", "its users may change the network"},
    {"endpoint", 0, "HOST:PORT", "its endpoint for other peers, if it is fixed"},
    {"keepalive", 0, "SECONDS", "keep its sessions alive; 0: never"},
    {"via", 0, "PEER", "with --public-key: the peer that forwards for it, a server or a peer in a server's CIDR"},
    {"description", 0, "TEXT", "a comment for readers"},
    {"public-key", 0, "KEY", "its existing WireGuard key; writes no invitation"},
    {"save-config", 0, "FILE", "where the invitation is written (NAME.yaml)"},
    {"invite-expires", 0, "TIME", "how long the invitation is open: 12h, 14d (the default), 4w, never"},
    EDIT_OPTIONS,
};
const struct command command_add_peer = {
    .name = "add-peer",
    .synopsis = EDIT_WHERE "--name NAME (--ip ADDRESS | --auto-ip --cidr CIDR) [OPTION...]",
    .summary = "add a peer to a definition, and write its invitation",
    .text =
	"Adds one peer. The invitation is a secret: only you can read the file, git ignores it, and one machine can\n"
	"redeem it, once. --auto-ip skips addresses that a peer has had, by this clone's copy of the ledger, unless\n"
	"`reuse:` names them. With --push the command fetches the ledger from origin first." EDIT_SAFE,
    .example = "innernet add-peer --name bob --auto-ip --cidr humans --commit --push",
    .options = add_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_ADD_PEER,
	     .asks = {{.option = "name", .kind = ASK_NEW_NAME, .question = "The new peer's name:"},
		      {.option = "cidr",
		       .kind = ASK_HOME,
		       .question = "Its CIDR:",
		       .unless = "ip",
		       .optional = true,
		       .with = "auto-ip",
		       .reason = "--auto-ip takes an address of it"},
		      {.option = "ip", .kind = ASK_ADDRESS, .question = "Its address:", .unless = "auto-ip"},
		      {.option = "admin",
		       .kind = ASK_YES_NO,
		       .question = "May its users change the network?",
		       .optional = true},
		      {.option = "invite-expires",
		       .kind = ASK_EXPIRY,
		       .question = "The invitation is open for:",
		       .unless = "public-key",
		       .optional = true},
		      {.option = "save-config",
		       .kind = ASK_INVITATION,
		       .question = "The invitation goes into the file:",
		       .unless = "public-key",
		       .optional = true}},
	     .takes_address = true, .take = take_add_peer, .prepare = prepare_add_peer,
	     .write_secret = write_invitation, .say = say_invitation, .json = put_peer_json),
};

static const struct option_spec invite_peer_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"save-config", 0, "FILE", "where the invitation is written (NAME.yaml)"},
    {"invite-expires", 0, "TIME", "how long the invitation is open: 12h, 14d (the default), 4w, never"},
    EDIT_OPTIONS,
};
const struct command command_invite_peer = {
    .name = "invite-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "give an existing peer a new invite",
    .text =
	"Replaces a peer's key, or its invite, by a new invite: for a machine that was lost, stolen or set up anew.\n"
	"The old key or invite is void at once, on every peer; the name, address and CIDR stay. Each call makes a new\n"
	"invite. The command shows the plan first.",
    .example = "innernet invite-peer --name bob --invite-expires 12h --commit --push",
    .options = invite_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_INVITE_PEER,
	     .asks = {{.option = "name", .kind = ASK_PEER, .question = "A new invite for:"},
		      {.option = "invite-expires",
		       .kind = ASK_EXPIRY,
		       .question = "The invitation is open for:",
		       .optional = true},
		      {.option = "save-config",
		       .kind = ASK_INVITATION,
		       .question = "The invitation goes into the file:",
		       .optional = true}},
	     .take = take_invite_peer, .prepare = prepare_invite_peer, .write_secret = write_invitation,
	     .say = say_invitation, .json = put_peer_json),
};
