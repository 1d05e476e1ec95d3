/* What the renderings of an impact share: how things are called, and what differs about each. */
#include "reconcile/impact/impact.h"

#include "reconcile/text/text.h"

#include <string.h>
#include <time.h>

const char *impact_kind_name(enum impact_kind kind)
{
	static const char *const names[] = {
	    [IMPACT_SETTINGS] = "settings",
	    [IMPACT_TRUST] = "trust",
	    [IMPACT_CIDR] = "cidr",
	    [IMPACT_PEER] = "peer",
	    [IMPACT_TEST] = "test",
	    [IMPACT_REUSE] = "reuse",
	    [IMPACT_ASSOCIATION] = "association",
	};

	return names[kind];
}

bool impact_kind_named(enum impact_kind kind)
{
	return kind == IMPACT_SETTINGS || kind == IMPACT_TRUST || kind == IMPACT_CIDR || kind == IMPACT_PEER;
}

static const struct peer *peer_at(const struct model *m, uint32_t i)
{
	return m && i != NONE ? &m->peers[i] : NULL;
}

static const struct cidr *cidr_at(const struct model *m, uint32_t i)
{
	return m && i != NONE ? &m->cidrs[i] : NULL;
}

const char *impact_peer_name(const struct impact *im, uint32_t peer)
{
	const struct impact_peer *p = &im->peers[peer];

	return p->after != NONE ? im->after->peers[p->after].name : im->before->peers[p->before].name;
}

static void put_ends(struct buf *out, const struct model *m, uint32_t i)
{
	buf_printf(out, "[%s, %s]", m->cidrs[m->associations[i].a].name, m->cidrs[m->associations[i].b].name);
}

