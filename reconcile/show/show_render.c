#include "reconcile/show/show_render.h"

#include "reconcile/show/cidr_list.h"
#include "reconcile/text/age.h"
#include "reconcile/text/json.h"
#include "reconcile/show/view_render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* With a session now, what the daemon said before it began (it looks no more) is of the past. */
static const struct daemon_try *looked_for(const struct shown *s, const struct view_peer *p,
					   const struct device_peer *dev)
{
	return dev && !device_peer_is_live(dev, s->now) ? daemon_try_find(s->daemon, p->name) : NULL;
}

static const char *state_of(const struct shown *s, uint32_t i)
{
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev;

	if (i == s->view->self)
		return "this machine";
	if (p->pending)
		return "pending";
	if (view_peer_via(s->view, i))
		return "relayed";
	dev = device_peer_find(s->device->peers, s->device->n_peers, &p->key);
	if (!dev)
		return "not applied";
	if (!dev->handshake)
		return "no handshake yet";
	return device_peer_is_live(dev, s->now) ? "connected" : "idle";
}

static void add_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)n;
	unsigned u = 0;

	while (v >= 1024 && u < 4) {
		v /= 1024;
		u++;
	}
	buf_printf(out, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void add_addresses(struct buf *out, const struct addr *ip, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char text[ADDR_STR_LEN];
		addr_format(&ip[i], text);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
}

/* What the device says: "192.0.2.1:51820, handshake 12 s ago, 1.2 KiB received, 3.4 KiB sent". */
static void add_device_peer(struct buf *out, const struct shown *s, const struct device_peer *dev)
{
	char at[SOCKPOINT_STR_LEN];

	if (dev->endpoint.port) {
		sockpoint_format(&dev->endpoint, at);
		buf_printf(out, ", %s", at);
	}
	if (dev->handshake) {
		buf_str(out, ", handshake ");
		age_put(out, s->now - dev->handshake);
	}
	if (dev->rx || dev->tx) {
		buf_str(out, ", ");
		add_bytes(out, dev->rx);
		buf_str(out, " received, ");
		add_bytes(out, dev->tx);
		buf_str(out, " sent");
	}
}

static void put_peer(struct buf *out, uint32_t i, const void *ctx)
{
	const struct shown *s = ctx;
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev =
	    i == s->view->self || p->pending ? NULL : device_peer_find(s->device->peers, s->device->n_peers, &p->key);
	const struct daemon_try *try;

	buf_printf(out, "%s ", p->name);
	add_addresses(out, p->ip, p->n_ips);
	buf_printf(out, "  %s%s", p->server ? "server, " : "", state_of(s, i));
	if (view_peer_via(s->view, i))
		buf_printf(out, " by %s", view_peer_via(s->view, i));
	if (dev)
		add_device_peer(out, s, dev);
	try = looked_for(s, p, dev);
	if (try) {
		buf_str(out, ", ");
		daemon_try_text(out, try, NULL, s->now);
	}
	if (i == s->view->self && s->own) {
		buf_str(out, ", ");
		hint_say(out, s->own);
	}
}

static void put_cidr(struct buf *out, uint32_t c, const void *ctx)
{
	const struct view_cidr *cidr = &((const struct shown *)ctx)->view->cidrs[c];

	buf_str(out, cidr->name);
	for (unsigned i = 0; i < cidr->n_prefixes; i++) {
		char text[PREFIX_STR_LEN];
		prefix_format(&cidr->prefix[i], text);
		buf_printf(out, "%s %s", i ? "," : "", text);
	}
}

/* Which of the device's peers are of this network. The caller frees it; NULL: out of memory. */
static bool *find_managed(const struct shown *s)
{
	bool *managed = calloc((size_t)s->device->n_peers + 1, sizeof(*managed));

	for (uint32_t i = 0; managed && s->view && i < s->view->n_peers; i++) {
		const struct view_peer *p = &s->view->peers[i];
		const struct device_peer *dev =
		    p->pending ? NULL : device_peer_find(s->device->peers, s->device->n_peers, &p->key);
		if (dev)
			managed[dev - s->device->peers] = true;
	}
	return managed;
}

static void add_unmanaged(struct buf *out, const struct shown *s)
{
	bool *managed = find_managed(s), any = false;

	out->failed |= !managed;
	for (uint32_t i = 0; managed && i < s->device->n_peers; i++) {
		const struct device_peer *dev = &s->device->peers[i];
		char key[KEY_B64_LEN + 1];

		if (managed[i])
			continue;
		if (!any)
			buf_str(out, "  not of this network (the next `innernet apply` removes it)\n");
		any = true;
		key_format(&dev->key, key);
		buf_printf(out, "    %s  unmanaged", key);
		add_device_peer(out, s, dev);
		buf_char(out, '\n');
	}
	free(managed);
}

static void add_head(struct buf *out, const struct shown *s)
{
	buf_printf(out, "%s: ", s->interface);
	if (s->view) {
		const struct view_peer *self = &s->view->peers[s->view->self];
		buf_printf(out, "%s ", self->name);
		add_addresses(out, self->ip, self->n_ips);
		if (s->from_definition)
			buf_str(out, ", from a definition");
		else
			buf_printf(out, ", version %" PRIu64 ".%" PRIu64, s->view->statement.version.epoch,
				   s->view->statement.version.number);
	} else {
		buf_printf(out, "%s ", s->name);
		add_addresses(out, s->ip, s->n_ips);
		buf_str(out, s->redeemed ? ", no snapshot yet" : ", invitation not redeemed yet");
	}
	if (!s->device->exists)
		buf_str(out, "; the interface is not there\n");
	else
		buf_printf(out, "; the interface is %s, port %u\n", s->device->up ? "up" : "down",
			   s->device->listen_port);
}

void show_render_brief(struct buf *out, const struct shown *s)
{
	add_head(out, s);
	for (uint32_t i = 0; s->view && i < s->view->n_peers; i++) {
		buf_printf(out, "  %s ", s->view->peers[i].name);
		add_addresses(out, s->view->peers[i].ip, s->view->peers[i].n_ips);
		buf_printf(out, "  %s\n", state_of(s, i));
	}
}

void show_render_tree(struct buf *out, const struct shown *s, enum tree_style style)
{
	const struct tree_lines lines = {put_cidr, put_peer, s};
	struct tree t;

	add_head(out, s);
	if (!s->view)
		return;
	if (tree_of_view(&t, s->view) < 0) {
		out->failed = true;
		return;
	}
	tree_render(out, &t, style, 2, &lines);
	tree_free(&t);
	add_unmanaged(out, s);
}

/* ---- JSON: {"network", ..., "cidrs": [], "peers": [], "unmanaged": []} -------------------------------------------- */

static bool put_device_peer(json_t *o, const struct device_peer *dev)
{
	char at[SOCKPOINT_STR_LEN];
	bool ok = true;

	if (dev->endpoint.port) {
		sockpoint_format(&dev->endpoint, at);
		ok = json_put(o, "endpoint", json_string(at));
	}
	ok = ok && json_put(o, "latest_handshake", json_integer(dev->handshake));
	ok = ok && json_put(o, "received", json_integer((json_int_t)dev->rx));
	return ok && json_put(o, "sent", json_integer((json_int_t)dev->tx));
}

/* How the daemon looks for it: {"addresses", "rounds", "trying"}. */
static bool put_search(json_t *o, const struct daemon_try *t)
{
	return !t || json_put(o, "search",
			      json_pack("{s:i, s:I, s:b}", "addresses", t->n, "rounds", (json_int_t)t->rounds, "trying",
					t->trying));
}

static json_t *peer_json(const struct shown *s, uint32_t i)
{
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev =
	    p->pending ? NULL : device_peer_find(s->device->peers, s->device->n_peers, &p->key);
	json_t *o = json_object();
	bool ok = json_put(o, "name", json_string(p->name)) &&
		  json_put(o, "addresses", addresses_json(p->ip, p->n_ips)) &&
		  json_put(o, "cidr", json_string(s->view->cidrs[p->cidr].name)) &&
		  json_put(o, "server", json_boolean(p->server)) && json_put(o, "state", json_string(state_of(s, i))) &&
		  json_put(o, "via", text_json(view_peer_via(s->view, i))) &&
		  (p->pending || json_put(o, "public_key", key_json(&p->key))) && (!dev || put_device_peer(o, dev)) &&
		  put_search(o, looked_for(s, p, dev));

	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

/* What other peers are told of this machine. */
static json_t *own_json(const struct hint *own)
{
	json_t *o = json_object(), *list = json_array();
	char at[SOCKPOINT_STR_LEN];
	bool ok = true;

	sockpoint_format(&own->seen, at);
	if (own->seen.port)
		ok = json_put(o, "seen", json_string(at));
	for (unsigned i = 0; ok && i < own->n_at; i++) {
		sockpoint_format(&own->at[i], at);
		ok = json_add(list, json_string(at));
	}
	if (json_put(o, "reported", list) && ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *unmanaged_json(const struct shown *s)
{
	bool *managed = find_managed(s), ok = managed;
	json_t *list = json_array();

	for (uint32_t i = 0; ok && s->view && i < s->device->n_peers; i++) {
		json_t *o;
		if (managed[i])
			continue;
		o = json_object();
		ok = json_put(o, "public_key", key_json(&s->device->peers[i].key)) &&
		     put_device_peer(o, &s->device->peers[i]);
		ok = json_add(list, o) && ok;
	}
	free(managed);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *cidrs_json(const struct view *v)
{
	struct arena *a = arena_new();
	struct cidr_list *l = a ? cidr_list_of_view(a, v) : NULL;
	json_t *list = l ? cidr_list_json(l) : NULL;

	arena_free(a);
	return list;
}

json_t *show_render_json(const struct shown *s)
{
	json_t *o = json_object(), *peers = json_array();
	bool ok =
	    json_put(o, "network", json_string(s->network)) && json_put(o, "interface", json_string(s->interface)) &&
	    json_put(o, "redeemed", json_boolean(s->redeemed)) && json_put(o, "public_key", key_json(&s->public_key)) &&
	    json_put(o, "up", json_boolean(s->device->exists && s->device->up)) &&
	    json_put(o, "listen_port", json_integer(s->device->listen_port));

	if (s->view) {
		ok = ok && json_put(o, "name", json_string(s->view->peers[s->view->self].name)) &&
		     json_put(o, "from_definition", json_boolean(s->from_definition));
		if (!s->from_definition)
			ok = ok && json_put(o, "epoch", json_integer((json_int_t)s->view->statement.version.epoch)) &&
			     json_put(o, "number", json_integer((json_int_t)s->view->statement.version.number)) &&
			     json_put(o, "commit", json_string(s->view->statement.commit));
		for (uint32_t i = 0; ok && i < s->view->n_peers; i++)
			ok = json_add(peers, peer_json(s, i));
	}
	ok = ok && (!s->own || json_put(o, "endpoints", own_json(s->own)));
	ok = ok && json_put(o, "cidrs", s->view ? cidrs_json(s->view) : json_array());
	ok = json_put(o, "peers", peers) && ok;
	if (ok && json_put(o, "unmanaged", unmanaged_json(s)))
		return o;
	json_decref(o);
	return NULL;
}
