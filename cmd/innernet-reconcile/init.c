/* innernet-reconcile init: makes keys, a bare repository with a first definition, and the server's own file. */
#include "cmd/innernet-reconcile/commands.h"
#include "cmd/innernet-reconcile/init_source.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/device/device.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/show/json_schema.h"
#include "reconcile/net/reach.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_NAME "network.schema.json" /* beside the definition, whose first line names it for editors */

static const struct option_spec options[] = {
    {"network-name", 0, "NAME", "the network's, its interface's and its root CIDR's"},
    {"network-cidr", 0, "CIDR[,CIDR6]", "all addresses: one prefix of each family"},
    {"external-endpoint", 0, "HOST:PORT", "where peers reach this server from outside"},
    {"auto-external-endpoint", 0, NULL,
     "use the source address of this machine's outgoing packets; no service is asked"},
    {"listen-port", 0, "PORT", "WireGuard's UDP port here (the endpoint's)"},
    {"server-name", 0, "NAME", "this server's peer (server)"},
    {"server-cidr", 0, "NAME=CIDR[,CIDR6]", "the CIDR of the server's peer (infra, at the start of the network)"},
    {"repository", 0, "PATH", "the repository of the definition (DATA-DIR/NAME/network.git)"},
    {"branch", 0, "NAME", "the branch of the definition (main)"},
    {"remote", 0, "URL", "the definition is there: https://..., ssh://..., USER@HOST:PATH"},
    {"interval", 0, "SECONDS", "time between two fetches from the remote (60)"},
    {"ssh-key", 0, "FILE", "the private key to reach it with"},
    {"known-hosts", 0, "FILE", "the host keys that are trusted"},
    {"credentials", 0, "FILE", "for https: username=... and password=..., one line each"},
    {"file", 0, "PATH", "the definition is a plain file, for trying things out"},
    {"join", 0, NULL, "make this machine a further server of the network that is defined there"},
    {0},
};

static const char first_message[] = "The network, as innernet-reconcile init made it\n";

/* The checked answers. */
struct answers {
	struct init_asked asked;
	const char *network, *endpoint, *server_name;
	char server_cidr[NAME_MAX_LEN + 1];
	struct prefix root[2], infra[2]; /* IPv4 first */
	unsigned n_root, n_infra;
	uint16_t port;
};

/* Parses "A" or "A,B", one prefix of each family, in any order. out[0] is the IPv4 prefix when there are two. */
static int take_prefixes(const struct invocation *inv, const char *option, const char *s, struct prefix out[2],
			 unsigned *n)
{
	const char *comma = strchr(s, ',');
	const char *part[2] = {s, comma ? comma + 1 : NULL};
	size_t len[2] = {comma ? (size_t)(comma - s) : strlen(s), comma ? strlen(comma + 1) : 0};

	*n = comma ? 2 : 1;
	for (unsigned i = 0; i < *n; i++) {
		enum prefix_error e = prefix_parse(part[i], len[i], &out[i]);
		char text[PREFIX_STR_LEN];
		if (e == PREFIX_HOST_BITS) {
			prefix_format(&out[i], text);
			usage_error(inv, "--%s: %.*s has bits set after its length; did you mean %s?", option,
				    (int)len[i], part[i], text);
			return -1;
		}
		if (e != PREFIX_OK) {
			usage_error(inv, "--%s takes a prefix such as 10.60.0.0/16, not '%.*s'", option, (int)len[i],
				    part[i]);
			return -1;
		}
	}
	if (*n == 2 && prefix_is_v4(&out[0]) == prefix_is_v4(&out[1])) {
		usage_error(inv, "--%s takes one IPv4 and one IPv6 prefix, not two of one family", option);
		return -1;
	}
	if (*n == 2 && prefix_is_v4(&out[1])) {
		struct prefix swap = out[0];
		out[0] = out[1];
		out[1] = swap;
	}
	return 0;
}

