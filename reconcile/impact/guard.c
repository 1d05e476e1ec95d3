#include "reconcile/impact/guard.h"

#include <string.h>
#include <strings.h>

const struct guard_limits guard_defaults = {
    .peers = {.most = 50, .percent = 20, .free = 2},
    .pairs = {.most = 100000, .percent = 30, .free = 50},
    .keep_admin = true,
    .formats_days = 30,
};

/* An error, or a warning when the trailer acknowledges it. */
static struct diag *refuse(struct diags *d, bool accepted, const char *code, const char *id, const char *what)
{
	struct diag *g;

	if (accepted) {
		g = diag_warning(d, code, NULL, "%s", what);
		diag_note(d, g, NULL, "acknowledged by the trailer " ACCEPT_TRAILER ": %s", id);
	} else {
		g = diag_error(d, code, NULL, "%s", what);
		diag_help(d, g,
			  "when this is meant, say so in the last paragraph of the commit's message: " ACCEPT_TRAILER
			  ": %s",
			  id);
	}
	return g;
}

static void check_limit(const struct guard_limit *l, uint64_t lost, uint64_t before, const char *code, const char *verb,
			const char *noun, const char *of, const struct impact *im, bool accepted, struct diags *d)
{
	struct buf what = {0};
	unsigned long long n = lost, all = before;
	const char *s = n == 1 ? "" : "s";

	if (lost > l->most)
		buf_printf(&what, "this revision %s %llu %s%s%s of %llu, and %llu is the most", verb, n, noun, s, of,
			   all, (unsigned long long)l->most);
	else if (lost > l->free && before && lost > before / 100 * l->percent + before % 100 * l->percent / 100)
		buf_printf(&what, "this revision %s %llu %s%s%s of %llu, more than %llu %%", verb, n, noun, s, of, all,
			   (unsigned long long)l->percent);
	if (what.n)
		refuse(d, accepted, code, im->id, what.p);
	if (what.failed)
		diags_out_of_memory(d);
	buf_free(&what);
}

#define NAMES_MAX 10 /* of peers that are left behind; the rest are counted */

static void check_formats(unsigned days, const struct impact *im, bool accepted, struct diags *d)
{
	const struct left_behind *left = &im->left;
	struct buf what = {0};
	struct diag *g;

	if (!left->n)
		return;
	buf_printf(&what,
		   "this revision needs format %u, which %u peer%s that polled in the last %u day%s cannot read: ",
		   left->format, left->n, left->n == 1 ? "" : "s", days, days == 1 ? "" : "s");
	for (uint32_t i = 0; i < left->n && i < NAMES_MAX; i++)
		buf_printf(&what, "%s%s", i ? ", " : "", im->after->peers[left->peers[i]].name);
	if (left->n > NAMES_MAX)
		buf_printf(&what, " and %u more", left->n - NAMES_MAX);
	if (what.failed) {
		diags_out_of_memory(d);
	} else {
		g = refuse(d, accepted, "guard-formats", im->id, what.p);
		diag_note(d, g, NULL, "%s keeps the network that it has until a newer innernet is installed there",
			  left->n == 1 ? "it" : "each");
	}
	buf_free(&what);
}

void guard_outright(const struct model *published, const struct model *m, struct diags *d)
{
	unsigned long long was = published->epoch, is = m->epoch;
	struct diag *e;

	if (strcmp(m->network, published->network)) {
		e = diag_error(d, "network-changed", &m->at_network, "the network '%s' is called '%s' here",
			       published->network, m->network);
		diag_help(d, e, "a network keeps its name; `innernet-reconcile init` makes another one");
	}
	if (published->trust.present && !(m->trust.present && key_eq(&m->trust.id, &published->trust.id))) {
		e = diag_error(d, "network-changed", &m->trust.at, "`trust: id:` is %s",
			       m->trust.present ? "that of another network" : "gone");
		diag_help(d, e, "put the id back that `innernet-reconcile init` wrote");
	}
	if (is < was) {
		e = diag_error(d, "epoch-back", NULL, "the epoch is %llu, and %llu was published", is, was);
		diag_help(d, e, "set `epoch: %llu`", was);
	} else if (is > was + 1) {
		e = diag_error(d, "epoch-jump", NULL, "the epoch rises from %llu to %llu", was, is);
		diag_help(d, e, "an epoch rises by one: set `epoch: %llu`", was + 1);
	}
}

