/* One value of the definition at a time: strict, each with its place. */
#include "schema/attributes.h"
#include "schema/loader.h"

#include <stdio.h>
#include <string.h>

static bool is_bool_word(const char *s)
{
	static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool is_number_word(const char *s)
{
	static const char digits[] = "0123456789";
	size_t whole, part = 0;

	if (strncmp(s, "0x", 2) == 0)
		return s[2] && s[2 + strspn(s + 2, "0123456789abcdefABCDEF")] == '\0';
	if (strncmp(s, "0o", 2) == 0)
		return s[2] && s[2 + strspn(s + 2, "01234567")] == '\0';
	if (strcmp(s, ".nan") == 0 || strcmp(s, ".NaN") == 0 || strcmp(s, ".NAN") == 0)
		return true;
	s += *s == '-' || *s == '+';
	if (strcmp(s, ".inf") == 0 || strcmp(s, ".Inf") == 0 || strcmp(s, ".INF") == 0)
		return true;
	whole = strspn(s, digits);
	s += whole;
	if (*s == '.') {
		part = strspn(++s, digits);
		s += part;
	}
	if (whole + part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		if (strspn(s, digits) == 0)
			return false;
		s += strspn(s, digits);
	}
	return *s == '\0';
}

static const char *kind_word(const struct node *v)
{
	return v->kind == NODE_LIST ? "a list" : v->kind == NODE_MAP ? "a mapping" : node_is_null(v) ? "nothing" : NULL;
}

/* No more of a value than this is quoted back. */
#define QUOTE_MAX 80

/* Whether a plain scalar of this text is read back as this text, in flow style too. */
static bool plain_is_safe(const char *s)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/+=:-";
	size_t n = strlen(s);

	return n && !strchr("._/+=:-", s[0]) && s[strspn(s, fine)] == '\0' && s[n - 1] != ':' && !is_bool_word(s) &&
	       !is_number_word(s) && strcasecmp(s, "null") != 0;
}

static bool quotes_need_escapes(const char *s)
{
	return strpbrk(s, "\"'\\") != NULL;
}

void load_fix_scalar(struct loader *l, struct diag *g, const struct node *v, uint32_t file, const char *value)
{
	struct place at = node_place(v, file);
	char text[YAML_SCALAR_MAX + 4];
	char quote = v->style == NODE_SINGLE_QUOTED ? '\'' : '"';
	int n;

	if (!g || v->kind != NODE_SCALAR || v->line != v->end_line || v->style > NODE_DOUBLE_QUOTED)
		return;
	if (v->style == NODE_PLAIN && plain_is_safe(value))
		n = snprintf(text, sizeof(text), "%s", value);
	else if (!quotes_need_escapes(value))
		n = snprintf(text, sizeof(text), "%c%s%c", quote, value, quote);
	else
		return;
	if (n > 0 && (size_t)n < sizeof(text))
		diag_fix(l->diags, g, &at, v->start, v->end, text);
}

