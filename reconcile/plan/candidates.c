#include "reconcile/plan/candidates.h"

#include <stdlib.h>
#include <string.h>

/* Milliseconds. WireGuard's own times are in the header's first comment. */
#define STEP_MS        4000   /* before its next initiation, which then goes to the next candidate */
#define STEP_UNSENT_MS 10000  /* when no initiation has gone out: there is no route to this candidate */
#define ROUND_MS       110000 /* its 20 initiations, 5.33 s apart at most, and time for the last answer */
#define REST_MIN_MS    60000  /* after the first round in vain; twice as long after each more */
#define REST_MAX_MS    3600000
#define NEWS_REST_MS   15000 /* where the peer is somewhere else now; twice as long after each more time */
#define DEMAND_REST_MS 15000 /* where traffic waits for the peer */
#define DEMAND_MS                                                                                                      \
	30000 /* after which it no longer counts as waiting: WireGuard itself tries every 5 s while traffic waits */
#define TRAFFIC_MS  300000 /* so long after the last data a NAT is kept open */
#define YIELD_MS    300    /* longer than a packet takes, and than a hint takes to reach both peers */
#define LOST_MS     20000  /* without an answer for so long the session is lost; the header's comment */
#define LOOK_GAP_MS 10000  /* two looks that are further apart say nothing of what was between them */
#define ASK_MIN_MS  10000  /* between two questions for a host name; twice as long after each more */
#define ASK_MAX_MS  300000

/* Bytes, as WireGuard counts them (messages.h). */
#define INITIATION_LEN 148
#define RESPONSE_LEN   92
#define KEEPALIVE_LEN  32

#define NEVER INT64_MAX

/* One peer, by key. */
struct track {
	struct key key;
	int64_t since;     /* trying: when its candidate was set */
	int64_t until;     /* trying: the round's end; else: no attempt before, unless traffic waits */
	int64_t ended;     /* when the last round ended; 0: there was none */
	int64_t over;      /* the same, unless a knock has had it forgotten */
	int64_t moved;     /* when its candidates changed last */
	int64_t demand;    /* since when traffic waits for it; 0: none does */
	int64_t wanted;    /* and when that was seen last */
	int64_t traffic;   /* when data went either way last; 0: never */
	int64_t looked;    /* the last look; 0: none yet */
	int64_t ask;       /* its host name is not resolved again before this */
	int64_t session;   /* when there was its last handshake; 0: none */
	int64_t heard;     /* when something came from it last, or when it was first looked at */
	int64_t asked;     /* since when something is to be answered; 0: nothing is */
	int64_t handshake; /* of the last look, like these: */
	uint64_t tx, rx;
	uint64_t tx_set; /* tx when the candidate was set: more means that an initiation went there */
	uint64_t print;  /* of its candidates */
	uint32_t rounds;
	uint8_t n;     /* candidates */
	uint8_t at;    /* the candidate that has its turn */
	uint8_t begun; /* at which one the round began */
	uint8_t asks;  /* questions for its host name, in a row */
	uint8_t moves; /* how often its candidates changed, with less than REST_MAX_MS in between */
	uint8_t nat;   /* enum candidates_nat */
	bool nearby;   /* in the same place as this machine: no NAT between us */
	bool trying;
	bool knocked; /* in this round, or the other side did */
	bool again;   /* it did late in this one: another follows */
	bool met;     /* there was a session once */
	bool lost;    /* its session answers no more, however young */
	bool rewind;  /* the round is over: back to the first candidate */
};

struct candidates {
	struct track *tracks;
	size_t n;
	uint64_t serial;
	uint64_t own; /* print_own() of the last step */
	bool has_serial;
	unsigned in_flight;
};

struct candidates *candidates_new(void)
{
	return calloc(1, sizeof(struct candidates));
}

void candidates_free(struct candidates *c)
{
	if (c)
		free(c->tracks);
	free(c);
}

void candidates_reset(struct candidates *c)
{
	free(c->tracks);
	*c = (struct candidates){.tracks = NULL};
}

unsigned candidates_in_flight(const struct candidates *c)
{
	return c->in_flight;
}

/* ---- where ---------------------------------------------------------------------------------------------------- */

static bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_same_bits(a, b, 128);
}

static bool is_own(const struct candidates_facts *f, const struct addr *ip)
{
	for (size_t i = 0; i < f->n_own; i++) {
		if (addr_eq(&f->own[i], ip))
			return true;
	}
	return false;
}

