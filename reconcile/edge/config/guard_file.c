#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/base/file.h"

#include <stdio.h>
#include <string.h>

#define TEXT(name)                                                                                                     \
	CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_guards, name, 1, 32)
const cyaml_schema_field_t guard_fields[] = {
    TEXT(peers),      TEXT(peers_percent), TEXT(peers_free),   TEXT(pairs),     TEXT(pairs_percent),
    TEXT(pairs_free), TEXT(keep_admin),    TEXT(formats_days), CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_guards, guard_fields),
};

static int take(const struct config_at *at, const char *field, const char *s, uint64_t max, uint64_t *out)
{
	return s ? config_number(at, field, s, 0, max, out) : 0;
}

int guard_values(const struct config_at *at, const struct raw_guards *raw, struct guard_limits *out)
{
	uint64_t peers_percent = guard_defaults.peers.percent, pairs_percent = guard_defaults.pairs.percent;
	uint64_t formats_days = guard_defaults.formats_days;
	const uint64_t any = (uint64_t)PEERS_MAX * PEERS_MAX;
	int bad = 0;

	*out = guard_defaults;
	bad |= take(at, "peers", raw->peers, any, &out->peers.most);
	bad |= take(at, "peers_percent", raw->peers_percent, 100, &peers_percent);
	bad |= take(at, "peers_free", raw->peers_free, any, &out->peers.free);
	bad |= take(at, "pairs", raw->pairs, any, &out->pairs.most);
	bad |= take(at, "pairs_percent", raw->pairs_percent, 100, &pairs_percent);
	bad |= take(at, "pairs_free", raw->pairs_free, any, &out->pairs.free);
	bad |= take(at, "formats_days", raw->formats_days, FORMATS_DAYS_MAX, &formats_days);
	out->formats_days = (unsigned)formats_days;
	out->peers.percent = (unsigned)peers_percent;
	out->pairs.percent = (unsigned)pairs_percent;
	if (raw->keep_admin) {
		out->keep_admin = strcmp(raw->keep_admin, "true") == 0;
		if (!out->keep_admin && strcmp(raw->keep_admin, "false") != 0)
			bad |= config_fail(at, "keep_admin", "is true or false");
	}
	return bad ? -1 : 0;
}

static bool same_limit(const struct guard_limit *x, const struct guard_limit *y)
{
	return x->most == y->most && x->percent == y->percent && x->free == y->free;
}

bool guard_is_default(const struct guard_limits *g)
{
	return same_limit(&g->peers, &guard_defaults.peers) && same_limit(&g->pairs, &guard_defaults.pairs) &&
	       g->keep_admin == guard_defaults.keep_admin && g->formats_days == guard_defaults.formats_days;
}

void guard_raw(const struct guard_limits *g, struct guard_texts *room, struct raw_guards *out)
{
	const uint64_t values[6] = {g->peers.most, g->peers.percent, g->peers.free,
				    g->pairs.most, g->pairs.percent, g->pairs.free};

	for (unsigned i = 0; i < 6; i++)
		snprintf(room->text[i], sizeof(room->text[i]), "%llu", (unsigned long long)values[i]);
	strcpy(room->text[6], g->keep_admin ? "true" : "false");
	snprintf(room->text[7], sizeof(room->text[7]), "%u", g->formats_days);
	*out = (struct raw_guards){room->text[0], room->text[1], room->text[2], room->text[3],
				   room->text[4], room->text[5], room->text[6], room->text[7]};
}

int guard_file_parse(struct span bytes, const char *name, struct guard_limits *out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = "bad-guard-file", .d = d};
	void *raw = NULL;
	int ret = config_parse(&schema, bytes, at.code, name, &raw, d);

	if (ret == 0)
		ret = guard_values(&at, raw, out);
	config_free(&schema, raw);
	return ret;
}

int guard_file_read(const char *path, struct guard_limits *out, struct diags *d)
{
	struct buf text = {0};
	int ret = file_read(path, CONFIG_MAX, &text, NULL, d);

	if (ret == 0)
		ret = guard_file_parse(buf_span(&text), path, out, d);
	buf_free(&text);
	return ret;
}
