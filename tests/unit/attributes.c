/*
 * Each key of a definition, changed alone, shows wherever a change is reviewed: in the plan's id, in the plan as text and
 * as JSON, in the lists as JSON and as text, and in a view. The edits write each. The tests walk the table of keys, so a
 * new key is part of them at once.
 */
#include "reconcile/impact/impact.h"
#include "reconcile/show/list_render.h"
#include "reconcile/show/view_render.h"
#include "schema/attributes.h"
#include "schema/edit.h"
#include "tests/unit/network.h"
#include "reconcile/show/impact_render.h"

/* <word> stands for a WireGuard key, <ed:word> for an Ed25519 key. */
static const char definition[] =
    "network: corp\n"
    "cidr: 10.60.0.0/16\n"
    "epoch: 1\n"
    "trust: { id: \"<id>\", signers: [\"<ed:one>\", \"<ed:two>\"] }\n"
    "defaults: { mtu: 1300 }\n"
    "reuse: [10.60.64.200]\n"
    "cidrs: { infra: 10.60.0.0/24, humans: { cidr: 10.60.64.0/24 }, guests: 10.60.66.0/24 }\n"
    "associations: [[humans, infra]]\n"
    "peers:\n"
    "  hub: { ip: 10.60.0.1, public_key: \"<hub>\", endpoint: \"h.example:1\", server: true, admin: true }\n"
    "  gate: { ip: 10.60.0.9, public_key: \"<gate>\", endpoint: \"g.example:1\" }\n"
    "  alice: { ip: 10.60.64.1, public_key: \"<alice>\" }\n"
    "  bob: { ip: 10.60.64.2, invite: \"<ed:bob>\" }\n"
    "tests: [{ from: humans, can_reach: [hub] }]\n";

/* Where a key without a sample is written: after these words, when it is a scalar. */
static const char *const beside[N_KEY_PLACES] = {
    [IN_ROOT] = "epoch: 1",
    [IN_DEFAULTS] = "mtu: 1300",
    [IN_TRUST] = "id: \"<id>\"",
    [IN_CIDR] = "cidr: 10.60.64.0/24",
    [IN_PEER] = "public_key: \"<alice>\"",
    [IN_TEST] = "from: humans",
};
static const char *const place_names[N_KEY_PLACES] = {
    [IN_ROOT] = "the root", [IN_DEFAULTS] = "defaults", [IN_TRUST] = "trust",
    [IN_CIDR] = "a CIDR",   [IN_PEER] = "a peer",       [IN_TEST] = "a test",
};

#define NO_VALUES "1 is its only value"
#define LAYOUT    "a plan is about what a definition means, not about the file that says it"
#define NOT_LISTS "the lists are of CIDRs, peers and associations"
#define NOT_TEXT  "a peer's line has what a reader looks for; the JSON has the rest"