/* On a link of this machine, as far as addresses alone can tell: IPv4 /24, IPv6 /64. */
static bool is_near(const struct candidates_facts *f, const struct addr *ip)
{
	unsigned bits = addr_is_v4(ip) ? 96 + 24 : 64;

	for (size_t i = 0; i < f->n_own; i++) {
		if (addr_is_v4(&f->own[i]) == addr_is_v4(ip) && addr_same_bits(&f->own[i], ip, bits))
			return true;
	}
	return false;
}

/* Addresses that mean something within a site only: RFC 1918, RFC 6598, RFC 3927, RFC 4193. */
static bool is_private(const struct addr *ip)
{
	const uint8_t *b = ip->b + 12;

	if (!addr_is_v4(ip))
		return (ip->b[0] & 0xfe) == 0xfc;
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254);
}

/* A machine without an IPv6 address sends nothing there. */
static bool has_family(const struct candidates_facts *f, const struct addr *ip)
{
	for (size_t i = 0; i < f->n_own; i++) {
		if (addr_is_v4(&f->own[i]) == addr_is_v4(ip))
			return true;
	}
	return f->n_own == 0;
}

static bool is_candidate(const struct candidates_facts *f, const struct sockpoint *at)
{
	if (!at->port || is_own(f, &at->ip) || !has_family(f, &at->ip))
		return false;
	for (size_t i = 0; i < f->n_inside; i++) {
		if (prefix_has(&f->inside[i], &at->ip))
			return false;
	}
	return true;
}

/* Where a server sees this machine. */
static const struct sockpoint *own_seen(const struct candidates_facts *f)
{
	const struct hint *h = f->want->has_key ? hint_find(f->hints, f->n_hints, &f->want->public_key) : NULL;

	return h && h->seen.port ? &h->seen : NULL;
}

static uint8_t nat_of(const struct candidates_facts *f, const struct hint *h)
{
	const struct sockpoint *own = own_seen(f);
	bool same_ip = false, same_port = false;
	uint8_t nat = 0;

	if (own && f->n_own && !is_own(f, &own->ip))
		nat |= NAT_OWN | (own->port != f->there->listen_port ? NAT_OWN_PORT : 0);
	if (!h || !h->seen.port)
		return nat;
	for (unsigned i = 0; i < h->n_at; i++) {
		same_ip |= addr_eq(&h->at[i].ip, &h->seen.ip);
		same_port |= h->at[i].port == h->seen.port;
	}
	/* A peer that reports no endpoint may be behind a NAT too. */
	if (!same_ip)
		nat |= NAT_PEER | (h->n_at && !same_port ? NAT_PEER_PORT : 0);
	return nat;
}

/* Behind the same NAT, or, where no server says, with an address like ours. */
static bool is_nearby(const struct candidates_facts *f, const struct hint *h)
{
	const struct sockpoint *own = own_seen(f);

	if (own && h->seen.port)
		return addr_eq(&own->ip, &h->seen.ip) || is_near(f, &h->seen.ip);
	for (unsigned i = 0; i < h->n_at; i++) {
		if (is_near(f, &h->at[i].ip))
			return true;
	}
	return false;
}

struct list {
	struct sockpoint *at;
	unsigned n;
};

static void list_add(const struct candidates_facts *f, struct list *l, const struct sockpoint *at)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (sockpoint_eq(&l->at[i], at))
			return;
	}
	if (l->n < CANDIDATES_LIST && is_candidate(f, at))
		l->at[l->n++] = *at;
}

/*
 * What the peer reported, in its order, and where it was seen last, as upstream does; but what can only work on the
 * same site comes first there, and at the very end elsewhere: a NAT forgets in 30 s (nf_conntrack_udp_timeout), and
 * each of two that open them for each other has to reach the other's outside before that.
 */
unsigned candidates_list(const struct candidates_facts *f, const struct hint *h,
			 struct sockpoint out[static CANDIDATES_LIST])
{
	struct list l = {.at = out};
	bool nearby = is_nearby(f, h);

	for (unsigned i = 0; nearby && i < h->n_at; i++) {
		if (is_near(f, &h->at[i].ip))
			list_add(f, &l, &h->at[i]);
	}
	for (unsigned i = 0; i < h->n_at; i++) {
		if (nearby || !is_private(&h->at[i].ip))
			list_add(f, &l, &h->at[i]);
	}
	list_add(f, &l, &h->seen);
	for (unsigned i = 0; i < h->n_at; i++)
		list_add(f, &l, &h->at[i]);
	return l.n;
}

