/*
 * device_driver: reconcile/edge/device/device.h from a shell, for the end-to-end tests of devices.
 *
 *   device_driver apply FILE [BACKEND]   read, diff, apply, read: prints each operation's kind, then "converged"
 *   device_driver plan FILE              read, diff: prints the kinds
 *   device_driver down IFNAME            what device_teardown() says
 *   device_driver read IFNAME            the state, a line a thing, without secrets
 *   device_driver list | local
 *   device_driver monitor IFNAME         prints "ready", then "changed" at the first change, and ends
 *
 * FILE is a line a thing: interface, private-key, listen-port, fwmark, mtu, address, route, peer, and below a peer
 * endpoint, keepalive, allowed. `many N M` stands for N peers with M allowed IPs each (10.128.0.0/9, one after the
 * other, /32), their keys the hash of their number.
 */
#include "reconcile/edge/device/device.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/show/plan.h"
#include "schema/order.h"
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 200000

static struct arena *arena;
static struct diags diags;
static uint8_t private_key[KEY_LEN];

static int fail_diags(void)
{
	struct buf out = {0};

	diags_render_human(&out, &diags, NULL, false);
	fputs(out.p ? out.p : "out of memory\n", stdout);
	buf_free(&out);
	return 1;
}

static _Noreturn void bad(const char *what)
{
	fprintf(stderr, "device_driver: bad line: %s\n", what);
	exit(2);
}

static void *need(void *p)
{
	if (!p)
		bad("out of memory");
	return p;
}

static void add_prefix(struct prefix **list, uint32_t *n, const char *text)
{
	struct prefix p;

	if (prefix_parse(text, strlen(text), &p) != PREFIX_OK)
		bad(text);
	/* Doubled at powers of two; what is left behind goes with the arena. */
	if ((*n & (*n - 1)) == 0) {
		struct prefix *more = need(arena_array(arena, *n ? *n * 2 : 1, sizeof(p)));

		if (*n)
			memcpy(more, *list, *n * sizeof(p));
		*list = more;
	}
	(*list)[(*n)++] = p;
}

static void add_many(struct device_state *s, uint32_t n_peers, uint32_t n_allowed)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < n_peers && s->n_peers < MOST; i++) {
		struct device_peer *p = &s->peers[s->n_peers++];
		struct hash h;

		hash_bytes(&i, sizeof(i), &h);
		memcpy(p->key.b, h.b, KEY_LEN);
		for (uint32_t j = 0; j < n_allowed; j++, next++) {
			char text[PREFIX_STR_LEN];

			snprintf(text, sizeof(text), "10.%u.%u.%u/32", 128 + (next >> 16 & 127), next >> 8 & 255,
				 next & 255);
			add_prefix(&p->allowed, &p->n_allowed, text);
		}
	}
}

static void desired_line(struct device_state *s, const char *word, const char *value)
{
	struct device_peer *p = s->n_peers ? &s->peers[s->n_peers - 1] : NULL;
	struct key key;
	unsigned n, m;

	if (strcmp(word, "interface") == 0) {
		snprintf(s->name, sizeof(s->name), "%s", value);
	} else if (strcmp(word, "private-key") == 0) {
		if (key_parse(value, strlen(value), &key) < 0)
			bad(value);
		memcpy(private_key, key.b, KEY_LEN);
		x25519_public(private_key, &s->public_key);
		s->has_key = true;
	} else if (strcmp(word, "listen-port") == 0) {
		s->listen_port = (uint16_t)atoi(value);
	} else if (strcmp(word, "fwmark") == 0) {
		s->fwmark = (uint32_t)atoi(value);
	} else if (strcmp(word, "mtu") == 0) {
		s->mtu = (uint32_t)atoi(value);
	} else if (strcmp(word, "address") == 0) {
		add_prefix(&s->addresses, &s->n_addresses, value);
	} else if (strcmp(word, "route") == 0) {
		add_prefix(&s->routes, &s->n_routes, value);
	} else if (strcmp(word, "many") == 0 && sscanf(value, "%u %u", &n, &m) == 2) {
		add_many(s, n, m);
	} else if (strcmp(word, "peer") == 0 && s->n_peers < MOST) {
		if (key_parse(value, strlen(value), &s->peers[s->n_peers++].key) < 0)
			bad(value);
	} else if (strcmp(word, "endpoint") == 0 && p) {
		if (sockpoint_parse(value, strlen(value), &p->endpoint) < 0)
			bad(value);
	} else if (strcmp(word, "keepalive") == 0 && p) {
		p->keepalive = (uint16_t)atoi(value);
	} else if (strcmp(word, "allowed") == 0 && p) {
		add_prefix(&p->allowed, &p->n_allowed, value);
	} else {
		bad(word);
	}
}

static struct device_state *load(const char *path)
{
	struct device_state *s = need(arena_alloc(arena, sizeof(*s)));
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		bad(path);
	s->exists = s->up = true;
	s->mtu = MTU_DEFAULT;
	s->peers = need(arena_array(arena, MOST, sizeof(*s->peers)));
	while (fgets(line, sizeof(line), f)) {
		char *word = strtok(line, " \t\n"), *value = strtok(NULL, "\n");

		if (word && *word != '#')
			desired_line(s, word, value ? value : "");
	}
	fclose(f);
	for (uint32_t i = 0; i < s->n_peers; i++) {
		if (s->peers[i].n_allowed)
			qsort(s->peers[i].allowed, s->peers[i].n_allowed, sizeof(struct prefix), order_prefix_cmp);
	}
	if (s->n_peers)
		qsort(s->peers, s->n_peers, sizeof(*s->peers), device_peer_cmp);
	if (s->n_addresses)
		qsort(s->addresses, s->n_addresses, sizeof(struct prefix), order_prefix_cmp);
	if (s->n_routes)
		qsort(s->routes, s->n_routes, sizeof(struct prefix), order_prefix_cmp);
	return s;
}

