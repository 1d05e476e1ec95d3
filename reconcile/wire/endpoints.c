#include "reconcile/wire/endpoints.h"

#include <stdlib.h>
#include <string.h>

bool endpoints_eq(const struct endpoints *a, const struct endpoints *b)
{
	for (unsigned i = 0; a->n == b->n && i < a->n; i++) {
		if (!sockpoint_eq(&a->at[i], &b->at[i]))
			return false;
	}
	return a->n == b->n;
}

static bool has(const struct endpoints *e, const struct sockpoint *at)
{
	for (unsigned i = 0; i < e->n; i++) {
		if (sockpoint_eq(&e->at[i], at))
			return true;
	}
	return false;
}

static void add(struct endpoints *e, const struct sockpoint *at)
{
	if (e->n < CANDIDATES_MAX && !has(e, at))
		e->at[e->n++] = *at;
}

void endpoints_write(struct buf *out, const struct endpoints *e)
{
	buf_str(out, "innernet-endpoints 1\n");
	for (unsigned i = 0; i < e->n; i++) {
		buf_str(out, "endpoint ");
		buf_sockpoints(out, &e->at[i], 1);
		buf_char(out, '\n');
	}
	buf_str(out, "end\n");
}

static bool read_endpoints(struct text *t, struct endpoints *out)
{
	struct sockpoint at;

	while (text_take(t, "endpoint")) {
		if (t->n != 2)
			return text_fail(t, "a line with too few or too many words");
		if (!text_sockpoint(t, 1, &at))
			return false;
		if (has(out, &at))
			return text_fail(t, "an endpoint that is there twice");
		if (out->n == CANDIDATES_MAX)
			return text_fail(t, "more endpoints than a peer may report");
		out->at[out->n++] = at;
	}
	return text_need(t, "end", 1) && text_end(t);
}

int endpoints_parse(struct span bytes, struct endpoints *out, struct diags *d)
{
	struct text t;

	*out = (struct endpoints){0};
	if (text_open(&t, bytes, "innernet-endpoints") && read_endpoints(&t, out))
		return 0;
	*out = (struct endpoints){0};
	return text_report(&t, d, "bad-endpoints", "the report");
}

bool endpoint_is_any_host(const struct sockpoint *at)
{
	static const struct addr any6, any4 = {.b = {[10] = 0xff, [11] = 0xff}};

	return at->port && !at->scope && (!addr_cmp(&at->ip, &any6) || !addr_cmp(&at->ip, &any4));
}

static bool within(const struct prefix *p, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++) {
		if (prefix_has(&p[i], a))
			return true;
	}
	return false;
}

int endpoints_check(const struct endpoints *e, const struct prefix *root, unsigned n_root, struct diags *d)
{
	char text[SOCKPOINT_STR_LEN];

	for (unsigned i = 0; i < e->n; i++) {
		if (endpoint_is_any_host(&e->at[i]) || hint_usable(root, n_root, &e->at[i]))
			continue;
		sockpoint_format(&e->at[i], text);
		diag_error(d, "bad-endpoints", NULL,
			   within(root, n_root, &e->at[i].ip) ? "%s is an address within the network itself"
							      : "%s is no address that another machine could reach",
			   text);
		return -1;
	}
	return 0;
}

void endpoints_resolve(const struct endpoints *e, const struct sockpoint *seen, struct endpoints *out)
{
	struct endpoints done = {0};

	for (unsigned i = 0; i < e->n; i++) {
		const struct sockpoint there = {.ip = seen->ip, .port = e->at[i].port};

		if (!endpoint_is_any_host(&e->at[i]))
			add(&done, &e->at[i]);
		else if (seen->port)
			add(&done, &there);
	}
	*out = done;
}

static int address_cmp(const void *x, const void *y)
{
	const struct local_address *a = x, *b = y;

	if (a->preferred != b->preferred)
		return a->preferred ? -1 : 1;
	if (a->temporary != b->temporary)
		return a->temporary ? 1 : -1;
	return addr_cmp(&a->ip, &b->ip);
}

static bool reportable(const struct report_rules *rules, const struct sockpoint *at)
{
	static const struct prefix global6 = {.base = {.b = {0x20}}, .len = 3};

	return hint_usable(rules->root, rules->n_root, at) && !within(rules->exclude, rules->n_exclude, &at->ip) &&
	       (addr_is_v4(&at->ip) || prefix_has(&global6, &at->ip));
}

void endpoints_choose(struct local_address *list, size_t n, const struct report_rules *rules, struct endpoints *out)
{
	*out = (struct endpoints){0};
	if (endpoint_is_any_host(&rules->override) || hint_usable(rules->root, rules->n_root, &rules->override))
		add(out, &rules->override);
	if (rules->no_addresses || !rules->port)
		return;
	if (n > 1)
		qsort(list, n, sizeof(*list), address_cmp);
	for (size_t i = 0; i < n; i++) {
		const struct sockpoint at = {.ip = list[i].ip, .port = rules->port};

		if (reportable(rules, &at))
			add(out, &at);
	}
}

void knock_write(struct buf *out, const struct key *key)
{
	buf_str(out, "innernet-knock 1\nkey ");
	buf_key(out, key);
	buf_str(out, "\nend\n");
}

int knock_parse(struct span bytes, struct key *out, struct diags *d)
{
	struct text t;

	if (text_open(&t, bytes, "innernet-knock") && text_need(&t, "key", 2) && text_key(&t, 1, out) &&
	    text_need(&t, "end", 1) && text_end(&t))
		return 0;
	return text_report(&t, d, "bad-knock", "the knock");
}