/* A boolean or a number in another dress: what it would be, or NULL. */
static const char *plainly(const struct key_spec *k, const struct node *v)
{
	static const char *const words[][2] = {{"yes", "true"}, {"on", "true"}, {"no", "false"}, {"off", "false"}};

	if (k->type == TYPE_INT && v->style != NODE_PLAIN && v->n && v->n < 16 &&
	    v->text[strspn(v->text, "0123456789")] == '\0')
		return v->text;
	if (k->type != TYPE_BOOL)
		return NULL;
	if (strcasecmp(v->text, "true") == 0)
		return "true";
	if (strcasecmp(v->text, "false") == 0)
		return "false";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(v->text, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

/* One value where a list of them is taken: in brackets it is one. */
static bool help_list(struct loader *l, struct diag *g, const struct key_spec *k, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	char text[256];
	bool quoted = v->style != NODE_PLAIN || !plain_is_safe(v->text);
	int n;

	if (k->type != TYPE_PREFIX_LIST && k->type != TYPE_RANGE_LIST && k->type != TYPE_PATTERN_LIST &&
	    k->type != TYPE_ED25519_LIST)
		return false;
	n = snprintf(text, sizeof(text), quoted ? "[\"%s\"]" : "[%s]", v->text);
	if (n < 0 || (size_t)n >= sizeof(text) || quotes_need_escapes(v->text))
		return false;
	diag_help(l->diags, g, "put it in brackets: %s", text);
	if (v->line == v->end_line && v->style <= NODE_DOUBLE_QUOTED)
		diag_fix(l->diags, g, &at, v->start, v->end, text);
	return true;
}

void load_bad_type(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	const char *plain;
	struct diag *g;

	if (v->kind == NODE_BAD)
		return;
	if (kind_word(v)) {
		g = diag_error(l->diags, "bad-type", &at, "'%s' takes %s, not %s", k->name, key_type_expects(k->type),
			       kind_word(v));
		diag_help(l->diags, g, "write it as in %s: %s", k->name, key_type_example(k->type));
		return;
	}
	g = diag_error(l->diags, "bad-type", &at, "'%s' takes %s, not '%.*s'", k->name, key_type_expects(k->type),
		       QUOTE_MAX, v->text);
	plain = plainly(k, v);
	if (plain) {
		diag_help(l->diags, g, "write it as %s", plain);
		if (v->line == v->end_line && v->style <= NODE_DOUBLE_QUOTED)
			diag_fix(l->diags, g, &at, v->start, v->end, plain);
	} else if (!help_list(l, g, k, v, file)) {
		diag_help(l->diags, g, "write it as in %s: %s", k->name, key_type_example(k->type));
	}
}

/* Whether a key that is not known can become `nearest` without a person: nothing else here is it or is near it. */
static bool may_become(enum key_place place, const struct node *map, const struct node *key, const char *nearest,
		       uint32_t file)
{
	const struct key_spec *k = key_find(place, nearest);

	if (map->n > 2 * KEYS_MAX || (k && k->root_only && file != 0))
		return false;
	for (node_pairs(other, map)) {
		const char *near;

		if (other == key || other->kind != NODE_SCALAR)
			continue;
		near = key_find(place, other->text) ? other->text : key_nearest(place, other->text);
		if (near && strcmp(near, nearest) == 0)
			return false;
	}
	return true;
}

static void unknown_key(struct loader *l, enum key_place place, const struct node *map, const struct node *key,
			uint32_t file)
{
	struct place at = node_place(key, file);
	const char *nearest = key_nearest(place, key->text);
	struct diag *g = diag_error(l->diags, "unknown-key", &at, "unknown key '%.*s'", QUOTE_MAX, key->text);
	struct buf list = {0};
	const struct key_spec *keys;
	size_t n;

	if (nearest) {
		diag_help(l->diags, g, "did you mean '%s'?", nearest);
		if (may_become(place, map, key, nearest, file))
			load_fix_scalar(l, g, key, file, nearest);
		return;
	}
	keys = keys_of(place, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == n ? " and " : ", ", keys[i].name);
	if (!list.failed)
		diag_help(l->diags, g, "the keys that are known here are %s", list.p);
	buf_free(&list);
}

/* The key of that name. Keys mostly stand in the order of the table: the search goes on behind the last one, `after`. */
static const struct key_spec *find_key(const struct key_spec *keys, size_t n, size_t after, const char *name)
{
	for (size_t i = after; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	for (size_t i = 0; i < after; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

void load_keys(struct loader *l, enum key_place place, const struct node *map, uint32_t file,
	       const struct node *values[static KEYS_MAX], const char *whose, const char *name)
{
	struct place at = node_place(map, file);
	const struct key_spec *keys, *k;
	size_t n, after = 0;

	keys = keys_of(place, &n);
	memset(values, 0, KEYS_MAX * sizeof(values[0]));
	for (node_pairs(key, map)) {
		if (key->kind != NODE_SCALAR)
			continue;
		k = find_key(keys, n, after, key->text);
		after = k ? (size_t)(k - keys) + 1 : after;
		if (!k) {
			unknown_key(l, place, map, key, file);
		} else if (k->root_only && file != 0) {
			struct place here = node_place(key, file);

			diag_help(l->diags,
				  diag_error(l->diags, "root-only", &here, "'%s' is for the root file alone", k->name),
				  "move it to %s", l->names[0]);
		} else if (!values[k - keys]) {
			values[k - keys] = key->next;
		}
	}
	/* A mapping that goes over lines is marked at its first. */
	if (at.end_line != at.line) {
		at.end_line = at.line;
		at.end_column = at.column + 1;
	}
	for (size_t i = 0; i < n; i++)
		if (keys[i].required && !values[i] && !(file != 0 && place == IN_ROOT))
			diag_help(l->diags,
				  diag_error(l->diags, "missing-key", &at,
					     name ? "%s%s' has no '%s'" : "%s%s has no '%s'", whose, name ? name : "",
					     keys[i].name),
				  "%s: %s", keys[i].name, keys[i].help);
}

static bool read_bool(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, bool *out)
{
	if (v->kind != NODE_SCALAR || v->style != NODE_PLAIN ||
	    (strcmp(v->text, "true") != 0 && strcmp(v->text, "false") != 0)) {
		load_bad_type(l, k, v, file);
		return false;
	}
	*out = v->text[0] == 't';
	return true;
}

bool load_int(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, int64_t *out)
{
	struct place at = node_place(v, file);
	int64_t value = 0;
	bool negative;
	size_t i;

	negative = v->kind == NODE_SCALAR && v->text[0] == '-';
	i = negative ? 1 : 0;
	if (v->kind != NODE_SCALAR || v->style != NODE_PLAIN || v->n == i ||
	    v->text[i + strspn(v->text + i, "0123456789")] || (v->text[i] == '0' && v->n > i + 1)) {
		load_bad_type(l, k, v, file);
		return false;
	}
	for (; i < v->n && value <= k->max; i++)
		value = value * 10 + (v->text[i] - '0');
	if (negative)
		value = -value;
	if (value < k->min || value > k->max) {
		diag_help(l->diags,
			  diag_error(l->diags, k->range_code ? k->range_code : "bad-value", &at,
				     "'%s' is %.*s, but must be from %lld to %lld", k->name, QUOTE_MAX, v->text,
				     (long long)k->min, (long long)k->max),
			  "the nearest is %lld", (long long)(value < k->min ? k->min : k->max));
		return false;
	}
	*out = value;
	return true;
}

/* "5" for 5. */
static void quote_scalar(struct loader *l, struct diag *g, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	char text[64];

	if (v->line == v->end_line && v->n < sizeof(text) - 2) {
		snprintf(text, sizeof(text), "\"%s\"", v->text);
		diag_fix(l->diags, g, &at, v->start, v->end, text);
	}
}

const char *load_text(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	struct diag *g;

	if (v->kind != NODE_SCALAR || node_is_null(v)) {
		load_bad_type(l, k, v, file);
		return NULL;
	}
	if (v->style == NODE_PLAIN && (is_bool_word(v->text) || is_number_word(v->text))) {
		g = diag_error(l->diags, "bad-type", &at, "'%s' takes %s, and %.*s is %s", k->name,
			       key_type_expects(k->type), QUOTE_MAX, v->text,
			       is_bool_word(v->text) ? "a boolean" : "a number");
		diag_help(l->diags, g, "put it in quotes: \"%.*s\"", QUOTE_MAX, v->text);
		quote_scalar(l, g, v, file);
		return NULL;
	}
	return v->text;
}

/* One line, in the arena. */
static const char *read_line(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file), *copy;

	if (!text)
		return NULL;
	if (v->n > k->max) {
		diag_help(l->diags,
			  diag_error(l->diags, "too-large", &at, "'%s' has %u bytes; at most %lld are allowed", k->name,
				     v->n, (long long)k->max),
			  "shorten it; what needs more room fits into a comment");
		return NULL;
	}
	for (size_t i = 0; i < v->n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			diag_help(l->diags,
				  diag_error(l->diags, "bad-value", &at,
					     "'%s' is one line of text, without control characters", k->name),
				  "put it on one line; what needs more room fits into a comment");
			return NULL;
		}
	}
	copy = arena_strndup(l->arena, text, v->n);
	if (!copy)
		diags_out_of_memory(l->diags);
	return copy;
}

/* Keys of peers are IPv4 addresses within ::/8, so nothing else may be there. */
static bool ipv6_reserved(struct loader *l, const struct place *at, const struct addr *base, bool v4, const char *text)
{
	if (v4 || base->b[0] != 0)
		return false;
	diag_help(l->diags,
		  diag_error(l->diags, "ipv6-reserved", at,
			     "%s is within ::/8, which no network uses (RFC 4291 section 2.4)", text),
		  "private networks have prefixes within fd00::/8 (RFC 4193)");
	return true;
}

void load_unusual(struct loader *l, const struct node *v, uint32_t file, const char *usual)
{
	struct place at = node_place(v, file);
	struct diag *g;

	if (strcmp(v->text, usual) == 0)
		return;
	g = diag_warning(l->diags, "spelling", &at, "'%.*s' is shown as %s everywhere else", QUOTE_MAX, v->text, usual);
	diag_help(l->diags, g, "write it as %s", usual);
	load_fix_scalar(l, g, v, file, usual);
}

/* "10.60.1.03" without its leading zeros: people write them, and inet_aton(3) would take them for octal. */
static bool without_zeros(const char *text, char out[static ADDR_STR_LEN])
{
	struct addr addr;
	size_t n = 0;

	if (strlen(text) >= ADDR_STR_LEN)
		return false;
	for (const char *p = text; *p; p++) {
		bool starts = n == 0 || out[n - 1] == '.';

		if (!(starts && *p == '0' && p[1] >= '0' && p[1] <= '9'))
			out[n++] = *p;
	}
	out[n] = '\0';
	return addr_parse(out, n, &addr) == 0;
}

/* What was meant is clear where an address with its length, or IPv4 in IPv6's clothes, was given. */
static void bad_address(struct loader *l, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);
	const char *text = v->text, *slash = strchr(text, '/');
	struct diag *g = diag_error(l->diags, "bad-address", &at, "'%.*s' is not an address", QUOTE_MAX, text);
	char clean[ADDR_STR_LEN];
	struct addr addr;
	size_t n;

	if (strncasecmp(text, "::ffff:", 7) == 0 && addr_parse(text + 7, v->n - 7, &addr) == 0) {
		diag_help(l->diags, g, "write the IPv4 address itself: %s", text + 7);
		load_fix_scalar(l, g, v, file, text + 7);
	} else if (slash && addr_parse(text, n = (size_t)(slash - text), &addr) == 0) {
		snprintf(clean, sizeof(clean), "%.*s", (int)n, text);
		diag_help(l->diags, g, "an address alone, without a length: %s", clean);
		load_fix_scalar(l, g, v, file, clean);
	} else if (without_zeros(text, clean)) {
		diag_help(l->diags, g, "without leading zeros, if it is decimal: %s", clean);
	} else {
		diag_help(l->diags, g, "write it as in 10.60.64.2 or fd00:60::2");
	}
}

bool load_addr(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct addr *out)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file);

	if (!text)
		return false;
	if (addr_parse(text, v->n, out)) {
		bad_address(l, v, file);
		return false;
	}
	if (l->diags->spellings && !addr_is_v4(out)) {
		char usual[ADDR_STR_LEN];

		addr_format(out, usual);
		load_unusual(l, v, file, usual);
	}
	return !ipv6_reserved(l, &at, out, addr_is_v4(out), text);
}

