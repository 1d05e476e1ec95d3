#include "reconcile/text/text.h"

#include <string.h>

bool span_is(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n == n && memcmp(s.p, word, n) == 0;
}

bool text_fail(struct text *t, const char *error)
{
	if (!t->error)
		t->error = error;
	t->ahead = false;
	return false;
}

/* Cuts the line between `p` and `end` (its LF) at each space. */
static bool split(struct text *t, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *word = p;

	t->n = 0;
	for (;; p++) {
		if (p < end && *p != ' ') {
			if (*p <= 0x20 || *p >= 0x7f)
				return text_fail(t, "a character that is not printable ASCII");
			continue;
		}
		if (p == word)
			return text_fail(t, "an empty line, or more than one space");
		if (t->n == TEXT_FIELDS_MAX)
			return text_fail(t, "too many words");
		t->field[t->n++] = (struct span){word, (size_t)(p - word)};
		if (p == end)
			return true;
		word = p + 1;
	}
}

bool text_next(struct text *t)
{
	const uint8_t *lf;

	if (t->error)
		return false;
	if (t->ahead) {
		t->ahead = false;
		return true;
	}
	if (t->p == t->end)
		return false;
	t->line++;
	lf = memchr(t->p, '\n', (size_t)(t->end - t->p));
	if (!lf)
		return text_fail(t, "the last line does not end: the text was cut off");
	if (!split(t, t->p, lf))
		return false;
	t->p = lf + 1;
	return true;
}

bool text_open_format(struct text *t, struct span bytes, const char *kind, uint32_t newest)
{
	uint64_t format;

	memset(t, 0, sizeof(*t));
	t->p = bytes.p;
	t->end = bytes.n ? bytes.p + bytes.n : bytes.p;
	if (!text_next(t))
		return text_fail(t, "it is empty");
	if (!span_is(t->field[0], kind))
		return text_fail(t, "it is not of the kind that is expected here");
	if (t->n != 2 || !span_u64(t->field[1], UINT32_MAX, &format) || format == 0)
		return text_fail(t, "a first line that is not a kind and its format");
	t->format = (uint32_t)format;
	t->newest = newest;
	return t->format <= newest ? true : text_fail(t, "a format that this program does not read; it may be too old");
}

bool text_open(struct text *t, struct span bytes, const char *kind)
{
	bool good = text_open_format(t, bytes, kind, 1);

	/* Reported under the kind's own code. */
	t->newest = t->format;
	return good;
}

bool text_take(struct text *t, const char *word)
{
	if (!text_next(t))
		return false;
	if (span_is(t->field[0], word))
		return true;
	t->ahead = true;
	return false;
}

bool text_need(struct text *t, const char *word, unsigned n_fields)
{
	if (!text_take(t, word))
		return text_fail(t, "a line is missing, unknown or out of order");
	if (t->n != n_fields)
		return text_fail(t, "a line with too few or too many words");
	return true;
}

bool text_end(struct text *t)
{
	if (t->error)
		return false;
	if (t->ahead || t->p != t->end)
		return text_fail(t, "a line that is unknown, repeated or out of order");
	return true;
}

static bool is_extra(struct span word)
{
	return word.n > 2 && memcmp(word.p, "x-", 2) == 0 && name_valid((const char *)word.p, word.n);
}

/* Bytewise; a line that another one begins with comes before it. */
static int line_cmp(struct span a, struct span b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool text_take_extra(struct text *t, struct span *out)
{
	struct span last = {NULL, 0};

	*out = (struct span){NULL, 0};
	while (t->format > 1 && text_next(t)) {
		struct span line = {t->field[0].p, (size_t)(t->p - t->field[0].p)};

		if (!is_extra(t->field[0])) {
			t->ahead = true;
			break;
		}
		if (last.p && line_cmp(last, line) >= 0)
			return text_fail(t, "x- lines that are out of order, or one of them twice");
		if (!out->p)
			out->p = line.p;
		out->n += line.n;
		if (out->n > X_LINES_MAX)
			return text_fail(t, "more x- lines than may stand here");
		last = line;
	}
	return !t->error;
}

bool text_format_is(struct text *t, uint32_t needed)
{
	return t->format == needed ? true : text_fail(t, "a newer format than it needs");
}

bool text_raw(struct text *t, size_t n, struct span *out)
{
	const uint8_t *lf = t->p;

	if (t->error || t->ahead || n > (size_t)(t->end - t->p))
		return text_fail(t, "fewer bytes than announced: the text was cut off");
	*out = (struct span){t->p, n};
	t->p += n;
	/* Lines are counted on, so that an error names the one a person finds with an editor. */
	while (n && (lf = memchr(lf, '\n', (size_t)(t->p - lf)))) {
		t->line++;
		lf++;
	}
	return true;
}

static bool have(struct text *t, unsigned i)
{
	return i < t->n ? true : text_fail(t, "a line with too few words");
}

bool text_word(struct text *t, unsigned i, const char *word)
{
	if (!have(t, i))
		return false;
	return span_is(t->field[i], word) ? true : text_fail(t, "an unexpected word");
}

bool span_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)s.p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool text_u64(struct text *t, unsigned i, uint64_t max, uint64_t *out)
{
	if (!have(t, i))
		return false;
	return span_u64(t->field[i], max, out) ? true : text_fail(t, "not a number, or one that is out of range");
}