/* Chooses the start of the network: a /24 or a /64; of a network of that size or smaller its first quarter. */
static int choose_infra(const struct invocation *inv, struct answers *a)
{
	snprintf(a->server_cidr, sizeof(a->server_cidr), "infra");
	a->n_infra = a->n_root;
	for (unsigned i = 0; i < a->n_root; i++) {
		unsigned len = prefix_is_v4(&a->root[i]) ? 96 + 24 : 64;
		if (a->root[i].len >= len)
			len = a->root[i].len + 2;
		if (len > 126) {
			usage_error(inv,
				    "--network-cidr leaves no room for a CIDR of the server: give a shorter prefix");
			return -1;
		}
		a->infra[i] = a->root[i];
		a->infra[i].len = (uint8_t)len;
	}
	return 0;
}

static int take_server_cidr(const struct invocation *inv, const char *s, struct answers *a)
{
	const char *eq = strchr(s, '=');

	if (!eq || !name_valid(s, (size_t)(eq - s))) {
		usage_error(inv, "--server-cidr takes NAME=CIDR, such as infra=10.60.0.0/24, not '%s'", s);
		return -1;
	}
	memcpy(a->server_cidr, s, (size_t)(eq - s));
	a->server_cidr[eq - s] = '\0';
	return take_prefixes(inv, "server-cidr", eq + 1, a->infra, &a->n_infra);
}

static int take_answers(const struct invocation *inv, struct arena *arena, struct answers *a, struct diags *d)
{
	const char *server_cidr = option_value(inv, "server-cidr"), *name = option_value(inv, "server-name");
	struct init_asked asked;
	long port;

	if (init_ask(inv, arena, &asked, d) < 0)
		return -1;
	a->asked = asked;
	a->network = asked.network;
	a->server_name = name ? name : "server";
	if (!name_valid(a->server_name, strlen(a->server_name))) {
		usage_error(inv, "--server-name: '%s' is not a host name: lower case letters, digits and hyphens",
			    a->server_name);
		return -1;
	}
	if (!(a->endpoint = endpoint_canonical(arena, asked.endpoint, strlen(asked.endpoint)))) {
		usage_error(inv, "--external-endpoint takes HOST:PORT, such as vpn.example.com:51820, not '%s'",
			    asked.endpoint);
		return -1;
	}
	if (option_number(inv, "listen-port", 1, 65535, strtol(strrchr(a->endpoint, ':') + 1, NULL, 10), &port) < 0)
		return -1;
	a->port = (uint16_t)(asked.port ? strtol(asked.port, NULL, 10) : port);
	if (take_prefixes(inv, "network-cidr", asked.cidr, a->root, &a->n_root) < 0)
		return -1;
	return server_cidr ? take_server_cidr(inv, server_cidr, a) : choose_infra(inv, a);
}

static void write_list(struct buf *out, const struct prefix *p, unsigned n)
{
	char text[PREFIX_STR_LEN];

	for (unsigned i = 0; i < n; i++) {
		prefix_format(&p[i], text);
		buf_printf(out, "%s%s%s%s%s",
			   i       ? ", "
			   : n > 1 ? "["
				   : "",
			   n > 1 ? "\"" : "", text, n > 1 ? "\"" : "", i + 1 == n && n > 1 ? "]" : "");
	}
}

static void write_first_addresses(struct buf *out, const struct prefix *p, unsigned n)
{
	char text[ADDR_STR_LEN];

	for (unsigned i = 0; i < n; i++) {
		struct addr first = p[i].base;
		first.b[15] |= 1;
		addr_format(&first, text);
		buf_printf(out, "%s\"%s\"%s", i ? ", " : n > 1 ? "[" : "", text, i + 1 == n && n > 1 ? "]" : "");
	}
}

