#include "cmd/innernet/edit/ask.h"
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/edit/words.h"
#include "cmd/prompt.h"

#include <string.h>
#include <unistd.h>

static bool is_missing(const struct edit_job *job, const struct edit_ask *a)
{
	return !option_given(job->inv, a->option) && !(a->unless && option_given(job->inv, a->unless));
}

static bool is_needed(const struct edit_job *job, const struct edit_ask *a)
{
	if (a->with && option_given(job->inv, a->with))
		return !option_given(job->inv, a->option);
	return !a->optional && is_missing(job, a);
}

bool edit_ask_needed(const struct edit_job *job)
{
	for (const struct edit_ask *a = job->command->asks; a->option; a++)
		if (is_needed(job, a))
			return true;
	return false;
}

/* Writes "--ip ADDRESS", without the optional "[,ADDRESS6]". */
static void put_option(const struct edit_job *job, const char *name, struct buf *out)
{
	const struct option_spec *o = job->inv->command->options;

	while (o->name && strcmp(o->name, name) != 0)
		o++;
	buf_printf(out, "--%s %.*s", name, (int)strcspn(o->arg, "["), o->arg);
}

/* Writes the alternative option with the options that it needs: " (or --auto-ip --cidr CIDR)". */
static void put_other_way(const struct edit_job *job, const struct edit_ask *a, struct buf *out)
{
	buf_printf(out, " (or --%s", a->unless);
	for (const struct edit_ask *b = job->command->asks; b->option; b++) {
		if (!b->with || strcmp(b->with, a->unless) != 0 || option_given(job->inv, b->option))
			continue;
		buf_char(out, ' ');
		put_option(job, b->option, out);
	}
	buf_char(out, ')');
}

int edit_ask_missing(const struct edit_job *job)
{
	struct buf missing = {0};
	int rc = 0;

	for (const struct edit_ask *a = job->command->asks; a->option; a++) {
		if (!is_needed(job, a))
			continue;
		buf_str(&missing, missing.n ? ", " : "");
		put_option(job, a->option, &missing);
		if (a->with && option_given(job->inv, a->with))
			buf_printf(&missing, " (%s)", a->reason);
		else if (a->unless)
			put_other_way(job, a, &missing);
	}
	if (missing.n)
		rc = usage_error(job->inv, "%s: something is missing: %s", job->inv->command->name, missing.p);
	buf_free(&missing);
	return rc;
}

/* ---- typed answers -------------------------------------------------------------------------------------------- */

/* The context of a check. */
struct checked {
	const struct model *model;
	const char *(*check)(struct checked *c, const char *text);
	char text[160]; /* buffer for an error text */
};

static const char *check_new_name(struct checked *c, const char *text)
{
	if (!name_valid(text, strlen(text)))
		return "A host name: lower case letters, digits and hyphens, at most 63.";
	if (model_peer_by_name(c->model, text) != NONE || model_cidr_by_name(c->model, text) != NONE)
		return "This name is taken.";
	return NULL;
}

static const char *check_prefix(struct checked *c, const char *text)
{
	struct prefix prefix[2], fixed;
	char right[PREFIX_STR_LEN];
	uint8_t n;
	int bad = edit_read_prefixes(text, prefix, &n, &fixed);

	if (bad != PREFIX_HOST_BITS)
		return bad ? "A prefix, as in 10.60.64.0/24, or one of each family." : NULL;
	prefix_format(&fixed, right);
	snprintf(c->text, sizeof(c->text), "It has bits set after its length; did you mean %s?", right);
	return c->text;
}

static const char *check_address(struct checked *c, const char *text)
{
	struct addr ip[2];
	uint8_t n;

	if (edit_read_ips(text, ip, &n))
		return "An address, or one of each family, as in 10.60.64.3,fd00:60::3.";
	for (unsigned i = 0; i < n; i++)
		if (model_peer_by_addr(c->model, &ip[i]) != NONE)
			return "A peer has this address already.";
	return NULL;
}

static const char *check_expiry(struct checked *c, const char *text)
{
	int64_t seconds;

	(void)c;
	return edit_read_expiry(text, &seconds) ? "A number and m, h, d or w, as in 14d, or never." : NULL;
}

static const char *check_invitation(struct checked *c, const char *text)
{
	(void)c;
	if (!*text)
		return "The name of a file.";
	return access(text, F_OK) == 0 ? "This file exists already." : NULL;
}

static const char *check_endpoint(struct checked *c, const char *text)
{
	struct arena *a = arena_new();
	bool good = a && endpoint_canonical(a, text, strlen(text));

	(void)c;
	arena_free(a);
	return good ? NULL : "A host and a port, as in vpn.example.com:51820.";
}