bool load_prefix(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct prefix *out)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file), *slash;
	char clean[PREFIX_STR_LEN];
	struct addr addr;
	struct diag *g;

	if (!text)
		return false;
	switch (prefix_parse(text, v->n, out)) {
	case PREFIX_OK:
		break;
	case PREFIX_HOST_BITS:
		prefix_format(out, clean);
		g = diag_error(l->diags, "host-bits", &at, "%s has bits set after its length", text);
		diag_help(l->diags, g, "the prefix is %s", clean);
		load_fix_scalar(l, g, v, file, clean);
		return false;
	case PREFIX_SYNTAX:
	default:
		g = diag_error(l->diags, "bad-prefix", &at, "'%.*s' is not a prefix", QUOTE_MAX, text);
		slash = strchr(text, '/');
		if (addr_parse(text, v->n, &addr) == 0)
			diag_help(l->diags, g, "add its length: %s/%d", text, addr_is_v4(&addr) ? 32 : 128);
		else if (slash && addr_parse(text, (size_t)(slash - text), &addr) == 0)
			diag_help(l->diags, g, "its length is a number from 0 to %d, without leading zeros",
				  addr_is_v4(&addr) ? 32 : 128);
		else
			diag_help(l->diags, g, "write it as in 10.60.64.0/24 or fd00:60::/48");
		return false;
	}
	if (l->diags->spellings && !prefix_is_v4(out)) {
		prefix_format(out, clean);
		load_unusual(l, v, file, clean);
	}
	/* ::/0 to ::/7 are more than what is reserved: a route may be one. */
	return out->len < 8 || !ipv6_reserved(l, &at, &out->base, prefix_is_v4(out), text);
}