/* How a key is changed alone, and where the change does not show. */
static const struct sample {
	enum key_place place;
	const char *key;
	struct {
		const char *find, *replace; /* in the definition; NULL: it cannot be changed here */
	} change;
	const char *label;       /* of the plan; NULL: the key */
	const char *field;       /* of one object of the lists; NULL: the key */
	const char *not_in_plan; /* nor in its id: the reason; NULL: it is there */
	const char *not_in_list; /* of the lists as JSON: the same */
	const char *not_in_text; /* the same of the list, and of a view, as a tree of text */
} samples[] = {
    {IN_ROOT, "version", .not_in_plan = NO_VALUES, .not_in_list = NO_VALUES},
    {IN_ROOT, "network", .change = {"network: corp", "network: lab"}, .field = "name"},
    {IN_ROOT, "cidr", .change = {"cidr: 10.60.0.0/16", "cidr: 10.60.0.0/15"}, .field = "prefixes"},
    {IN_ROOT, "epoch", .change = {"epoch: 1", "epoch: 2"}, .not_in_list = NOT_LISTS},
    {IN_ROOT, "trust", .change = {"trust: { id: \"<id>\", signers: [\"<ed:one>\", \"<ed:two>\"] }\n", ""},
     .label = "id", .not_in_list = NOT_LISTS},
    {IN_ROOT, "defaults", .change = {"defaults: { mtu: 1300 }\n", ""}, .label = "mtu", .not_in_list = NOT_LISTS},
    {IN_ROOT, "include", .not_in_plan = LAYOUT, .not_in_list = LAYOUT},
    {IN_ROOT, "cidrs", .change = {", guests: 10.60.66.0/24", ""}, .label = "cidr", .field = "name"},
    {IN_ROOT, "associations", .change = {"[humans, infra]", "[humans, guests]"}, .label = "joins", .field = "cidrs",
     .not_in_text = "`list-associations` has it"},
    {IN_ROOT, "peers", .change = {"  bob: { ip: 10.60.64.2, invite: \"<ed:bob>\" }\n", ""}, .label = "ip",
     .field = "name"},
    {IN_ROOT, "reuse", .change = {"[10.60.64.200]", "[10.60.64.201]"}, .label = "address", .not_in_list = NOT_LISTS},
    {IN_ROOT, "tests", .change = {"[{ from: humans, can_reach: [hub] }]", "[]"}, .label = "test",
     .not_in_list = NOT_LISTS},

    {IN_DEFAULTS, "mtu", .change = {"mtu: 1300", "mtu: 1301"}, .not_in_list = NOT_LISTS},
    {IN_DEFAULTS, "keepalive", .change = {"mtu: 1300", "mtu: 1300, keepalive: 0"}, .not_in_list = NOT_LISTS},

    {IN_TRUST, "id", .change = {"<id>", "<other>"}, .not_in_list = NOT_LISTS},
    {IN_TRUST, "signers", .change = {"\"<ed:one>\", ", ""}, .not_in_list = NOT_LISTS},
    {IN_TRUST, "threshold", .change = {"id: \"<id>\"", "id: \"<id>\", threshold: 2"}, .not_in_list = NOT_LISTS},
    {IN_TRUST, "online", .change = {"id: \"<id>\"", "id: \"<id>\", online: [\"<ed:one>\"]"}, .not_in_list = NOT_LISTS},

    {IN_CIDR, "cidr", .change = {"10.60.64.0/24", "10.60.64.0/23"}, .field = "prefixes"},

    {IN_PEER, "ip", .change = {"10.60.64.1", "10.60.64.9"}, .field = "addresses"},
    {IN_PEER, "public_key", .change = {"<alice>", "<alina>"}, .not_in_text = NOT_TEXT},
    {IN_PEER, "invite", .change = {"<ed:bob>", "<ed:rob>"}, .not_in_text = NOT_TEXT},
    {IN_PEER, "invite_expires", .change = {"\"<ed:bob>\"", "\"<ed:bob>\", invite_expires: 2999-01-01T00:00:00Z"}},
    {IN_PEER, "endpoint", .change = {"h.example:1", "h.example:2"}},
    {IN_PEER, "keepalive", .change = {"public_key: \"<alice>\"", "public_key: \"<alice>\", keepalive: 5"},
     .not_in_text = NOT_TEXT},
    {IN_PEER, "routes", .change = {"public_key: \"<alice>\"", "public_key: \"<alice>\", routes: [192.168.7.0/24]"}},
    {IN_PEER, "via", .change = {"public_key: \"<alice>\"", "public_key: \"<alice>\", via: hub"}},
    {IN_PEER, "server", .change = {"\"g.example:1\"", "\"g.example:1\", server: true"}},

    {IN_TEST, "from", .change = {"from: humans", "from: guests"}, .label = "test", .not_in_list = NOT_LISTS},
    {IN_TEST, "can_reach", .change = {"can_reach: [hub]", "can_reach: [hub, bob]"}, .label = "test",
     .not_in_list = NOT_LISTS},
    {IN_TEST, "cannot_reach", .change = {"can_reach: [hub]", "can_reach: [hub], cannot_reach: [guests]"},
     .label = "test", .not_in_list = NOT_LISTS},
};
#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* The sample of a key; NULL: it has none. */
static const struct sample *sample_of(enum key_place place, const char *key)
{
	for (size_t i = 0; i < N_SAMPLES; i++)
		if (samples[i].place == place && strcmp(samples[i].key, key) == 0)
			return &samples[i];
	return NULL;
}

