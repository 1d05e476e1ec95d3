/* innernet clone: clones the network's definition from a server inside the tunnel, on an admin's machine. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/merge_driver.h"
#include "cmd/innernet/own_clone.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/text/json_value.h"

#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_MS 3000 /* time-out for each server in turn */

static const struct option_spec options[] = {
    {"server", 0, "HOST", "a server's address or name in the network, when this user may not read the snapshot"},
    {"json", 0, NULL, "say what was done as JSON"},
    {0},
};

/* The network's facts before the clone exists. */
struct origin {
	const char *network;
	char peer[NAME_MAX_LEN + 1]; /* this machine's peer; "": not known */
	char id[KEY_B64_LEN + 1];    /* the network's id; "": not known */
	struct sockpoint servers[SERVERS_MAX];
	size_t n_servers;
};

/* Reads the servers, the peer and the id from the network's files, which only root may read. */
static int origin_read(const struct peer_options *o, struct origin *out, struct diags *d)
{
	struct peer_server servers[SERVERS_MAX];
	struct this_peer *p = NULL;
	const struct view *v;
	struct diag *g;
	char path[PATH_MAX];
	int rc = -1;

	snprintf(path, sizeof(path), "%s/%s.yaml", o->config_dir, out->network);
	if (access(path, R_OK) && errno == EACCES) {
		g = diag_error(d, "no-network", NULL, "only root may read %s", path);
		diag_help(d, g,
			  "sudo innernet clone %s (the clone will be yours), or name the server: --server HUB.%s.wg",
			  out->network, out->network);
		return -1;
	}
	if (peer_open(o, out->network, &p, d) == 0 && peer_check_redeemed(p, d) == 0) {
		out->n_servers = peer_servers(p, servers);
		for (size_t i = 0; i < out->n_servers; i++)
			out->servers[i] = (struct sockpoint){.ip = servers[i].ip, .port = SERVER_PORT};
		v = peer_view(p);
		snprintf(out->peer, sizeof(out->peer), "%s", v ? v->peers[v->self].name : peer_membership(p)->name);
		key_format(&peer_membership(p)->trust.id, out->id);
		rc = 0;
	}
	peer_close(p);
	return rc;
}