static void write_definition(struct buf *out, const struct answers *a, const struct server_config *c)
{
	char id[KEY_B64_LEN + 1], key[KEY_B64_LEN + 1], signer[ED25519_STR_LEN + 1];
	struct key random;

	randombytes_buf(random.b, KEY_LEN);
	key_format(&random, id);
	key_format(&c->public_key, key);
	ed25519_format(&c->signers[0], signer);
	buf_printf(out,
		   "# yaml-language-server: $schema=" SCHEMA_NAME "\n"
		   "# The network '%s'. This file, on the branch that the server watches, defines all of it: edit it,\n"
		   "# `innernet validate`, commit and push. The server publishes each valid commit, and every peer "
		   "applies it.\n"
		   "# All keys are described in network.yaml(5).\n\n"
		   "network: %s\ncidr: ",
		   a->network, a->network);
	write_list(out, a->root, a->n_root);
	buf_printf(
	    out,
	    "\n\n# The network's id, and the keys that sign its snapshots. `innernet-reconcile init` has made them;\n"
	    "# do not change them.\n"
	    "trust:\n  id: \"%s\"\n  signers: [\"%s\"]\n\n"
	    "# Groups of addresses. Peers of one CIDR reach each other; every peer reaches the servers' CIDR.\n"
	    "cidrs:\n  %s: ",
	    id, signer, a->server_cidr);
	write_list(out, a->infra, a->n_infra);
	buf_printf(out,
		   "\n\n# Pairs of CIDRs that reach each other too:\n"
		   "#\n# associations:\n#   - [humans, ci-servers]\n\n"
		   "# Machines. `innernet add-peer` adds one and writes its invitation.\n"
		   "peers:\n  %s:\n    ip: ",
		   a->server_name);
	write_first_addresses(out, a->infra, a->n_infra);
	buf_printf(out, "\n    public_key: \"%s\"\n    endpoint: \"%s\"\n    server: true\n", key, a->endpoint);
	buf_str(out, "\n# Tests. A commit that fails one is not published:\n"
		     "#\n# tests:\n#   - { from: humans, can_reach: [ci-servers], cannot_reach: [guests] }\n");
}

/* Validates the new definition. An error here means that the answers contradict each other. */
static int check_definition(const struct invocation *inv, const struct buf *text)
{
	const struct source_file root = {.name = "network.yaml", .bytes = buf_span(text)};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct model *m = a ? definition_load(a, &root, NULL, false, &d) : NULL;
	int ret = m ? 0 : -1;

	if (!m)
		report(inv, &d, &root.bytes);
	diags_free(&d);
	arena_free(a);
	return ret;
}

/* Makes a repository on this machine with the definition in its first commit. */
static int put_here(const struct server_config *c, const struct source_file *files, size_t n, struct diags *d)
{
	struct buf folder = {0};
	char *slash;
	int ret = -1;

	buf_str(&folder, c->repository);
	if (!folder.failed && (slash = strrchr(folder.p, '/')) && slash != folder.p)
		*slash = '\0';
	if (folder.failed)
		diags_out_of_memory(d);
	else if (file_mkdirs(folder.p, 0755, d) == 0)
		ret = repo_init(c->repository, c->ref, files, n, first_message, d);
	buf_free(&folder);
	return ret;
}

/* Commits the definition in a mirror on this machine and pushes it to the remote, which must not have the branch yet. */
static int put_there(const struct server_config *c, const struct source_file *files, size_t n, struct diags *d)
{
	const struct remote_access access = init_source_access(c);
	struct init_mirror m;
	struct diags none = {0};
	struct diag *g;
	char tip[HASH_HEX_LEN + 1];
	int ret = -1;

	if (init_repository_check(c, d) < 0)
		return -1;
	if (init_mirror_make(c->repository, c, &m, d) < 0)
		goto out;
	if (repo_tip(m.repo, tip, &none) == 0) {
		g = diag_error(d, "remote-not-empty", NULL, "%s has a branch '%s' already", c->remote,
			       c->ref + strlen("refs/heads/"));
		diag_help(
		    d, g,
		    "if a network is defined there, --join makes this machine a further server of it; nothing was "
		    "changed");
		goto out;
	}
	if (repo_commit_files(m.repo, files, n, first_message, d) < 0 || repo_tip(m.repo, tip, d) < 0 ||
	    remote_push_now(m.repo, &access, c->ref, "", tip, d) < 0)
		goto out;
	/* The push has succeeded, so the keys must stay. Failing to keep the mirror is a warning: the server makes it. */
	if (init_mirror_keep(&m, c, d) < 0)
		diags_soften(d);
	ret = 0;
out:
	diags_free(&none);
	init_mirror_end(&m);
	return ret;
}