bool text_u32(struct text *t, unsigned i, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!text_u64(t, i, max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool text_key(struct text *t, unsigned i, struct key *out)
{
	if (!have(t, i))
		return false;
	if (key_parse((const char *)t->field[i].p, t->field[i].n, out) < 0)
		return text_fail(t, "not 32 bytes of canonical base64");
	return true;
}

bool text_hash(struct text *t, unsigned i, struct hash *out)
{
	struct key k;

	if (!text_key(t, i, &k))
		return false;
	memcpy(out->b, k.b, sizeof(out->b));
	return true;
}

bool text_ed25519(struct text *t, unsigned i, struct key *out)
{
	if (!have(t, i))
		return false;
	if (ed25519_parse((const char *)t->field[i].p, t->field[i].n, out) < 0)
		return text_fail(t, "not an ed25519: key");
	return true;
}

bool text_name(struct text *t, unsigned i, struct arena *a, const char **out)
{
	if (!have(t, i))
		return false;
	if (!name_valid((const char *)t->field[i].p, t->field[i].n))
		return text_fail(t, "not a name");
	*out = arena_strndup(a, (const char *)t->field[i].p, t->field[i].n);
	return *out ? true : text_fail(t, "out of memory");
}

/* IPv4 has one spelling that addr_parse() takes; of IPv6's many only RFC 5952's is ours. */
static bool span_addr(struct span s, struct addr *out)
{
	char text[ADDR_STR_LEN];

	if (addr_parse((const char *)s.p, s.n, out) < 0)
		return false;
	if (addr_is_v4(out))
		return true;
	addr_format(out, text);
	return span_is(s, text);
}

bool span_prefix(struct span s, struct prefix *out)
{
	char text[PREFIX_STR_LEN];

	if (s.n >= PREFIX_STR_LEN || prefix_parse((const char *)s.p, s.n, out) != PREFIX_OK)
		return false;
	prefix_format(out, text);
	return span_is(s, text);
}

/* Up to two values around one comma. */
static unsigned halves(struct span s, struct span out[2])
{
	const uint8_t *comma = memchr(s.p, ',', s.n);

	if (!comma) {
		out[0] = s;
		return 1;
	}
	out[0] = (struct span){s.p, (size_t)(comma - s.p)};
	out[1] = (struct span){comma + 1, s.n - out[0].n - 1};
	return 2;
}

bool text_ips(struct text *t, unsigned i, struct addr ip[2], uint8_t *n)
{
	struct span half[2];
	unsigned k, count;

	if (!have(t, i))
		return false;
	count = halves(t->field[i], half);
	for (k = 0; k < count; k++)
		if (!span_addr(half[k], &ip[k]))
			return text_fail(t, "not an address in its shortest spelling");
	if (count == 2 && (!addr_is_v4(&ip[0]) || addr_is_v4(&ip[1])))
		return text_fail(t, "two addresses that are not IPv4, then IPv6");
	*n = (uint8_t)count;
	return true;
}

bool text_prefixes(struct text *t, unsigned i, struct prefix prefix[2], uint8_t *n)
{
	struct span half[2];
	unsigned k, count;

	if (!have(t, i))
		return false;
	count = halves(t->field[i], half);
	for (k = 0; k < count; k++)
		if (!span_prefix(half[k], &prefix[k]))
			return text_fail(t, "not a prefix in its shortest spelling");
	if (count == 2 && (!prefix_is_v4(&prefix[0]) || prefix_is_v4(&prefix[1])))
		return text_fail(t, "two prefixes that are not IPv4, then IPv6");
	*n = (uint8_t)count;
	return true;
}

bool text_prefix(struct text *t, unsigned i, struct prefix *out)
{
	if (!have(t, i))
		return false;
	return span_prefix(t->field[i], out) ? true : text_fail(t, "not a prefix in its shortest spelling");
}

static bool take_sockpoint(struct text *t, struct span s, struct sockpoint *out)
{
	char text[SOCKPOINT_STR_LEN];

	if (sockpoint_parse((const char *)s.p, s.n, out) < 0 || out->scope != 0 || out->port == 0)
		return text_fail(t, "not an address and a port");
	sockpoint_format(out, text);
	return span_is(s, text) ? true : text_fail(t, "an endpoint that is not in its shortest spelling");
}

bool text_sockpoint(struct text *t, unsigned i, struct sockpoint *out)
{
	return have(t, i) && take_sockpoint(t, t->field[i], out);
}

bool text_sockpoints(struct text *t, unsigned i, struct sockpoint *out, unsigned max, uint8_t *n)
{
	struct span rest, half[2];
	unsigned count = 2;

	*n = 0;
	if (!have(t, i))
		return false;
	for (rest = t->field[i]; count == 2; rest = half[1]) {
		if (*n == max)
			return text_fail(t, "more endpoints than a peer may report");
		count = halves(rest, half);
		if (!take_sockpoint(t, half[0], &out[*n]))
			return false;
		for (unsigned k = 0; k < *n; k++) {
			if (sockpoint_eq(&out[k], &out[*n]))
				return text_fail(t, "an endpoint that is there twice");
		}
		++*n;
	}
	return true;
}

bool text_value(const struct text *t, unsigned i, const char *name, struct span *value)
{
	size_t n = strlen(name);

	if (i >= t->n || t->field[i].n <= n || memcmp(t->field[i].p, name, n) != 0 || t->field[i].p[n] != '=')
		return false;
	*value = (struct span){t->field[i].p + n + 1, t->field[i].n - n - 1};
	return true;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, digits + i, sizeof(digits) - i);
}

void buf_key(struct buf *b, const struct key *k)
{
	char text[KEY_B64_LEN + 1];

	key_format(k, text);
	buf_add(b, text, KEY_B64_LEN);
}

void buf_hash(struct buf *b, const struct hash *h)
{
	struct key k;

	memcpy(k.b, h->b, sizeof(k.b));
	buf_key(b, &k);
}

void buf_prefixes(struct buf *b, const struct prefix *p, uint32_t n)
{
	char text[PREFIX_STR_LEN];

	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_char(b, ',');
		prefix_format(&p[i], text);
		buf_str(b, text);
	}
}