/* A value of a scalar that is not its default; NULL: it is no scalar. */
static const char *any_value(struct arena *a, const struct key_spec *k)
{
	switch (k->type) {
	case TYPE_BOOL:
		return k->preset && strcmp(k->preset, "true") == 0 ? "false" : "true";
	case TYPE_INT:
		return arena_printf(a, "%lld", (long long)k->max);
	case TYPE_TEXT:
		return "words";
	case TYPE_ENDPOINT:
		return "\"any.example:1\"";
	case TYPE_TIME:
		return "2999-01-01T00:00:00Z";
	default:
		return NULL;
	}
}

/* A scalar without a sample is given a value where it had none. */
static struct sample made_sample(struct arena *a, enum key_place place, const struct key_spec *k)
{
	const char *value = any_value(a, k);

	if (!value)
		fail_msg("the key '%s' of %s needs a sample in tests/unit/attributes.c", k->name, place_names[place]);
	return (struct sample){.place = place,
			       .key = k->name,
			       .change = {beside[place], arena_printf(a, "%s%s%s: %s", beside[place],
								      place == IN_ROOT ? "\n" : ", ", k->name, value)}};
}

static void put_keys(struct buf *out, const char *text)
{
	char word[16], key[ED25519_STR_LEN + 1];
	struct key k;
	int n;

	for (; *text; text++) {
		if (sscanf(text, "<ed:%15[a-z]>%n", word, &n) == 1) {
			k = ed_of(word);
			ed25519_format(&k, key);
		} else if (sscanf(text, "<%15[a-z]>%n", word, &n) == 1) {
			k = wg_of(word);
			key_format(&k, key);
		} else {
			buf_char(out, *text);
			continue;
		}
		buf_str(out, key);
		text += n - 1;
	}
}

/* The definition with `find` replaced; NULL: as it is. */
static struct model *load(struct arena *a, const char *find, const char *replace)
{
	const char *at = find ? strstr(definition, find) : definition;
	struct source_file file = {.name = "network.yaml"};
	struct buf text = {0}, whole = {0};
	struct diags d = {0};
	struct model *m;

	assert_non_null(at);
	buf_add(&text, definition, (size_t)(at - definition));
	buf_str(&text, find ? replace : "");
	buf_str(&text, at + (find ? strlen(find) : 0));
	put_keys(&whole, text.p);
	file.bytes = arena_span(a, buf_span(&whole));
	m = definition_load(a, &file, NULL, false, &d);
	if (!m) {
		say_diags(&d);
		fail_msg("the definition does not load with: %s", find ? replace : "nothing changed");
	}
	buf_free(&text);
	buf_free(&whole);
	diags_free(&d);
	return m;
}

/* What every object of the lists says of one field, in their order. */
static json_t *listed(struct arena *a, const struct model *m, const char *field)
{
	struct cidr_list *cidrs = cidr_list_of_model(a, m);
	json_t *lists[] = {cidr_list_json(cidrs), peer_list_json(m, NULL), association_list_json(m, cidrs)};
	json_t *out = json_array(), *object;

	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		for (size_t i = 0; (object = json_array_get(lists[k], i)); i++)
			if (json_object_get(object, field))
				json_array_append(out, json_object_get(object, field));
		json_decref(lists[k]);
	}
	return out;
}

/* Does the plan as JSON have an attribute of that label? */
static bool planned(const json_t *plan, const char *label)
{
	const json_t *item;

	for (size_t i = 0; (item = json_array_get(json_object_get(plan, "changes"), i)); i++)
		if (json_object_get(json_object_get(item, "attributes"), label))
			return true;
	return false;
}

/* Does the plan as text have a line of that label? */
static bool said(const char *text, const char *label)
{
	char line[64];

	for (const char *symbol = "+-~"; *symbol; symbol++) {
		snprintf(line, sizeof(line), "\n  %c %s ", *symbol, label);
		if (strstr(text, line))
			return true;
	}
	return false;
}

