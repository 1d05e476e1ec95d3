/*
 * Where to look for peers without a session, and when: NAT traversal as a function of the interface's state, the hints
 * and the time.
 *
 * WireGuard does the sending. Once a handshake with a peer is wanted, WireGuard sends an initiation to the peer's
 * current endpoint, and another one each REKEY_TIMEOUT (5 s, and up to a third of a second), never sooner, 20 in all
 * (the paper, section 6.4; timers.c and send.c in the kernel, device/timers.go in wireguard-go). An answer counts from
 * any address. So the endpoint may change as soon as one initiation has gone to it, which the peer's tx_bytes show. An
 * attempt at a peer is a round: a handshake is wanted once, and the candidates take turns in getting the initiations.
 *
 * Persistent keepalive makes WireGuard want a handshake: both implementations act at once when it changes from 0 to a
 * value (set_peer() in netlink.c, handlePostConfig() in uapi.go). It needs no route and no socket, and the peer's
 * programs see no packet. It is part of the interface's state: it goes through desired, diff and apply, and the second
 * plan stays empty. The end of the round takes it away.
 *
 * A session is up for 180 s after its last handshake, and its endpoint is left alone. A peer that receives data answers
 * within 10 s (KEEPALIVE_TIMEOUT), if only by a keepalive; without an answer WireGuard asks for a new handshake after
 * 15 s, and again each 5 s (the paper, sections 6.2 and 6.5). So a session is lost when this machine has sent more than
 * keepalives and has received nothing for 20 s, as when the peer's NAT has changed its ports. It is lost too when this
 * machine has received nothing for 20 s and a knock says that the peer looks for it. Any packet from the peer makes it
 * a session again.
 *
 * Two initiations that cross are both lost: a peer that answers an initiation no longer accepts the answer to its own
 * (there is one handshake state, section 5.4 of the paper), and the next ones come 5 s later. Two peers that learn of
 * each other from one push would cross each time. So the peer with the lesser key begins 300 ms later, unless the other
 * peer has knocked or traffic waits: by then its own initiation is not needed any more.
 *
 * These peers are tried: a peer with queued traffic and no session (its tx_bytes grow), a peer that knocked through a
 * server, and, while they are few, each peer that never had a session. A peer that had one, and to which no program
 * sends, rests: WireGuard starts again at its last endpoint with the first packet. After rounds in vain the next rounds
 * become rare, also for a peer that reports another address each time.
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
	 * As desired_for_view() made it: what `endpoint_open` and `keepalive_open` leave to us is filled in. A port of
	 * 0 stays where it is: the endpoint is to be left alone.
	 */
	struct device_state *want;
	const struct device_state *there; /* as it was read */
	const struct hint *hints;         /* the one with want's own key: where a server sees this machine */
	size_t n_hints;
	const struct addr *own; /* this machine's addresses, without those in its networks */
	size_t n_own;
	const struct prefix *inside; /* all networks that this machine is in: no endpoint lies within them */
	size_t n_inside;
	uint64_t serial;          /* another number than in the last call: hints, own or inside may have changed */
	const struct key *knocks; /* peers that knocked since the last call, in any order */
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

/* The side whose packets arrive from another address, or from another port, than it has. */
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
	int64_t next_ms; /* when it is tried again unless traffic or a knock comes sooner; -1: only then */
};

struct candidates;                          /* what is remembered from one call to the next */
struct candidates *candidates_new(void);    /* NULL: out of memory */
void candidates_free(struct candidates *c); /* NULL is fine */
/*
 * Ends the search: forgets all peers, and the rounds that are under way. What they set on the interface goes with
 * the next plan, which does not fill it in. The next step begins anew.
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
 * Has something come from this peer since the last look but one? Only then its endpoint, as the interface has it now,
 * is newer than what servers say. True of a peer without a track.
 */
bool candidates_heard(const struct candidates *c, const struct device_peer *there);

/*
 * The same without a memory, for a single turn by hand. A peer without an endpoint gets the first candidate, one with
 * an endpoint keeps it; with `advance`, a peer that never answered goes on to the next. `daemon`: one runs, and what it
 * set is left as it is. Uses want, there, hints, own, inside, keepalive and now alone.
 */
void candidates_guess(const struct candidates_facts *f, bool daemon, bool advance);

/* The endpoints at which to look for a peer, the likeliest first; none twice. Returns how many. */
unsigned candidates_list(const struct candidates_facts *f, const struct hint *h,
			 struct sockpoint out[static CANDIDATES_LIST]);

#endif
