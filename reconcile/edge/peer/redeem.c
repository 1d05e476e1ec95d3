#include "reconcile/edge/peer/redeem.h"
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/edge/base/file.h"
#include "schema/utf8.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_MS    2000
#define RESOLVE_MS 5000
#define CONNECT_MS 6000 /* a handshake that got lost is tried again after 5 s */
#define RESUME_MS                                                                                                      \
	2000 /* a server answers a key that it knows at once; else the invite's key is tried, then this one again */
#define ANSWER_MAX 4096 /* bytes of one line of text */
#define ROUNDS     2    /* of all servers, before the run ends without an answer */
#define WORDS_MAX  200  /* of what a server says, bytes */
#define EXPIRY_LEN 32   /* 2026-12-07T02:30:24Z, and a year's further digits */

struct redeemer {
	const struct peer_options *options;
	const struct invitation *inv;
	char name[NETWORK_MAX_LEN + 1]; /* the interface's */
	struct this_peer *peer;
	struct client *client;
	uint8_t *temporary; /* the invite's key, as X25519 */
	struct key temporary_public;
	bool resumed;  /* the file was there before: a server may have answered an earlier run */
	bool void_now; /* the invitation can never be redeemed any more */
	void (*progress)(const char *text);
};

static void step(const struct redeemer *r, const char *text)
{
	if (r->progress)
		r->progress(text);
}

/* ---- the file, with the new key in it ------------------------------------------------------------------------- */

static int refuse_interface(const char *ifname, struct diags *d)
{
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	int r = -1;

	if (!a) {
		diags_out_of_memory(d);
	} else if (device_read(a, ifname, &there, d) == 0) {
		r = 0;
		if (there->exists) {
			struct diag *g =
			    diag_error(d, "interface-exists", NULL,
				       "there is a WireGuard interface '%s' already, which is not ours", ifname);
			diag_help(d, g, "give ours another name (--name), or remove that one (`ip link del %s`)",
				  ifname);
			r = -1;
		}
	}
	arena_free(a);
	return r;
}

static int write_new(const struct redeemer *r, bool create, struct diags *d)
{
	struct peer_config *c = peer_config_new(d);
	int done = -1;

	if (!c)
		return -1;
	c->m = r->inv->m;
	memcpy(c->interface, r->name, sizeof(c->interface));
	c->invite = r->inv->invite;
	randombytes_buf(c->private_key, KEY_LEN);
	/* Clamped as curve25519 does it (RFC 7748 section 5), so that `wg show` prints the key that is in the file. */
	c->private_key[0] &= 248;
	c->private_key[31] = (uint8_t)((c->private_key[31] & 127) | 64);
	done = peer_config_write(r->options->config_dir, c, create, d);
	peer_config_free(c);
	return done;
}

/* Afterwards there is a file for this invitation, with a key of its own: the old one, or a new one. */
static int prepare_file(struct redeemer *r, struct diags *d)
{
	const char *name = r->name;
	struct peer_config *c = NULL;
	bool absent = false;
	int done = -1;

	if (peer_config_read(r->options->config_dir, name, &c, &absent, d) < 0)
		return -1;
	if (absent)
		return refuse_interface(name, d) < 0 ? -1 : write_new(r, true, d);
	r->resumed = key_eq(&c->invite, &r->inv->invite) && key_eq(&c->m.trust.id, &r->inv->m.trust.id);
	if (!r->resumed && !c->redeemed) {
		/* The file of an invitation that was never redeemed is replaced, and its key with it. */
		done = write_new(r, false, d);
	} else if (!r->resumed) {
		struct diag *g = diag_error(d, "already-installed", NULL,
					    "this machine is in the network '%s' already, as %s", name, c->m.name);
		diag_help(d, g,
			  "`innernet uninstall %s` leaves that one; a network that is called the same is joined under "
			  "another name: --name",
			  name);
	} else {
		done = 0;
	}
	peer_config_free(c);
	return done;
}

/* ---- the enrolment -------------------------------------------------------------------------------------------- */

static int converge(struct redeemer *r, struct diags *d)
{
	struct peer_turn turn;
	int done = peer_converge(r->peer, clock_unix(), LOCK_MS, SEARCH_MOVE, &turn, d);

	return done == 0 ? 0 : -1;
}

