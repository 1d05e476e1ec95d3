#include "reconcile/edge/config/config.h"

#include "schema/utf8.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The size of an allocation, stored in front of it: libcyaml frees without a size, and the memory must be wiped. */
union block {
	size_t n;
	max_align_t align;
};

/* libcyaml's allocator: size 0 frees. */
static void *wiping_memory(void *ctx, void *ptr, size_t size)
{
	union block *old = ptr ? (union block *)ptr - 1 : NULL, *new = NULL;

	(void)ctx;
	if (size) {
		if (size > SIZE_MAX - sizeof(*new))
			return NULL;
		new = malloc(sizeof(*new) + size);
		if (!new)
			return NULL;
		new->n = size;
	}
	if (old) {
		if (new)
			memcpy(new + 1, old + 1, old->n < size ? old->n : size);
		sodium_memzero(old, sizeof(*old) + old->n);
		free(old);
	}
	return new ? new + 1 : NULL;
}

/*
 * The error that libcyaml has logged. It logs an error as a line, then a backtrace of places. Some of these lines contain
 * values, which may be secret. So take_log() accepts only formats whose arguments are keys of a file or fixed texts.
 */
struct complaint {
	char text[160];
	char field[64];
	bool names_key;        /* the text names the key already */
	bool no_place;         /* a missing key has no place */
	unsigned line, column; /* 1-based; 0: none */
};

static bool word_is_plain(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 32 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static void complain(struct complaint *c, const char *what, const char *word)
{
	if (c->text[0])
		return;
	if (word && !word_is_plain(word))
		word = NULL;
	snprintf(c->text, sizeof(c->text), "%s%s%s%s", what, word ? " '" : "", word ? word : "", word ? "'" : "");
}

static void take_log(cyaml_log_t level, void *ctx, const char *fmt, va_list ap)
{
	static const struct {
		const char *has, *say;
		bool word;
	} known[] = {
	    {"Unexpected key: %s", "unknown key", true},
	    {"Missing required mapping field: %s", "this key is missing:", true},
	    {"Mapping field already seen: %s", "this key is there twice:", true},
	    {"Insufficient entries", "too few entries in a list", false},
	    {"Excessive entries", "too many entries in a list", false},
	    {"STRING length", "a value is too short or too long", false},
	};
	struct complaint *c = ctx;

	(void)level;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strstr(fmt, known[i].has)) {
			c->names_key = known[i].word;
			c->no_place = strstr(fmt, "Missing") != NULL;
			complain(c, known[i].say, known[i].word ? va_arg(ap, const char *) : NULL);
			return;
		}
	}
	if (strstr(fmt, "libyaml: %s")) {
		const char *problem = va_arg(ap, const char *); /* libyaml's message */
		if (!c->text[0] && problem)
			snprintf(c->text, sizeof(c->text), "not YAML: %s", problem);
	} else if (strstr(fmt, "Expecting %s, got event: %s")) {
		complain(c, "a value of another kind is needed here", NULL);
	} else if (strstr(fmt, "in mapping field '%s' (line: %zu, column: %zu)") && !c->line) {
		const char *field = va_arg(ap, const char *);
		c->line = (unsigned)va_arg(ap, size_t);
		c->column = (unsigned)va_arg(ap, size_t);
		if (field && word_is_plain(field))
			snprintf(c->field, sizeof(c->field), "%s", field);
	} else if (strstr(fmt, "in mapping (line: %zu, column: %zu)") && !c->line) {
		c->line = (unsigned)va_arg(ap, size_t);
		c->column = (unsigned)va_arg(ap, size_t);
	}
}

static cyaml_config_t cyaml_settings(struct complaint *c)
{
	return (cyaml_config_t){
	    .log_fn = take_log,
	    .log_ctx = c,
	    .log_level = CYAML_LOG_ERROR,
	    .mem_fn = wiping_memory,
	    .flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK,
	};
}

/* Returns why one line (without its LF) is refused, or NULL. */
static const char *line_refused(const uint8_t *p, size_t n)
{
	if (n > 0 && p[0] == '%')
		return "YAML directives are not allowed";
	if (n >= 3 && (memcmp(p, "---", 3) == 0 || memcmp(p, "...", 3) == 0))
		return "it must be one document, without '---' and '...'";
	while (n) {
		uint32_t cp;
		unsigned k = utf8_decode(p, n, &cp);
		if (!k)
			return "it is not UTF-8";
		if ((cp < ' ' && cp != '\t' && cp != '\r') || cp == 0xfeff)
			return "there is a control character or a byte order mark in it";
		p += k;
		n -= k;
	}
	return NULL;
}

/*
 * Accepts one document in UTF-8 only. libcyaml would read the first document and ignore the rest, succeed for no document,
 * and accept what libyaml accepts as text: UTF-16, a byte order mark, NUL.
 */
static const char *text_refused(struct span bytes)
{
	bool empty = true;

	for (size_t start = 0; start < bytes.n;) {
		const uint8_t *p = bytes.p + start, *lf = memchr(p, '\n', bytes.n - start);
		size_t n = lf ? (size_t)(lf - p) : bytes.n - start;
		const char *refused = line_refused(p, n);

		if (refused)
			return refused;
		for (size_t i = 0; i < n && p[i] != '#'; i++)
			empty = empty && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r');
		start += n + 1;
	}
	return empty ? "there is nothing in it" : NULL;
}

int config_parse(const cyaml_schema_value_t *schema, struct span bytes, const char *code, const char *name, void **out,
		 struct diags *d)
{
	struct complaint c = {0};
	cyaml_config_t settings = cyaml_settings(&c);
	const char *refused = text_refused(bytes);
	struct diag *g;
	cyaml_err_t err;

