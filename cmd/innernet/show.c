/* innernet show: the networks as this machine sees them, with what WireGuard says about each peer. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A handshake within this many seconds: a session that carries traffic (WireGuard's REJECT_AFTER_TIME). */
#define SESSION_SECONDS 180

static const struct option_spec options[] = {
    {"short", 's', NULL, "one line a peer, no tree"},
    {"json", 0, NULL, "one JSON document"},
    {0},
};

/* One network, read. */
struct shown {
	const struct this_peer *peer;
	const struct view *view;           /* NULL: no snapshot yet */
	const struct device_state *device; /* `exists` may be false */
	int64_t now;
};

static const struct device_peer *on_device(const struct shown *s, const struct key *key)
{
	uint32_t lo = 0, hi = s->device->n_peers;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = key_cmp(&s->device->peers[mid].key, key);
		if (c == 0)
			return &s->device->peers[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool in_view(const struct shown *s, const struct key *key)
{
	for (uint32_t i = 0; s->view && i < s->view->n_peers; i++) {
		if (!s->view->peers[i].pending && key_eq(&s->view->peers[i].key, key))
			return true;
	}
	return false;
}

static const char *state_of(const struct shown *s, uint32_t i)
{
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev;

	if (i == s->view->self)
		return "this machine";
	if (p->pending)
		return "pending";
	dev = on_device(s, &p->key);
	if (!dev)
		return "not applied";
	if (!dev->handshake)
		return "no handshake yet";
	return s->now - dev->handshake < SESSION_SECONDS ? "connected" : "idle";
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

static void add_age(struct buf *out, int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		buf_printf(out, "%" PRId64 " s ago", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%" PRId64 " min ago", seconds / 60);
	else if (seconds < 172800)
		buf_printf(out, "%" PRId64 " h ago", seconds / 3600);
	else
		buf_printf(out, "%" PRId64 " days ago", seconds / 86400);
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
		add_age(out, s->now - dev->handshake);
	}
	if (dev->rx || dev->tx) {
		buf_str(out, ", ");
		add_bytes(out, dev->rx);
		buf_str(out, " received, ");
		add_bytes(out, dev->tx);
		buf_str(out, " sent");
	}
}

static void add_peer(struct buf *out, const struct shown *s, uint32_t i, unsigned indent)
{
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev = i == s->view->self || p->pending ? NULL : on_device(s, &p->key);

	buf_printf(out, "%*s%s ", (int)indent, "", p->name);
	add_addresses(out, p->ip, p->n_ips);
	buf_printf(out, "  %s%s", p->server ? "server, " : "", state_of(s, i));
	if (dev)
		add_device_peer(out, s, dev);
	buf_char(out, '\n');
}

/* A CIDR, its own peers, and the CIDRs under it. They are sorted, so a parent stands before its children. */
static void add_cidr(struct buf *out, const struct shown *s, uint32_t c, unsigned depth)
{
	const struct view_cidr *cidr = &s->view->cidrs[c];

	buf_printf(out, "%*s%s", (int)(2 * depth + 2), "", cidr->name);
	for (unsigned i = 0; i < cidr->n_prefixes; i++) {
		char text[PREFIX_STR_LEN];
		prefix_format(&cidr->prefix[i], text);
		buf_printf(out, "%s %s", i ? "," : "", text);
	}
	buf_char(out, '\n');
	for (uint32_t i = 0; i < s->view->n_peers; i++) {
		if (s->view->peers[i].cidr == c)
			add_peer(out, s, i, 2 * depth + 4);
	}
	/* No CIDR is under another one of 128 bits: the depth is bounded. */
	for (uint32_t i = 0; depth < ANCESTORS_MAX && i < s->view->n_cidrs; i++) {
		if (s->view->cidrs[i].parent == c && i != c)
			add_cidr(out, s, i, depth + 1);
	}
}

static void add_unmanaged(struct buf *out, const struct shown *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->device->n_peers; i++) {
		const struct device_peer *dev = &s->device->peers[i];
		char key[KEY_B64_LEN + 1];

		if (in_view(s, &dev->key))
			continue;
		if (!any)
			buf_str(out, "  not of this network (the next `innernet apply` removes it)\n");
		any = true;
		key_format(&dev->key, key);
		buf_printf(out, "    %s  unmanaged", key);
		add_device_peer(out, s, dev);
		buf_char(out, '\n');
	}
}

static void add_head(struct buf *out, const struct shown *s)
{
	const struct membership *m = &s->peer->config->m;

	buf_printf(out, "%s: ", m->network);
	if (s->view) {
		const struct view_peer *self = &s->view->peers[s->view->self];
		buf_printf(out, "%s ", self->name);
		add_addresses(out, self->ip, self->n_ips);
		buf_printf(out, ", version %" PRIu64 ".%" PRIu64, s->view->statement.version.epoch,
			   s->view->statement.version.number);
	} else {
		buf_printf(out, "%s ", m->name);
		add_addresses(out, m->ip, m->n_ips);
		buf_str(out, s->peer->config->redeemed ? ", no snapshot yet" : ", invitation not redeemed yet");
	}
	if (!s->device->exists)
		buf_str(out, "; the interface is not there\n");
	else
		buf_printf(out, "; the interface is %s, port %u\n", s->device->up ? "up" : "down",
			   s->device->listen_port);
}

static void add_text(struct buf *out, const struct shown *s, bool brief)
{
	add_head(out, s);
	if (!s->view)
		return;
	if (brief) {
		for (uint32_t i = 0; i < s->view->n_peers; i++) {
			buf_printf(out, "  %s ", s->view->peers[i].name);
			add_addresses(out, s->view->peers[i].ip, s->view->peers[i].n_ips);
			buf_printf(out, "  %s\n", state_of(s, i));
		}
		return;
	}
	add_cidr(out, s, s->view->root, 0);
	add_unmanaged(out, s);
}

/* ---- JSON: {"format_version", "networks": [{"network", ..., "cidrs": [], "peers": [], "unmanaged": []}]} ---------- */

static bool put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static json_t *json_addresses(const struct addr *ip, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < n; i++) {
		char text[ADDR_STR_LEN];
		addr_format(&ip[i], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static bool put_device_peer(json_t *o, const struct device_peer *dev)
{
	char at[SOCKPOINT_STR_LEN];
	bool ok = true;

	if (dev->endpoint.port) {
		sockpoint_format(&dev->endpoint, at);
		ok = put(o, "endpoint", json_string(at));
	}
	ok = ok && put(o, "latest_handshake", json_integer(dev->handshake));
	ok = ok && put(o, "received", json_integer((json_int_t)dev->rx));
	return ok && put(o, "sent", json_integer((json_int_t)dev->tx));
}

static json_t *json_key(const struct key *k)
{
	char text[KEY_B64_LEN + 1];

	key_format(k, text);
	return json_string(text);
}

static json_t *json_peer(const struct shown *s, uint32_t i)
{
	const struct view_peer *p = &s->view->peers[i];
	const struct device_peer *dev = p->pending ? NULL : on_device(s, &p->key);
	json_t *o = json_object();
	bool ok = put(o, "name", json_string(p->name)) && put(o, "addresses", json_addresses(p->ip, p->n_ips)) &&
		  put(o, "cidr", json_string(s->view->cidrs[p->cidr].name)) &&
		  put(o, "server", json_boolean(p->server)) && put(o, "state", json_string(state_of(s, i))) &&
		  (p->pending || put(o, "public_key", json_key(&p->key))) && (!dev || put_device_peer(o, dev));

	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *json_cidr(const struct shown *s, uint32_t c)
{
	const struct view_cidr *cidr = &s->view->cidrs[c];
	json_t *o = json_object(), *prefixes = json_array();
	bool ok = put(o, "name", json_string(cidr->name));

	for (unsigned i = 0; ok && i < cidr->n_prefixes; i++) {
		char text[PREFIX_STR_LEN];
		prefix_format(&cidr->prefix[i], text);
		ok = json_array_append_new(prefixes, json_string(text)) == 0;
	}
	ok = put(o, "prefixes", prefixes) && ok;
	ok =
	    ok && put(o, "parent", cidr->parent == NONE ? json_null() : json_string(s->view->cidrs[cidr->parent].name));
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *json_unmanaged(const struct shown *s)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < s->device->n_peers; i++) {
		json_t *o;
		if (in_view(s, &s->device->peers[i].key))
			continue;
		o = json_object();
		put(o, "public_key", json_key(&s->device->peers[i].key));
		put_device_peer(o, &s->device->peers[i]);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json_network(const struct shown *s)
{
	const struct membership *m = &s->peer->config->m;
	json_t *o = json_object(), *cidrs = json_array(), *peers = json_array();
	bool ok = put(o, "network", json_string(m->network)) &&
		  put(o, "redeemed", json_boolean(s->peer->config->redeemed)) &&
		  put(o, "public_key", json_key(&s->peer->config->public_key)) &&
		  put(o, "up", json_boolean(s->device->exists && s->device->up)) &&
		  put(o, "listen_port", json_integer(s->device->listen_port));

	if (s->view) {
		ok = ok && put(o, "name", json_string(s->view->peers[s->view->self].name)) &&
		     put(o, "epoch", json_integer((json_int_t)s->view->statement.version.epoch)) &&
		     put(o, "number", json_integer((json_int_t)s->view->statement.version.number)) &&
		     put(o, "commit", json_string(s->view->statement.commit));
		for (uint32_t i = 0; ok && i < s->view->n_cidrs; i++)
			ok = json_array_append_new(cidrs, json_cidr(s, i)) == 0;
		for (uint32_t i = 0; ok && i < s->view->n_peers; i++)
			ok = json_array_append_new(peers, json_peer(s, i)) == 0;
	}
	ok = put(o, "cidrs", cidrs) && ok;
	ok = put(o, "peers", peers) && ok;
	if (ok && put(o, "unmanaged", s->view ? json_unmanaged(s) : json_array()))
		return o;
	json_decref(o);
	return NULL;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

/* Reads one network and adds it to the text or to the list. */
static int show_one(const struct invocation *inv, const struct peer_options *o, const char *name, struct buf *text,
		    json_t *list, struct diags *d)
{
	struct arena *a = arena_new();
	struct this_peer *p = NULL;
	struct device_state *device = NULL;
	struct shown s;
	int r = -1;

	if (!a) {
		d->out_of_memory = true;
		return -1;
	}
	if (peer_open(o, name, &p, d) < 0 || device_read(a, name, &device, d) < 0)
		goto out;
	s = (struct shown){p, p->held ? p->held->view : NULL, device, clock_unix()};
	r = 0;
	if (list) {
		r = json_array_append_new(list, json_network(&s));
		d->out_of_memory = d->out_of_memory || r < 0;
	} else {
		if (text->n)
			buf_char(text, '\n');
		add_text(text, &s, option_given(inv, "short"));
	}
out:
	peer_close(p);
	arena_free(a);
	return r;
}

static int print_json(const struct invocation *inv, json_t *list)
{
	json_t *root = json_object();
	char *dump = NULL;
	struct buf b = {0};
	int r;

	if (put(root, "format_version", json_string("1.0")) && put(root, "networks", json_incref(list)))
		dump = json_dumps(root, JSON_INDENT(2));
	if (dump)
		buf_printf(&b, "%s\n", dump);
	else
		b.failed = true;
	r = print_buf(inv, &b);
	buf_free(&b);
	free(dump);
	json_decref(root);
	return r;
}

static int run(struct invocation *inv)
{
	json_t *list = option_given(inv, "json") ? json_array() : NULL;
	struct arena *a = arena_new();
	const char *const *names = inv->args;
	size_t n = (size_t)inv->n_args;
	struct buf text = {0};
	struct diags d = {0};
	struct peer_options o;
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		goto out;
	if (!a || (n == 0 && peer_config_list(a, o.config_dir, &names, &n, &d) < 0)) {
		d.out_of_memory = d.out_of_memory || !a;
		goto out;
	}
	code = DONE;
	if (n == 0 && !list)
		buf_printf(&text, "This machine is in no network (nothing in %s).\n", o.config_dir);
	for (size_t i = 0; i < n; i++) {
		if (show_one(inv, &o, names[i], &text, list, &d) < 0)
			code = FAILED;
	}
	if ((list ? print_json(inv, list) : print_buf(inv, &text)) < 0)
		code = FAILED;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	json_decref(list);
	buf_free(&text);
	arena_free(a);
	return code;
}

const struct command command_show = {
    .name = "show",
    .synopsis = "[IFACE] [--short] [--json]",
    .summary = "show the networks, their CIDRs and peers, and who is connected",
    .text = "From the last good snapshot and from the interface; no server is asked. The same as no command at all.",
    .example = "sudo innernet show corp",
    .options = options,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