/* Writes the lowest free address of each family of --cidr, "10.60.64.3,fd00:60::3"; nothing when the CIDR is full. */
static void preset_address(const struct edit_job *job, struct buf *out)
{
	const struct model *m = job->before;
	const struct ledger_facts *facts = job->ledger ? ledger_facts(job->ledger) : NULL;
	const char *name = option_value(job->inv, "cidr");
	uint32_t cidr = name ? model_cidr_by_name(m, name) : NONE;
	char text[ADDR_STR_LEN];
	struct addr ip;

	for (unsigned i = 0; cidr != NONE && i < m->cidrs[cidr].n_prefixes; i++) {
		int family = prefix_is_v4(&m->cidrs[cidr].prefix[i]) ? 0 : 1;
		if (facts ? ledger_next_free(m, facts, cidr, family, &ip) : model_next_free(m, cidr, family, &ip)) {
			buf_reset(out);
			return;
		}
		addr_format(&ip, text);
		buf_printf(out, "%s%s", i ? "," : "", text);
	}
}

#define PREFIXES_TRIED 4096

/* Finds the next free prefix of one family in the network, with the length of the newest CIDR's prefix. */
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
		/* Add 1 at the last bit of the prefix. */
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

static void preset_prefix(const struct edit_job *job, struct buf *out)
{
	const struct cidr *root = &job->before->cidrs[0];
	char text[PREFIX_STR_LEN];
	struct prefix p;

	for (unsigned i = 0; i < root->n_prefixes; i++) {
		if (!next_prefix(job->before, prefix_is_v4(&root->prefix[i]), &p)) {
			buf_reset(out);
			return;
		}
		prefix_format(&p, text);
		buf_printf(out, "%s%s", i ? "," : "", text);
	}
}

static void preset_expiry(const struct edit_job *job, struct buf *out)
{
	(void)job;
	buf_str(out, EDIT_EXPIRY_DEFAULT);
}

static void preset_invitation(const struct edit_job *job, struct buf *out)
{
	const char *name = option_value(job->inv, "name");
	buf_printf(out, "%s.yaml", name ? name : "invitation");
}

static void preset_endpoint(const struct edit_job *job, struct buf *out)
{
	const char *name = option_value(job->inv, "name");
	uint32_t i = name ? model_peer_by_name(job->before, name) : NONE;

	if (i != NONE && job->before->peers[i].endpoint)
		buf_str(out, job->before->peers[i].endpoint);
}

/* ---- chosen answers ------------------------------------------------------------------------------------------- */

static bool any_peer(const struct peer *p)
{
	(void)p;
	return true;
}

static bool enabled_peer(const struct peer *p)
{
	return !p->disabled;
}

static bool disabled_peer(const struct peer *p)
{
	return p->disabled;
}

/* Returns whether an association joins `cidr` with `other`, or with any CIDR when `other` is NONE. */
static bool joins(const struct model *m, uint32_t cidr, uint32_t other)
{
	for (uint32_t i = 0; i < m->n_associations; i++) {
		const struct association *a = &m->associations[i];
		if ((a->a == cidr && (other == NONE || a->b == other)) ||
		    (a->b == cidr && (other == NONE || a->a == other)))
			return true;
	}
	return false;
}

static bool any_cidr(const struct edit_job *job, uint32_t cidr)
{
	(void)job;
	(void)cidr;
	return true;
}

static bool cidr_below(const struct edit_job *job, uint32_t cidr)
{
	(void)job;
	return cidr != 0;
}

static bool joined_cidr(const struct edit_job *job, uint32_t cidr)
{
	return joins(job->before, cidr, NONE);
}

static bool partner_cidr(const struct edit_job *job, uint32_t cidr)
{
	const char *other = option_value(job->inv, "cidr");
	return joins(job->before, cidr, other ? model_cidr_by_name(job->before, other) : NONE);
}

/* Starts at the second CIDR: the first one is the network itself, a rare choice. */
static size_t start_below(const struct model *m, size_t n)
{
	(void)m;
	return n > 1;
}

/* Starts at the CIDR with the most peers that has no server. */
static size_t start_home(const struct model *m, size_t n)
{
	uint32_t best = NONE;

	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i];
		if (c->parent != NONE && !c->infra && (best == NONE || c->n_peers > m->cidrs[best].n_peers))
			best = i;
	}
	return best != NONE ? best : n > 1;
}

/*
 * How each kind is asked for. A typed answer has a check and may have a preset. A chosen answer has a filter of peers or
 * CIDRs for the list, and the index where the selection starts. A row without any of them is a yes-or-no question.
 */