/* One way to see a change: does it show where it should, and only there? */
static unsigned check_shows(const struct sample *s, const char *where, bool shows, const char *reason_not_to)
{
	if (shows == !reason_not_to)
		return 0;
	print_error("'%s' of %s changed alone: %s %s\n", s->key, place_names[s->place], where,
		    shows ? "shows it, and is named as one that does not" : "does not show it");
	return 1;
}

/* The view of the server, which is of all peers. It has what their leaves say, and shows it as JSON. */
static struct view *view_of(struct arena *a, const struct model *m, const struct sample *s)
{
	const struct commit_info commit = {.number = 1};
	const struct key_spec *k;
	struct diags d = {0};
	struct buf json = {0};
	struct snapshot *compiled = snapshot_compile(a, m, reach_index_new(a, m), &commit, &d);
	struct view *v = compiled ? view_of_peer(a, compiled, model_peer_by_name(m, "hub"), NULL, 0, &d) : NULL;

	if (!v) {
		say_diags(&d);
		fail_msg("'%s' of %s changed alone: the snapshot cannot be read again (reconcile/wire/object.c)",
			 s->key, place_names[s->place]);
	}
	view_render_json(&json, v);
	for (uint32_t i = 0; i < v->n_peers; i++) {
		const struct peer *p = &m->peers[model_peer_by_name(m, v->peers[i].name)];
		for (size_t n = 0; (k = attribute_next(IN_PEER, &n));) {
			if (k->in_leaf && !attribute_same(k, p, &v->peers[i].leaf))
				fail_msg("'%s' of the peer '%s' differs in a view", k->name, p->name);
			if (k->in_leaf && !strstr(strstr(json.p, "\"peers\""), k->name))
				fail_msg("a view as JSON lacks '%s'", k->name);
		}
	}
	buf_free(&json);
	diags_free(&d);
	return v;
}

/* The list of a definition, or with `s` that sample's view of it, as a tree of text. */
static const char *tree_text(struct arena *a, const struct model *m, const struct sample *s)
{
	struct buf out = {0};
	const char *copy;

	if (s)
		view_render_tree(&out, view_of(a, m, s));
	else
		peer_list_tree(&out, m, cidr_list_of_model(a, m), NULL, 0, TREE_INDENT);
	assert_false(out.failed);
	copy = arena_strdup(a, out.p);
	buf_free(&out);
	return copy;
}

/* How many of the trees are wrong about the change. */
static unsigned check_text(struct arena *a, const struct model *before, const struct model *after,
			   const struct sample *s)
{
	const char *reason = s->not_in_text ? s->not_in_text : s->not_in_list;
	const struct key_spec *k = key_find(s->place, s->key);
	bool viewed = s->place == IN_PEER && strcmp(tree_text(a, before, s), tree_text(a, after, s)) != 0;
	unsigned wrong = check_shows(s, "the list as text (reconcile/show/list_render.c)",
				     strcmp(tree_text(a, before, NULL), tree_text(a, after, NULL)) != 0, reason);

	if (k->in_leaf)
		wrong += check_shows(s, "a view as text (reconcile/show/view_render.c)", viewed, reason);
	return wrong;
}

/* How many ways to see the change do not. */
static unsigned check_sample(struct arena *a, const struct sample *s)
{
	const struct model *before = load(a, NULL, NULL), *after = load(a, s->change.find, s->change.replace);
	const char *label = s->label ? s->label : s->key, *field = s->field ? s->field : s->key;
	struct impact *im = impact_new(a, before, after, NULL);
	json_t *plan, *was = listed(a, before, field), *is = listed(a, after, field);
	char same[PLAN_ID_LEN + 1];
	struct buf text = {0};
	unsigned wrong;

	assert_non_null(im);
	assert_int_equal(plan_id(before, before, same), 0);
	impact_render_text(&text, im, &(struct impact_style){.full = true});
	plan = impact_render_json(im);
	wrong = check_shows(s, "the plan's id", strcmp(im->id, same) != 0, s->not_in_plan) +
		check_shows(s, "the plan", said(text.p, label), s->not_in_plan) +
		check_shows(s, "the plan as JSON", planned(plan, label), s->not_in_plan) +
		check_shows(s, "the list as JSON", !json_equal(was, is), s->not_in_list) +
		check_text(a, before, after, s);
	json_decref(plan);
	json_decref(was);
	json_decref(is);
	buf_free(&text);
	return wrong;
}