/* Does a server know the new key? It does when it answers a poll with 200 or 204. */
static bool own_key_works(struct redeemer *r, unsigned connect_ms, struct diags *d)
{
	struct peer_server servers[SERVERS_MAX];
	size_t n = peer_held_servers(r->peer->held, servers);
	char path[POLL_PATH_MAX];
	bool works = false;

	peer_interface_use_own_keys(r->peer->interface);
	if (converge(r, d) < 0)
		return false;
	peer_poll_path(r->peer, 0, path);
	for (size_t i = 0; i < n && !works; i++) {
		const struct client_request q = {
		    .server = servers[i].ip, .path = path, .max = BUNDLE_MAX, .connect_ms = connect_ms};
		struct client_answer answer;

		if (client_once(r->client, &q, &answer, d) < 0)
			break;
		works = answer.status == 200 || answer.status == 204;
		buf_free(&answer.body);
	}
	return works;
}

/* By this machine's clock, which may be wrong: the servers are asked all the same. *at: when it expired. */
static bool has_expired(const struct redeemer *r, char at[static EXPIRY_LEN])
{
	time_t t = (time_t)r->inv->expires;
	struct tm tm;

	return t && t < clock_unix() && gmtime_r(&t, &tm) && strftime(at, EXPIRY_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void say_expiry(const struct redeemer *r, struct diags *d, struct diag *g)
{
	char at[EXPIRY_LEN];

	if (has_expired(r, at))
		diag_note(d, g, NULL, "the invitation says that it expired at %s", at);
}

/* A final answer becomes an error. */
static bool refused(struct redeemer *r, const struct client_answer *answer, struct diags *d)
{
	static const struct {
		long status;
		const char *code, *say;
	} finals[] = {
	    {401, "invite-expired", "the invitation has expired: ask for a new one"},
	    {403, "not-invited", "the server does not accept this invitation: it was replaced or withdrawn"},
	    {409, "key-known", "the server knows this machine's new key already: run it again, with another key"},
	    {410, "invite-used", "the invitation was used already: ask for a new one"},
	};

	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		if (answer->status == finals[i].status) {
			say_expiry(r, d, diag_error(d, finals[i].code, NULL, "%s", finals[i].say));
			r->void_now = true;
			return true;
		}
	}
	return false;
}

/* Any other answer: run it again later. Its body is a line of text, "code: message". */
static void say_answer(struct buf *why, const char *server, const struct client_answer *answer)
{
	struct span text = buf_span(&answer->body);
	size_t n = 0;

	while (n < text.n && n < WORDS_MAX && text.p[n] != '\r' && text.p[n] != '\n')
		n++;
	buf_printf(why, "%sserver %s answered %ld ", why->n ? "; " : "", server, answer->status);
	buf_visible(why, (struct span){text.p, n});
}

/* 0: enrolled. 1: no server answered. 2: a server did, and cannot do it now. -1: refused, or this machine failed. */
static int post(struct redeemer *r, struct span record, struct buf *why, struct diags *d)
{
	const struct membership *m = &r->inv->m;
	int none = 1;

	for (unsigned i = 0; i < ROUNDS * m->n_servers; i++) {
		const struct server_ref *s = &m->servers[i % m->n_servers];
		const struct client_request q = {.server = s->ip[0],
						 .path = ROUTE_REDEEM,
						 .body = record,
						 .max = ANSWER_MAX,
						 .connect_ms = CONNECT_MS,
						 .deadline_ms = CONNECT_MS};
		struct client_answer answer;
		int done = none;

		if (client_once(r->client, &q, &answer, d) < 0)
			return -1;
		if (answer.status == 200)
			done = 0;
		else if (refused(r, &answer, d))
			done = -1;
		else if (i < m->n_servers && answer.error)
			buf_printf(why, "%sserver %s: %s", why->n ? "; " : "", s->name, answer.error);
		else if (i < m->n_servers)
			say_answer(why, s->name, &answer);
		if (answer.status)
			none = 2;
		buf_free(&answer.body);
		if (done <= 0)
			return done;
	}
	return none;
}

static int enrol(struct redeemer *r, struct diags *d)
{
	struct enrolment e;
	struct buf record = {0}, why = {0}, where = {0};
	struct diag *g;
	int done = -1;

	peer_interface_use_keys(r->peer->interface, r->temporary, &r->temporary_public);
	if (converge(r, d) < 0)
		goto out;
	if (enrolment_make(&r->inv->m.trust.id, &r->inv->invite, &peer_file_config(r->peer->file)->public_key,
			   clock_unix(), r->inv->seed, &e) < 0) {
		diag_error(d, "enrolment-failed", NULL, "the enrolment could not be signed");
		goto out;
	}
	enrolment_write(&record, &e);
	if (record.failed) {
		diags_out_of_memory(d);
		goto out;
	}
	done = post(r, buf_span(&record), &why, d);
	if (done <= 0)
		goto out;
	if (done == 2) {
		g = diag_error(d, "not-now", NULL, "the invitation cannot be redeemed now: %s", why.n ? why.p : "");
		diag_help(d, g, "run it again later: it goes on where it stopped");
		done = -1;
		goto out;
	}
	/* A server may have enrolled the key and its answer was lost: the temporary key is void then. */
	step(r, "no answer; trying whether the new key works already");
	done = own_key_works(r, CONNECT_MS, d) ? 0 : -1;
	if (done < 0) {
		g = diag_error(d, "no-answer", NULL,
			       "no server answered: it cannot be reached, or the invitation was used, has expired or "
			       "was replaced");
		if (why.n)
			diag_note(d, g, NULL, "%s", why.p);
		say_expiry(r, d, g);
		for (size_t i = 0; i < r->inv->m.n_servers; i++)
			buf_printf(&where, "%s%s", i ? ", " : "", r->inv->m.servers[i].endpoint);
		diag_help(d, g,
			  "when the servers can be reached (%s by UDP), run it again; else ask for a new invitation",
			  where.p ? where.p : "");
	}
out:
	buf_free(&where);
	buf_free(&record);
	buf_free(&why);
	return done;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

/* Servers do not answer an expired key. So an expiry is said before the wait. */
static void say_redeeming(const struct redeemer *r)
{
	char at[EXPIRY_LEN], text[96] = "redeeming the invitation";

	if (has_expired(r, at))
		snprintf(text, sizeof(text), "redeeming the invitation, which says that it expired at %s", at);
	step(r, text);
}

static int become_peer(struct redeemer *r, struct diags *d)
{
	if (!peer_is_redeemed(r->peer)) {
		say_redeeming(r);
		if (!(r->resumed && own_key_works(r, RESUME_MS, d)) && enrol(r, d) < 0)
			return -1;
		if (peer_file_redeemed(r->peer->file, d) < 0)
			return -1;
	}
	peer_interface_use_own_keys(r->peer->interface);
	return converge(r, d);
}

static int first_snapshot(struct redeemer *r, struct diags *d)
{
	static const unsigned connect_ms[] = {50, 200, 1000, 6000, 10000};
	const size_t n = sizeof(connect_ms) / sizeof(connect_ms[0]);
	enum verify_result result;
	char server[NAME_MAX_LEN + 1] = "";
	struct diags ignored = {0};

	step(r, "fetching the first snapshot");
	/*
	 * A SYN that arrives before the server has moved the address to the new key is lost, and TCP sends the next
	 * after a second. So short attempts come first, and only the last one reports errors.
	 */
	for (size_t i = 0; !peer_view(r->peer) && i < n; i++) {
		int done = peer_fetch(r->peer, connect_ms[i], &result, server, i + 1 == n ? d : &ignored);

		diags_free(&ignored);
		ignored = (struct diags){0};
		if (done == 0 && !peer_view(r->peer) && i + 1 == n)
			diag_error(d, "no-snapshot", NULL, "server %s has no snapshot for this machine yet", server);
	}
	if (!peer_view(r->peer))
		return -1;
	peer_resolve(r->peer, RESOLVE_MS, d);
	if (converge(r, d) < 0)
		return -1;
	/* A failure is ignored: the daemon reports again. */
	peer_report(r->peer, server, &ignored);
	diags_free(&ignored);
	return 0;
}

/* Refused when there is nothing left to do. Else an earlier run was interrupted after its last answer. */
static int check_new(struct redeemer *r, struct diags *d)
{
	struct arena *a;
	const struct plan *plan;
	int done = -1;

	if (!peer_file_config(r->peer->file)->redeemed || !peer_view(r->peer))
		return 0;
	a = arena_new();
	plan = a ? peer_plan(r->peer, a, clock_unix(), d) : NULL;
	if (!a)
		diags_out_of_memory(d);
	if (plan && !plan_is_empty(plan)) {
		done = 0;
	} else if (plan) {
		struct diag *g = diag_error(d, "already-installed", NULL,
					    "this machine is in the network '%s' already, by this invitation", r->name);
		diag_help(d, g, "`innernet show %s` shows it", r->name);
	}
	arena_free(a);
	return done;
}

/* After a failure the interface goes, and the file of an invitation that can never be redeemed. */
static void undo(struct redeemer *r, struct diags *d)
{
	char path[PATH_MAX];

	if (peer_file_config(r->peer->file)->redeemed)
		return;
	device_remove(r->name, r->options->backend, NULL, d);
	if (r->void_now && snprintf(path, sizeof(path), "%s/%s.yaml", r->options->config_dir, r->name) < PATH_MAX)
		file_remove(path, d);
}

static int redeemer_init(struct redeemer *r, struct diags *d)
{
	r->temporary = secret_new();
	r->client = client_new(NULL, r->name, &r->inv->m.trust.id, d);
	if (!r->temporary || !r->client)
		return diags_out_of_memory(d);
	seed_to_x25519(r->inv->seed, r->temporary);
	x25519_public(r->temporary, &r->temporary_public);
	return 0;
}

/*
 * The given name; else that of an interrupted run; else the network's. Another name than that of the interrupted run is
 * refused: one invitation is one interface.
 */
static int choose_name(struct redeemer *r, const char *given, struct diags *d)
{
	struct arena *a = arena_new();
	const char *const *names = NULL, *there = NULL;
	struct diags ignored = {0};
	struct diag *g;
	bool redeemed = false;
	size_t n = 0;
	int done = 0;

	if (a)
		peer_config_list(a, r->options->config_dir, &names, &n, &ignored);
	for (size_t i = 0; i < n; i++) {
		struct peer_config *c = NULL;
		if (peer_config_read(r->options->config_dir, names[i], &c, NULL, &ignored) == 0 &&
		    key_eq(&c->invite, &r->inv->invite) && key_eq(&c->m.trust.id, &r->inv->m.trust.id)) {
			there = names[i];
			redeemed = c->redeemed;
		}
		peer_config_free(c);
	}
	if (given && there && strcmp(given, there) != 0) {
		g = diag_error(d, "already-installed", NULL, "this invitation is that of '%s' on this machine already",
			       there);
		if (redeemed)
			diag_help(d, g, "`innernet show %s` shows it; to call it otherwise, it needs a new invitation",
				  there);
		else
			diag_help(d, g, "go on with it without --name; or `innernet uninstall %s` first", there);
		done = -1;
	} else {
		snprintf(r->name, sizeof(r->name), "%s", there ? there : given ? given : r->inv->m.network);
	}
	diags_free(&ignored);
	arena_free(a);
	return done;
}

int redeem(const struct peer_options *o, const struct invitation *inv, const char *interface,
	   void (*progress)(const char *text), struct this_peer **out, struct diags *d)
{
	struct redeemer r = {.options = o, .inv = inv, .progress = progress};
	int done = -1, locked;

	*out = NULL;
	if (choose_name(&r, interface, d) < 0 || redeemer_init(&r, d) < 0 || prepare_file(&r, d) < 0 ||
	    peer_open(o, r.name, &r.peer, d) < 0)
		goto out;
	peer_resolve(r.peer, RESOLVE_MS, d);
	if (check_new(&r, d) < 0)
		goto out;
	locked = store_lock(peer_held_store(r.peer->held), LOCK_MS, d);
	if (locked) {
		if (locked > 0)
			diag_error(d, "busy", NULL, "another innernet is at work on '%s'", r.name);
		goto out;
	}
	done = become_peer(&r, d);
	if (done < 0)
		undo(&r, d);
	else
		done = first_snapshot(&r, d);
	store_unlock(peer_held_store(r.peer->held));
	if (done == 0) {
		*out = r.peer;
		r.peer = NULL;
	}
out:
	peer_close(r.peer);
	client_free(r.client);
	secret_free(r.temporary);
	return done;
}
