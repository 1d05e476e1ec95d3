/* The peer's side of add-peer and invite-peer: its options, its address, its invite and its invitation. */
#include "cmd/innernet/edit.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/loop.h"
#include "schema/time.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int expiry_parse(const char *s, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;

	*seconds = 0;
	if (!strcmp(s, "never"))
		return 0;
	long n = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;
	for (size_t i = 0; n > 0 && n <= 100000 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (end[0] == units[i].unit && !end[1]) {
			*seconds = n * units[i].seconds;
			return 0;
		}
	}
	return -1;
}

int ips_parse(const char *s, struct addr out[static 2], uint8_t *n)
{
	*n = 0;
	while (*s && *n < 2) {
		size_t len = strcspn(s, ",");
		if (addr_parse(s, len, &out[*n]))
			return -1;
		++*n;
		s += len + (s[len] == ',' && s[len + 1]);
	}
	if (*s || !*n)
		return -1;
	/* IPv4 first, as the model has them. */
	if (*n == 2 && !addr_is_v4(&out[0]) && addr_is_v4(&out[1])) {
		struct addr six = out[0];
		out[0] = out[1];
		out[1] = six;
	}
	return 0;
}

static int take_expiry(struct edit_job *job)
{
	const char *s = option_value(job->inv, "invite-expires");
	int64_t seconds;

	if (expiry_parse(s ? s : "14d", &seconds))
		return usage_error(
		    job->inv, "--invite-expires takes a number and m, h, d or w, as in 14d, or never; not '%s'", s);
	job->edit.peer.invite_expires = seconds ? clock_unix() + seconds : 0;
	return 0;
}

int take_add_peer(struct edit_job *job)
{
	const struct invocation *inv = job->inv;
	const char *ip = option_value(inv, "ip"), *key = option_value(inv, "public-key");
	const char *endpoint = option_value(inv, "endpoint");
	struct edit_peer *p = &job->edit.peer;
	long keepalive;

	if (ip && option_given(inv, "auto-ip"))
		return usage_error(inv, "add-peer: --ip and --auto-ip exclude each other");
	if (key && (option_given(inv, "save-config") || option_given(inv, "invite-expires")))
		return usage_error(inv,
				   "add-peer: with --public-key there is no invitation; leave out --save-config and "
				   "--invite-expires");
	job->edit.via = option_value(inv, "via");
	if (job->edit.via && !key)
		return usage_error(inv, "add-peer: --via goes with --public-key: who is invited is reached directly");
	if (option_number(inv, "keepalive", 0, KEEPALIVE_MAX, -1, &keepalive))
		return 1;
	p->keepalive = (int32_t)keepalive;
	p->name = job->edit.name = option_value(inv, "name");
	p->description = option_value(inv, "description");
	p->admin = option_true(inv, "admin");
	p->cidr = option_value(inv, "cidr");
	p->is_invite = !key;
	if (!name_valid(p->name, strlen(p->name)))
		return usage_error(
		    inv, "--name takes a host name: lower case letters, digits and hyphens, at most %d; not '%s'",
		    NAME_MAX_LEN, p->name);
	if (key && key_parse(key, strlen(key), &p->key))
		return usage_error(inv, "--public-key takes a key as `wg pubkey` prints it, not '%s'", key);
	if (endpoint && !(p->endpoint = endpoint_canonical(job->arena, endpoint, strlen(endpoint))))
		return usage_error(inv, "--endpoint takes host:port, as in vpn.example.com:51820, not '%s'", endpoint);
	if (ip && ips_parse(ip, p->ip, &p->n_ips))
		return usage_error(
		    inv, "--ip takes an address, or one of each family as in 10.60.64.3,fd00:60::3; not '%s'", ip);
	return p->is_invite ? take_expiry(job) : 0;
}

int take_invite_peer(struct edit_job *job)
{
	job->edit.name = job->edit.peer.name = option_value(job->inv, "name");
	job->edit.peer.is_invite = true;
	return take_expiry(job);
}

