/* What an edit needs and was not told: asked for at a terminal, with choices and defaults, or named in an error. */
#include "cmd/innernet/edit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec *spec_of(const struct edit_job *job, const char *name)
{
	const struct option_spec *o = job->inv->command->options;
	while (o->name && strcmp(o->name, name) != 0)
		o++;
	return o;
}

static bool is_missing(const struct edit_job *job, const struct ask *a)
{
	return !option_given(job->inv, a->option) && !(a->unless && option_given(job->inv, a->unless));
}

int edit_missing(const struct edit_job *job, const struct edit_command *c)
{
	struct buf missing = {0};
	int rc = 0;

	for (const struct ask *a = c->asks; a->option; a++) {
		if (a->optional || !is_missing(job, a))
			continue;
		const char *arg = spec_of(job, a->option)->arg; /* its first part: ADDRESS[,ADDRESS6] */
		buf_printf(&missing, "%s--%s %.*s", missing.n ? ", " : "", a->option, (int)strcspn(arg, "["), arg);
		if (a->kind == ASK_ADDRESS && !option_given(job->inv, "cidr"))
			buf_str(&missing, " (or --auto-ip --cidr CIDR)");
		else if (a->unless && a->kind != ASK_HOME)
			buf_printf(&missing, " (or --%s)", a->unless);
	}
	if (option_given(job->inv, "auto-ip") && !option_given(job->inv, "cidr"))
		buf_printf(&missing, "%s--cidr CIDR (where --auto-ip looks for an address)", missing.n ? ", " : "");
	if (missing.n)
		rc = usage_error(job->inv, "%s: something is missing: %s", c->command->name, missing.p);
	buf_free(&missing);
	return rc;
}

/* The answer becomes an option, as if it had been typed. */
static int answer(struct edit_job *job, const char *option, const char *value)
{
	struct invocation *inv = job->inv;
	const char *copy = arena_strdup(job->arena, value);

	if (!copy || inv->n_options == OPTIONS_MAX) {
		job->diags.out_of_memory = true;
		return -1;
	}
	inv->names[inv->n_options] = option;
	inv->values[inv->n_options++] = copy;
	return 0;
}

/* What a typed answer is checked with. */
struct checked {
	const struct edit_job *job;
	enum ask_kind kind;
	char text[160];
};

static const char *wrong(struct checked *c, const char *text)
{
	strncpy(c->text, text, sizeof(c->text) - 1);
	return c->text;
}

int prefixes_parse(const char *s, struct prefix out[static 2], uint8_t *n, struct prefix *fixed)
{
	for (*n = 0; *s && *n < 2; ++*n) {
		size_t len = strcspn(s, ",");
		enum prefix_error e = prefix_parse(s, len, &out[*n]);
		if (e == PREFIX_HOST_BITS && fixed)
			*fixed = out[*n];
		if (e)
			return e;
		s += len + (s[len] == ',');
	}
	return *s || !*n ? PREFIX_SYNTAX : PREFIX_OK;
}

static const char *check_answer(void *ctx, const char *text)
{
	struct checked *c = ctx;
	const struct model *m = c->job->before;
	struct addr ip[2];
	struct prefix prefix[2], fixed;
	struct arena *a;
	int64_t seconds;
	uint8_t n;

	switch (c->kind) {
	case ASK_NEW_PEER:
	case ASK_NEW_CIDR:
		if (!name_valid(text, strlen(text)))
			return "A host name: lower case letters, digits and hyphens, at most 63.";
		if (model_peer_by_name(m, text) != NONE || model_cidr_by_name(m, text) != NONE)
			return "This name is taken.";
		return NULL;
	case ASK_PREFIX:
		if (prefixes_parse(text, prefix, &n, &fixed) == PREFIX_HOST_BITS) {
			char right[PREFIX_STR_LEN];
			struct buf b = {0};
			prefix_format(&fixed, right);
			buf_printf(&b, "It has bits set after its length; did you mean %s?", right);
			const char *said = wrong(c, b.p ? b.p : "");
			buf_free(&b);
			return said;
		}
		return prefixes_parse(text, prefix, &n, NULL) ? "A prefix, as in 10.60.64.0/24, or one of each family."
							      : NULL;
	case ASK_ADDRESS:
		if (ips_parse(text, ip, &n))
			return "An address, or one of each family, as in 10.60.64.3,fd00:60::3.";
		for (unsigned i = 0; i < n; i++)
			if (model_peer_by_addr(m, &ip[i]) != NONE)
				return "A peer has this address already.";
		return NULL;
	case ASK_EXPIRY:
		return expiry_parse(text, &seconds) ? "A number and m, h, d or w, as in 14d, or never." : NULL;
	case ASK_INVITATION:
		if (!*text)
			return "The name of a file.";
		return access(text, F_OK) == 0 ? "This file is there already." : NULL;
	case ASK_ENDPOINT:
		a = arena_new();
		bool good = a && endpoint_canonical(a, text, strlen(text));
		arena_free(a);
		return good ? NULL : "A host and a port, as in vpn.example.com:51820.";
	default:
		return NULL;
	}
}