static int origin_named(const char *server, struct origin *out, struct diags *d)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int err = getaddrinfo(server, NULL, &hints, &list);

	if (err) {
		diag_error(d, "endpoint-unresolved", NULL, "cannot find '%s': %s", server, gai_strerror(err));
		return -1;
	}
	for (struct addrinfo *a = list; a && out->n_servers < SERVERS_MAX; a = a->ai_next) {
		struct sockpoint *at = &out->servers[out->n_servers];
		*at = (struct sockpoint){.port = SERVER_PORT};
		if (a->ai_family == AF_INET6) {
			memcpy(at->ip.b, &((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr, 16);
		} else if (a->ai_family == AF_INET) {
			at->ip.b[10] = at->ip.b[11] = 0xff;
			memcpy(at->ip.b + 12, &((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr, 4);
		} else {
			continue;
		}
		out->n_servers++;
	}
	freeaddrinfo(list);
	return 0;
}

static int choose_server(const struct origin *from, char text[static SOCKPOINT_STR_LEN], struct diags *d)
{
	struct diag *g;

	for (size_t i = 0; i < from->n_servers; i++)
		if (own_clone_server_answers(&from->servers[i], CONNECT_MS)) {
			sockpoint_format(&from->servers[i], text);
			return 0;
		}
	g = diag_error(d, "no-answer", NULL, "no server of '%s' answers on TCP port %d in the tunnel", from->network,
		       SERVER_PORT);
	diag_help(d, g, "is the network up? `innernet status %s`", from->network);
	return -1;
}

/* Refuses a second clone of the network. A user that wants one names a folder. */
static int check_none(struct arena *a, const char *network, struct diags *d)
{
	const char *known = own_clone_find(a, network);
	struct stat st;
	struct diag *g;

	if (known && !stat(known, &st)) {
		g = diag_error(d, "clone-exists", NULL, "%s is a clone of '%s' already", known, network);
		diag_help(d, g, "the commands that edit use it: innernet add-peer %s; for a second clone name a folder",
			  network);
		return -1;
	}
	return 0;
}

static int git_clone(const struct origin *from, const char *server, const char *folder, struct diags *d)
{
	char url[SOCKPOINT_STR_LEN + 32], header[128 + SOCKPOINT_STR_LEN], proxy[64 + SOCKPOINT_STR_LEN];
	/* The clone's config: no proxy for the server's URL, and the network's id as a header for that URL alone. */
	const char *argv[] = {"git",      "clone",
			      "--origin", "origin",
			      "--config", proxy,
			      "--config", "remote.origin.fetch=+refs/notes/innernet*:refs/notes/innernet*",
			      "--config", "notes.displayRef=refs/notes/innernet*",
			      "--config", header,
			      "--",       url,
			      folder,     NULL};
	struct diag *g;
	int rc;

	snprintf(url, sizeof(url), "http://%s" ROUTE_GIT, server);
	snprintf(proxy, sizeof(proxy), "http.http://%s/.proxy=", server);
	snprintf(header, sizeof(header), "http.http://%s/.extraHeader=%s%s", server,
		 from->id[0] ? NETWORK_HEADER ": " : "", from->id);
	setenv("GIT_TERMINAL_PROMPT", "0", 1);
	rc = run_program(argv, RUN_STDERR_SHOWN, NULL, 0, d);
	if (rc <= 0)
		return rc;
	g = diag_error(d, "git-failed", NULL, "`git clone %s` failed", url);
	diag_help(d, g, "only machines of admins (`admin: true` in the definition) may clone it");
	return -1;
}

/* A commit needs an author: when git has no user.email, sets the peer's name and an address made from it. */
static int set_author(const struct origin *from, const char *folder, struct diags *d)
{
	const char *const ask[] = {"git", "-C", folder, "config", "--get", "user.email", NULL};
	const struct passwd *p = getpwuid(getuid());
	const char *name = from->peer[0] ? from->peer : p ? p->pw_name : "admin";
	char email[NAME_MAX_LEN + NETWORK_MAX_LEN + 16];
	const char *const set_name[] = {"git", "-C", folder, "config", "user.name", name, NULL};
	const char *const set_email[] = {"git", "-C", folder, "config", "user.email", email, NULL};
	struct buf out = {0};
	int rc;

	snprintf(email, sizeof(email), "%.63s@%s.wg", name, from->network);
	rc = run_program(ask, RUN_STDERR_DROPPED, &out, 4096, d);
	buf_free(&out);
	if (rc <= 0)
		return rc;
	return run_program(set_name, RUN_STDERR_SHOWN, NULL, 0, d) ||
		       run_program(set_email, RUN_STDERR_SHOWN, NULL, 0, d)
		   ? -1
		   : 0;
}

static int say(struct invocation *inv, const struct origin *from, const char *server, const char *folder)
{
	struct buf b = {0};
	int rc;

	if (option_given(inv, "json")) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "format_version", "1.0", "network", from->network,
				      "folder", folder, "server", server);
		value_write(&b, o);
		json_decref(o);
	} else {
		buf_printf(
		    &b,
		    "The definition of '%s' is in %s.\n"
		    "The commands that edit find it by the network's name: innernet add-peer %s --name NAME ...\n",
		    from->network, folder, from->network);
	}
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc ? FAILED : DONE;
}

static int run(struct invocation *inv)
{
	const char *network = inv->args[0], *folder = inv->n_args > 1 ? inv->args[1] : network;
	const char *named = option_value(inv, "server");
	char server[SOCKPOINT_STR_LEN], *real = NULL;
	struct origin from = {.network = network};
	struct arena *a = arena_new();
	struct peer_options o;
	struct diags d = {0};
	int code = FAILED;

	if (!a || peer_options(inv, &o) < 0)
		goto out;
	if (!network_name_valid(network, strlen(network))) {
		code = usage_error(inv, "clone takes a network's name, not '%s'", network);
		goto out;
	}
	/* Reads the files that only root may read, then continues as the user that ran sudo. */
	if ((named ? origin_named(named, &from, &d) : origin_read(&o, &from, &d)) < 0 ||
	    own_clone_become_caller(&d) < 0 || (inv->n_args < 2 && check_none(a, network, &d) < 0) ||
	    choose_server(&from, server, &d) < 0 || git_clone(&from, server, folder, &d) < 0)
		goto out;
	real = realpath(folder, NULL);
	if (!real || set_author(&from, real, &d) < 0 || own_clone_set(network, real, &d) < 0 ||
	    merge_driver_install(real, &d) < 0)
		goto out;
	code = say(inv, &from, server, real);
out:
	report(inv, &d, NULL);
	diags_free(&d);
	free(real);
	arena_free(a);
	return code;
}

const struct command command_clone = {
    .name = "clone",
    .synopsis = "IFACE [FOLDER]",
    .summary = "clone a network's definition from its server, on an admin's machine",
    .text =
	"Clones the definition through the tunnel, with the ledger and the notes with the verdict of each commit, "
	"into\n"
	"FOLDER (by default a new one with the network's name), and records its path. git merges definitions there "
	"with\n"
	"`innernet merge-driver`. From then on the commands that edit a definition need only the network's name. With\n"
	"sudo, root only reads the snapshot: you own the clone.",
    .example = "sudo innernet clone corp",
    .options = options,
    .min_args = 1,
    .max_args = 2,
    .words = {WORD_NETWORK, WORD_FILE},
    .run = run,
};
