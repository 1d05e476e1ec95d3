/* innernet add-peer: a place for one more machine, in network.yaml and in an invitation. */
#include "cmd/innernet/commands.h"
#include "reconcile/edge/file.h"
#include "reconcile/edge/invitation.h"
#include "reconcile/edge/loop.h"
#include "reconcile/edge/run.h"
#include "reconcile/edge/source.h"
#include "reconcile/reach.h"
#include "schema/edit.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"name", 0, "NAME", "the peer's name, a host name"},
    {"ip", 0, "ADDRESS[,ADDRESS6]", "its address, one a family"},
    {"auto-ip", 0, NULL, "the lowest free address of --cidr, one a family"},
    {"cidr", 0, "CIDR", "the name of the CIDR it is to be in"},
    {"admin", 0, NULL, "its users may change the network"},
    {"endpoint", 0, "HOST:PORT", "where others reach it, when that is fixed"},
    {"keepalive", 0, "SECONDS", "keep its sessions alive; 0: never"},
    {"description", 0, "TEXT", "for people"},
    {"public-key", 0, "KEY", "a WireGuard key that it has already: then no invitation is written"},
    {"save-config", 0, "FILE", "where the invitation is written (NAME.yaml)"},
    {"invite-expires", 0, "TIME", "how long the invitation is open: 12h, 14d (the default), 4w, never"},
    {"commit", 0, NULL, "commit the definition"},
    {"push", 0, NULL, "commit it and push"},
    {"yes", 'y', NULL, "do not ask first (a terminal is asked)"},
    {"json", 0, NULL, "say what was done as JSON"},
    {0},
};

struct add {
	struct invocation *inv;
	struct arena *arena;
	struct diags diags;  /* about the definition as it is */
	struct diags edited; /* about the definition as it would be */
	struct model *before, *after;
	struct edit_peer peer;
	uint32_t cidr;             /* of --cidr; NONE: not given */
	uint8_t *seed;             /* secret_new(); NULL with --public-key */
	const char *file, *folder; /* the root file, and the folder where git works */
	char *invitation;          /* its path; NULL with --public-key */
	struct buf bytes;          /* the edited file */
	bool commit, push, json;
	bool tracked; /* by git */
};

/* Everything that is missing at once, with what to type. */
static int check_usage(const struct invocation *inv)
{
	struct buf missing = {0};
	bool ip = option_given(inv, "ip"), auto_ip = option_given(inv, "auto-ip"), cidr = option_given(inv, "cidr");
	int rc = 0;

	if (!option_given(inv, "name"))
		buf_str(&missing, "--name NAME");
	if (!ip && !auto_ip)
		buf_printf(&missing, "%s--ip ADDRESS (or --auto-ip --cidr CIDR)", missing.n ? ", " : "");
	else if (auto_ip && !cidr)
		buf_printf(&missing, "%s--cidr CIDR (where --auto-ip looks for an address)", missing.n ? ", " : "");
	if (missing.n)
		rc = usage_error(inv, "add-peer: something is missing: %s", missing.p);
	else if (ip && auto_ip)
		rc = usage_error(inv, "add-peer: --ip and --auto-ip exclude each other");
	else if (option_given(inv, "public-key") &&
		 (option_given(inv, "save-config") || option_given(inv, "invite-expires")))
		rc = usage_error(inv, "add-peer: with --public-key there is no invitation; leave out --save-config and "
				      "--invite-expires");
	buf_free(&missing);
	return rc;
}

/* "14d" to the time when that is over. 0: never. */
static int take_expiry(struct add *a)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	const char *s = option_value(a->inv, "invite-expires");
	char *end;

	if (!s)
		s = "14d";
	if (!strcmp(s, "never"))
		return 0;
	long n = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;
	for (size_t i = 0; n > 0 && n <= 100000 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (end[0] == units[i].unit && !end[1]) {
			a->peer.invite_expires = clock_unix() + n * units[i].seconds;
			return 0;
		}
	}
	return usage_error(a->inv, "--invite-expires takes a number and m, h, d or w, as in 14d, or never; not '%s'",
			   s);
}