	*out = NULL;
	if (refused) {
		diag_file_error(d, code, name, "%s cannot be used: %s", name, refused);
		return -1;
	}
	err = cyaml_load_data(bytes.p, bytes.n, &settings, schema, out, NULL);
	if (err == CYAML_OK && *out)
		return 0;
	if (err == CYAML_ERR_OOM) {
		diags_out_of_memory(d);
		goto out;
	}
	if (err == CYAML_OK)
		complain(&c, "there is nothing in it", NULL);
	complain(&c, err == CYAML_ERR_ALIAS ? "aliases are not allowed" : cyaml_strerror(err), NULL);
	if (c.names_key)
		c.field[0] = '\0';
	g = diag_file_error(d, code, name, "%s cannot be used: %s%s%s%s", name, c.text, c.field[0] ? " (at '" : "",
			    c.field, c.field[0] ? "')" : "");
	if (g && c.line && !c.no_place)
		g->at =
		    (struct place){.line = c.line, .column = c.column, .end_line = c.line, .end_column = c.column + 1};
out:
	config_free(schema, *out);
	*out = NULL;
	return -1;
}

void config_free(const cyaml_schema_value_t *schema, void *data)
{
	struct complaint c = {0};
	cyaml_config_t settings = cyaml_settings(&c);

	if (data)
		cyaml_free(&settings, schema, data, 0);
}

int config_emit(const cyaml_schema_value_t *schema, const void *data, const char *comment, struct buf *out,
		struct diags *d)
{
	struct complaint c = {0};
	cyaml_config_t settings = cyaml_settings(&c);
	char *text = NULL, *p;
	size_t n = 0, head = strlen(comment);
	cyaml_err_t err = cyaml_save_data(&text, &n, &settings, schema, data, 0);

	if (err == CYAML_ERR_OOM)
		return diags_out_of_memory(d);
	if (err != CYAML_OK) {
		diag_error(d, "file-error", NULL, "cannot write the YAML of a file: %s", cyaml_strerror(err));
		return -1;
	}
	/* Allocated once in its full size: growing a buffer leaves copies of secrets in freed memory. */
	p = malloc(head + n + 1);
	if (p) {
		memcpy(p, comment, head);
		memcpy(p + head, text, n);
		p[head + n] = '\0';
		buf_free(out);
		*out = (struct buf){.p = p, .n = head + n, .cap = head + n + 1};
	} else {
		diags_out_of_memory(d);
	}
	wiping_memory(NULL, text, 0);
	return p ? 0 : -1;
}

int config_fail(const struct config_at *at, const char *field, const char *what)
{
	diag_file_error(at->d, at->code, at->file, "%s: '%s' %s", at->file, field, what);
	return -1;
}

int config_number(const struct config_at *at, const char *field, const char *s, uint64_t min, uint64_t max,
		  uint64_t *out)
{
	char range[96];
	uint64_t v = 0;
	const char *p = s;

	snprintf(range, sizeof(range), "must be a whole number from %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	if (!*p || (p[0] == '0' && p[1]))
		return config_fail(at, field, range);
	for (; *p; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (*p < '0' || *p > '9' || v > (UINT64_MAX - digit) / 10)
			return config_fail(at, field, range);
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return config_fail(at, field, range);
	*out = v;
	return 0;
}

int config_base64(const struct config_at *at, const char *field, const char *s, struct key *out)
{
	if (key_parse(s, strlen(s), out) < 0)
		return config_fail(at, field, "must be 32 bytes in canonical base64");
	return 0;
}

int config_x25519(const struct config_at *at, const char *field, const char *s, struct key *out)
{
	if (config_base64(at, field, s, out) < 0)
		return -1;
	return x25519_key_valid(out) ? 0 : config_fail(at, field, "is not a key that a handshake can be done with");
}

int config_ed25519(const struct config_at *at, const char *field, const char *s, struct key *out)
{
	if (ed25519_parse(s, strlen(s), out) < 0)
		return config_fail(at, field, "must be 'ed25519:' and 32 bytes in canonical base64");
	return 0;
}

int config_addr(const struct config_at *at, const char *field, const char *s, struct addr *out)
{
	if (addr_parse(s, strlen(s), out) < 0)
		return config_fail(at, field, "must be an IPv4 or IPv6 address");
	return 0;
}

int config_prefix(const struct config_at *at, const char *field, const char *s, struct prefix *out)
{
	if (prefix_parse(s, strlen(s), out) != PREFIX_OK)
		return config_fail(at, field, "must be a prefix, such as 10.60.0.0/16");
	return 0;
}

uint8_t *secret_new(void)
{
	if (sodium_init() < 0)
		return NULL;
	return sodium_malloc(KEY_LEN);
}

void secret_free(uint8_t *secret)
{
	sodium_free(secret);
}

int config_secret(const struct config_at *at, const char *field, const char *s, uint8_t out[static KEY_LEN])
{
	size_t n = 0;
	const char *end = NULL;

	if (strlen(s) != KEY_B64_LEN ||
	    sodium_base642bin(out, KEY_LEN, s, KEY_B64_LEN, NULL, &n, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != KEY_LEN || end != s + KEY_B64_LEN) {
		sodium_memzero(out, KEY_LEN);
		return config_fail(at, field, "must be 32 secret bytes in canonical base64 (it is not shown here)");
	}
	return 0;
}

void config_secret_format(const uint8_t secret[static KEY_LEN], char out[static KEY_B64_LEN + 1])
{
	sodium_bin2base64(out, KEY_B64_LEN + 1, secret, KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}
