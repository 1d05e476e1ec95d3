/*
 * Where to look for peers that no session is up with, and when: NAT traversal as a function of what the interface says,
 * what hints say, and the time.
 *
 * WireGuard does the sending. Once a handshake with a peer is wanted it sends an initiation to whatever endpoint the peer
 * then has, another each REKEY_TIMEOUT (5 s, and up to a third of a second), never sooner, 20 in all: the paper, section
 * 6.4; timers.c and send.c in the kernel, device/timers.go in wireguard-go. An answer counts from wherever it comes, so
 * an endpoint may be another as soon as one initiation has gone to it, which the peer's tx_bytes tell. So an attempt at a
 * peer is a round: a handshake is wanted once, and the candidates take turns in getting the initiations.
 *
 * What makes WireGuard want one is persistent keepalive, which both implementations act on at once when it goes from 0
 * to something (set_peer() in netlink.c, handlePostConfig() in uapi.go). It needs no route, no socket, no packet that
 * the other side's programs would see, and it is part of the interface's state: it goes through desired, diff and apply,
 * and the second plan is as empty as ever. It is taken away when the round is over.
 *
 * A session is up for the 180 s after its last handshake, and nobody moves it. But whoever sends data hears something
 * within 10 s (KEEPALIVE_TIMEOUT), if only a keepalive; else WireGuard asks for a new handshake after 15 s, and again
 * each 5 s (the paper, sections 6.2 and 6.5). So who has sent more than keepalives and heard nothing for 20 s has lost
 * the session, as when the other's NAT came back with other ports; and so has who heard nothing for as long, and is told
 * by a knock that the other one looks for it. Anything that comes from the peer makes it a session again.
 *
 * Two initiations that cross are both lost: whoever answers the other's no longer takes the answer to its own (the state
 * is one, section 5.4 of the paper), and the next come 5 s later. Two peers that hear of each other from one push would
 * do that to each other all the time. So the one with the lesser key begins 300 ms later, unless it is knocked for or
 * somebody waits: by then its own is not needed any more.
 *
 * Who is tried: a peer that traffic waits for (its tx_bytes grow without a session: WireGuard knocks in vain), one that
 * asked for it through a server (a knock), and, while they are few, all that never had a session. One that had, and that
 * nobody sends anything to, rests: WireGuard starts again at its last endpoint with the first packet. Where one is tried
 * in vain, the rounds become rare, also for one that reports another address each time.
 */
#ifndef RECONCILE_PLAN_CANDIDATES_H
#define RECONCILE_PLAN_CANDIDATES_H

#include "reconcile/plan/device.h"
#include "reconcile/wire/hint.h"

#define CANDIDATES_FEW    64                   /* while no more have never had a session, all of them are tried */
#define CANDIDATES_FLIGHT 64                   /* rounds under way: at most 768 initiations a minute */
#define CANDIDATES_LIST   (CANDIDATES_MAX + 1) /* of one peer: what it reported, and where it was seen */

/* What is known at one moment. All lists are sorted by key. */
struct candidates_facts {
	/*
	 * As desired_for_view() made it: what `endpoint_open` and `keepalive_open` leave to us is filled in. A port of 0
	 * stays where it is: the endpoint is to be left alone.
	 */
	struct device_state *want;
	const struct device_state *there; /* as it was read */
	const struct hint *hints;         /* the one with want's own key: where a server sees this machine */
	size_t n_hints;
	const struct addr *own; /* this machine's addresses, without those in its networks */
	size_t n_own;
	const struct prefix *inside; /* all networks that this machine is in: nobody's endpoint is in there */
	size_t n_inside;
	uint64_t serial;          /* another number than in the last call: hints, own or inside may be others */
	const struct key *knocks; /* who asked since the last call, in any order */
	size_t n_knocks;
	uint16_t keepalive; /* seconds, where one is needed; not 0 */
	int64_t now;        /* Unix seconds: what handshakes are told in */
	int64_t now_ms;     /* of a clock that never jumps */
	uint32_t random;    /* for jitter: another one in each call */
	bool ending;        /* the last call: rounds that are under way end, and none begins */
};

/* What else is to be done. */
struct candidates_turn {
	struct key knocks[CANDIDATES_FLIGHT]; /* ask a server to have these open their NATs towards us */
	unsigned n_knocks;
	bool resolve;    /* a peer that is given by host name has lost its session: ask for names again */
	int64_t next_ms; /* call again in so long, if nothing happens before; -1: time alone changes nothing */
};

/* Between whom: which side's packets arrive from another address, and from another port, than it has. */
enum candidates_nat {
	NAT_OWN = 1,
	NAT_OWN_PORT = 2,
	NAT_PEER = 4,
	NAT_PEER_PORT = 8,
};

/* One peer without a session that is being tried, or was in vain. */
struct candidates_try {
	struct key key;
	uint32_t rounds; /* that are over, without an answer */
	uint8_t n;       /* candidates */
	uint8_t nat;     /* enum candidates_nat, ORed */
	bool trying;
	int64_t next_ms; /* when it is tried again unless somebody asks for it sooner; -1: only then */
};

struct candidates;                          /* what is remembered from one call to the next */
struct candidates *candidates_new(void);    /* NULL: out of memory */
void candidates_free(struct candidates *c); /* NULL is fine */
/*
 * Nobody is looked for any more: all is forgotten, rounds that are under way too. What they set on the interface goes with
 * the next plan, since nobody fills it in. The next step begins anew.
 */
void candidates_reset(struct candidates *c);
unsigned candidates_in_flight(const struct candidates *c);

/*
 * One look. Linear in the number of peers; a peer whose session is up keeps the endpoint that it has.
 * -1: out of memory, and nothing was changed but in `want`.
 */
int candidates_step(struct candidates *c, const struct candidates_facts *f, struct candidates_turn *out);

/* Those that are or were tried, as of the last step, in the order of their keys; at most `max`. */
size_t candidates_tries(const struct candidates *c, int64_t now_ms, struct candidates_try *out, size_t max);

/*
 * Has something come from this peer since the last look but one? Only then its endpoint, as the interface has it now, is
 * newer than what servers say. True of who is not looked after.
 */
bool candidates_heard(const struct candidates *c, const struct device_peer *there);

/*
 * The same without a memory, for a single turn by hand. Who has no endpoint gets the first candidate, and who has one
 * keeps it; with `advance`, one that never answered goes on to the next. `daemon`: one runs, and what it set is left as
 * it is. Uses want, there, hints, own, inside, keepalive and now alone.
 */
void candidates_guess(const struct candidates_facts *f, bool daemon, bool advance);

/* The endpoints at which to look for a peer, the likeliest first; none twice. Returns how many. */
unsigned candidates_list(const struct candidates_facts *f, const struct hint *h,
			 struct sockpoint out[static CANDIDATES_LIST]);

#endif
