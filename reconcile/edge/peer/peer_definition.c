/* A peer whose view is made here, from a definition: the same from there to the interface as with a snapshot. */
#include "reconcile/edge/config/key_file.h"
#include "reconcile/edge/peer/peer.h"
#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/git/source.h"
#include "schema/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* DIR/NAME.yaml is there. */
static bool has_file(const char *dir, const char *name, char path[static PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s.yaml", dir, name);

	return n > 0 && n < PATH_MAX && access(path, F_OK) == 0;
}

int peer_check_served(const struct this_peer *p, struct diags *d)
{
	const char *name = peer_config_interface(p->config);
	char path[PATH_MAX];
	struct diag *g;

	if (has_file(p->options->config_dir, name, path)) {
		g = diag_error(d, "interface-served", NULL, "a server keeps '%s': this machine joined it (%s)", name,
			       path);
		diag_help(d, g,
			  "`innernet apply %s` takes what the server published; `innernet uninstall %s` leaves it",
			  name, name);
		return -1;
	}
	if (has_file(SERVER_CONFIG_DIR, name, path)) {
		g = diag_error(d, "interface-served", NULL, "this machine is the server of '%s' (%s)", name, path);
		diag_help(d, g, "it keeps its own interface: push the change, or `innernet-reconcile uninstall %s`",
			  name);
		return -1;
	}
	if (store_running(&p->store)) {
		diag_error(d, "interface-served", NULL, "a daemon keeps '%s' on this machine", name);
		return -1;
	}
	return 0;
}

int peer_definition_note(struct this_peer *p, struct diags *d)
{
	const char *hosts = peer_hosts_path(p);
	char old[PATH_MAX];
	bool noted = store_load_applied(&p->store, old) == 0, gone;

	/* Names stay where they are when none are to be written; in another file they are not left behind. */
	if (noted && (!hosts || strcmp(old, hosts) == 0))
		return 0;
	if (noted && *old &&
	    peer_names_remove(p->options->data_dir, old, peer_config_interface(p->config), &gone, d) < 0)
		diags_soften(d);
	return store_save_applied(&p->store, hosts ? hosts : "", d);
}

/* An interface of that name is ours when we wrote so down, or when it has this peer's key. */
static int check_interface(const struct this_peer *p, struct diags *d)
{
	const char *name = peer_config_interface(p->config);
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	char hosts[PATH_MAX];
	struct diag *g;
	int r = -1;

	if (!a) {
		d->out_of_memory = true;
	} else if (device_read(a, name, &there, d) == 0) {
		r = !there->exists || store_load_applied(&p->store, hosts) == 0 ||
			    (there->has_key && key_eq(&there->public_key, p->public_key))
			? 0
			: -1;
		if (r < 0) {
			g = diag_error(d, "interface-exists", NULL,
				       "there is a WireGuard interface '%s' already, which is not ours", name);
			diag_help(d, g, "remove or rename it first (`ip link del %s`)", name);
		}
	}
	arena_free(a);
	return r;
}

static struct model *load_model(struct arena *a, const char *path, struct reach_index **x, struct diags *d)
{
	struct model *m = source_load(a, path, true, d);

	if (!m)
		return NULL;
	*x = reach_index_new(a, m);
	if (!*x) {
		d->out_of_memory = true;
		return NULL;
	}
	reach_run_tests(*x, d);
	return d->n_errors ? NULL : m;
}

/* The one that may be applied: enabled, and with a key of its own. */
static uint32_t find_self(const struct model *m, const char *name, struct diags *d)
{
	uint32_t i = model_find_peer(m, name, d);
	struct diag *g;

	if (i != NONE && m->peers[i].disabled) {
		g = diag_error(d, "peer-disabled", &m->peers[i].at, "peer '%s' is disabled", name);
		diag_help(d, g, "`innernet enable-peer --name %s` lets it in again", name);
		return NONE;
	}
	if (i != NONE && m->peers[i].is_invite) {
		key_say_invited(&m->peers[i], d);
		return NONE;
	}
	return i;
}

/* Whoever has only an invite is nobody's WireGuard peer; that is said once, however many they are. */
static void say_invited(const struct view *v, struct diags *d)
{
	struct buf names = {0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_peers; i++) {
		if (v->peers[i].pending && n++ < 8)
			buf_printf(&names, "%s%s", n > 1 ? ", " : "", v->peers[i].name);
	}
	if (n > 8)
		buf_printf(&names, " and %u more", n - 8);
	if (n)
		diag_help(
		    d,
		    diag_warning(d, "peer-invited", NULL, "not reached, for want of a key: %s", names.p ? names.p : ""),
		    "an invite is redeemed at a server; without one, each peer needs a `public_key`");
	buf_free(&names);
}

static void fill_membership(struct peer_config *c, const struct model *m, const struct peer *self)
{
	struct membership *to = &c->m;
	const struct cidr *root = &m->cidrs[0];

	snprintf(to->network, sizeof(to->network), "%s", m->network);
	snprintf(to->name, sizeof(to->name), "%s", self->name);
	memcpy(to->ip, self->ip, sizeof(to->ip));
	to->n_ips = self->n_ips;
	memcpy(to->root, root->prefix, sizeof(to->root));
	to->n_root = root->n_prefixes;
	to->trust = m->trust;
	to->mtu = m->mtu;
	to->keepalive = m->keepalive;
	c->public_key = self->key;
	c->redeemed = true;
}

/* Others call the endpoint that the definition has: it listens there. */
static uint16_t own_port(const struct peer *self)
{
	const char *colon = self->endpoint ? strrchr(self->endpoint, ':') : NULL;
	uint16_t port = 0;

	return colon && port_parse(colon + 1, strlen(colon + 1), &port) == 0 ? port : 0;
}

/* Looked up at most so long; who is not found is said, and keeps the endpoint that the interface has. */
static int resolve(struct this_peer *p, int wait_ms, struct diags *d)
{
	const struct view *v = p->held->view;
	const struct resolved *known;
	struct sockpoint at;
	size_t n, i;

	if (peer_resolve(p, wait_ms, d) < 0)
		return -1;
	known = resolver_known(p->resolver, &n);
	for (uint32_t j = 0; j < v->n_peers; j++) {
		const char *e = v->peers[j].endpoint;

		if (!e || j == v->self || v->peers[j].pending || sockpoint_parse(e, strlen(e), &at) == 0)
			continue;
		for (i = 0; i < n && (!known[i].at.port || strcmp(known[i].endpoint, e) != 0); i++)
			;
		if (i == n)
			diag_help(d,
				  diag_warning(d, "endpoint-unresolved", NULL,
					       "no address is known for %s: %s can only call by itself", e,
					       v->peers[j].name),
				  "does the name resolve here? Once it does, apply again");
	}
	return 0;
}

static int fill(struct this_peer *p, struct arena *a, const struct peer_definition *from, struct diags *d)
{
	struct reach_index *x = NULL;
	struct model *m = load_model(a, from->path, &x, d);
	uint32_t i = m ? find_self(m, from->name, d) : NONE;
	struct snapshot *s;

	if (i == NONE)
		return -1;
	fill_membership(p->config, m, &m->peers[i]);
	if (from->key && key_file_read_peer(from->key, m, i, p->config->private_key, d) < 0)
		return -1;
	p->config->settings.listen_port = from->listen_port ? from->listen_port : own_port(&m->peers[i]);
	s = snapshot_compile(a, m, x, &commit_outside_git, d);
	p->held->view = s ? view_of_peer(a, s, i, NULL, 0, d) : NULL;
	if (!p->held->view)
		return -1;
	say_invited(p->held->view, d);
	return 0;
}

int peer_open_definition(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
			 struct this_peer **out, struct diags *d)
{
	struct this_peer *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p) {
		d->out_of_memory = true;
		return -1;
	}
	p->options = o;
	p->from_definition = true;
	p->store.lock = -1;
	p->opened = clock_boot_ms();
	p->config = peer_config_new(d);
	p->held = calloc(1, sizeof(*p->held));
	p->resolver = resolver_new(d);
	if (!p->held)
		d->out_of_memory = true;
	if (!p->config || !p->held || !p->resolver || fill(p, a, from, d) < 0)
		goto fail;
	p->private_key = from->key ? p->config->private_key : NULL;
	p->public_key = &p->config->public_key;
	if (store_init(&p->store, o->data_dir, peer_config_interface(p->config), d) < 0 ||
	    peer_check_served(p, d) < 0 || check_interface(p, d) < 0 || resolve(p, from->resolve_ms, d) < 0)
		goto fail;
	*out = p;
	return 0;
fail:
	peer_close(p);
	return -1;
}