static int take_ips(struct add *a, const char *s)
{
	while (*s && a->peer.n_ips < 2) {
		size_t n = strcspn(s, ",");
		if (addr_parse(s, n, &a->peer.ip[a->peer.n_ips]))
			break;
		a->peer.n_ips++;
		s += n + (s[n] == ',' && s[n + 1]);
	}
	if (*s || !a->peer.n_ips)
		return usage_error(a->inv,
				   "--ip takes an address, or one of each family as in 10.60.64.3,fd00:60::3; not '%s'",
				   option_value(a->inv, "ip"));
	/* IPv4 first, as the model has them. */
	if (a->peer.n_ips == 2 && !addr_is_v4(&a->peer.ip[0]) && addr_is_v4(&a->peer.ip[1])) {
		struct addr six = a->peer.ip[0];
		a->peer.ip[0] = a->peer.ip[1];
		a->peer.ip[1] = six;
	}
	return 0;
}

/* What the flags say, without looking at any file. 0, or the exit code after printing. */
static int take_options(struct add *a)
{
	const struct invocation *inv = a->inv;
	const char *ip = option_value(inv, "ip"), *key = option_value(inv, "public-key");
	const char *endpoint = option_value(inv, "endpoint");
	struct edit_peer *p = &a->peer;
	long keepalive;
	int rc = check_usage(inv);

	if (rc)
		return rc;
	if (option_number(inv, "keepalive", 0, KEEPALIVE_MAX, -1, &keepalive))
		return 1;
	p->keepalive = (int32_t)keepalive;
	p->name = option_value(inv, "name");
	p->description = option_value(inv, "description");
	p->admin = option_given(inv, "admin");
	p->is_invite = !key;
	a->push = option_given(inv, "push");
	a->commit = a->push || option_given(inv, "commit");
	a->json = option_given(inv, "json");
	if (!name_valid(p->name, strlen(p->name)))
		return usage_error(
		    inv, "--name takes a host name: lower case letters, digits and hyphens, at most %d; not '%s'",
		    NAME_MAX_LEN, p->name);
	if (key && key_parse(key, strlen(key), &p->key))
		return usage_error(inv, "--public-key takes a key as `wg pubkey` prints it, not '%s'", key);
	if (endpoint && !(p->endpoint = endpoint_canonical(a->arena, endpoint, strlen(endpoint))))
		return usage_error(inv, "--endpoint takes host:port, as in vpn.example.com:51820, not '%s'", endpoint);
	if (ip && (rc = take_ips(a, ip)))
		return rc;
	return p->is_invite ? take_expiry(a) : 0;
}

static bool str_eq(const char *x, const char *y)
{
	return x == y || (x && y && !strcmp(x, y));
}

/* A peer of that name is there. The same command again is harmless; another one is an error. */
static int check_existing(struct add *a, const struct peer *q)
{
	const struct edit_peer *p = &a->peer;
	struct buf other = {0};
	bool ips = !p->n_ips || (p->n_ips == q->n_ips && !memcmp(p->ip, q->ip, p->n_ips * sizeof(p->ip[0])));
	const struct {
		bool same;
		const char *what;
	} checks[] = {
	    {ips, "address"},
	    {a->cidr == NONE || q->cidr == a->cidr, "CIDR"},
	    {p->is_invite || (!q->is_invite && key_eq(&p->key, &q->key)), "public key"},
	    {str_eq(p->endpoint, q->endpoint), "endpoint"},
	    {p->keepalive == q->keepalive, "keepalive"},
	    {str_eq(p->description, q->description), "description"},
	    {p->admin == q->admin, "admin"},
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i].same)
			buf_printf(&other, "%s%s", other.n ? ", " : "", checks[i].what);
	if (!other.n)
		return 0;
	struct diag *g = diag_error(&a->diags, "peer-exists", &q->at, "peer '%s' is there already, with another %s",
				    q->name, other.p ? other.p : "");
	diag_help(&a->diags, g, "choose another name, or edit the line");
	buf_free(&other);
	return -1;
}

