/* innernet-reconcile init --join: makes keys for a further server of a network, and prints the lines to commit. */
#include "cmd/innernet-reconcile/init_source.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct joining {
	const struct invocation *inv;
	struct arena *arena;
	struct init_asked asked;
	struct server_config *c;
	struct init_mirror mirror;
	struct server_paths paths;
	struct model *m;
	struct ledger *ledger;
	const char *name; /* the name of the server's peer */
	struct addr ip[2];
	unsigned n_ips;
	bool again; /* `c` is read from the existing file; no file is written */
};

/* Reads the newest definition from the file or the remote into j->m. */
static int read_definition(struct joining *j, struct diags *d)
{
	const char *data = option_value(j->inv, "data-dir"), *repository = option_value(j->inv, "repository");
	const char *beside = repository ? repository : arena_printf(j->arena, "%s/join", data ? data : SERVER_DATA_DIR);
	struct repo_definition def;
	struct diag *g;
	char tip[HASH_HEX_LEN + 1];

	if (j->c->file) {
		j->m = source_load(j->arena, j->c->file, false, d);
		return j->m ? 0 : -1;
	}
	if (!beside || init_mirror_make(beside, j->c, &j->mirror, d) < 0)
		return -1;
	if (repo_tip(j->mirror.repo, tip, d) < 0) {
		diags_free(d);
		*d = (struct diags){0};
		g = diag_error(d, "remote-empty", NULL, "%s has no branch '%s' yet", j->c->remote,
			       j->c->ref + strlen("refs/heads/"));
		diag_help(d, g, "leave --join out: the first server's `init` makes the network there");
		return -1;
	}
	if (repo_definition(j->mirror.repo, tip, j->arena, &def, d) < 0)
		return -1;
	j->m = definition_load(j->arena, &def.root, &def.includes, false, d);
	return j->m ? 0 : -1;
}

/*
 * Returns whether an earlier --join with the same source made this machine's keys and the definition does not have them
 * yet. Then j->c is the file of that run, and the command prints the lines to commit again.
 */
static bool joined_before(struct joining *j)
{
	const char *a = j->c->remote ? j->c->remote : j->c->file, *b = NULL;
	struct server_config *own = NULL;
	struct diags quiet = {0};
	bool same = false;

	if (server_config_read(j->paths.config, &own, &quiet) == 0) {
		b = j->c->remote ? own->remote : own->file;
		same = a && b && !strcmp(a, b) && !strcmp(own->network, j->m->network) && own->n_seeds;
		for (uint32_t i = 0; i < j->m->n_peers; i++)
			same &= !key_eq(&j->m->peers[i].key, &own->public_key);
	}
	diags_free(&quiet);
	if (same) {
		server_config_free(j->c);
		j->c = own;
	} else {
		server_config_free(own);
	}
	return same;
}

static int check_network(struct joining *j, struct diags *d)
{
	const char *name = option_value(j->inv, "network-name");
	struct diag *g;

	if (name && strcmp(name, j->m->network)) {
		diag_error(d, "network-other", NULL, "the definition there is that of the network '%s', not of '%s'",
			   j->m->network, name);
		return -1;
	}
	if (!j->m->trust.present) {
		diag_error(d, "trust-missing", NULL,
			   "the definition there has no `trust:`: no `innernet-reconcile init` made it");
		return -1;
	}
	if (!access(j->paths.config, F_OK) && !(j->again = joined_before(j))) {
		g = diag_file_error(d, "network-exists", j->paths.config, "there is a server of '%s' here already: %s",
				    j->m->network, j->paths.config);
		diag_help(d, g,
			  "nothing was changed; if the file belongs to another network of that name, move it away");
		return -1;
	}
	return 0;
}

/* Chooses --server-name, or the first of server2, server3, ... that no peer or CIDR has. */
static int choose_name(struct joining *j, struct diags *d)
{
	const char *given = option_value(j->inv, "server-name");

	j->name = given;
	for (unsigned i = 2; !given && i < 1000; i++) {
		j->name = arena_printf(j->arena, "server%u", i);
		if (j->name && model_peer_by_name(j->m, j->name) == NONE && model_cidr_by_name(j->m, j->name) == NONE)
			return 0;
	}
	if (!j->name)
		return diags_out_of_memory(d);
	if (!name_valid(j->name, strlen(j->name))) {
		usage_error(j->inv, "--server-name: '%s' is not a host name: lower case letters, digits and hyphens",
			    j->name);
		return -1;
	}
	if (model_peer_by_name(j->m, j->name) == NONE && model_cidr_by_name(j->m, j->name) == NONE)
		return 0;
	diag_error(d, "name-taken", NULL, "the network has a '%s' already: give another --server-name", j->name);
	return -1;
}

