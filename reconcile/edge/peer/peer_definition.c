#include "reconcile/edge/peer/peer_definition.h"

#include "reconcile/edge/config/key_file.h"
#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/peer/peer_names.h"
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

int peer_definition_check_served(const struct peer_file *f, const struct store *s, struct diags *d)
{
	const char *name = peer_file_ifname(f);
	char path[PATH_MAX];
	struct diag *g;

	if (has_file(peer_file_options(f)->config_dir, name, path)) {
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
	if (store_running(s)) {
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

int peer_definition_note(const struct peer_file *f, const struct store *s, const struct bundle *held, struct diags *d)
{
	const struct peer_config *c = peer_file_config(f);
	const char *hosts = peer_file_hosts_path(f), *data_dir = peer_file_options(f)->data_dir;
	struct applied old, now = {.listen_port = c->settings.listen_port};
	bool noted = store_load_applied(s, &old) == 0, gone;
	struct buf view = {0};
	int r = -1;

	/* With --no-write-hosts the names stay where they are. With another hosts file the old one loses them. */
	snprintf(now.hosts, sizeof(now.hosts), "%s", hosts ? hosts : noted ? old.hosts : "");
	snprintf(now.name, sizeof(now.name), "%s", c->m.name);
	snprintf(now.suffix, sizeof(now.suffix), "%s", peer_file_host_suffix(f));
	if (noted && *old.hosts && strcmp(old.hosts, now.hosts) != 0 &&
	    peer_names_remove(data_dir, old.hosts, peer_file_ifname(f), &gone, d) < 0)
		diags_soften(d);
	bundle_write(&view, held);
	d->out_of_memory |= view.failed;
	if (!view.failed && store_save_view(s, buf_span(&view), d) == 0)
		r = noted && same_applied(&old, &now) ? 0 : store_save_applied(s, &now, d);
	buf_free(&view);
	return r;
}

int peer_definition_check_interface(const struct peer_file *f, const struct store *s, struct diags *d)
{
	const char *name = peer_file_ifname(f);
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	struct applied applied;
	struct diag *g;
	int r = -1;

	if (!a) {
		diags_out_of_memory(d);
	} else if (device_read(a, name, &there, d) == 0) {
		r = !there->exists || store_load_applied(s, &applied) == 0 ||
			    (there->has_key && key_eq(&there->public_key, &peer_file_config(f)->public_key))
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
		diags_out_of_memory(d);
		return NULL;
	}
	reach_run_tests(*x, d);
	return d->n_errors ? NULL : m;
}

/* The peer that may be applied: enabled, and with a key of its own. */
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

/* A peer that has an invite and no key is not put on the interface: one warning names all of them. */
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

/* The other peers send to the endpoint that the definition has: this peer listens on its port. */
static uint16_t own_port(const struct peer *self)
{
	const char *colon = self->endpoint ? strrchr(self->endpoint, ':') : NULL;
	uint16_t port = 0;

	return colon && port_parse(colon + 1, strlen(colon + 1), &port) == 0 ? port : 0;
}

void peer_definition_say_unresolved(const struct view *v, const struct resolver *r, struct diags *d)
{
	struct sockpoint at;

	for (uint32_t i = 0; i < v->n_peers; i++) {
		const char *e = v->peers[i].endpoint;

		if (e && i != v->self && !v->peers[i].pending && !resolver_find(r, e, &at))
			diag_help(d,
				  diag_warning(d, "endpoint-unresolved", NULL,
					       "no address is known for %s: %s can only call by itself", e,
					       v->peers[i].name),
				  "does the name resolve here? Once it does, apply again");
	}
}

int peer_definition_read(struct arena *a, const struct peer_definition *from, struct peer_config *c, struct kept *held,
			 struct diags *d)
{
	struct reach_index *x = NULL;
	struct model *m = load_model(a, from->path, &x, d);
	uint32_t i = m ? find_self(m, from->name, d) : NONE;
	struct snapshot *s;

	if (i == NONE)
		return -1;
	if (from->key && key_file_read_peer(from->key, m, i, c->private_key, d) < 0)
		return -1;
	c->settings.listen_port = from->listen_port ? from->listen_port : own_port(&m->peers[i]);
	s = snapshot_compile(a, m, x, &commit_outside_git, d);
	held->view = s ? view_of_peer(a, s, i, NULL, 0, d) : NULL;
	held->bundle = held->view ? arena_alloc(a, sizeof(*held->bundle)) : NULL;
	if (!held->view)
		return -1;
	if (!held->bundle || bundle_of_view(a, s, s->view_of_peer[i], held->bundle) < 0)
		return diags_out_of_memory(d);
	fill_membership(c, held->view);
	say_invited(held->view, d);
	return 0;
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

int peer_definition_read_applied(const struct store *s, const char *ifname, struct peer_config *c, struct kept *held,
				 struct diags *d)
{
	struct applied applied;
	struct diags why = {0};
	int r = 1;

	if (store_load_applied(s, &applied) || !*applied.name)
		return 1;
	held->arena = arena_new();
	held->bundle = held->arena ? arena_alloc(held->arena, sizeof(*held->bundle)) : NULL;
	if (!held->bundle || !keep_settings(&c->settings, &applied))
		return diags_out_of_memory(d);
	if (store_load_view(s, &held->bytes, &why) == 0 &&
	    bundle_parse(held->arena, buf_span(&held->bytes), held->bundle, &why) == 0)
		held->view = view_of_bundle(held->arena, held->bundle, applied.name, &why);
	if (held->view && strcmp(held->view->statement.network, ifname) == 0) {
		fill_membership(c, held->view);
		r = 0;
	}
	diags_free(&why);
	return r;
}

static size_t network_folder(const char *name)
{
	size_t n = strlen(name);

	return network_name_valid(name, n) ? n : 0;
}

int peer_definition_list(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n,
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
	if (!list)
		return diags_out_of_memory(d);
	*n = 0;
	for (size_t i = 0; i < n_folders; i++)
		if (store_init(&store, o->data_dir, folders[i], d) == 0 && store_load_applied(&store, &ignored) == 0)
			list[(*n)++] = folders[i];
	*names = list;
	return 0;
}