/* "10.60.64.3" or "10.60.64.3,fd00:60::3": the next free ones of a CIDR. Empty: it is full. */
static void next_addresses(const struct edit_job *job, uint32_t cidr, struct buf *out)
{
	const struct model *m = job->before;
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	const struct cidr *c = &m->cidrs[cidr];
	char text[ADDR_STR_LEN];
	struct addr ip;

	for (unsigned i = 0; i < c->n_prefixes; i++) {
		int family = prefix_is_v4(&c->prefix[i]) ? 0 : 1;
		if (facts ? ledger_next_free(m, facts, cidr, family, &ip) : model_next_free(m, cidr, family, &ip)) {
			buf_reset(out);
			return;
		}
		addr_format(&ip, text);
		buf_printf(out, "%s%s", i ? "," : "", text);
	}
}

#define PREFIXES_TRIED 4096

/* The next prefix of one family, as long as the newest, that overlaps none but the network's. */
static bool next_prefix(const struct model *m, bool v4, struct prefix *out)
{
	const struct prefix *root = NULL, *last = NULL;

	for (uint32_t i = 0; i < m->n_cidrs; i++)
		for (unsigned n = 0; n < m->cidrs[i].n_prefixes; n++)
			if (prefix_is_v4(&m->cidrs[i].prefix[n]) == v4)
				*(i ? &last : &root) = &m->cidrs[i].prefix[n];
	if (!root || root->len >= 128)
		return false;
	unsigned len = last ? last->len : root->len + 8u < 127 ? root->len + 8u : 127;
	*out = (struct prefix){root->base, (uint8_t)len};
	for (unsigned tried = 0; tried < PREFIXES_TRIED && prefix_covers(root, out); tried++) {
		bool free = true;
		for (uint32_t i = 1; i < m->n_cidrs && free; i++)
			for (unsigned n = 0; n < m->cidrs[i].n_prefixes; n++)
				free = free && !prefix_overlaps(&m->cidrs[i].prefix[n], out);
		if (free)
			return true;
		/* One more in the last bits of the prefix. */
		unsigned carry = 1u << (7 - (len - 1) % 8);
		for (unsigned i = (len - 1) / 8; carry; i--) {
			carry += out->base.b[i];
			out->base.b[i] = (uint8_t)carry;
			carry >>= 8;
			if (!i)
				break;
		}
	}
	return false;
}

static void next_prefixes(const struct model *m, struct buf *out)
{
	char text[PREFIX_STR_LEN];
	struct prefix p;

	for (unsigned i = 0; i < m->cidrs[0].n_prefixes; i++) {
		if (!next_prefix(m, prefix_is_v4(&m->cidrs[0].prefix[i]), &p)) {
			buf_reset(out);
			return;
		}
		prefix_format(&p, text);
		buf_printf(out, "%s%s", i ? "," : "", text);
	}
}

/* The default answer. NULL: there is none. */
static const char *preset_of(struct edit_job *job, enum ask_kind kind, struct buf *out)
{
	const char *name = option_value(job->inv, "name"), *cidr = option_value(job->inv, "cidr");
	uint32_t i = cidr ? model_cidr_by_name(job->before, cidr) : NONE;

	switch (kind) {
	case ASK_ADDRESS:
		if (i != NONE)
			next_addresses(job, i, out);
		break;
	case ASK_PREFIX:
		next_prefixes(job->before, out);
		break;
	case ASK_EXPIRY:
		buf_str(out, "14d");
		break;
	case ASK_INVITATION:
		buf_printf(out, "%s.yaml", name ? name : "invitation");
		break;
	case ASK_ENDPOINT:
		i = name ? model_peer_by_name(job->before, name) : NONE;
		if (i != NONE && job->before->peers[i].endpoint)
			buf_str(out, job->before->peers[i].endpoint);
		break;
	default:
		break;
	}
	return out->n ? out->p : NULL;
}

/* A list of peers or CIDRs, each with what tells it from the others. */
struct menu {
	const char **lines, **names;
	size_t n;
};

static void menu_add(struct edit_job *job, struct menu *m, const char *name, const char *about)
{
	m->names[m->n] = name;
	m->lines[m->n] = *about ? arena_printf(job->arena, "%s  (%s)", name, about) : name;
	if (m->lines[m->n])
		m->n++;
}