unsigned guard_check(const struct guard_limits *limits, const struct impact *im, bool accepted, struct diags *d)
{
	size_t before = d->n_errors;
	struct diag *e;

	if (!im->before)
		return 0;
	if (im->server_lost) {
		e = diag_error(d, "guard-server", NULL, "no server stays as it was: every peer would be cut off");
		diag_help(d, e, "add the new server first, and remove the old one in a later revision");
	}
	if (im->admin_lost && (!limits || limits->keep_admin)) {
		e = diag_error(d, "guard-admin", NULL, "this revision takes the last admin away");
		diag_help(d, e, "make another peer an admin in the same revision or before it");
	}
	if (!limits)
		return (unsigned)(d->n_errors - before);
	if (im->trust_changed)
		refuse(d, accepted, "guard-trust", im->id,
		       "this revision changes the keys whose signatures peers believe");
	check_limit(&limits->peers, im->n_cut, im->peers_before, "guard-peers", "cuts off", "peer", "", im, accepted,
		    d);
	check_limit(&limits->pairs, im->pairs_lost, im->pairs_before, "guard-pairs", "parts", "pair", " of peers", im,
		    accepted, d);
	check_formats(limits->formats_days, im, accepted, d);
	return (unsigned)(d->n_errors - before);
}

static struct span next_line(struct span *text)
{
	const uint8_t *nl = text->n ? memchr(text->p, '\n', text->n) : NULL;
	struct span line = {text->p, nl ? (size_t)(nl - text->p) : text->n};
	size_t skip = nl ? line.n + 1 : line.n;

	text->p += skip;
	text->n -= skip;
	while (line.n && strchr(" \t\r", line.p[line.n - 1]))
		line.n--;
	return line;
}

/* The id itself, with or without the hyphens. */
static bool same_id(struct span s, const char *id)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	for (; s.n && *id; s.p++, s.n--) {
		if (*id == '-') {
			id++;
			if (*s.p == '-')
				continue;
		}
		if (*s.p != (uint8_t)*id++)
			return false;
	}
	return !s.n && !*id;
}

bool guard_accepted(struct span message, const char *id)
{
	static const char name[] = ACCEPT_TRAILER ":";
	bool found = false, first = true, any = false;

	/* Each empty line starts another paragraph; empty lines at the end start none. */
	while (message.n) {
		struct span line = next_line(&message);
		if (!line.n) {
			first = any ? false : first;
			any = false;
			continue;
		}
		if (!any)
			found = false;
		any = true;
		if (!first && line.n > sizeof(name) - 1 && !strncasecmp((const char *)line.p, name, sizeof(name) - 1) &&
		    same_id((struct span){line.p + sizeof(name) - 1, line.n - (sizeof(name) - 1)}, id))
			found = true;
	}
	return found;
}

int guard_judge(struct arena *a, const struct guard_limits *limits, const struct model *published,
		const struct model *m, const struct ledger_facts *facts, struct span message,
		const struct guard_formats *formats, struct impact **plan, struct diags *d)
{
	const unsigned days = limits && formats ? limits->formats_days : 0;

	struct impact *im = impact_new(a, published, m, facts);

	if (plan)
		*plan = im;
	if (!im || (days && impact_leave_behind(a, im, formats->before, formats->after, formats->readers,
						formats->now - (int64_t)days * 86400) < 0)) {
		return diags_out_of_memory(d);
	}
	return guard_check(limits, im, message.p && guard_accepted(message, im->id), d) ? -1 : 0;
}