static const struct ask_row {
	const char *(*check)(struct checked *c, const char *text); /* returns an error text, or NULL */
	void (*preset)(const struct edit_job *job, struct buf *out);
	bool (*peer)(const struct peer *p);
	bool (*cidr)(const struct edit_job *job, uint32_t cidr);
	size_t (*start)(const struct model *m, size_t n); /* NULL: at the first */
} rows[N_ASK_KINDS] = {
    [ASK_NEW_NAME] = {check_new_name, NULL, NULL, NULL, NULL},
    [ASK_PEER] = {NULL, NULL, any_peer, NULL, NULL},
    [ASK_ENABLED_PEER] = {NULL, NULL, enabled_peer, NULL, NULL},
    [ASK_DISABLED_PEER] = {NULL, NULL, disabled_peer, NULL, NULL},
    [ASK_CIDR] = {NULL, NULL, NULL, any_cidr, start_below},
    [ASK_HOME] = {NULL, NULL, NULL, any_cidr, start_home},
    [ASK_CIDR_BELOW] = {NULL, NULL, NULL, cidr_below, NULL},
    [ASK_JOINED] = {NULL, NULL, NULL, joined_cidr, NULL},
    [ASK_PARTNER] = {NULL, NULL, NULL, partner_cidr, NULL},
    [ASK_PREFIX] = {check_prefix, preset_prefix, NULL, NULL, NULL},
    [ASK_ENDPOINT] = {check_endpoint, preset_endpoint, NULL, NULL, NULL},
    [ASK_ADDRESS] = {check_address, preset_address, NULL, NULL, NULL},
    [ASK_EXPIRY] = {check_expiry, preset_expiry, NULL, NULL, NULL},
    [ASK_INVITATION] = {check_invitation, preset_invitation, NULL, NULL, NULL},
    [ASK_YES_NO] = {NULL, NULL, NULL, NULL, NULL},
};

/* Adds the answer to the command line as an option. */
static int answer(struct edit_job *job, const char *option, const char *value)
{
	const char *copy = arena_strdup(job->arena, value);

	if (copy && option_add(job->inv, option, copy) == 0)
		return 0;
	return diags_out_of_memory(&job->diags);
}

static const char *check_answer(void *ctx, const char *text)
{
	struct checked *c = ctx;
	return c->check(c, text);
}

static int ask_line(struct edit_job *job, const struct edit_ask *a, const struct ask_row *row)
{
	struct checked checked = {.model = job->before, .check = row->check};
	char text[PROMPT_MAX];
	struct buf preset = {0};
	int rc;

	if (row->preset)
		row->preset(job, &preset);
	rc = prompt_line(a->question, preset.n ? preset.p : NULL, check_answer, &checked, text);
	buf_free(&preset);
	return rc ? 1 : answer(job, a->option, text);
}

/* A list of peers or CIDRs, each with its address or prefix. */
struct menu {
	const char **lines, **names;
	size_t n;
};

static void menu_add(struct edit_job *job, struct menu *m, const char *name, const char *about)
{
	m->names[m->n] = name;
	m->lines[m->n] = arena_printf(job->arena, "%s  (%s)", name, about);
	if (m->lines[m->n])
		m->n++;
}

static int menu_fill(struct edit_job *job, const struct ask_row *row, struct menu *menu)
{
	const struct model *m = job->before;
	size_t n = row->cidr ? m->n_cidrs : m->n_peers;
	char text[PREFIX_STR_LEN];

	menu->lines = arena_array(job->arena, n + 1, sizeof(*menu->lines));
	menu->names = arena_array(job->arena, n + 1, sizeof(*menu->names));
	if (!menu->lines || !menu->names)
		return -1;
	for (uint32_t i = 0; row->cidr && i < m->n_cidrs; i++) {
		prefix_format(&m->cidrs[i].prefix[0], text);
		if (row->cidr(job, i))
			menu_add(job, menu, m->cidrs[i].name, text);
	}
	for (uint32_t i = 0; row->peer && i < m->n_peers; i++) {
		addr_format(&m->peers[i].ip[0], text);
		if (row->peer(&m->peers[i]))
			menu_add(job, menu, m->peers[i].name, text);
	}
	return 0;
}

static int ask_from_menu(struct edit_job *job, const struct edit_ask *a, const struct ask_row *row)
{
	struct menu menu = {0};
	size_t chosen;

	if (menu_fill(job, row, &menu))
		return diags_out_of_memory(&job->diags);
	if (!menu.n) {
		diag_error(&job->diags, "unknown-name", NULL, "%s has no entry to choose for --%s",
			   job->before->files[0], a->option);
		return -1;
	}
	if (prompt_choose(a->question, menu.lines, menu.n, row->start ? row->start(job->before, menu.n) : 0, &chosen))
		return 1;
	return answer(job, a->option, menu.names[chosen]);
}

static int ask_yes_no(struct edit_job *job, const struct edit_ask *a)
{
	static const char *const choices[] = {"no", "yes"};
	size_t chosen;

	if (prompt_choose(a->question, choices, 2, 0, &chosen))
		return 1;
	return chosen ? answer(job, a->option, "") : 0;
}

/* Asks for one option. Returns 0, 1 when the user cancels, or -1 with diagnostics. */
static int ask_one(struct edit_job *job, const struct edit_ask *a)
{
	const struct ask_row *row = &rows[a->kind];

	if (row->check)
		return ask_line(job, a, row);
	return row->peer || row->cidr ? ask_from_menu(job, a, row) : ask_yes_no(job, a);
}

int edit_ask(struct edit_job *job)
{
	for (const struct edit_ask *a = job->command->asks; a->option; a++) {
		int rc = is_missing(job, a) ? ask_one(job, a) : 0;
		if (rc > 0)
			fputs("Nothing was changed.\n", stderr);
		if (rc)
			return 1;
	}
	return 0;
}
