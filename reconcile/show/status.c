#include "reconcile/show/status.h"

#include "reconcile/plan/hosts.h"
#include "reconcile/text/age.h"

#include <inttypes.h>
#include <string.h>

#define DRIFT_SECONDS 3600 /* a repair that is older is history */

struct age {
	char text[32];
};

static struct age age(int64_t seconds)
{
	struct buf b = {0};
	struct age a = {"some time ago"};

	age_put(&b, seconds);
	if (!b.failed && b.n < sizeof(a.text))
		memcpy(a.text, b.p, b.n + 1);
	buf_free(&b);
	return a;
}

/* What is applied makes it right again. */
static void help_apply(struct checks *c, struct check *k, const struct status_facts *f, const char *what,
		       const char *command)
{
	if (f->from_definition)
		checks_help(c, k, "%s: innernet %s --file FILE --as %s --key FILE", what,
			    strcmp(command, "plan") == 0 ? "plan" : "apply", f->view->peers[f->view->self].name);
	else
		checks_help(c, k, "%s: innernet %s %s", what, command, f->network);
}

static void check_interface(struct checks *c, const struct status_facts *f)
{
	const char *as = f->from_definition ? "as the definition has it" : "as the network defines it";
	const struct plan *p = f->plan;
	struct check *k;

	if (!p) {
		checks_add(c, CHECK_UNKNOWN, "interface", "%s", f->plan_error ? f->plan_error : "could not be read");
		return;
	}
	if (!p->observed->exists) {
		k = checks_add(c, CHECK_FAIL, "interface", "%s is not there", f->network);
		help_apply(c, k, f, "bring it up", "up");
	} else if (p->n_ops) {
		k = checks_add(c, CHECK_FAIL, "interface", "%s is not %s: %u operation%s to go", f->network, as,
			       p->n_ops, p->n_ops == 1 ? "" : "s");
		help_apply(c, k, f, "look at them", "plan");
	} else {
		checks_add(c, CHECK_OK, "interface", "up, UDP port %u, %s", p->observed->listen_port, as);
	}
	if (f->running && f->daemon && f->daemon->interface[0])
		checks_add(c, CHECK_FAIL, "interface", "the daemon cannot repair it: %s", f->daemon->interface);
}

static void check_daemon(struct checks *c, const struct status_facts *f)
{
	struct check *k;

	if (f->running && f->daemon && f->daemon->started) {
		checks_add(c, CHECK_OK, "daemon", "started %s", age(f->now - f->daemon->started).text);
	} else if (f->running) {
		checks_add(c, CHECK_OK, "daemon", "runs");
	} else {
		k = checks_add(c, CHECK_WARN, "daemon", "none runs: no process follows the network or repairs it");
		checks_help(c, k, "start one: innernet up --daemon %s", f->network);
	}
}

static void check_server(struct checks *c, const struct status_facts *f)
{
	const struct daemon_state *s = f->running ? f->daemon : NULL;
	struct check *k;

	if (!s) {
		k = checks_add(c, CHECK_UNKNOWN, "server", "no process asks one");
		checks_help(c, k, "ask once: innernet fetch %s", f->network);
	} else if (s->away_since) {
		k = checks_add(c, CHECK_FAIL, "server", "none answers; it began %s: %s",
			       age(f->now - s->away_since).text, s->away);
		checks_help(c, k, "the network stays as it was; see innernet doctor %s", f->network);
	} else if (s->reached) {
		checks_add(c, CHECK_OK, "server", "%s answered %s", s->server, age(f->now - s->reached).text);
	} else {
		checks_add(c, CHECK_UNKNOWN, "server", "none has answered yet");
	}
	if (s && s->problem[0])
		checks_add(c, CHECK_FAIL, "server", "what it says is not believed: %s", s->problem);
}