/* Of one peer as it is wanted: the endpoint that it is given is the only one. */
static unsigned list_of(const struct candidates_facts *f, const struct device_peer *want,
			struct sockpoint out[static CANDIDATES_LIST])
{
	const struct hint *h;

	if (!want->endpoint_open) {
		out[0] = want->endpoint;
		return want->endpoint.port != 0;
	}
	h = hint_find(f->hints, f->n_hints, &want->key);
	return h ? candidates_list(f, h, out) : 0;
}

/* ---- what the interface says ---------------------------------------------------------------------------------- */

/* FNV-1a. */
#define PRINT_EMPTY UINT64_C(0xcbf29ce484222325)
static uint64_t print_add(uint64_t print, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		print = (print ^ b[i]) * UINT64_C(0x100000001b3);
	return print;
}

static uint64_t print_point(uint64_t print, const struct sockpoint *p)
{
	print = print_add(print, p->ip.b, sizeof(p->ip.b));
	return print_add(print, &p->port, sizeof(p->port));
}

/* A hash of this machine's own addresses, without the one that a server sees: a NAT may change that one at any time. */
static uint64_t print_own(const struct candidates_facts *f)
{
	uint64_t print = PRINT_EMPTY;

	for (size_t i = 0; i < f->n_own; i++)
		print = print_add(print, f->own[i].b, sizeof(f->own[i].b));
	return print;
}

static int64_t doubled(int64_t ms, uint32_t times, int64_t max)
{
	while (times-- > 0 && ms < max)
		ms *= 2;
	return ms < max ? ms : max;
}

/* When a round may begin, where nothing else is in the way. */
static int64_t soonest(const struct track *t, const struct candidates_facts *f)
{
	bool yields = f->want->has_key && key_cmp(&f->want->public_key, &t->key) < 0;

	return yields ? f->now_ms + YIELD_MS : 0;
}

/* The first move starts anew. A peer that reports a new address without end is tried less and less often. */
static void track_move(struct track *t, const struct candidates_facts *f)
{
	int64_t due, first = soonest(t, f);

	if (f->now_ms - t->moved >= REST_MAX_MS)
		t->moves = 0;
	due = t->ended ? t->ended + doubled(NEWS_REST_MS, t->moves, REST_MAX_MS) : 0;
	due = due > first ? due : first;
	if (!t->moves)
		t->rounds = 0;
	if (!t->trying && due < t->until)
		t->until = due;
	if (t->moves < UINT8_MAX)
		t->moves++;
	t->moved = f->now_ms;
}

/* Works the peer's candidates out again. `anew`: this machine's own addresses have changed. */
static void track_learn(struct track *t, const struct candidates_facts *f, const struct device_peer *want, bool anew)
{
	const struct hint *h = hint_find(f->hints, f->n_hints, &want->key);
	struct sockpoint list[CANDIDATES_LIST];
	uint64_t print = PRINT_EMPTY;

	t->n = (uint8_t)list_of(f, want, list);
	t->nat = nat_of(f, h);
	t->nearby = h && is_nearby(f, h);
	for (unsigned i = 0; i < t->n; i++)
		print = print_point(print, &list[i]);
	if (print == t->print && !anew)
		return;
	t->rewind = t->print && !t->trying && !t->met;
	if (t->print && !anew) {
		track_move(t, f);
	} else {
		t->rounds = t->moves = 0;
		if (!t->trying)
			t->until = soonest(t, f);
	}
	t->print = print;
}

/*
 * Did data go this way? What WireGuard sends by itself does not count, or keepalive would keep itself alive: one
 * keepalive an interval, and what handshakes take. Data is 64 bytes at least (an empty IP packet, padded).
 */
static bool is_data(uint64_t bytes, int64_t ms, unsigned keepalive, unsigned handshakes)
{
	uint64_t idle = KEEPALIVE_LEN * (1 + (uint64_t)ms / 1000 / keepalive) + handshakes;

	return bytes > idle;
}

static unsigned shortest_keepalive(const struct candidates_facts *f, const struct device_peer *there)
{
	return there->keepalive && there->keepalive < f->keepalive ? there->keepalive : f->keepalive;
}