static void test_each_key_shows(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (int place = 0; place < N_KEY_PLACES; place++) {
		size_t n;
		const struct key_spec *keys = keys_of((enum key_place)place, &n);

		for (size_t i = 0; i < n; i++) {
			struct arena *a = arena_new();
			const struct sample *s = sample_of((enum key_place)place, keys[i].name);
			struct sample made = s ? *s : made_sample(a, (enum key_place)place, &keys[i]);

			if (made.change.find)
				wrong += check_sample(a, &made);
			else
				assert_true(made.not_in_plan && made.not_in_list);
			arena_free(a);
		}
	}
	assert_int_equal(wrong, 0);
}

/* No sample is of a key that is gone. */
static void test_samples_have_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++)
		if (!key_find(samples[i].place, samples[i].key))
			fail_msg("%s has no key '%s'", place_names[samples[i].place], samples[i].key);
}

/* The member that a value of a type is held in; MEMBER_NONE: in none, or in more than one. */
static bool member_fits(const struct key_spec *k)
{
	static const int64_t most[] = {
	    [MEMBER_U8] = UINT8_MAX,  [MEMBER_U16] = UINT16_MAX, [MEMBER_I32] = INT32_MAX,
	    [MEMBER_U64] = INT64_MAX, [MEMBER_I64] = INT64_MAX,
	};

	switch (k->type) {
	case TYPE_BOOL:
		return k->member == MEMBER_BOOL;
	case TYPE_INT:
		return k->member >= MEMBER_U8 && k->member <= MEMBER_I64 && k->max <= most[k->member];
	case TYPE_TIME:
		return k->member == MEMBER_I64;
	case TYPE_TEXT:
	case TYPE_ENDPOINT:
	case TYPE_NETWORK_NAME:
		return k->member == MEMBER_TEXT;
	case TYPE_PREFIX_LIST:
		return k->member == MEMBER_PREFIXES && k->count;
	default:
		return k->member == MEMBER_NONE;
	}
}

/* Each row of the table is filled, and each scalar has a member of its own; `version` says nothing that is kept. */
static void test_rows(void **state)
{
	(void)state;
	for (int place = 0; place < N_KEY_PLACES; place++) {
		size_t n;
		const struct key_spec *keys = keys_of((enum key_place)place, &n);

		for (size_t i = 0; i < n; i++) {
			if (!keys[i].name || !keys[i].help)
				fail_msg("schema/keys.c: row %zu of %s lacks its name or its help", i,
					 place_names[place]);
			if (!member_fits(&keys[i]) && strcmp(keys[i].name, "version") != 0)
				fail_msg("'%s' of %s: schema/keys.c does not say which member has it, or one of a type "
					 "that does not fit",
					 keys[i].name, place_names[place]);
			if (keys[i].in_leaf && keys[i].type == TYPE_TEXT && !keys[i].names_peer)
				fail_msg("'%s' of %s: a leaf can spell a name, and no other text", keys[i].name,
					 place_names[place]);
			for (size_t k = 0; k < i && keys[i].member; k++)
				if (keys[k].member && keys[k].offset == keys[i].offset)
					fail_msg("'%s' and '%s' of %s are held in one member", keys[k].name,
						 keys[i].name, place_names[place]);
		}
	}
}

/* add-peer and add-cidr have an option for each attribute but these. */
static bool has_no_option(const char *key)
{
	static const char *const none[] = {"server", "routes", /* of the root file alone: a person writes them */
					   "disabled",         /* disable-peer's */
					   "invite_expires"};  /* its option takes a length of time */

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(none[i], key) == 0)
			return true;
	return false;
}