/* The lowest address that nobody has, and that nobody had, as far as this clone's ledger knows. */
static int find_addresses(struct edit_job *job)
{
	const struct model *m = job->before;
	struct edit_peer *p = &job->edit.peer;
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	uint32_t cidr = model_cidr_by_name(m, p->cidr);
	const struct cidr *c = &m->cidrs[cidr];

	for (unsigned i = 0; i < c->n_prefixes; i++) {
		int family = prefix_is_v4(&c->prefix[i]) ? 0 : 1;
		struct addr *out = &p->ip[p->n_ips];
		if (facts ? ledger_next_free(m, facts, cidr, family, out) : model_next_free(m, cidr, family, out)) {
			struct diag *g =
			    diag_error(&job->diags, "cidr-full", &c->at, "no %s address is free in CIDR '%s'",
				       family ? "IPv6" : "IPv4", c->name);
			diag_help(&job->diags, g,
				  facts ? "make it larger; an address that a peer had before is free with `reuse:`"
					: "make it larger, or remove peers that are gone");
			return -1;
		}
		p->n_ips++;
	}
	return 0;
}

static int draw_invite(struct edit_job *job)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	const char *path = option_value(job->inv, "save-config");

	if (!job->before->trust.present) {
		struct diag *g =
		    diag_error(&job->diags, "not-invited", NULL,
			       "%s has no 'trust', so no server could be recognised by who holds an invitation",
			       job->before->files[0]);
		diag_help(&job->diags, g, "`innernet-reconcile init` writes it%s",
			  job->edit.kind == EDIT_ADD_PEER ? "; or give --public-key" : "");
		return -1;
	}
	job->secret = secret_new();
	job->secret_file =
	    path ? arena_strdup(job->arena, path) : arena_printf(job->arena, "%s.yaml", job->edit.peer.name);
	if (!job->secret || !job->secret_file) {
		job->diags.out_of_memory = true;
		return -1;
	}
	randombytes_buf(job->secret, KEY_LEN);
	crypto_sign_seed_keypair(job->edit.peer.key.b, secret, job->secret);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}

int prepare_add_peer(struct edit_job *job)
{
	if (!job->edit.peer.n_ips && find_addresses(job))
		return -1;
	return job->edit.peer.is_invite ? draw_invite(job) : 0;
}

int prepare_invite_peer(struct edit_job *job)
{
	return draw_invite(job);
}

int invitation_save(struct edit_job *job)
{
	struct version floor = {0, 0};
	uint32_t i = model_peer_by_name(job->after, job->edit.peer.name);
	struct invitation *invitation = NULL;
	int rc = -1;

	if (!job->secret)
		return 0;
	edit_floor(job, &floor);
	if (!invitation_make(job->after, i, job->secret, &floor, &invitation, &job->diags) &&
	    !invitation_write(job->secret_file, invitation, &job->diags)) {
		rc = edit_exclude(job, job->secret_file, &job->excluded);
		if (rc)
			file_remove(job->secret_file, &job->diags);
	}
	invitation_free(invitation);
	return rc;
}

void invitation_say(const struct edit_job *job, struct buf *out)
{
	const char *name = job->edit.peer.name, *slash = job->secret_file ? strrchr(job->secret_file, '/') : NULL;
	char expires[TIME_STR_LEN];

	if (!job->secret_file)
		return;
	buf_printf(out, "The invitation is in %s. Whoever holds it can take %s's place, once", job->secret_file, name);
	if (job->edit.peer.invite_expires && !time_format(job->edit.peer.invite_expires, expires))
		buf_printf(out, " and until %s", expires);
	buf_printf(out,
		   ":\ngive it to %s alone, by a way you trust, and keep it out of git. There: innernet install %s\n",
		   name, slash ? slash + 1 : job->secret_file);
}

static json_t *string_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

int json_peer(const struct edit_job *job, bool changed, json_t *into)
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
			 string_or_null(changed ? job->secret_file : NULL));
	rc = more ? json_object_update(into, more) : -1;
	json_decref(more);
	return rc;
}