static void track_traffic(struct track *t, const struct candidates_facts *f, const struct device_peer *there)
{
	int64_t ms = f->now_ms - t->looked;
	unsigned keepalive = shortest_keepalive(f, there);
	unsigned received = there->handshake != t->handshake ? INITIATION_LEN + RESPONSE_LEN : 0;
	unsigned sent = INITIATION_LEN * (1 + (unsigned)(ms / 5000)) + RESPONSE_LEN;

	if (is_data(there->rx - t->rx, ms, keepalive, received) || is_data(there->tx - t->tx, ms, keepalive, sent))
		t->traffic = f->now_ms;
}

static void round_end(struct candidates *c, struct track *t)
{
	t->trying = t->knocked = t->again = false;
	c->in_flight--;
}

static void demand(struct track *t, const struct candidates_facts *f, int64_t since)
{
	if (!t->demand || since < t->demand)
		t->demand = since;
	t->wanted = f->now_ms;
}

/*
 * Handshakes have wall-clock times, and that clock may be set. So a new handshake counts as one of this moment, and its
 * age is measured with the monotonic clock from then on. Only at the first look the wall clock gives the age.
 */
static void track_session(struct track *t, const struct candidates_facts *f, const struct device_peer *there)
{
	int64_t age = f->now - there->handshake;

	if (t->looked && there->handshake == t->handshake)
		return;
	t->session = 0;
	if (t->looked ? there->handshake > 0 : device_peer_is_live(there, f->now))
		t->session = t->looked || age < 0 || 1000 * age >= f->now_ms ? f->now_ms : f->now_ms - 1000 * age;
}

/* Whether what was sent is answered: keepalives alone need no answer. */
static void track_silence(struct track *t, const struct candidates_facts *f, const struct device_peer *there)
{
	int64_t ms = f->now_ms - t->looked;

	if (there->rx > t->rx || there->handshake != t->handshake) {
		t->heard = f->now_ms;
		t->asked = 0;
		t->lost = false;
	} else if (!t->asked) {
		if (is_data(there->tx - t->tx, ms, shortest_keepalive(f, there), 0))
			t->asked = f->now_ms;
	} else if (ms > LOOK_GAP_MS) {
		t->asked = f->now_ms;
	}
	t->lost = t->lost || (t->asked && f->now_ms - t->asked >= LOST_MS);
}

static bool track_is_live(const struct track *t, const struct candidates_facts *f)
{
	return t->session && !t->lost && f->now_ms - t->session <= 1000 * SESSION_SECONDS;
}

/* Takes in what the interface says of a peer. Returns whether there is a session. */
static bool track_look(struct candidates *c, struct track *t, const struct candidates_facts *f,
		       const struct device_peer *there)
{
	static const struct device_peer absent;
	bool live, was_lost = t->lost;

	there = there ? there : &absent;
	track_session(t, f, there);
	/* Counters that went back are another peer's, or another interface's. */
	if (t->looked && there->tx >= t->tx && there->rx >= t->rx) {
		track_silence(t, f, there);
		live = track_is_live(t, f);
		if (live)
			track_traffic(t, f, there);
		else if ((there->tx > t->tx || (t->lost && !was_lost)) && !t->trying)
			demand(t, f, f->now_ms);
	} else {
		t->heard = f->now_ms;
		t->asked = 0;
		t->lost = false;
		live = track_is_live(t, f);
		/* A person or the last run set it for a reason. */
		if (live && there->keepalive)
			t->traffic = f->now_ms;
	}
	t->met = there->handshake > 0;
	if (live) {
		if (t->trying)
			round_end(c, t);
		t->rounds = t->asks = 0;
		t->until = t->demand = t->ask = 0;
		t->rewind = t->knocked = false;
	}
	t->handshake = there->handshake;
	t->rx = there->rx;
	t->tx = there->tx;
	t->looked = f->now_ms;
	return live;
}

/* ---- which and when ------------------------------------------------------------------------------------------- */

/* Jitter: a random time from ms / 2 to ms. */
static int64_t jittered(const struct candidates_facts *f, const struct track *t, int64_t ms)
{
	uint64_t r = print_add(f->random | UINT64_C(0x9e3779b900000000), t->key.b, sizeof(t->key.b));

	return ms / 2 + (int64_t)(r % (uint64_t)(ms / 2 + 1));
}

