#include "cmd/innernet/common.h"
#include "cmd/backend.h"

#include "reconcile/plan/hosts.h"

#include <inttypes.h>
#include <string.h>

/* Reads the NAT options. --exclude-nat-candidates may be repeated, and each value may have several prefixes. */
static int nat_options(const struct invocation *inv, struct nat_settings *out)
{
	static const char exclude[] = "exclude-nat-candidates";

	out->no_traversal = option_given(inv, "no-nat-traversal");
	out->no_candidates = option_given(inv, "no-nat-candidates");
	for (int i = 0; i < inv->n_options; i++) {
		const char *rest = strcmp(inv->names[i], exclude) == 0 ? inv->values[i] : NULL;

		for (size_t n; rest; rest = rest[n] ? rest + n + 1 : NULL) {
			n = strcspn(rest, ",");
			if (out->n_exclude == EXCLUDES_MAX) {
				usage_error(inv, "--%s: at most %d", exclude, EXCLUDES_MAX);
				return -1;
			}
			if (prefix_parse(rest, n, &out->exclude[out->n_exclude++]) != PREFIX_OK) {
				usage_error(inv, "--%s takes prefixes (10.0.0.0/8), not '%.*s'", exclude, (int)n, rest);
				return -1;
			}
		}
	}
	return 0;
}

int peer_options(const struct invocation *inv, struct peer_options *out)
{
	long mtu;
	const char *config = option_value(inv, "config-dir"), *data = option_value(inv, "data-dir");

	*out = (struct peer_options){
	    .config_dir = config ? config : PEER_CONFIG_DIR,
	    .data_dir = data ? data : PEER_DATA_DIR,
	    .no_routing = option_given(inv, "no-routing"),
	    .hosts_path = option_value(inv, "hosts-path"),
	    .host_suffix = option_value(inv, "host-suffix"),
	    .no_write_hosts = option_given(inv, "no-write-hosts"),
	};
	if (out->hosts_path && (out->hosts_path[0] != '/' || strlen(out->hosts_path) >= PATH_MAX)) {
		usage_error(inv, "--hosts-path takes an absolute path, not '%s'", out->hosts_path);
		return -1;
	}
	if (out->host_suffix && !hosts_suffix_valid(out->host_suffix)) {
		usage_error(inv, "--host-suffix takes a domain name, not '%s'", out->host_suffix);
		return -1;
	}
	if (out->no_write_hosts && out->hosts_path) {
		usage_error(inv, "--hosts-path or --no-write-hosts, not both");
		return -1;
	}
	if (nat_options(inv, &out->nat) < 0)
		return -1;
	if (backend_option(inv, &out->backend) < 0 || option_number(inv, "mtu", MTU_MIN, MTU_MAX, 0, &mtu) < 0)
		return -1;
	out->mtu = (uint32_t)mtu;
	return 0;
}

void no_network(const char *config_dir, struct diags *d)
{
	diag_help(d, diag_error(d, "no-network", NULL, "this machine is in no network (nothing in %s)", config_dir),
		  NO_NETWORK_HELP);
}

/* A fetch goes through the interface, so callers fetch only if it exists. */
bool interface_exists(const char *name)
{
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	struct diags ignored = {0};
	bool exists = a && device_read(a, name, &there, &ignored) == 0 && there->exists;

	diags_free(&ignored);
	arena_free(a);
	return exists;
}

int lock_network(struct this_peer *p, struct diags *d)
{
	int r = peer_lock(p, LOCK_WAIT_MS, d);

	if (r > 0)
		diag_error(d, "busy", NULL, "another innernet process holds the lock of '%s'", peer_ifname(p));
	return r ? -1 : 0;
}

void tell_endpoints(struct this_peer *p, const char *server, struct diags *d)
{
	struct diags own = {0};

	if (peer_report(p, server, &own) < 0 && own.first)
		diag_warning(d, own.first->code, NULL, "%s", own.first->message);
	d->out_of_memory |= own.out_of_memory;
	diags_free(&own);
}

/* Fetches the newest snapshot. An unreachable server, or one whose answer does not verify, is a warning. */
static int fetch_new(const struct invocation *inv, struct this_peer *p)
{
	struct diags d = {0};
	enum verify_result result;
	char server[NAME_MAX_LEN + 1] = "";
	int r = peer_lock(p, LOCK_WAIT_MS, &d);

	if (r == 0 && peer_fetch(p, 0, &result, server, &d) < 0) {
		diags_soften(&d);
		if (peer_view(p))
			diag_help(&d, d.last, "using the last good snapshot");
	}
	peer_unlock(p);
	report(inv, &d, NULL);
	r = d.out_of_memory ? -1 : 0;
	diags_free(&d);
	return r;
}

struct this_peer *open_network(const struct invocation *inv, const struct peer_options *o, const char *name, bool fetch)
{
	struct this_peer *p = NULL;
	struct diags d = {0};
	bool good = peer_open(o, name, &p, &d) == 0 && peer_check_redeemed(p, &d) == 0;

	report(inv, &d, NULL);
	diags_free(&d);
	if (good && fetch && interface_exists(name))
		good = fetch_new(inv, p) == 0;
	if (good) {
		d = (struct diags){0};
		peer_resolve(p, RESOLVE_WAIT_MS, &d);
		report(inv, &d, NULL);
		diags_free(&d);
		return p;
	}
	peer_close(p);
	return NULL;
}

int check_definition_options(const struct invocation *inv)
{
	static const char *const with_file[] = {"as", "key", "listen-port"};
	bool file = option_given(inv, "file");

	if (file && inv->n_args)
		return usage_error(inv, "%s: give an interface or --file, not both: '%s'", inv->command->name,
				   inv->args[0]);
	if (file && !option_given(inv, "as"))
		return usage_error(inv, "%s: --file needs --as PEER: which peer is this machine?", inv->command->name);
	for (size_t i = 0; !file && i < sizeof(with_file) / sizeof(with_file[0]); i++)
		if (option_given(inv, with_file[i]))
			return usage_error(inv, "%s: --%s needs --file", inv->command->name, with_file[i]);
	return 0;
}

struct this_peer *open_definition(const struct invocation *inv, const struct peer_options *o, struct arena *a, bool key)
{
	struct peer_definition from = {
	    .path = option_value(inv, "file"),
	    .name = option_value(inv, "as"),
	    .key = option_value(inv, "key"),
	    .resolve_ms = RESOLVE_WAIT_MS,
	};
	struct this_peer *p = NULL;
	struct diags d = {0};
	long port;

	if (key && !from.key) {
		usage_error(inv, "%s: --file needs --key FILE, the private key of '%s'", inv->command->name, from.name);
		return NULL;
	}
	if (option_number(inv, "listen-port", 1, 65535, 0, &port) < 0)
		return NULL;
	from.listen_port = (uint16_t)port;
	peer_open_definition(o, a, &from, &p, &d);
	diags_sort(&d);
	report(inv, &d, NULL);
	diags_free(&d);
	return p;
}

void print_version(FILE *to, const struct this_peer *p)
{
	const struct view *v = peer_view(p);

	if (v)
		fprintf(to, "%s: version %" PRIu64 ".%" PRIu64, peer_ifname(p), v->statement.version.epoch,
			v->statement.version.number);
	else
		fprintf(to, "%s: no snapshot yet", peer_ifname(p));
}