static void set_any(struct arena *a, const struct key_spec *k, void *thing)
{
	if (k->type == TYPE_BOOL)
		attribute_set_bool(k, thing, true);
	else if (k->type == TYPE_INT)
		attribute_set_number(k, thing, k->max);
	else
		attribute_set_text(k, thing,
				   k->names_peer              ? "hub"
				   : k->type == TYPE_ENDPOINT ? "any.example:1"
							      : any_value(a, k));
}

/* Adding a peer or a CIDR with one attribute writes it, and is another thing than adding it without. */
static void check_edit(enum key_place place, const struct key_spec *k)
{
	struct arena *a = arena_new();
	struct edit with = {.kind = place == IN_PEER ? EDIT_ADD_PEER : EDIT_ADD_CIDR, .name = "new"}, without;
	struct buf whole = {0}, edited = {0};
	struct diags d = {0};
	struct source_file file = {.name = "network.yaml"};
	struct model *m;
	struct span was;

	attributes_init(IN_PEER, &with.peer);
	with.peer.name = "new";
	with.peer.n_ips = 1;
	with.peer.key = wg_of("new");
	assert_int_equal(addr_parse("10.60.64.77", 11, &with.peer.ip[0]), 0);
	with.cidr.n_prefixes = 1;
	assert_int_equal(prefix_parse("10.60.77.0/24", 13, &with.cidr.prefix[0]), PREFIX_OK);
	without = with;
	set_any(a, k, place == IN_PEER ? (void *)&with.peer : (void *)&with.cidr);
	put_keys(&whole, definition);
	was = buf_span(&whole);
	assert_int_equal(edit_apply(&with, &was, 1, &edited, &d), 0);
	file.bytes = buf_span(&edited);
	m = definition_load(a, &file, NULL, false, &d);
	if (!m || edit_check(&with, m, &d) != EDIT_ALREADY)
		fail_msg("'%s' of %s is not as the edit wrote it:\n%s", k->name, place_names[place], edited.p);
	if (edit_check(&without, m, &d) != EDIT_REFUSED)
		fail_msg("'%s' of %s makes no difference to the edit", k->name, place_names[place]);
	diags_free(&d);
	buf_free(&whole);
	buf_free(&edited);
	arena_free(a);
}

static void test_edits(void **state)
{
	static const enum key_place places[] = {IN_CIDR, IN_PEER};
	const struct key_spec *k;

	(void)state;
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		for (size_t i = 0; (k = attribute_next(places[p], &i));) {
			if (k->by_option == has_no_option(k->name))
				fail_msg("'%s' of %s: schema/keys.c and this test differ about its option", k->name,
					 place_names[places[p]]);
			if (k->by_option)
				check_edit(places[p], k);
		}
	}
}

/* read_keys() has room for the keys of each place. */
static void test_keys_max(void **state)
{
	(void)state;
	for (int place = 0; place < N_KEY_PLACES; place++) {
		size_t n;

		keys_of((enum key_place)place, &n);
		assert_in_range(n, 1, KEYS_MAX);
	}
}

/* Four definitions that differ in `via` alone: a plan that was accepted for one of them is not that of another. */
static void test_via_is_in_the_id(void **state)
{
	static const char *const with[][2] = {
	    {"<alice>\"", "<alice>\""},
	    {"<alice>\"", "<alice>\", via: hub"},
	    {"<alice>\"", "<alice>\", via: gate"},
	    {"public_key: \"<gate>\"", "public_key: \"<gate>\", via: hub"},
	};
	struct arena *a = arena_new();
	const struct model *base = load(a, NULL, NULL);
	char ids[4][PLAN_ID_LEN + 1];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(plan_id(base, load(a, with[i][0], with[i][1]), ids[i]), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_each_key_shows),
	    cmocka_unit_test(test_samples_have_keys),
	    cmocka_unit_test(test_edits),
	    cmocka_unit_test(test_keys_max),
	    cmocka_unit_test(test_via_is_in_the_id),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