/* Writes a plain file and the schema for editors beside it. When c->file is a folder, both go into it. */
static int put_file(const struct server_config *c, const struct source_file *files, size_t n, struct diags *d)
{
	struct stat st;
	const bool in_folder = !stat(c->file, &st) && S_ISDIR(st.st_mode);
	const char *slash = strrchr(c->file, '/');
	struct buf path = {0};
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		buf_reset(&path);
		if (in_folder)
			buf_printf(&path, "%s/%s", c->file, files[i].name);
		else if (!i)
			buf_str(&path, c->file);
		else
			buf_printf(&path, "%.*s%s", (int)(slash + 1 - c->file), c->file, files[i].name);
		if (path.failed)
			diags_out_of_memory(d);
		/* The schema is the same for every network: an existing one stays. */
		if (i && !path.failed && !access(path.p, F_OK))
			continue;
		ret = path.failed ? -1 : file_create(path.p, files[i].bytes, 0644, d);
	}
	buf_free(&path);
	return ret;
}

/* Writes the file with the keys before the definition that names them. Removes it when the definition fails. */
static int create(const char *config_path, struct server_config *c, const struct buf *definition, struct diags *d)
{
	struct buf text = {0}, folder = {0}, schema = {0};
	struct source_file files[2] = {{.name = SOURCE_NAME, .bytes = buf_span(definition)}, {.name = SCHEMA_NAME}};
	struct diags quiet = {0};
	char *slash;
	int ret = -1;

	if (json_schema_render(&schema, false)) {
		diags_out_of_memory(d);
		goto out;
	}
	files[1].bytes = buf_span(&schema);
	buf_str(&folder, config_path);
	if (!folder.failed && (slash = strrchr(folder.p, '/')))
		*slash = '\0';
	if (folder.failed || server_config_emit(c, &text, d) < 0 || file_mkdirs(folder.p, 0755, d) < 0 ||
	    file_create(config_path, buf_span(&text), 0600, d) < 0)
		goto out;
	ret = (c->remote ? put_there : c->file ? put_file : put_here)(c, files, 2, d);
	if (ret < 0)
		file_remove(config_path, &quiet);
out:
	diags_free(&quiet);
	buf_wipe(&text);
	buf_free(&folder);
	buf_free(&schema);
	return ret;
}

/* Returns NULL with a diagnostic, or after printing a usage error. The caller frees the result. */
static struct server_config *config_make(const struct invocation *inv, const struct answers *a, const char *data,
					 struct diags *d)
{
	const char *repository = option_value(inv, "repository");
	struct server_config *c = server_config_new();
	struct buf path = {0};

	if (!c)
		return NULL;
	buf_printf(&path, "%s/network.git", data);
	c->repository = path.failed ? NULL : paths_absolute(repository ? repository : path.p);
	buf_free(&path);
	c->listen_port = a->port;
	snprintf(c->network, sizeof(c->network), "%s", a->network);
	snprintf(c->interface, sizeof(c->interface), "%s", a->network);
	if (!c->repository || server_config_draw(c) < 0) {
		diags_out_of_memory(d);
	} else if (init_source_take(inv, &a->asked, c) == 0) {
		return c;
	}
	server_config_free(c);
	return NULL;
}

