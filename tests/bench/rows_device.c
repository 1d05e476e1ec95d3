/* Rows about a live WireGuard interface: wireguard-go's here, the kernel's where it has one. */
#include "tests/bench/bench.h"
#include "reconcile/edge/device/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct live {
	const struct bench *bench;
	struct network net;
	struct server_config *server;
	enum device_backend backend;
	const char *where; /* "wireguard-go" */
	char conf[512];    /* the same network as a file of wg(8) */
};

/* A revision as a server wants its own interface: every peer is on it. */
struct wanted {
	struct arena *arena;
	struct device_state *state;
	struct model *model;
};

static void want(const struct live *l, struct wanted *w)
{
	const struct local local = {.public_key = &l->server->public_key, .listen_port = 51820, .no_routing = true};
	struct buf yaml = {0};

	w->arena = need(arena_new());
	network_write(&yaml, &l->net);
	w->model = network_load(w->arena, &yaml);
	/* Names are copied by the loader; the bytes are not needed any more. */
	buf_free(&yaml);
	w->state =
	    need(desired_for_server(w->arena, w->model, model_peer_by_name(w->model, "hub"), NULL, 0, 0, &local));
}

static void write_conf(const struct live *l, const struct wanted *w)
{
	struct buf text = {0};
	char key[KEY_B64_LEN + 1];

	config_secret_format(l->server->private_key, key);
	buf_printf(&text, "[Interface]\nPrivateKey = %s\nListenPort = 51820\n", key);
	for (uint32_t i = 0; i < w->model->n_peers; i++)
		if (!w->model->peers[i].server)
			wg_quick_peer(&text, &w->model->peers[i]);
	file_put(&text, "%s", l->conf);
	buf_free(&text);
}

static _Noreturn void die_of(const struct diags *d)
{
	die("%s", d->first ? d->first->message : "out of memory");
}

static struct device_state *look(struct arena *a)
{
	struct device_state *s = NULL;
	struct diags d = {0};

	if (device_read(a, NETWORK_NAME, &s, &d) < 0)
		die_of(&d);
	return s;
}

/* One whole turn, as `innernet apply` and the daemons make it: read, diff, apply, read again, nothing left. */
static double turn(const struct live *l, const struct device_state *desired, uint32_t *n_ops)
{
	const double start = now_ms();
	struct arena *a = need(arena_new());
	struct plan *p = need(device_diff(a, desired, look(a), NULL, time(NULL)));
	struct diags d = {0};
	double end;

	*n_ops = p->n_ops;
	if (p->n_ops) {
		if (device_apply(p, l->backend, l->server->private_key, &d) < 0)
			die_of(&d);
		p = need(device_diff(a, desired, look(a), NULL, time(NULL)));
		if (p->n_ops)
			die("the interface did not converge");
	}
	end = now_ms();
	arena_free(a);
	return end - start;
}

/* How many peers, but for the one that was meant, have another endpoint, handshake or allowed IPs than before. */
static uint32_t disturbed(const struct device_state *before, const struct device_state *after, const struct key *meant)
{
	uint32_t n = 0;

	if (before->n_peers != after->n_peers)
		return before->n_peers;
	for (uint32_t i = 0; i < before->n_peers; i++) {
		const struct device_peer *x = &before->peers[i], *y = &after->peers[i];

		if (key_eq(&x->key, meant))
			continue;
		n += !key_eq(&x->key, &y->key) || !sockpoint_eq(&x->endpoint, &y->endpoint) ||
		     x->handshake != y->handshake || x->n_allowed != y->n_allowed ||
		     (x->n_allowed && memcmp(x->allowed, y->allowed, x->n_allowed * sizeof(*x->allowed)));
	}
	return n;
}

/* The peer that network_write() touches. */
static const struct peer *touched_peer(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].endpoint && strncmp(m->peers[i].endpoint, "198.51.100.1:", 13) == 0)
			return &m->peers[i];
	die("nobody is touched");
}

static double timed(const char *command, const char *arguments)
{
	const double start = now_ms();

	run_command("wg %s " NETWORK_NAME " %s", command, arguments);
	return now_ms() - start;
}

static void say_figure(const struct live *l, const char *row, const char *what, const char *beside,
		       const struct series *ours, const struct series *rival, enum goal goal, double bound)
{
	char count[32], work[160];

	snprintf(work, sizeof(work), "%s%s, %s peers", what, l->where, thousands(l->net.n, count));
	figure_say(&(struct figure){row, work, "ms", beside, series_median(ours), series_median(rival), goal, bound});
}

