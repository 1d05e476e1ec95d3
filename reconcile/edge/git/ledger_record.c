#include "reconcile/edge/git/ledger_record.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Takes "<word> <value>\n" off the front of a text. */
static int take_line(struct span *s, const char *word, const char **value, size_t *n)
{
	size_t w = strlen(word);
	const uint8_t *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
	size_t len = end ? (size_t)(end - s->p) : 0;

	if (!end || len <= w || memcmp(s->p, word, w) || s->p[w] != ' ')
		return -1;
	*value = (const char *)s->p + w + 1;
	*n = len - w - 1;
	s->p += len + 1;
	s->n -= len + 1;
	return 0;
}

void ledger_address_write(struct buf *out, const struct ledger_address *a, const char *commit)
{
	char ip[ADDR_STR_LEN], mark[KEY_B64_LEN + 1];

	addr_format(&a->addr, ip);
	key_format(&a->mark, mark);
	buf_printf(out, "innernet-address 1\naddress %s\nmark %s\nname %s\ncommit %s\n", ip, mark, a->name, commit);
}

int ledger_address_parse(struct span bytes, struct ledger_address *out, char name[static NAME_MAX_LEN + 1])
{
	const char *v;
	char text[ADDR_STR_LEN];
	size_t n;

	memset(out, 0, sizeof(*out));
	if (bytes.n > LEDGER_RECORD_MAX)
		return -1;
	if (take_line(&bytes, "innernet-address", &v, &n) || n != 1 || *v != '1')
		return -1;
	if (take_line(&bytes, "address", &v, &n) || addr_parse(v, n, &out->addr))
		return -1;
	addr_format(&out->addr, text);
	if (strlen(text) != n || memcmp(text, v, n))
		return -1;
	if (take_line(&bytes, "mark", &v, &n) || key_parse(v, n, &out->mark))
		return -1;
	if (take_line(&bytes, "name", &v, &n) || !name_valid(v, n))
		return -1;
	memcpy(name, v, n);
	name[n] = '\0';
	if (take_line(&bytes, "commit", &v, &n) || !commit_id_valid(v, n) || bytes.n)
		return -1;
	return 0;
}

void ledger_spent_write(struct buf *out, const struct key *invite, const char *commit)
{
	char b64[KEY_B64_LEN + 1];

	key_format(invite, b64);
	buf_printf(out, "innernet-spent 1\ninvite %s\ncommit %s\n", b64, commit);
}

int ledger_spent_parse(struct span bytes, struct key *invite)
{
	const char *v;
	size_t n;

	if (bytes.n > LEDGER_RECORD_MAX)
		return -1;
	if (take_line(&bytes, "innernet-spent", &v, &n) || n != 1 || *v != '1')
		return -1;
	if (take_line(&bytes, "invite", &v, &n) || key_parse(v, n, invite))
		return -1;
	if (take_line(&bytes, "commit", &v, &n) || !commit_id_valid(v, n) || bytes.n)
		return -1;
	return 0;
}

void ledger_key_path(char out[static LEDGER_PATH_LEN], const char *kind, const struct key *k)
{
	char hex[2 * KEY_LEN + 1];

	sodium_bin2hex(hex, sizeof(hex), k->b, KEY_LEN);
	snprintf(out, LEDGER_PATH_LEN, "%s/%.2s/%.2s/%s", kind, hex, hex + 2, hex);
}

void ledger_address_path(char out[static LEDGER_PATH_LEN], const struct addr *a)
{
	char hex[33];

	sodium_bin2hex(hex, sizeof(hex), a->b, 16);
	snprintf(out, LEDGER_PATH_LEN, "addresses/%.2s/%.2s/%s", hex + 30, hex + 28, hex);
}

void ledger_statement_write(struct buf *out, const struct signed_text *s)
{
	const struct bundle b = {.statement = *s};

	bundle_write(out, &b);
}

void ledger_statement_path(char out[static LEDGER_PATH_LEN], struct span bytes)
{
	struct hash h;
	struct key name;

	hash_bytes(bytes.p, bytes.n, &h);
	memcpy(name.b, h.b, sizeof(name.b));
	ledger_key_path(out, "statements", &name);
}

int ledger_statement_parse(struct arena *a, struct span bytes, struct signed_text *out, struct statement *parsed)
{
	struct diags quiet = {0};
	struct bundle b;
	int ret = -1;

	if (bytes.n <= LEDGER_STATEMENT_MAX && bundle_parse(a, bytes, &b, &quiet) == 0 && b.statement.text.p &&
	    b.statement.n_signatures && !b.n_chain && !b.fresh.text.p && !b.has_path && !b.n_objects &&
	    !b.n_enrolments && !b.ledger[0] && !b.has_hints && !b.n_hints &&
	    statement_parse(b.statement.text, parsed, &quiet) == 0) {
		*out = b.statement;
		ret = 0;
	}
	diags_free(&quiet);
	return ret;
}