static void check_snapshot(struct checks *c, const struct status_facts *f)
{
	const struct version *v = f->view ? &f->view->statement.version : NULL;
	int64_t until = f->fresh_until;
	struct check *k;

	if (f->daemon && f->daemon->fresh_until > until)
		until = f->daemon->fresh_until;
	if (!v && !f->redeemed) {
		k = checks_add(c, CHECK_FAIL, "snapshot", "the invitation has not been redeemed yet");
		checks_help(c, k, "go on with it: innernet install INVITATION");
	} else if (!v) {
		k = checks_add(c, CHECK_FAIL, "snapshot", "there is none yet");
		checks_help(c, k, "fetch one: innernet fetch %s", f->network);
	} else if (fresh_is_from_the_future(until, f->now)) {
		k = checks_add(c, CHECK_UNKNOWN, "snapshot",
			       "version %" PRIu64 ".%" PRIu64
			       ": the server that vouches for it as the newest has a clock that is %" PRId64 " s ahead",
			       v->epoch, v->number, until - f->now - FRESH_SECONDS);
		checks_help(c, k, "one of the two clocks is wrong; see innernet doctor %s", f->network);
	} else if (until >= f->now) {
		checks_add(c, CHECK_OK, "snapshot",
			   "version %" PRIu64 ".%" PRIu64 " is the newest: vouched for, for %" PRId64 " s more",
			   v->epoch, v->number, until - f->now);
	} else if (until) {
		k = checks_add(c, f->running ? CHECK_FAIL : CHECK_UNKNOWN, "snapshot",
			       "version %" PRIu64 ".%" PRIu64
			       " may be old: the last server that vouched for it did so until %s",
			       v->epoch, v->number, age(f->now - until).text);
		checks_help(c, k,
			    "nothing is taken down for that; when the servers answer, look at this machine's clock");
	} else {
		checks_add(c, CHECK_UNKNOWN, "snapshot",
			   "version %" PRIu64 ".%" PRIu64 ": no server has vouched for it being the newest", v->epoch,
			   v->number);
	}
}

static void check_drift(struct checks *c, const struct status_facts *f)
{
	const struct daemon_state *s = f->daemon;

	if (!f->running || !s)
		return;
	if (s->drift_at && f->now - s->drift_at < DRIFT_SECONDS)
		checks_add(c, CHECK_WARN, "drift",
			   "repaired %s what another program had changed: %s (%u time%s in all)",
			   age(f->now - s->drift_at).text, s->drift, s->drifts, s->drifts == 1 ? "" : "s");
	else
		checks_add(c, CHECK_OK, "drift", "no other program changes the interface");
}

static void check_names(struct checks *c, const struct status_facts *f)
{
	const struct hosts_diff *h = f->plan ? f->plan->names : NULL;
	struct check *k;

	if (!f->view)
		return;
	if (!f->names_path) {
		checks_add(c, CHECK_NOTE, "names", "none are written (--no-write-hosts)");
	} else if (f->names_error) {
		checks_add(c, CHECK_FAIL, "names", "%s", f->names_error);
	} else if (h && h->differs) {
		k = checks_add(c, CHECK_FAIL, "names", "those in %s are not those of the network", f->names_path);
		help_apply(c, k, f, "write them", "apply");
	} else if (h) {
		checks_add(c, CHECK_OK, "names", "%u in %s", f->view->n_peers, f->names_path);
	}
}

/* Where other peers look for this machine. */
static void check_endpoints(struct checks *c, const struct status_facts *f)
{
	struct buf text = {0};

	if (f->own)
		hint_say(&text, f->own);
	if (text.n && !text.failed)
		checks_add(c, CHECK_OK, "endpoints", "%s", text.p);
	c->failed |= text.failed;
	buf_free(&text);
}

static bool connected(const struct device_peer *p, int64_t now)
{
	return p && device_peer_is_live(p, now);
}