bool load_key(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct key *out)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file);

	if (!text)
		return false;
	/* What was written is not repeated: a person may have pasted a private key. */
	if (key_parse(text, v->n, out)) {
		diag_help(l->diags,
			  diag_error(l->diags, "bad-key", &at, "'%s' is not 32 bytes in canonical base64", k->name),
			  "it has 44 characters, the last being '=', as `wg pubkey` prints them");
		return false;
	}
	return true;
}

bool load_ed25519(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct key *out,
		  struct key *x25519)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file);
	struct diag *g;

	if (!text)
		return false;
	if (ed25519_parse(text, v->n, out)) {
		g = diag_error(l->diags, "bad-key", &at, "'%s' is not 'ed25519:' and 32 bytes in canonical base64",
			       k->name);
		if (key_parse(text, v->n, out) == 0)
			diag_help(l->diags, g, "put 'ed25519:' before it, if it is an Ed25519 key");
		else
			diag_help(l->diags, g,
				  "copy it from where it was made, with its 44 characters after the colon");
		return false;
	}
	if (ed25519_to_x25519(out, x25519)) {
		diag_help(l->diags,
			  diag_error(l->diags, "key-low-order", &at, "'%s' is not a point of Ed25519, or of low order",
				     k->name),
			  "no private key belongs to it: make a new one");
		return false;
	}
	return true;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; March is the first month, so that leap days come last. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t number_at(const char *s, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (s[i] - '0');
	return value;
}