static void print_next_steps(const struct invocation *inv, const struct answers *a, const struct server_config *c,
			     const struct server_paths *paths)
{
	const char *where = c->remote ? c->remote : c->file ? c->file : c->repository;
	struct buf watch = {0};

	paths_put_command(&watch, inv, "--watch", a->network);
	printf("The network '%s' is ready.\n\n", a->network);
	if (c->file)
		printf("  definition  %s\n", where);
	else
		printf("  definition  %s (branch %s)\n", where, c->ref + strlen("refs/heads/"));
	printf("  own file    %s: the server's keys; keep a copy in a safe place\n\n", paths->config);
	printf("Next:\n");
	printf("  %-34s   publish it and serve it\n", watch.p ? watch.p : "");
	buf_free(&watch);
	if (c->file)
		printf("  innernet add-peer %s      invite a peer\n", where);
	else
		printf("  git clone %s%s\n"
		       "  %-34s   invite a peer\n",
		       where, c->remote ? " network" : "", "cd network && innernet add-peer");
	printf("\nUDP port %u must be open from outside.\n", a->port);
}

/* The interface has the network's name. Returns -1 with a diagnostic when an interface of another kind has it. */
static int check_interface(struct arena *arena, const char *name, struct diags *d)
{
	struct device_state *there = NULL;
	struct diags own = {0};
	int rc = 0;

	if (device_read(arena, name, &there, &own) < 0 && own.first &&
	    !strcmp(own.first->code, "device-not-wireguard")) {
		diag_help(d, diag_error(d, own.first->code, NULL, "%s", own.first->message), "%s", own.first->help);
		rc = -1;
	}
	diags_free(&own);
	return rc;
}

static int run(struct invocation *inv)
{
	struct arena *arena = arena_new();
	struct answers a = {0};
	struct server_paths paths = {0};
	struct server_config *c = NULL;
	struct buf definition = {0};
	struct diags d = {0};
	int code = FAILED;

	if (option_given(inv, "join")) {
		arena_free(arena);
		return init_join(inv);
	}
	if (!arena || take_answers(inv, arena, &a, &d) < 0 || paths_make(inv, a.network, &paths) < 0)
		goto out;
	if (!access(paths.config, F_OK)) {
		struct diag *g =
		    diag_file_error(&d, "network-exists", paths.config, "this machine has a server of '%s' already: %s",
				    a.network, paths.config);
		diag_help(&d, g, "nothing was changed; use another --network-name, or move the file away");
		goto out;
	}
	if (check_interface(arena, a.network, &d) < 0 || !(c = config_make(inv, &a, paths.data, &d)))
		goto out;
	write_definition(&definition, &a, c);
	if (definition.failed || check_definition(inv, &definition) < 0 || create(paths.config, c, &definition, &d) < 0)
		goto out;
	if (!c->remote && !c->file && hooks_install(inv, c, &paths, &d) < 0) {
		struct buf again = {0};
		paths_put_command(&again, inv, "hook install", a.network);
		diag_warning(&d, "hook-missing", NULL, "pushes are not judged until this works: %s",
			     again.p ? again.p : "");
		buf_free(&again);
		diags_soften(&d);
	}
	print_next_steps(inv, &a, c, &paths);
	code = DONE;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	buf_free(&definition);
	server_config_free(c);
	paths_free(&paths);
	arena_free(arena);
	return code;
}

const struct command server_command_init = {
    .name = "init",
    .synopsis = "--network-name NAME --network-cidr CIDR[,CIDR6] "
		"(--external-endpoint HOST:PORT | --auto-external-endpoint) [OPTION...]\n"
		"--join (--remote URL | --file PATH) --external-endpoint HOST:PORT [OPTION...]",
    .summary = "make a new network: keys, a repository, a first definition",
    .text =
	"Makes what a server needs. Replaces no existing file. At a terminal, the command asks for each value that is\n"
	"not given. With --join it makes only keys for this machine and prints two sections: when they are committed\n"
	"to the definition, this machine is a further server of the network.",
    .example = "innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 \\\n"
	       "      --external-endpoint vpn.example.com:51820",
    .options = options,
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