static void knock(struct track *t, struct candidates_turn *out)
{
	if (t->knocked || out->n_knocks == CANDIDATES_FLIGHT)
		return;
	t->knocked = true;
	out->knocks[out->n_knocks++] = t->key;
}

static void round_begin(struct candidates *c, struct track *t, const struct candidates_facts *f,
			const struct device_peer *want, const struct device_peer *there, struct candidates_turn *out)
{
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n = list_of(f, want, list);

	t->trying = true;
	c->in_flight++;
	t->since = f->now_ms;
	t->until = f->now_ms + ROUND_MS;
	t->at = 0;
	/* A program's packet has made WireGuard send an initiation there already. */
	if (t->demand && n > 1 && there && sockpoint_eq(&there->endpoint, &list[0]))
		t->at = 1;
	t->begun = t->at;
	t->tx_set = t->tx;
	t->demand = 0;
	t->rewind = false;
	if (want->endpoint_open && (t->nat & NAT_PEER) && !t->nearby)
		knock(t, out);
}

/* The next candidate, once an initiation has gone to the last one. */
static void round_go_on(struct candidates *c, struct track *t, const struct candidates_facts *f,
			const struct device_peer *want, struct candidates_turn *out)
{
	int64_t ms = f->now_ms - t->since;
	bool again = t->again;

	if (f->now_ms >= t->until || !t->n) {
		round_end(c, t);
		t->rounds++;
		t->ended = t->over = f->now_ms;
		t->until = f->now_ms + jittered(f, t, doubled(REST_MIN_MS, t->rounds - 1, REST_MAX_MS));
		t->rewind = true;
		if (again) {
			demand(t, f, 1);
			t->knocked = true;
			t->over = 0;
		}
		return;
	}
	if (ms < (t->tx > t->tx_set ? STEP_MS : STEP_UNSENT_MS))
		return;
	t->at = (uint8_t)((t->at + 1) % t->n);
	t->since = f->now_ms;
	t->tx_set = t->tx;
	/* All of them were tried: perhaps the other side has to open something. */
	if (t->at == t->begun && want->endpoint_open)
		knock(t, out);
}

/* A host name may have a new address by now. While the answer stays the same, back off. */
static void ask_name(struct track *t, const struct candidates_facts *f, const struct device_peer *want,
		     const struct device_peer *there, bool waited, struct candidates_turn *out)
{
	if (!want->endpoint_named || f->now_ms < t->ask || !(waited || !there || !there->endpoint.port))
		return;
	out->resolve = true;
	t->ask = f->now_ms + doubled(ASK_MIN_MS, t->asks, ASK_MAX_MS);
	if (t->asks < UINT8_MAX)
		t->asks++;
}

/* ---- one look ------------------------------------------------------------------------------------------------- */

/* The peers that may begin a round, at most as many as there is room for. */
struct line {
	uint32_t peer[CANDIDATES_FLIGHT];
	int64_t since[CANDIDATES_FLIGHT];
	unsigned n;
};

/* The peer that has waited longest comes first; of those that began at one moment, the first. */
static void line_add(struct line *l, uint32_t peer, int64_t since)
{
	unsigned i;

	if (l->n == CANDIDATES_FLIGHT && since >= l->since[l->n - 1])
		return;
	i = l->n < CANDIDATES_FLIGHT ? l->n++ : l->n - 1;
	for (; i > 0 && l->since[i - 1] > since; i--) {
		l->peer[i] = l->peer[i - 1];
		l->since[i] = l->since[i - 1];
	}
	l->peer[i] = peer;
	l->since[i] = since;
}

struct look {
	struct candidates *c;
	const struct candidates_facts *f;
	struct candidates_turn *out;
	const struct device_peer **there; /* of each wanted peer; NULL: not on the interface */
	struct line demanded, due;
	uint32_t unmet; /* peers that never had a session, and have candidates */
	int64_t next;   /* when the first of those that rest is due */
};