/* What the daemon knows of it, which looks for it. */
static struct check *check_try(struct checks *c, const struct view_peer *p, const struct device_peer *on,
			       const struct daemon_try *t, enum check_level level, int64_t now)
{
	bool hopeless = daemon_try_is_hopeless(t);
	struct buf b = {0};
	struct check *k;

	if (on->handshake > 0)
		buf_printf(&b, "last handshake %s; ", age(now - on->handshake).text);
	daemon_try_text(&b, t, &on->endpoint, now);
	c->failed |= b.failed;
	k = checks_add(c, hopeless && level == CHECK_NOTE ? CHECK_WARN : level, p->name, "%s", b.p ? b.p : "");
	buf_free(&b);
	if (hopeless)
		checks_help(c, k,
			    "forward a UDP port to one of them, and say so there: innernet set-listen-port, innernet "
			    "override-endpoint");
	return k;
}

static void check_peer(struct checks *c, const struct view_peer *p, const struct device_peer *on,
		       const struct daemon_try *t, enum check_level level, int64_t now)
{
	char at[SOCKPOINT_STR_LEN] = "";
	struct check *k;

	if (on && on->endpoint.port)
		sockpoint_format(&on->endpoint, at);
	if (p->pending)
		k = checks_add(c, CHECK_NOTE, p->name, "its invitation has not been redeemed yet");
	else if (!on)
		k = checks_add(c, level, p->name, "is not on the interface");
	else if (t && t->n)
		k = check_try(c, p, on, t, level, now);
	else if (on->handshake > 0)
		k = checks_add(c, level, p->name, "last handshake %s%s%s", age(now - on->handshake).text,
			       at[0] ? ", at " : "", at);
	else if (!at[0])
		k = checks_add(c, level, p->name, "no endpoint of it is known: it has to speak first");
	else if (!on->tx)
		k = checks_add(c, level, p->name, "nothing was sent to it yet");
	else
		k = checks_add(c, level, p->name,
			       "no answer from %s: it is off, its key is another one, or UDP does not get through", at);
	if (k)
		k->is_peer = true;
}

/* The servers without a session first: wrong when it is all of them. Other peers may be off, which this machine cannot know. */
static void check_peers(struct checks *c, const struct status_facts *f)
{
	const struct view *v = f->view;
	const struct device_state *dev = f->plan ? f->plan->observed : NULL;
	uint32_t up = 0, servers_up = 0, others = 0, named = 0;

	if (!v || !dev || !dev->exists)
		return;
	for (uint32_t i = 0; i < v->n_peers; i++) {
		bool is_up = connected(device_peer_find(dev->peers, dev->n_peers, &v->peers[i].key), f->now);

		if (view_peer_via(v, i))
			continue;
		others += i != v->self;
		up += i != v->self && is_up;
		servers_up += i != v->self && is_up && v->peers[i].server;
	}
	checks_add(c, up == others ? CHECK_OK : CHECK_NOTE, "peers", "%u of %u connected", up, others);
	for (unsigned server = 2; server-- > 0;) {
		for (uint32_t i = 0; i < v->n_peers; i++) {
			const struct view_peer *p = &v->peers[i];
			const struct device_peer *on = device_peer_find(dev->peers, dev->n_peers, &p->key);

			if (i == v->self || view_peer_via(v, i) || p->server != (server == 1) ||
			    connected(on, f->now) || named == STATUS_PEERS_MAX)
				continue;
			named++;
			check_peer(c, p, on, daemon_try_find(f->running ? f->daemon : NULL, p->name),
				   !server      ? CHECK_NOTE
				   : servers_up ? CHECK_WARN
						: CHECK_FAIL,
				   f->now);
		}
	}
	if (others - up > named)
		checks_add(c, CHECK_NOTE, "...", "%u more: innernet show %s", others - up - named, f->network);
}

void status_checks(struct checks *c, const struct status_facts *f)
{
	/* Before the invitation is redeemed nothing else can be right, or be helped. */
	if (!f->view && !f->redeemed) {
		check_snapshot(c, f);
		return;
	}
	check_interface(c, f);
	if (f->from_definition) {
		checks_add(c, CHECK_NOTE, "definition",
			   "applied by hand: no process follows it, or repairs what it made");
	} else {
		check_daemon(c, f);
		check_server(c, f);
		check_snapshot(c, f);
		check_drift(c, f);
	}
	check_names(c, f);
	check_endpoints(c, f);
	check_peers(c, f);
}