static void row_none(const struct live *l, const struct wanted *w)
{
	struct series ours = {.n = 0}, rival = {.n = 0};
	uint32_t n_ops;

	for (unsigned i = 0; i < 2 * l->bench->runs + 1; i++) {
		series_add(&ours, turn(l, w->state, &n_ops));
		if (n_ops)
			die("a converged interface has %u operations to do", n_ops);
		series_add(&rival, timed("show", "dump >/dev/null"));
	}
	say_figure(l, "apply-none", "", "wg show dump", &ours, &rival, GOAL_RATIO_MAX, 1.5);
}

static void row_one(struct live *l)
{
	struct series ours = {.n = 0}, sync = {.n = 0}, set = {.n = 0}, others = {.n = 0};
	char key[KEY_B64_LEN + 1], line[600];

	for (unsigned i = 0; i < l->bench->runs; i++) {
		struct arena *a = need(arena_new());
		struct device_state *before = look(a);
		const struct peer *meant;
		struct wanted w;
		uint32_t n_ops;

		l->net.touched++;
		want(l, &w);
		meant = touched_peer(w.model);
		series_add(&ours, turn(l, w.state, &n_ops));
		if (n_ops != 1)
			die("one change came to %u operations", n_ops);
		series_add(&others, disturbed(before, look(a), &meant->key));
		arena_free(w.arena);

		l->net.touched++;
		want(l, &w);
		write_conf(l, &w);
		series_add(&sync, timed("syncconf", l->conf));
		arena_free(w.arena);

		l->net.touched++;
		want(l, &w);
		meant = touched_peer(w.model);
		key_format(&meant->key, key);
		snprintf(line, sizeof(line), "peer %s endpoint %s", key, meant->endpoint);
		series_add(&set, timed("set", line));
		arena_free(w.arena);
		arena_free(a);
	}
	say_figure(l, "apply-one", "", "wg syncconf", &ours, &sync, GOAL_RATIO_MAX, 0.1);
	say_figure(l, "apply-one", "", "wg set of that peer", &ours, &set, GOAL_NONE, 0);
	snprintf(line, sizeof(line), "%s, other peers disturbed", l->where);
	figure_say(&(struct figure){"apply-one", line, "peers", NULL, percentile(others.v, others.n, 100), NAN,
				    GOAL_OURS_MAX, 0});
}

/* From an interface without peers to all of them. */
static void row_join(const struct live *l, const struct wanted *w)
{
	struct series ours = {.n = 0}, rival = {.n = 0};
	uint32_t n_ops;

	write_conf(l, w);
	for (unsigned i = 0; i < (l->bench->runs > 3 ? 3 : l->bench->runs); i++) {
		run_command("printf '[Interface]\\n' >'%s.none' && wg syncconf " NETWORK_NAME " '%s.none'", l->conf,
			    l->conf);
		series_add(&rival, timed("setconf", l->conf));
		run_command("wg syncconf " NETWORK_NAME " '%s.none'", l->conf);
		series_add(&ours, turn(l, w->state, &n_ops));
	}
	say_figure(l, "join", "apply: ", "wg setconf", &ours, &rival, GOAL_NONE, 0);
}

static void rows_of(struct live *l)
{
	struct arena *a = need(arena_new());
	struct diags d = {0};
	struct wanted w;
	struct plan *p;
	uint32_t n_ops;

	snprintf(l->conf, sizeof(l->conf), "%s/wg.conf", l->bench->work);
	want(l, &w);
	turn(l, w.state, &n_ops);
	row_join(l, &w);
	row_none(l, &w);
	arena_free(w.arena);
	row_one(l);
	p = need(device_teardown(a, look(a)));
	if (device_apply(p, l->backend, NULL, &d) < 0)
		die_of(&d);
	arena_free(a);
}

static void rows_device(const struct bench *b, enum device_backend backend, const char *where)
{
	struct live l = {.bench = b,
			 .net = {.shape = SHAPE_FLAT, .n = b->small ? 200 : 10000, .seed = b->seed},
			 .backend = backend,
			 .where = where,
			 .server = network_server(b->seed)};

	rows_of(&l);
	server_config_free(l.server);
}

void rows_apply(const struct bench *b)
{
	rows_device(b, BACKEND_USERSPACE, "wireguard-go");
}

void rows_apply_kernel(const struct bench *b)
{
	rows_device(b, BACKEND_KERNEL, "the kernel, emulated");
}