static int find_cidr(struct add *a)
{
	const char *name = option_value(a->inv, "cidr");
	struct model *m = a->before;

	a->cidr = NONE;
	if (!name)
		return 0;
	a->cidr = model_cidr_by_name(m, name);
	if (a->cidr != NONE)
		return 0;
	struct buf known = {0};
	for (uint32_t i = 0; i < m->n_cidrs && i < 20; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", m->cidrs[i].name);
	struct diag *g = diag_error(&a->diags, "unknown-name", NULL, "there is no CIDR '%s' in %s", name, a->file);
	diag_help(&a->diags, g, "its CIDRs are %s%s", known.p ? known.p : "", m->n_cidrs > 20 ? ", ..." : "");
	buf_free(&known);
	return -1;
}

static int find_address(struct add *a)
{
	const struct cidr *c = &a->before->cidrs[a->cidr];

	for (unsigned i = 0; i < c->n_prefixes; i++) {
		int family = prefix_is_v4(&c->prefix[i]) ? 0 : 1;
		if (model_next_free(a->before, a->cidr, family, &a->peer.ip[a->peer.n_ips])) {
			struct diag *g =
			    diag_error(&a->diags, "cidr-full", &c->at, "no %s address is free in CIDR '%s'",
				       family ? "IPv6" : "IPv4", c->name);
			diag_help(&a->diags, g, "make it larger, or remove peers that are gone");
			return -1;
		}
		a->peer.n_ips++;
	}
	return 0;
}

/* Where the file is, as git wants it: a folder, and the file's own name in it. */
static int find_folder(struct add *a)
{
	char *real = realpath(a->before->files[0], NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (slash) {
		a->folder = slash == real ? "/" : arena_strndup(a->arena, real, (size_t)(slash - real));
		a->file = arena_strdup(a->arena, slash + 1);
	}
	free(real);
	if (a->folder && a->file)
		return 0;
	diag_file_error(&a->diags, "file-error", a->before->files[0], "cannot find the folder of %s",
			a->before->files[0]);
	return -1;
}

static int git(const struct add *a, struct buf *out, enum run_stderr errors, struct diags *d, const char *const args[])
{
	const char *argv[16] = {"git", "-C", a->folder};
	size_t n = 3;
	while (*args && n < 15)
		argv[n++] = *args++;
	return run_program(argv, errors, out, 1 << 16, d);
}
#define GIT(a, out, errors, d, ...) git(a, out, errors, d, (const char *const[]){__VA_ARGS__, NULL})

/*
 * The last published version is at least that of the commit on which this definition stands. Outside git, or
 * without git, there is no floor: zeros.
 */
static void find_floor(struct add *a, struct version *floor)
{
	struct buf out = {0};
	struct diags d = {0};

	*floor = (struct version){0, 0};
	a->tracked = !GIT(a, &out, RUN_STDERR_DROPPED, &d, "ls-files", "--error-unmatch", "--", a->file);
	buf_reset(&out);
	if (a->tracked && !GIT(a, &out, RUN_STDERR_DROPPED, &d, "--no-replace-objects", "rev-list", "--count", "HEAD"))
		*floor = (struct version){a->before->epoch, strtoull(out.p ? out.p : "", NULL, 10)};
	buf_free(&out);
	diags_free(&d);
}

/* A commit takes this file along as it is: what somebody has not finished yet must not be in it. */
static int check_commit(struct add *a)
{
	struct diag *g;
	int rc;

	if (!a->commit)
		return 0;
	if (!a->tracked) {
		g = diag_error(&a->diags, "not-in-git", NULL, "%s/%s is in no git repository, or was never added to it",
			       a->folder, a->file);
		diag_help(&a->diags, g, "leave out --commit and --push, or `git add` it first");
		return -1;
	}
	rc = GIT(a, NULL, RUN_STDERR_SHOWN, &a->diags, "diff", "--quiet", "HEAD", "--", a->file);
	if (rc > 0) {
		g = diag_error(&a->diags, "uncommitted-changes", NULL,
			       "%s has changes that are not committed; --commit would take them along",
			       a->before->files[0]);
		diag_help(&a->diags, g, "commit them first, or leave out --commit");
	}
	return rc ? -1 : 0;
}

static int draw_invite(struct add *a)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	a->seed = secret_new();
	if (!a->seed) {
		a->diags.out_of_memory = true;
		return -1;
	}
	randombytes_buf(a->seed, KEY_LEN);
	crypto_sign_seed_keypair(a->peer.key.b, secret, a->seed);
	sodium_memzero(secret, sizeof(secret));
	const char *path = option_value(a->inv, "save-config");
	a->invitation = path ? arena_strdup(a->arena, path) : arena_printf(a->arena, "%s.yaml", a->peer.name);
	a->diags.out_of_memory |= !a->invitation;
	return a->invitation ? 0 : -1;
}

/* The definition as it would be, with its own tests. Nothing is written before this says yes. */
static int check_edited(struct add *a)
{
	a->after = source_load_edited(a->arena, a->before->files[0], buf_span(&a->bytes), false, &a->edited);
	if (!a->after)
		return -1;
	struct reach_index *x = reach_index_new(a->arena, a->after);
	if (!x) {
		a->edited.out_of_memory = true;
		return -1;
	}
	reach_run_tests(x, &a->edited);
	uint32_t i = model_peer_by_name(a->after, a->peer.name);
	if (!a->edited.n_errors && (i == NONE || a->after->n_peers != a->before->n_peers + 1)) {
		diag_error(&a->edited, "edit-style", NULL, "the edit did not add one peer; add it by hand");
	} else if (i != NONE && a->cidr != NONE && a->after->peers[i].cidr != a->cidr) {
		const struct peer *p = &a->after->peers[i];
		diag_error(&a->edited, "address-outside", &p->at_ip, "this address is in CIDR '%s', not in '%s'",
			   a->after->cidrs[p->cidr].name, a->after->cidrs[a->cidr].name);
	}
	diags_sort(&a->edited);
	return a->edited.n_errors ? -1 : 0;
}

/* The lines that went and came, found from both ends of the file. */
static void show_lines(struct buf *out, struct span before, struct span after, bool color)
{
	size_t head = 0, tail = 0, shorter = before.n < after.n ? before.n : after.n;
	while (head < shorter && before.p[head] == after.p[head])
		head++;
	while (head > 0 && after.p[head - 1] != '\n')
		head--;
	while (tail < shorter - head && before.p[before.n - 1 - tail] == after.p[after.n - 1 - tail])
		tail++;
	while (tail > 0 &&
	       (after.p[after.n - tail - 1] != '\n' || (before.n > tail && before.p[before.n - tail - 1] != '\n')))
		tail--;
	const struct span sides[] = {before, after};
	for (int side = 0; side < 2; side++) {
		struct span s = {sides[side].p + head, sides[side].n - tail - head};
		while (s.n) {
			const uint8_t *lf = memchr(s.p, '\n', s.n);
			size_t n = lf ? (size_t)(lf - s.p) : s.n, text = n && s.p[n - 1] == '\r' ? n - 1 : n;
			buf_str(out, color ? (side ? "\033[32m+" : "\033[31m-") : (side ? "+" : "-"));
			buf_add(out, s.p, text);
			buf_str(out, color ? "\033[0m\n" : "\n");
			n += lf != NULL;
			s.p += n;
			s.n -= n;
		}
	}
}

/* The invitation first: a definition with an invite that nobody holds would be worth nothing. */
static int write_files(struct add *a, const struct version *floor)
{
	struct invitation *invitation = NULL;
	const char *path = arena_printf(a->arena, "%s/%s", a->folder, a->file);
	struct stat st;
	int rc = -1;

	if (!path) {
		a->diags.out_of_memory = true;
		return -1;
	}
	if (stat(path, &st))
		st.st_mode = 0644;
	if (a->seed) {
		uint32_t i = model_peer_by_name(a->after, a->peer.name);
		if (invitation_make(a->after, i, a->seed, floor, &invitation, &a->diags) ||
		    invitation_write(a->invitation, invitation, &a->diags))
			goto out;
	}
	rc = file_write(path, buf_span(&a->bytes), st.st_mode & 07777, &a->diags);
	if (rc && a->seed)
		file_remove(a->invitation, &a->diags);
out:
	invitation_free(invitation);
	return rc;
}

/* 0, or -1: what was written stays, since it is right. */
static int publish(struct add *a)
{
	char *message = arena_printf(a->arena, "network: add peer %s", a->peer.name);
	struct diag *g;
	int rc;

	if (!a->commit)
		return 0;
	if (!message) {
		a->diags.out_of_memory = true;
		return -1;
	}
	rc = GIT(a, NULL, RUN_STDERR_SHOWN, &a->diags, "commit", "--quiet", "--message", message, "--only", "--",
		 a->file);
	if (rc) {
		if (rc > 0) {
			g = diag_error(&a->diags, "git-failed", NULL,
				       "`git commit` failed; %s has the peer all the same", a->file);
			diag_help(&a->diags, g, "git commit -m '%s' %s", message, a->file);
		}
		return -1;
	}
	if (!a->push)
		return 0;
	rc = GIT(a, NULL, RUN_STDERR_SHOWN, &a->diags, "push", "--quiet");
	if (rc > 0) {
		g = diag_error(&a->diags, "git-failed", NULL, "`git push` failed; the commit is there");
		diag_help(&a->diags, g, "when that is settled: git push");
	}
	return rc ? -1 : 0;
}

static json_t *string_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static int print_json(const struct add *a, bool changed)
{
	uint32_t i = model_peer_by_name(a->after, a->peer.name);
	const struct peer *p = &a->after->peers[i];
	char key[ED25519_STR_LEN + 1], expires[TIME_STR_LEN] = "";
	json_t *ips = json_array(), *j;
	struct buf b = {0};

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
	j = json_pack("{s:s, s:b, s:s, s:o, s:s, s:s, s:o, s:s, s:o, s:b, s:b}", "format_version", "1.0", "changed",
		      changed, "name", p->name, "ip", ips, "cidr", a->after->cidrs[p->cidr].name,
		      p->is_invite ? "invite" : "public_key", key, "invite_expires",
		      string_or_null(*expires ? expires : NULL), "file", a->after->files[0], "invitation",
		      string_or_null(changed ? a->invitation : NULL), "committed", changed && a->commit, "pushed",
		      changed && a->push);
	char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (text)
		buf_printf(&b, "%s\n", text);
	free(text);
	b.failed |= !b.n;
	int rc = print_buf(a->inv, &b);
	buf_free(&b);
	return rc;
}

static int print_human(const struct add *a)
{
	struct buf b = {0};
	char expires[TIME_STR_LEN];

	if (a->invitation) {
		buf_printf(&b, "The invitation is in %s. Whoever holds it can take %s's place, once", a->invitation,
			   a->peer.name);
		if (a->peer.invite_expires && !time_format(a->peer.invite_expires, expires))
			buf_printf(&b, " and until %s", expires);
		buf_printf(
		    &b,
		    ":\ngive it to %s alone, by a way you trust, and keep it out of git. There: innernet install %s\n",
		    a->peer.name, strrchr(a->invitation, '/') ? strrchr(a->invitation, '/') + 1 : a->invitation);
	}
	if (!a->commit)
		buf_printf(&b, "It counts when it is pushed: git commit -m 'network: add peer %s' %s && git push\n",
			   a->peer.name, a->after->files[0]);
	else
		buf_printf(&b,
			   a->push ? "Committed and pushed.\n" : "Committed. It counts when it is pushed: git push\n");
	int rc = print_buf(a->inv, &b);
	buf_free(&b);
	return rc;
}

static int already_there(struct add *a)
{
	struct buf b = {0};
	int rc;

	a->after = a->before;
	if (a->json)
		return print_json(a, false) ? 1 : 0;
	buf_printf(&b, "Peer '%s' is in %s already, as asked for. Nothing changed.\n", a->peer.name,
		   a->before->files[0]);
	rc = print_buf(a->inv, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

static bool agreed(const struct add *a)
{
	struct buf b = {0};
	bool yes = true;

	show_lines(&b, a->before->sources[0], buf_span(&a->bytes), use_color(a->inv, stdout));
	if (!a->json)
		yes = print_buf(a->inv, &b) == 0;
	if (yes && !option_given(a->inv, "yes") && isatty(STDIN_FILENO))
		yes = ask_yes("Add this peer?");
	buf_free(&b);
	return yes;
}

static int add_peer(struct add *a)
{
	struct version floor;
	uint32_t i;

	a->before = source_load(a->arena, a->inv->n_args ? a->inv->args[0] : ".", false, &a->diags);
	if (!a->before)
		return 1;
	if (find_folder(a) || find_cidr(a))
		return 1;
	i = model_peer_by_name(a->before, a->peer.name);
	if (i != NONE)
		return check_existing(a, &a->before->peers[i]) ? 1 : already_there(a);
	if (!a->peer.n_ips && find_address(a))
		return 1;
	if (a->peer.is_invite && !a->before->trust.present) {
		struct diag *g =
		    diag_error(&a->diags, "not-invited", NULL,
			       "%s has no 'trust', so no server could be recognised by who holds an invitation",
			       a->before->files[0]);
		diag_help(&a->diags, g, "`innernet-reconcile init` writes it; or give --public-key");
		return 1;
	}
	find_floor(a, &floor);
	if (check_commit(a) || (a->peer.is_invite && draw_invite(a)) ||
	    edit_add_peer(a->before->sources[0], &a->peer, &a->bytes, &a->diags) || check_edited(a))
		return 1;
	if (!agreed(a)) {
		fputs("Nothing was changed.\n", stderr);
		return 1;
	}
	if (write_files(a, &floor) || publish(a))
		return 1;
	return (a->json ? print_json(a, true) : print_human(a)) ? 1 : 0;
}

static int run(struct invocation *inv)
{
	struct add a = {.inv = inv, .arena = arena_new()};
	int rc;

	if (!a.arena || sodium_init() < 0) {
		fprintf(stderr, "%s: out of memory\n", inv->program->name);
		arena_free(a.arena);
		return 1;
	}
	rc = take_options(&a);
	if (!rc) {
		rc = add_peer(&a);
		if (a.diags.first || a.diags.out_of_memory)
			report(inv, &a.diags, NULL);
		if (a.edited.first || a.edited.out_of_memory)
			report(inv, &a.edited, NULL);
		if (a.edited.n_errors)
			fputs("\nNothing was changed: the definition would not be valid.\n", stderr);
	}
	secret_free(a.seed);
	buf_free(&a.bytes);
	diags_free(&a.diags);
	diags_free(&a.edited);
	arena_free(a.arena);
	return rc;
}

const struct command command_add_peer = {
    .name = "add-peer",
    .synopsis = "[FILE | DIR] --name NAME (--ip ADDRESS | --auto-ip --cidr CIDR) [OPTION...]",
    .summary = "add a peer to a definition, and write its invitation",
    .text = "Adds one peer to network.yaml and changes no other byte of it. Nothing is written unless the result is\n"
	    "valid. The invitation is a secret: it is readable by you alone, and takes the peer's place in the\n"
	    "network once. The same command again changes nothing.",
    .example = "innernet add-peer --name bob --auto-ip --cidr humans --commit --push",
    .options = options,
    .max_args = 1,
    .run = run,
};