/* "2026-12-06T12:00:00Z" and nothing else of RFC 3339: no fraction, no offset, no leap second. */
static bool time_parse(const char *s, size_t n, int64_t *out)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t y, m, d, h, min, sec;
	bool leap;

	if (n != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	y = number_at(s, 4);
	m = number_at(s + 5, 2);
	d = number_at(s + 8, 2);
	h = number_at(s + 11, 2);
	min = number_at(s + 14, 2);
	sec = number_at(s + 17, 2);
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (m < 1 || m > 12 || d < 1 || d > days[m - 1] + (m == 2 && leap) || h > 23 || min > 59 || sec > 59)
		return false;
	*out = ((days_from_civil(y, m, d) * 24 + h) * 60 + min) * 60 + sec;
	return *out > 0;
}

static bool read_time(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, int64_t *out)
{
	struct place at = node_place(v, file);
	const char *text = load_text(l, k, v, file);
	struct diag *g;

	if (!text)
		return false;
	if (!time_parse(text, v->n, out)) {
		g = diag_error(l->diags, "bad-time", &at, "'%.*s' is not a time in UTC", QUOTE_MAX, text);
		diag_help(l->diags, g, "write it as in 2026-12-06T12:00:00Z");
		return false;
	}
	return true;
}

unsigned load_one_or_two(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file,
			 const struct node *out[static 2])
{
	struct place at = node_place(v, file);
	unsigned n = 0;

	if (v->kind != NODE_LIST) {
		out[0] = v;
		return v->kind == NODE_BAD ? 0 : 1;
	}
	if (v->n < 1 || v->n > 2) {
		diag_help(l->diags,
			  diag_error(l->diags, "families", &at, "'%s' takes one value or one a family, not %u", k->name,
				     v->n),
			  "one IPv4 and one IPv6 at most");
		return 0;
	}
	for (const struct node *i = v->first; i; i = i->next)
		if (i->kind != NODE_BAD)
			out[n++] = i;
	return n;
}