static void print_plan(const struct plan *p)
{
	for (uint32_t i = 0, run; i < p->n_ops; i += run) {
		for (run = 1; i + run < p->n_ops && p->ops[i + run].kind == p->ops[i].kind; run++)
			;
		printf("%s %u\n", op_rows[p->ops[i].kind].word, run);
	}
}

static int converge(const char *path, const char *backend, bool dry)
{
	struct device_state *desired = load(path), *observed;
	enum device_backend how = BACKEND_AUTO;
	struct plan *p;

	if (backend && device_backend_parse(backend, &how) < 0)
		bad(backend);
	if (device_read(arena, desired->name, &observed, &diags) < 0)
		return fail_diags();
	p = need(device_diff(arena, desired, observed, NULL, clock_unix()));
	print_plan(p);
	if (dry)
		return 0;
	if (device_apply(p, how, private_key, &diags) < 0 || device_read(arena, desired->name, &observed, &diags) < 0)
		return fail_diags();
	p = need(device_diff(arena, desired, observed, NULL, clock_unix()));
	if (p->n_ops) {
		printf("NOT converged:\n");
		print_plan(p);
		return 1;
	}
	printf("converged\n");
	return 0;
}

static int down(const char *ifname)
{
	struct device_state *observed;
	struct plan *p;

	if (device_read(arena, ifname, &observed, &diags) < 0)
		return fail_diags();
	p = need(device_teardown(arena, observed));
	print_plan(p);
	if (device_apply(p, BACKEND_AUTO, NULL, &diags) < 0 || device_read(arena, ifname, &observed, &diags) < 0)
		return fail_diags();
	printf("%s\n", observed->exists ? "still there" : "absent");
	return 0;
}

static void print_prefixes(const char *word, const struct prefix *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char text[PREFIX_STR_LEN];

		prefix_format(&p[i], text);
		printf("%s %s\n", word, text);
	}
}

static int show(const char *ifname)
{
	struct device_state *s;
	char text[SOCKPOINT_STR_LEN];

	if (device_read(arena, ifname, &s, &diags) < 0)
		return fail_diags();
	printf("%s %s\n", s->name, s->exists ? s->userspace ? "userspace" : "kernel" : "absent");
	if (!s->exists)
		return 0;
	key_format(&s->public_key, text);
	printf("%s mtu %u port %u fwmark %u key %s\n", s->up ? "up" : "down", s->mtu, s->listen_port, s->fwmark,
	       s->has_key ? text : "none");
	print_prefixes("address", s->addresses, s->n_addresses);
	print_prefixes("route", s->routes, s->n_routes);
	for (uint32_t i = 0; i < s->n_peers; i++) {
		const struct device_peer *p = &s->peers[i];

		key_format(&p->key, text);
		printf("peer %s%s\n", text, p->has_psk ? " psk" : "");
		if (p->endpoint.port) {
			sockpoint_format(&p->endpoint, text);
			printf("endpoint %s\n", text);
		}
		printf("keepalive %u\n", p->keepalive);
		print_prefixes("allowed", p->allowed, p->n_allowed);
	}
	return 0;
}

static int list(void)
{
	const char *const *names;
	size_t n;

	if (device_list(arena, &names, &n, &diags) < 0)
		return fail_diags();
	for (size_t i = 0; i < n; i++)
		printf("%s\n", names[i]);
	return 0;
}

static int local(void)
{
	char text[ADDR_STR_LEN];
	struct local_address *all;
	size_t n;

	if (device_local_addresses(arena, &all, &n, &diags) < 0)
		return fail_diags();
	for (size_t i = 0; i < n; i++) {
		addr_format(&all[i].ip, text);
		printf("%s\n", text);
	}
	return 0;
}

static int monitor(const char *ifname)
{
	struct pollfd fd = {.fd = device_monitor_open(&diags), .events = POLLIN};

	if (fd.fd < 0)
		return fail_diags();
	printf("ready\n");
	fflush(stdout);
	while (poll(&fd, 1, -1) > 0) {
		if (device_monitor_drain(fd.fd, ifname) & CHANGED_DEVICE) {
			printf("changed\n");
			return 0;
		}
	}
	return 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";
	int rc;

	arena = arena_new();
	if (!arena || sodium_init() < 0)
		return 2;
	if (strcmp(verb, "apply") == 0)
		rc = converge(arg, argc > 3 ? argv[3] : NULL, false);
	else if (strcmp(verb, "plan") == 0)
		rc = converge(arg, NULL, true);
	else if (strcmp(verb, "down") == 0)
		rc = down(arg);
	else if (strcmp(verb, "read") == 0)
		rc = show(arg);
	else if (strcmp(verb, "list") == 0)
		rc = list();
	else if (strcmp(verb, "local") == 0)
		rc = local();
	else if (strcmp(verb, "monitor") == 0)
		rc = monitor(arg);
	else
		bad(verb);
	diags_free(&diags);
	arena_free(arena);
	return rc;
}