/* Chooses the lowest free address of each family in --server-cidr, or in the CIDR of the first server. */
static int choose_addresses(struct joining *j, struct diags *d)
{
	const char *given = option_value(j->inv, "server-cidr");
	const struct ledger_facts none = {0}, *facts = j->ledger ? ledger_facts(j->ledger) : &none;
	uint32_t cidr = given ? model_cidr_by_name(j->m, given) : NONE;

	for (uint32_t i = 0; i < j->m->n_peers && !given && cidr == NONE; i++)
		if (j->m->peers[i].server)
			cidr = model_cidr_of_addr(j->m, &j->m->peers[i].ip[0]);
	if (cidr == NONE) {
		diag_error(d, "unknown-name", NULL, "there is no CIDR '%s' in the network", given ? given : "");
		return -1;
	}
	for (int family = 0; family < 2; family++) {
		bool has = false;
		for (unsigned i = 0; i < j->m->cidrs[cidr].n_prefixes; i++)
			has |= prefix_is_v4(&j->m->cidrs[cidr].prefix[i]) == !family;
		if (!has)
			continue;
		if (ledger_next_free(j->m, facts, cidr, family, &j->ip[j->n_ips]) < 0) {
			struct diag *g =
			    diag_error(d, "cidr-full", NULL, "'%s' has no free address", j->m->cidrs[cidr].name);
			diag_help(d, g, "name another one: --server-cidr NAME");
			return -1;
		}
		j->n_ips++;
	}
	return 0;
}

static int ledger_read(struct joining *j, struct diags *d)
{
	struct diags unread = {0};

	if (!j->mirror.repo)
		return 0;
	if (!(j->ledger = ledger_new_remote(j->mirror.repo, &j->m->trust.id, NULL, d)))
		return -1;
	/* An unreadable ledger is no error: the server checks the commit against the ledger and refuses a used address. */
	ledger_refresh(j->ledger, &unread);
	diags_free(&unread);
	return 0;
}

static int write_config(struct joining *j, uint16_t port, struct diags *d)
{
	const char *repository = option_value(j->inv, "repository");
	char *path = arena_printf(j->arena, "%s/network.git", j->paths.data), *slash;
	char *folder = arena_strdup(j->arena, j->paths.config);
	struct server_config *c = j->c;
	struct buf text = {0};
	int ret = -1;

	snprintf(c->network, sizeof(c->network), "%s", j->m->network);
	snprintf(c->interface, sizeof(c->interface), "%s", j->m->network);
	c->listen_port = port;
	c->repository = path ? paths_absolute(repository ? repository : path) : NULL;
	if (!c->repository || !folder || server_config_draw(c) < 0)
		return diags_out_of_memory(d);
	if ((slash = strrchr(folder, '/')))
		*slash = '\0';
	if (server_config_emit(c, &text, d) < 0 || file_mkdirs(folder, 0755, d) < 0 ||
	    file_create(j->paths.config, buf_span(&text), 0600, d) < 0)
		goto out;
	if (j->mirror.repo && init_mirror_keep(&j->mirror, c, d) < 0) {
		struct diags quiet = {0};
		file_remove(j->paths.config, &quiet);
		diags_free(&quiet);
		goto out;
	}
	ret = 0;
out:
	buf_wipe(&text);
	return ret;
}

static void put_keys(struct buf *out, const char *name, const struct key *keys, unsigned n, const struct key *own)
{
	char text[ED25519_STR_LEN + 1];

	buf_printf(out, "  %s: [", name);
	for (unsigned i = 0; i < n; i++) {
		ed25519_format(&keys[i], text);
		buf_printf(out, "\"%s\", ", text);
	}
	ed25519_format(own, text);
	buf_printf(out, "\"%s\"]\n", text);
}

static bool online_is_signers(const struct trust *t)
{
	return t->n_online == t->n_signers && !memcmp(t->online, t->signers, t->n_signers * sizeof(t->signers[0]));
}