/* The tracks of the peers that are wanted, in their order; those of other peers are forgotten. */
static int tracks_sync(struct candidates *c, const struct device_state *want)
{
	struct track *tracks;
	size_t i = 0, j = 0;

	while (i < want->n_peers && i < c->n && key_eq(&want->peers[i].key, &c->tracks[i].key))
		i++;
	if (i == want->n_peers && i == c->n)
		return 0;
	tracks = calloc(want->n_peers ? want->n_peers : 1, sizeof(*tracks));
	if (!tracks)
		return -1;
	c->in_flight = 0;
	c->has_serial = false;
	for (i = 0; i < want->n_peers; i++) {
		while (j < c->n && key_cmp(&c->tracks[j].key, &want->peers[i].key) < 0)
			j++;
		if (j < c->n && key_eq(&c->tracks[j].key, &want->peers[i].key))
			tracks[i] = c->tracks[j];
		else
			tracks[i].key = want->peers[i].key;
		c->in_flight += tracks[i].trying;
	}
	free(c->tracks);
	c->tracks = tracks;
	c->n = want->n_peers;
	return 0;
}

static struct track *track_find(const struct candidates *c, const struct key *key)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (key_cmp(&c->tracks[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && key_eq(&c->tracks[lo].key, key) ? &c->tracks[lo] : NULL;
}

static void take_knocks(struct candidates *c, const struct candidates_facts *f)
{
	for (size_t k = 0; k < f->n_knocks; k++) {
		struct track *t = track_find(c, &f->knocks[k]);

		if (!t)
			continue;
		/*
		 * A peer that knocks is sending already: it needs no knock in return. It comes before those that merely
		 * wait.
		 */
		t->knocked = true;
		t->over = 0;
		/* The peer knocks, so it does not receive our packets. Without packets from it either, the session is lost. */
		t->lost = t->lost || (t->looked && f->now_ms - t->heard >= LOST_MS);
		if (!t->trying)
			demand(t, f, 1);
		else
			t->again = t->until - f->now_ms < ROUND_MS / 2;
	}
}

static void look_at(struct look *l, uint32_t i)
{
	const struct candidates_facts *f = l->f;
	const struct device_peer *want = &f->want->peers[i], *there = l->there[i];
	struct track *t = &l->c->tracks[i];
	uint64_t tx = t->tx;
	bool first = !t->looked;

	if (track_look(l->c, t, f, there))
		return;
	ask_name(t, f, want, there, !first && t->tx > tx, l->out);
	l->unmet += !t->met && t->n;
	if (f->ending) {
		if (t->trying)
			round_end(l->c, t);
		return;
	}
	if (t->trying) {
		round_go_on(l->c, t, f, want, l->out);
		return;
	}
	if (t->demand && f->now_ms - t->wanted > DEMAND_MS)
		t->demand = 0;
	if (!t->n)
		return;
	if (t->demand && (!t->over || f->now_ms - t->over >= DEMAND_REST_MS))
		line_add(&l->demanded, i, t->demand);
	else if (!t->met && f->now_ms >= t->until)
		line_add(&l->due, i, t->until);
	else if (!t->met && t->until < l->next)
		l->next = t->until;
}

static void begin(struct look *l, const struct line *line)
{
	for (unsigned i = 0; i < line->n && l->c->in_flight < CANDIDATES_FLIGHT; i++) {
		uint32_t p = line->peer[i];

		round_begin(l->c, &l->c->tracks[p], l->f, &l->f->want->peers[p], l->there[p], l->out);
	}
}

/* A shorter keepalive starts a new handshake before WireGuard gives up on the old one: no round would end. */
static uint16_t round_keepalive(const struct candidates_facts *f)
{
	return f->keepalive > KEEPALIVE_DEFAULT ? f->keepalive : KEEPALIVE_DEFAULT;
}

/* The endpoint and the keepalive that the network leaves open. */
static void fill(const struct look *l, uint32_t i)
{
	const struct candidates_facts *f = l->f;
	struct track *t = &l->c->tracks[i];
	struct device_peer *want = &f->want->peers[i];
	const struct device_peer *there = l->there[i];
	bool live = track_is_live(t, f);
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n;

	want->lost = t->lost;
	want->rx = t->rx;
	if (want->keepalive_open) {
		bool busy = t->traffic && f->now_ms - t->traffic < TRAFFIC_MS && (t->nat & (NAT_OWN | NAT_PEER));

		want->keepalive = t->trying ? round_keepalive(f) : busy ? f->keepalive : 0;
	}
	if (!want->endpoint_open && !live)
		return;
	want->endpoint.port = 0;
	if (live || !(t->trying || t->rewind || !there || !there->endpoint.port))
		return;
	n = list_of(f, want, list);
	if (n)
		want->endpoint = list[t->trying ? t->at % n : 0];
	t->rewind = false;
}

static int64_t when_next(const struct look *l)
{
	const struct candidates *c = l->c;
	int64_t now = l->f->now_ms, next = l->unmet <= CANDIDATES_FEW ? l->next : NEVER;

	if (c->in_flight && now + STEP_MS < next)
		next = now + STEP_MS;
	return next == NEVER ? -1 : next > now ? next - now : 0;
}

int candidates_step(struct candidates *c, const struct candidates_facts *f, struct candidates_turn *out)
{
	struct look l = {.c = c, .f = f, .out = out, .next = NEVER};
	uint32_t n = f->want->n_peers, j = 0, n_there = f->there->exists ? f->there->n_peers : 0;

	*out = (struct candidates_turn){.next_ms = -1};
	l.there = calloc(n ? n : 1, sizeof(const struct device_peer *));
	if (!l.there || tracks_sync(c, f->want)) {
		free(l.there);
		return -1;
	}
	if (!c->has_serial || c->serial != f->serial) {
		uint64_t own = print_own(f);

		for (uint32_t i = 0; i < n; i++)
			track_learn(&c->tracks[i], f, &f->want->peers[i], own != c->own);
		c->own = own;
		c->serial = f->serial;
		c->has_serial = true;
	}
	take_knocks(c, f);
	for (uint32_t i = 0; i < n; i++) {
		while (j < n_there && key_cmp(&f->there->peers[j].key, &f->want->peers[i].key) < 0)
			j++;
		if (j < n_there && key_eq(&f->there->peers[j].key, &f->want->peers[i].key))
			l.there[i] = &f->there->peers[j];
		look_at(&l, i);
	}
	begin(&l, &l.demanded);
	if (l.unmet <= CANDIDATES_FEW)
		begin(&l, &l.due);
	for (uint32_t i = 0; i < n; i++)
		fill(&l, i);
	out->next_ms = when_next(&l);
	free(l.there);
	return 0;
}

bool candidates_heard(const struct candidates *c, const struct device_peer *there)
{
	const struct track *t = track_find(c, &there->key);

	return !t || t->heard == t->looked || there->rx != t->rx;
}

size_t candidates_tries(const struct candidates *c, int64_t now_ms, struct candidates_try *out, size_t max)
{
	uint32_t unmet = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		unmet += !c->tracks[i].met && c->tracks[i].n;
	for (size_t i = 0; i < c->n && n < max; i++) {
		const struct track *t = &c->tracks[i];
		bool again = !t->met && unmet <= CANDIDATES_FEW;

		if (!t->trying && !t->rounds)
			continue;
		out[n++] = (struct candidates_try){
		    .key = t->key,
		    .rounds = t->rounds,
		    .n = t->n,
		    .nat = t->nat,
		    .trying = t->trying,
		    .next_ms = t->trying || !again ? -1
			       : t->until > now_ms ? t->until - now_ms
						   : 0,
		};
	}
	return n;
}

/* ---- by hand -------------------------------------------------------------------------------------------------- */

static void guess(const struct candidates_facts *f, struct device_peer *want, const struct device_peer *there,
		  bool daemon, bool advance)
{
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n, i = 0;

	if (want->keepalive_open)
		want->keepalive =
		    daemon && there && (there->keepalive == f->keepalive || there->keepalive == round_keepalive(f))
			? there->keepalive
			: 0;
	if (!want->endpoint_open)
		return;
	want->endpoint.port = 0;
	if (there && there->endpoint.port && (!advance || there->handshake > 0))
		return;
	n = list_of(f, want, list);
	while (there && i < n && !sockpoint_eq(&there->endpoint, &list[i]))
		i++;
	if (n)
		want->endpoint = list[i == n ? 0 : there && there->tx ? (i + 1) % n : i];
}

void candidates_guess(const struct candidates_facts *f, bool daemon, bool advance)
{
	uint32_t j = 0, n_there = f->there->exists ? f->there->n_peers : 0;

	for (uint32_t i = 0; i < f->want->n_peers; i++) {
		struct device_peer *want = &f->want->peers[i];

		while (j < n_there && key_cmp(&f->there->peers[j].key, &want->key) < 0)
			j++;
		guess(f, want, j < n_there && key_eq(&f->there->peers[j].key, &want->key) ? &f->there->peers[j] : NULL,
		      daemon, advance);
	}
}
