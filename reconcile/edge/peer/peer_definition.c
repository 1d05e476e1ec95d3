/* A peer whose view is made here, from a definition: the same from there to the interface as with a snapshot. */
#include "reconcile/edge/config/key_file.h"
#include "reconcile/edge/peer/peer_parts.h"
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

static bool same_applied(const struct applied *a, const struct applied *b)
{
	return strcmp(a->hosts, b->hosts) == 0 && strcmp(a->name, b->name) == 0 && strcmp(a->suffix, b->suffix) == 0 &&
	       a->listen_port == b->listen_port;
}

int peer_note_applied(struct this_peer *p, struct diags *d)
{
	const char *hosts = peer_hosts_path(p);
	struct applied old, now = {.listen_port = p->config->settings.listen_port};
	bool noted = store_load_applied(&p->store, &old) == 0, gone;
	struct buf view = {0};
	int r = -1;

	/* Names stay where they are when none are to be written; in another file they are not left behind. */
	snprintf(now.hosts, sizeof(now.hosts), "%s", hosts ? hosts : noted ? old.hosts : "");
	snprintf(now.name, sizeof(now.name), "%s", p->config->m.name);
	snprintf(now.suffix, sizeof(now.suffix), "%s", peer_host_suffix(p));
	if (noted && *old.hosts && strcmp(old.hosts, now.hosts) != 0 &&
	    peer_names_remove(p->options->data_dir, old.hosts, peer_config_interface(p->config), &gone, d) < 0)
		diags_soften(d);
	bundle_write(&view, p->held->bundle);
	d->out_of_memory |= view.failed;
	if (!view.failed && store_save_view(&p->store, buf_span(&view), d) == 0)
		r = noted && same_applied(&old, &now) ? 0 : store_save_applied(&p->store, &now, d);
	buf_free(&view);
	return r;
}