/* Writes the two sections as they must be in the definition after the commit: `trust:` and the new peer. */
static void put_what_to_commit(struct buf *out, const struct joining *j, const char *endpoint)
{
	const struct trust *t = &j->m->trust;
	char key[KEY_B64_LEN + 1], ip[ADDR_STR_LEN];

	key_format(&t->id, key);
	buf_printf(out, "trust:\n  id: \"%s\"\n", key);
	put_keys(out, "signers", t->signers, t->n_signers, &j->c->signers[0]);
	if (!online_is_signers(t))
		put_keys(out, "online", t->online, t->n_online, &j->c->signers[0]);
	if (t->threshold > 1)
		buf_printf(out, "  threshold: %u\n", t->threshold);
	key_format(&j->c->public_key, key);
	buf_printf(out, "\npeers:\n  %s:\n    ip: %s", j->name, j->n_ips > 1 ? "[" : "");
	for (unsigned i = 0; i < j->n_ips; i++) {
		addr_format(&j->ip[i], ip);
		buf_printf(out, "%s\"%s\"%s", i ? ", " : "", ip, j->n_ips > 1 && i + 1 == j->n_ips ? "]" : "");
	}
	buf_printf(out, "\n    public_key: \"%s\"\n    endpoint: \"%s\"\n    server: true\n", key, endpoint);
}

static void print_next_steps(const struct joining *j, const char *endpoint)
{
	struct buf out = {0}, watch = {0};

	paths_put_command(&watch, j->inv, "--watch", j->m->network);
	put_what_to_commit(&out, j, endpoint);
	printf(
	    "This machine can be another server of '%s'; its keys are in %s.\n\n"
	    "In network.yaml, replace `trust:` by this, and add this peer to `peers:`:\n\n%s\n"
	    "`innernet plan` shows the effect. A change of the signers needs the trailer that the plan names in the\n"
	    "commit message. Commit and push. After the first server has published the commit, run here:\n\n"
	    "  %-34s   publish it and serve it\n\n"
	    "UDP port %u must be open from outside.\n",
	    j->m->network, j->paths.config, out.failed ? "" : out.p, watch.p ? watch.p : "", j->c->listen_port);
	buf_free(&watch);
	if (j->m->trust.threshold > 1)
		printf("%u signers must sign: add the seeds of %u more to `signing_seeds` in that file.\n",
		       j->m->trust.threshold, j->m->trust.threshold - 1u);
	buf_free(&out);
}

static int usage_check(const struct invocation *inv)
{
	if (option_given(inv, "network-cidr"))
		return usage_error(inv, "--network-cidr is for a new network, --join for an existing one");
	if (!option_given(inv, "remote") && !option_given(inv, "file"))
		return usage_error(inv, "--join needs the definition's place: --remote or --file");
	return DONE;
}

static int join(struct joining *j, struct diags *d)
{
	const char *endpoint = endpoint_canonical(j->arena, j->asked.endpoint, strlen(j->asked.endpoint));
	long port;

	if (!endpoint) {
		usage_error(j->inv, "--external-endpoint takes HOST:PORT, such as vpn.example.com:51820, not '%s'",
			    j->asked.endpoint);
		return -1;
	}
	if (option_number(j->inv, "listen-port", 1, 65535, strtol(strrchr(endpoint, ':') + 1, NULL, 10), &port) < 0)
		return -1;
	if (j->asked.port)
		port = strtol(j->asked.port, NULL, 10);
	if (read_definition(j, d) < 0 || paths_make(j->inv, j->m->network, &j->paths) < 0 || check_network(j, d) < 0 ||
	    ledger_read(j, d) < 0 || choose_name(j, d) < 0 || choose_addresses(j, d) < 0 ||
	    (!j->again && write_config(j, (uint16_t)port, d) < 0))
		return -1;
	print_next_steps(j, endpoint);
	return 0;
}

int init_join(const struct invocation *inv)
{
	struct joining j = {.inv = inv, .arena = arena_new(), .c = server_config_new()};
	struct diags d = {0};
	int code = usage_check(inv);

	if (!code)
		code = j.arena && j.c && init_ask(inv, j.arena, &j.asked, &d) == 0 &&
			       init_source_take(inv, &j.asked, j.c) == 0 && join(&j, &d) == 0
			   ? DONE
			   : FAILED;
	report(inv, &d, NULL);
	diags_free(&d);
	ledger_free(j.ledger);
	init_mirror_end(&j.mirror);
	server_config_free(j.c);
	paths_free(&j.paths);
	arena_free(j.arena);
	return code;
}
