/* What the renderings of an impact share: how things are called, and what differs about each. */
#include "reconcile/impact/impact.h"

#include "reconcile/text/text.h"
#include "schema/attributes.h"
#include "schema/utf8.h"

#include <string.h>

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
		buf_range(out, &m->reuse[i]);
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

const char *impact_cut_text(enum cut_reason reason)
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

static void put_attribute(struct describer *d, int side, const struct key_spec *k, const void *thing)
{
	if (!thing || !attribute_given(k, thing))
		return;
	if (k->member == MEMBER_TEXT)
		buf_visible(side_text(d, side), span_str(attribute_text(k, thing)));
	else
		attribute_write(side_text(d, side), k, thing);
}

/* The attributes in which two things differ; those of the one that is there, when the other is NULL. */
static void describe_attributes(struct describer *d, enum key_place place, const void *x, const void *y)
{
	const struct key_spec *k;

	for (size_t i = 0; (k = attribute_next(place, &i));) {
		if (x && y && attribute_same(k, x, y))
			continue;
		put_attribute(d, 0, k, x);
		put_attribute(d, 1, k, y);
		describe_flush(d, k->name);
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
	const struct peer *side[2] = {peer_at(im->before, item->before), peer_at(im->after, item->after)};
	const struct peer *x = side[0], *y = side[1];
	bool change = x && y;

	if (change && strcmp(x->name, y->name) != 0) {
		buf_str(side_text(d, 0), x->name);
		buf_str(side_text(d, 1), y->name);
		describe_flush(d, "name");
	}
	if (!change || !addrs_same(x->ip, x->n_ips, y->ip, y->n_ips)) {
		for (int s = 0; s < 2; s++)
			if (side[s])
				buf_ips(side_text(d, s), side[s]->ip, side[s]->n_ips);
		describe_flush(d, "ip");
	}
	if (!change || im->cidr_after[x->cidr] != y->cidr) {
		if (x)
			buf_str(side_text(d, 0), im->before->cidrs[x->cidr].name);
		if (y)
			buf_str(side_text(d, 1), im->after->cidrs[y->cidr].name);
		describe_flush(d, "in");
	}
	if (!change || !peer_same_mark(x, y))
		peer_keys(d, x, y);
	describe_attributes(d, IN_PEER, x, y);
}

static void describe_cidr(struct describer *d, const struct impact *im, const struct impact_item *item)
{
	const struct cidr *side[2] = {cidr_at(im->before, item->before), cidr_at(im->after, item->after)};
	const struct cidr *x = side[0], *y = side[1];
	bool change = x && y;

	/* The root's name is the network's, which is one of the settings. */
	if (change && y->parent != NONE && strcmp(x->name, y->name) != 0) {
		buf_str(side_text(d, 0), x->name);
		buf_str(side_text(d, 1), y->name);
		describe_flush(d, "name");
	}
	if (!change || !prefixes_same(x->prefix, x->n_prefixes, y->prefix, y->n_prefixes)) {
		for (int s = 0; s < 2; s++)
			if (side[s])
				buf_prefixes(side_text(d, s), side[s]->prefix, side[s]->n_prefixes);
		describe_flush(d, "cidr");
	}
	describe_attributes(d, IN_CIDR, x, y);
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
	const struct model *x = item->before == NONE ? NULL : im->before, *y = item->after == NONE ? NULL : im->after;

	describe_attributes(d, IN_ROOT, x, y);
	describe_attributes(d, IN_DEFAULTS, x, y);
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
	const struct trust *x = item->before == NONE ? NULL : &im->before->trust;
	const struct trust *y = item->after == NONE ? NULL : &im->after->trust;
	const struct trust *side[2] = {x, y};

	for (int s = 0; s < 2; s++)
		if (side[s])
			buf_key(side_text(d, s), &side[s]->id);
	describe_both(d, "id");
	describe_attributes(d, IN_TRUST, x, y);
	for (int s = 0; s < 2; s++)
		if (side[s])
			put_signers(side_text(d, s), side[s]->signers, side[s]->n_signers);
	describe_both(d, "signers");
	for (int s = 0; s < 2; s++)
		if (side[s])
			put_signers(side_text(d, s), side[s]->online, side[s]->n_online);
	describe_both(d, "online");
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
		buf_range(side_text(&d, side),
			  &(side ? im->after : im->before)->reuse[side ? item->after : item->before]);
		describe_flush(&d, "address");
		break;
	}
	for (int s = 0; s < 2; s++)
		buf_free(&d.text[s]);
}