bool load_check_list(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file)
{
	struct place at = node_place(v, file);

	if (v->kind != NODE_LIST) {
		load_bad_type(l, k, v, file);
		return false;
	}
	if (v->n < k->min || (k->max && v->n > k->max)) {
		bool many = k->max && v->n > k->max;

		diag_help(l->diags,
			  diag_error(l->diags, many ? "too-large" : "bad-value", &at,
				     "'%s' has %u items, but must have from %lld to %lld", k->name, v->n,
				     (long long)k->min, (long long)k->max),
			  many ? "name fewer of them" : "name one, or leave the key out if it may be");
		return false;
	}
	return true;
}

/* The endpoint in its one spelling, in the arena; NULL after a diagnostic. */
static const char *read_endpoint(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file)
{
	const char *text = load_text(l, k, v, file), *usual;
	struct place at = node_place(v, file);
	struct diag *g;

	if (!text)
		return NULL;
	usual = endpoint_canonical(l->arena, text, v->n);
	if (!usual) {
		g = diag_error(l->diags, "bad-endpoint", &at, "'%.*s' is not host:port", QUOTE_MAX, text);
		diag_help(l->diags, g, "write it as in vpn.example.com:51820, 192.0.2.1:51820 or [2001:db8::1]:51820");
	} else if (l->diags->spellings) {
		load_unusual(l, v, file, usual);
	}
	return usual;
}

/* Of those types, one value is all that there is to read. */
static void read_attribute(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, void *thing)
{
	const char *text;
	int64_t number;
	bool flag;

	switch (k->type) {
	case TYPE_BOOL:
		if (read_bool(l, k, v, file, &flag))
			attribute_set_bool(k, thing, flag);
		break;
	case TYPE_INT:
	case TYPE_TIME:
		if (k->type == TYPE_INT ? load_int(l, k, v, file, &number) : read_time(l, k, v, file, &number))
			attribute_set_number(k, thing, number);
		break;
	case TYPE_TEXT:
	case TYPE_ENDPOINT:
		text = k->type == TYPE_TEXT ? read_line(l, k, v, file) : read_endpoint(l, k, v, file);
		attribute_set_text(k, thing, text);
		break;
	default:
		return;
	}
	if (k->at)
		*(struct place *)(void *)((char *)thing + k->at) = node_place(v, file);
}

void load_attributes(struct loader *l, enum key_place place, const struct node *const values[static KEYS_MAX],
		     uint32_t file, void *thing)
{
	size_t n;
	const struct key_spec *keys = keys_of(place, &n);

	for (size_t i = 0; i < n; i++)
		if (values[i] && keys[i].member != MEMBER_NONE)
			read_attribute(l, &keys[i], values[i], file, thing);
}