void buf_range(struct buf *b, const struct prefix *p)
{
	if (p->len == 128)
		buf_ips(b, &p->base, 1);
	else
		buf_prefixes(b, p, 1);
}

void buf_ips(struct buf *b, const struct addr *ip, uint8_t n)
{
	char text[ADDR_STR_LEN];

	for (uint8_t i = 0; i < n; i++) {
		if (i)
			buf_char(b, ',');
		addr_format(&ip[i], text);
		buf_str(b, text);
	}
}

void buf_sockpoints(struct buf *b, const struct sockpoint *at, unsigned n)
{
	char text[SOCKPOINT_STR_LEN];

	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_char(b, ',');
		sockpoint_format(&at[i], text);
		buf_str(b, text);
	}
}

int text_report(const struct text *t, struct diags *d, const char *code, const char *what)
{
	struct diag *g = NULL;

	if (t->format > t->newest)
		g = diag_error(d, "format-unknown", NULL,
			       "%s is of format %u, and this program reads format %u at most", what, t->format,
			       t->newest);
	else if (t->word.p)
		g = diag_error(d, "format-unknown", NULL, "%s, line %u: this program does not know the word '%.*s' yet",
			       what, t->line, (int)(t->word.n < 40 ? t->word.n : 40), (const char *)t->word.p);
	if (g) {
		diag_help(d, g, "this program is too old for it: install a newer one on this machine");
		return -1;
	}
	diag_error(d, code, NULL, "%s, line %u: %s", what, t->line ? t->line : 1, t->error ? t->error : "malformed");
	return -1;
}