/* Is this CIDR joined with the other by an association? With any, when the other is NONE. */
static bool joined(const struct model *m, uint32_t cidr, uint32_t other)
{
	for (uint32_t i = 0; i < m->n_associations; i++) {
		const struct association *a = &m->associations[i];
		if ((a->a == cidr && (other == NONE || a->b == other)) ||
		    (a->b == cidr && (other == NONE || a->a == other)))
			return true;
	}
	return false;
}

static bool offered(const struct edit_job *job, enum ask_kind kind, uint32_t cidr)
{
	const char *other = option_value(job->inv, "cidr");

	if (kind == ASK_CIDR_BELOW)
		return cidr != 0;
	if (kind == ASK_JOINED || kind == ASK_PARTNER)
		return joined(job->before, cidr,
			      kind == ASK_PARTNER && other ? model_cidr_by_name(job->before, other) : NONE);
	return true;
}

static int menu_fill(struct edit_job *job, enum ask_kind kind, struct menu *menu)
{
	const struct model *m = job->before;
	bool cidrs =
	    kind == ASK_CIDR || kind == ASK_HOME || kind == ASK_CIDR_BELOW || kind == ASK_JOINED || kind == ASK_PARTNER;
	size_t n = cidrs ? m->n_cidrs : m->n_peers;
	char text[PREFIX_STR_LEN];

	menu->lines = arena_array(job->arena, n + 1, sizeof(*menu->lines));
	menu->names = arena_array(job->arena, n + 1, sizeof(*menu->names));
	if (!menu->lines || !menu->names)
		return -1;
	for (uint32_t i = 0; cidrs && i < m->n_cidrs; i++) {
		prefix_format(&m->cidrs[i].prefix[0], text);
		if (offered(job, kind, i))
			menu_add(job, menu, m->cidrs[i].name, text);
	}
	for (uint32_t i = 0; !cidrs && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		addr_format(&p->ip[0], text);
		if ((kind != ASK_ENABLED_PEER || !p->disabled) && (kind != ASK_DISABLED_PEER || p->disabled))
			menu_add(job, menu, p->name, text);
	}
	return 0;
}

/* Where the answer starts: for a new peer, where most others are that everybody need not reach. */
static size_t menu_preset(const struct edit_job *job, enum ask_kind kind, size_t n)
{
	const struct model *m = job->before;
	uint32_t best = NONE;

	/* The network itself is seldom meant where it can be chosen. */
	if (kind == ASK_CIDR)
		return n > 1;
	if (kind != ASK_HOME)
		return 0;
	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i];
		if (c->parent != NONE && !c->infra && (best == NONE || c->n_peers > m->cidrs[best].n_peers))
			best = i;
	}
	return best != NONE ? best : n > 1;
}

static int ask_from_menu(struct edit_job *job, const struct ask *a)
{
	struct menu menu = {0};
	size_t chosen;

	if (menu_fill(job, a->kind, &menu)) {
		job->diags.out_of_memory = true;
		return -1;
	}
	if (!menu.n) {
		diag_error(&job->diags, "unknown-name", NULL, "%s has none to choose for --%s", job->before->files[0],
			   a->option);
		return -1;
	}
	if (prompt_choose(a->question, menu.lines, menu.n, menu_preset(job, a->kind, menu.n), &chosen))
		return 1;
	return answer(job, a->option, menu.names[chosen]);
}

static int ask_admin(struct edit_job *job, const struct ask *a)
{
	static const char *const choices[] = {"no", "yes"};
	size_t chosen;

	if (prompt_choose(a->question, choices, 2, 0, &chosen))
		return 1;
	return chosen ? answer(job, a->option, "") : 0;
}

/* 0; 1: cancelled; -1 with diagnostics. */
static int ask_one(struct edit_job *job, const struct ask *a)
{
	struct checked checked = {.job = job, .kind = a->kind};
	char text[PROMPT_MAX];
	struct buf preset = {0};
	int rc;

	switch (a->kind) {
	case ASK_PEER:
	case ASK_ENABLED_PEER:
	case ASK_DISABLED_PEER:
	case ASK_CIDR:
	case ASK_HOME:
	case ASK_CIDR_BELOW:
	case ASK_JOINED:
	case ASK_PARTNER:
		return ask_from_menu(job, a);
	case ASK_ADMIN:
		return ask_admin(job, a);
	default:
		rc = prompt_line(a->question, preset_of(job, a->kind, &preset), check_answer, &checked, text);
		buf_free(&preset);
		return rc ? 1 : answer(job, a->option, text);
	}
}

int edit_ask(struct edit_job *job, const struct edit_command *c)
{
	for (const struct ask *a = c->asks; a->option; a++) {
		int rc = is_missing(job, a) ? ask_one(job, a) : 0;
		if (rc > 0)
			fputs("Nothing was changed.\n", stderr);
		if (rc)
			return 1;
	}
	return 0;
}