void impact_item_name(struct buf *out, const struct impact *im, const struct impact_item *item)
{
	/* As it was called: a rename says its new name among what differs. */
	const struct model *m = item->before != NONE ? im->before : im->after;
	uint32_t i = item->before != NONE ? item->before : item->after;

	switch (item->kind) {
	case IMPACT_SETTINGS:
	case IMPACT_TRUST:
		buf_str(out, m->network);
		break;
	case IMPACT_CIDR:
		buf_str(out, m->cidrs[i].name);
		break;
	case IMPACT_PEER:
		buf_str(out, m->peers[i].name);
		break;
	case IMPACT_ASSOCIATION:
		put_ends(out, m, i);
		break;
	case IMPACT_TEST:
		buf_str(out, item->text);
		break;
	case IMPACT_REUSE:
		buf_ips(out, &m->reuse[i], 1);
		break;
	}
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#define NAMED_MAX 3 /* a class of so many peers is called by their names */

void impact_subject(struct buf *out, const struct impact *im, uint32_t class)
{
	const struct impact_class *k = &im->classes[class];
	const struct cidr *before = cidr_at(im->before, k->before), *after = cidr_at(im->after, k->after);

	if (k->same) {
		buf_printf(out, "%s (%u peer%s)", after->name, k->n_peers, plural(k->n_peers));
	} else if (k->n_peers <= NAMED_MAX) {
		for (uint32_t i = 0; i < k->n_peers; i++)
			buf_printf(out, "%s%s", i ? ", " : "", impact_peer_name(im, k->first + i));
	} else if (!before) {
		buf_printf(out, "%u peers added to %s", k->n_peers, after->name);
	} else if (!after) {
		buf_printf(out, "%u peers gone from %s", k->n_peers, before->name);
	} else {
		buf_printf(out, "%u peers moved from %s to %s", k->n_peers, before->name, after->name);
	}
}

static void put_targets(struct buf *out, const struct impact *im, const struct impact_target *t, uint32_t n,
			uint64_t left, const struct model *m, char sign)
{
	for (uint32_t i = 0; i < n; i++) {
		if (out->n && out->p[out->n - 1] != ' ')
			buf_str(out, ", ");
		if (t[i].peer != NONE)
			buf_printf(out, "%c1: %s", sign, impact_peer_name(im, t[i].peer));
		else
			buf_printf(out, "%c%llu peer%s in %s", sign, (unsigned long long)t[i].n_peers,
				   plural(t[i].n_peers), m->cidrs[t[i].cidr].name);
	}
	if (left)
		buf_printf(out, ", %c%llu elsewhere", sign, (unsigned long long)left);
}

void impact_targets(struct buf *out, const struct impact *im, const struct impact_effect *e)
{
	put_targets(out, im, e->gained, e->n_gained, e->gained_left, im->after, '+');
	put_targets(out, im, e->lost, e->n_lost, e->lost_left, im->before, '-');
}

const char *cut_reason_text(enum cut_reason reason)
{
	switch (reason) {
	case CUT_REMOVED:
		return "removed";
	case CUT_DISABLED:
		return "disabled";
	case CUT_REKEYED:
		return "has a new key";
	case CUT_VOIDED:
		break;
	}
	return "its invite is void";
}

/* Both sides of a label while they are written. */
struct describer {
	impact_put *put;
	void *ctx;
	struct buf text[2];
	bool has[2];
};

static void describe_flush(struct describer *d, const char *label)
{
	if (d->has[0] || d->has[1])
		d->put(d->ctx, label, d->has[0] ? (d->text[0].p ? d->text[0].p : "") : NULL,
		       d->has[1] ? (d->text[1].p ? d->text[1].p : "") : NULL);
	for (int s = 0; s < 2; s++) {
		buf_reset(&d->text[s]);
		d->has[s] = false;
	}
}

/* The buffer of a side that has something to say. */
static struct buf *side_text(struct describer *d, int side)
{
	d->has[side] = true;
	return &d->text[side];
}

/* The value of one label of a peer, when it has one. */
static void peer_value(struct describer *d, int side, const struct peer *p, uint32_t what)
{
	struct tm tm;
	time_t t;

	switch (what) {
	case CHANGED_NAME:
		buf_str(side_text(d, side), p->name);
		break;
	case CHANGED_ADDRESS:
		buf_ips(side_text(d, side), p->ip, p->n_ips);
		break;
	case CHANGED_ENDPOINT:
		if (p->endpoint)
			buf_str(side_text(d, side), p->endpoint);
		break;
	case CHANGED_KEEPALIVE:
		if (p->keepalive >= 0)
			buf_printf(side_text(d, side), "%d", p->keepalive);
		break;
	case CHANGED_ROUTES:
		if (p->n_routes)
			buf_prefixes(side_text(d, side), p->routes, p->n_routes);
		break;
	case CHANGED_VIA:
		if (p->via)
			buf_str(side_text(d, side), p->via);
		break;
	case CHANGED_EXPIRES:
		t = (time_t)p->invite_expires;
		if (t && gmtime_r(&t, &tm))
			buf_printf(side_text(d, side), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
				   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		break;
	case CHANGED_DESCRIPTION:
		if (p->description)
			buf_visible(side_text(d, side), span_str(p->description));
		break;
	default:
		if ((what == CHANGED_SERVER && p->server) || (what == CHANGED_ADMIN && p->admin) ||
		    (what == CHANGED_DISABLED && p->disabled))
			buf_str(side_text(d, side), "true");
		break;
	}
}

static void peer_keys(struct describer *d, const struct peer *x, const struct peer *y)
{
	for (int invites = 0; invites < 2; invites++) {
		for (int s = 0; s < 2; s++) {
			const struct peer *p = s ? y : x;
			if (!p || p->is_invite != invites)
				continue;
			if (invites)
				buf_str(side_text(d, s), "ed25519:");
			buf_key(side_text(d, s), &p->key);
		}
		describe_flush(d, invites ? "invite" : "public_key");
	}
}

static void describe_peer(struct describer *d, const struct impact *im, const struct impact_item *item)
{
	static const struct {
		uint32_t what;
		const char *label;
	} labels[] = {
	    {CHANGED_EXPIRES, "invite_expires"},
	    {CHANGED_ENDPOINT, "endpoint"},
	    {CHANGED_KEEPALIVE, "keepalive"},
	    {CHANGED_ROUTES, "routes"},
	    {CHANGED_VIA, "via"},
	    {CHANGED_SERVER, "server"},
	    {CHANGED_ADMIN, "admin"},
	    {CHANGED_DISABLED, "disabled"},
	    {CHANGED_DESCRIPTION, "description"},
	};
	const struct peer *x = peer_at(im->before, item->before), *y = peer_at(im->after, item->after);
	bool change = x && y;
	const struct cidr *was = x ? &im->before->cidrs[x->cidr] : NULL, *is = y ? &im->after->cidrs[y->cidr] : NULL;

	for (unsigned i = 0; i < 2; i++) {
		uint32_t what = i ? CHANGED_ADDRESS : CHANGED_NAME;
		if (change ? !(item->what & what) : what == CHANGED_NAME)
			continue;
		if (x)
			peer_value(d, 0, x, what);
		if (y)
			peer_value(d, 1, y, what);
		describe_flush(d, i ? "ip" : "name");
	}
	if (!change || im->cidr_after[x->cidr] != y->cidr) {
		if (was)
			buf_str(side_text(d, 0), was->name);
		if (is)
			buf_str(side_text(d, 1), is->name);
		describe_flush(d, "in");
	}
	if (!change || (item->what & CHANGED_KEY))
		peer_keys(d, x, y);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (change && !(item->what & labels[i].what))
			continue;
		if (x)
			peer_value(d, 0, x, labels[i].what);
		if (y)
			peer_value(d, 1, y, labels[i].what);
		describe_flush(d, labels[i].label);
	}
}

static void describe_cidr(struct describer *d, const struct impact *im, const struct impact_item *item)
{
	const struct cidr *side[2] = {cidr_at(im->before, item->before), cidr_at(im->after, item->after)};
	bool change = side[0] && side[1];

	if (change && (item->what & CHANGED_NAME)) {
		for (int s = 0; s < 2; s++)
			buf_str(side_text(d, s), side[s]->name);
		describe_flush(d, "name");
	}
	if (!change || (item->what & CHANGED_ADDRESS)) {
		for (int s = 0; s < 2; s++)
			if (side[s])
				buf_prefixes(side_text(d, s), side[s]->prefix, side[s]->n_prefixes);
		describe_flush(d, "cidr");
	}
	for (int s = 0; s < 2; s++)
		if (side[s] && side[s]->isolated && (!change || (item->what & CHANGED_ISOLATED)))
			buf_str(side_text(d, s), "true");
	describe_flush(d, "isolated");
	for (int s = 0; s < 2; s++)
		if (side[s] && side[s]->description && (!change || (item->what & CHANGED_DESCRIPTION)))
			buf_visible(side_text(d, s), span_str(side[s]->description));
	describe_flush(d, "description");
}

/* A label that both sides always have; left out when both say the same. */
static void describe_both(struct describer *d, const char *label)
{
	if (d->has[0] && d->has[1] && d->text[0].n == d->text[1].n && !memcmp(d->text[0].p, d->text[1].p, d->text[0].n))
		d->has[0] = d->has[1] = false;
	describe_flush(d, label);
}

static void describe_settings(struct describer *d, const struct impact *im, const struct impact_item *item)
{
	const struct model *side[2] = {item->before == NONE ? NULL : im->before,
				       item->after == NONE ? NULL : im->after};
	static const char *const labels[] = {"network", "epoch", "mtu", "keepalive"};

	for (unsigned i = 0; i < 4; i++) {
		for (int s = 0; s < 2; s++) {
			if (!side[s])
				continue;
			if (i == 0)
				buf_str(side_text(d, s), side[s]->network);
			else
				buf_u64(side_text(d, s), i == 1   ? side[s]->epoch
							 : i == 2 ? side[s]->mtu
								  : side[s]->keepalive);
		}
		describe_both(d, labels[i]);
	}
}

static void put_signers(struct buf *out, const struct key *keys, unsigned n)
{
	char text[ED25519_STR_LEN + 1];

	for (unsigned i = 0; i < n; i++) {
		ed25519_format(&keys[i], text);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
}

static void describe_trust(struct describer *d, const struct impact *im, const struct impact_item *item)
{
	const struct model *side[2] = {item->before == NONE ? NULL : im->before,
				       item->after == NONE ? NULL : im->after};
	static const char *const labels[] = {"id", "threshold", "signers", "online"};

	for (unsigned i = 0; i < 4; i++) {
		for (int s = 0; s < 2; s++) {
			const struct trust *t = side[s] ? &side[s]->trust : NULL;
			if (!t)
				continue;
			if (i == 0)
				buf_key(side_text(d, s), &t->id);
			else if (i == 1)
				buf_u64(side_text(d, s), t->threshold);
			else if (i == 2)
				put_signers(side_text(d, s), t->signers, t->n_signers);
			else
				put_signers(side_text(d, s), t->online, t->n_online);
		}
		describe_both(d, labels[i]);
	}
}

void impact_describe(const struct impact *im, const struct impact_item *item, impact_put *put, void *ctx)
{
	struct describer d = {.put = put, .ctx = ctx};
	int side = item->before == NONE;

	switch (item->kind) {
	case IMPACT_SETTINGS:
		describe_settings(&d, im, item);
		break;
	case IMPACT_TRUST:
		describe_trust(&d, im, item);
		break;
	case IMPACT_CIDR:
		describe_cidr(&d, im, item);
		break;
	case IMPACT_PEER:
		describe_peer(&d, im, item);
		break;
	case IMPACT_ASSOCIATION:
		put_ends(side_text(&d, side), side ? im->after : im->before, side ? item->after : item->before);
		describe_flush(&d, "joins");
		break;
	case IMPACT_TEST:
		buf_str(side_text(&d, side), item->text);
		describe_flush(&d, "test");
		break;
	case IMPACT_REUSE:
		buf_ips(side_text(&d, side), &(side ? im->after : im->before)->reuse[side ? item->after : item->before],
			1);
		describe_flush(&d, "address");
		break;
	}
	for (int s = 0; s < 2; s++)
		buf_free(&d.text[s]);
}