/* An interface of that name is ours when we wrote so down, or when it has this peer's key. */
static int check_interface(const struct this_peer *p, struct diags *d)
{
	const char *name = peer_config_interface(p->config);
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	struct applied applied;
	struct diag *g;
	int r = -1;

	if (!a) {
		d->out_of_memory = true;
	} else if (device_read(a, name, &there, d) == 0) {
		r = !there->exists || store_load_applied(&p->store, &applied) == 0 ||
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

static void fill_membership(struct peer_config *c, const struct view *v)
{
	struct membership *to = &c->m;
	const struct view_peer *self = &v->peers[v->self];
	const struct view_cidr *root = &v->cidrs[v->root];

	snprintf(to->network, sizeof(to->network), "%s", v->statement.network);
	snprintf(to->name, sizeof(to->name), "%s", self->name);
	memcpy(to->ip, self->ip, sizeof(to->ip));
	to->n_ips = self->n_ips;
	memcpy(to->root, root->prefix, sizeof(to->root));
	to->n_root = root->n_prefixes;
	to->trust = v->statement.trust;
	to->mtu = v->mtu;
	to->keepalive = v->keepalive;
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
	if (from->key && key_file_read_peer(from->key, m, i, p->config->private_key, d) < 0)
		return -1;
	p->config->settings.listen_port = from->listen_port ? from->listen_port : own_port(&m->peers[i]);
	s = snapshot_compile(a, m, x, &commit_outside_git, d);
	p->held->view = s ? view_of_peer(a, s, i, NULL, 0, d) : NULL;
	p->held->bundle = p->held->view ? arena_alloc(a, sizeof(*p->held->bundle)) : NULL;
	if (!p->held->view)
		return -1;
	if (!p->held->bundle || bundle_of_view(a, s, s->view_of_peer[i], p->held->bundle) < 0) {
		d->out_of_memory = true;
		return -1;
	}
	fill_membership(p->config, p->held->view);
	say_invited(p->held->view, d);
	return 0;
}

/* As yet of no network. */
static struct this_peer *new_peer(const struct peer_options *o, struct diags *d)
{
	struct this_peer *p = calloc(1, sizeof(*p));

	if (!p) {
		d->out_of_memory = true;
		return NULL;
	}
	p->options = o;
	p->from_definition = true;
	p->store.lock = -1;
	p->opened = clock_boot_ms();
	p->config = peer_config_new(d);
	p->held = calloc(1, sizeof(*p->held));
	p->resolver = resolver_new(d);
	d->out_of_memory |= !p->held;
	if (p->config && p->held && p->resolver) {
		p->public_key = &p->config->public_key;
		return p;
	}
	peer_close(p);
	return NULL;
}

int peer_open_definition(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
			 struct this_peer **out, struct diags *d)
{
	struct this_peer *p = new_peer(o, d);

	*out = NULL;
	if (!p || fill(p, a, from, d) < 0)
		goto fail;
	p->private_key = from->key ? p->config->private_key : NULL;
	if (store_init(&p->store, o->data_dir, peer_config_interface(p->config), d) < 0 ||
	    peer_check_served(p, d) < 0 || check_interface(p, d) < 0 || resolve(p, from->resolve_ms, d) < 0)
		goto fail;
	*out = p;
	return 0;
fail:
	peer_close(p);
	return -1;
}

/* ---- what was applied ----------------------------------------------------------------------------------------- */

static bool keep_settings(struct peer_settings *s, const struct applied *applied)
{
	s->listen_port = applied->listen_port;
	s->no_write_hosts = !*applied->hosts;
	s->hosts_path = *applied->hosts ? strdup(applied->hosts) : NULL;
	s->host_suffix = strdup(applied->suffix);
	return (s->hosts_path || s->no_write_hosts) && s->host_suffix;
}

/* 1: it is not there, or not what it should be. */
static int load_applied(struct this_peer *p, const char *ifname, struct diags *d)
{
	struct kept *g = p->held;
	struct applied applied;
	struct diags why = {0};
	int r = 1;

	if (store_load_applied(&p->store, &applied) || !*applied.name)
		return 1;
	g->arena = arena_new();
	g->bundle = g->arena ? arena_alloc(g->arena, sizeof(*g->bundle)) : NULL;
	if (!g->bundle || !keep_settings(&p->config->settings, &applied)) {
		d->out_of_memory = true;
		return -1;
	}
	if (store_load_view(&p->store, &g->bytes, &why) == 0 &&
	    bundle_parse(g->arena, buf_span(&g->bytes), g->bundle, &why) == 0)
		g->view = view_of_bundle(g->arena, g->bundle, applied.name, &why);
	if (g->view && strcmp(g->view->statement.network, ifname) == 0) {
		fill_membership(p->config, g->view);
		r = 0;
	}
	diags_free(&why);
	return r;
}

int peer_open_applied(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d)
{
	struct this_peer *p = new_peer(o, d);
	int r = -1;

	*out = NULL;
	if (p && store_init(&p->store, o->data_dir, ifname, d) == 0)
		r = load_applied(p, ifname, d);
	if (r == 0)
		*out = p;
	else
		peer_close(p);
	return r;
}

static size_t network_folder(const char *name)
{
	size_t n = strlen(name);

	return network_name_valid(name, n) ? n : 0;
}

int peer_applied_list(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n,
		      struct diags *d)
{
	const char *const *folders;
	const char **list;
	struct applied ignored;
	struct store store;
	size_t n_folders;

	if (file_list(a, o->data_dir, network_folder, &folders, &n_folders, d) < 0)
		return -1;
	list = arena_array(a, n_folders + 1, sizeof(*list));
	if (!list) {
		d->out_of_memory = true;
		return -1;
	}
	*n = 0;
	for (size_t i = 0; i < n_folders; i++)
		if (store_init(&store, o->data_dir, folders[i], d) == 0 && store_load_applied(&store, &ignored) == 0)
			list[(*n)++] = folders[i];
	*names = list;
	return 0;
}
