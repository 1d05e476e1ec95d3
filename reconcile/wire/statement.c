/* innernet-statement: what gets signed. */
#include "reconcile/text/text.h"
#include "reconcile/wire/verify.h"

#include <string.h>

static void write_keys(struct buf *b, const char *word, const struct key *keys, unsigned n)
{
	char text[ED25519_STR_LEN + 1];

	for (unsigned i = 0; i < n; i++) {
		ed25519_format(&keys[i], text);
		buf_str(b, word);
		buf_str(b, text);
		buf_char(b, '\n');
	}
}

void statement_of(const struct snapshot *s, struct statement *out)
{
	const struct model *m = s->model;

	*out = (struct statement){
	    .trust = m->trust,
	    .version = {m->epoch, s->commit.number},
	    .time = s->commit.time < 0 ? 0 : s->commit.time,
	    .n_views = s->n_views,
	    .views_root = s->tree[merkle_size(s->n_views) - 1],
	    .name = s->statement_name,
	};
	/* Both are bounded by what they come from: a network's name and a commit's hash. */
	memcpy(out->network, m->network, strnlen(m->network, NETWORK_MAX_LEN));
	memcpy(out->commit, s->commit.sha, sizeof(out->commit));
}

void statement_write(struct buf *out, const struct statement *s)
{
	buf_str(out, s->extra.p ? "innernet-statement 2\nnetwork " : "innernet-statement 1\nnetwork ");
	buf_str(out, s->network);
	buf_char(out, ' ');
	buf_key(out, &s->trust.id);
	buf_str(out, "\nversion ");
	buf_u64(out, s->version.epoch);
	buf_char(out, ' ');
	buf_u64(out, s->version.number);
	buf_str(out, "\ncommit ");
	buf_str(out, s->commit);
	buf_str(out, "\ntime ");
	buf_u64(out, (uint64_t)s->time);
	buf_str(out, "\nthreshold ");
	buf_u64(out, s->trust.threshold);
	buf_char(out, '\n');
	write_keys(out, "signer ", s->trust.signers, s->trust.n_signers);
	write_keys(out, "online ", s->trust.online, s->trust.n_online);
	buf_str(out, "views ");
	buf_u64(out, s->n_views);
	buf_char(out, ' ');
	buf_hash(out, &s->views_root);
	buf_char(out, '\n');
	buf_add(out, s->extra.p, s->extra.n);
}

/* The types of ssh(1)'s keys: kept for people's own keys as signers. */
static bool is_persons_key(struct span type)
{
	return (type.n > 4 && memcmp(type.p, "ssh-", 4) == 0) || (type.n > 7 && memcmp(type.p, "sk-ssh-", 7) == 0);
}

/* Rising, so that each stands once. At least one. */
static bool read_keys(struct text *t, const char *word, struct key keys[SIGNERS_MAX], uint8_t *n)
{
	while (text_take(t, word)) {
		if (t->format > 1 && t->n > 1 && is_persons_key(t->field[1])) {
			t->word = t->field[1];
			return text_fail(t, "an ssh key as a signer");
		}
		if (*n == SIGNERS_MAX || t->n != 2)
			return text_fail(t, "too many keys, or too many words");
		if (!text_ed25519(t, 1, &keys[*n]))
			return false;
		if (*n && key_cmp(&keys[*n - 1], &keys[*n]) >= 0)
			return text_fail(t, "keys that are out of order");
		(*n)++;
	}
	return *n ? !t->error : text_fail(t, "a signer or an online key is missing");
}

static bool read_commit(struct text *t, char out[static HASH_HEX_LEN + 1])
{
	struct span s = t->field[1];

	if (!commit_id_valid((const char *)s.p, s.n))
		return text_fail(t, "not a commit");
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool read_head(struct text *t, struct statement *out)
{
	uint64_t time;

	if (!text_need(t, "network", 3))
		return false;
	if (!network_name_valid((const char *)t->field[1].p, t->field[1].n))
		return text_fail(t, "not a network's name");
	memcpy(out->network, t->field[1].p, t->field[1].n);
	if (!text_key(t, 2, &out->trust.id))
		return false;
	if (!text_need(t, "version", 3) || !text_u64(t, 1, UINT64_MAX, &out->version.epoch) ||
	    !text_u64(t, 2, UINT64_MAX, &out->version.number))
		return false;
	if (!text_need(t, "commit", 2) || !read_commit(t, out->commit))
		return false;
	if (!text_need(t, "time", 2) || !text_u64(t, 1, INT64_MAX, &time))
		return false;
	out->time = (int64_t)time;
	return true;
}

int statement_parse(struct span bytes, struct statement *out, struct diags *d)
{
	struct text t;
	uint64_t threshold;

	memset(out, 0, sizeof(*out));
	if (bytes.n > STATEMENT_MAX) {
		diag_error(d, "bad-statement", NULL, "the statement is longer than %u bytes", STATEMENT_MAX);
		return -1;
	}
	if (!text_open_format(&t, bytes, "innernet-statement", FORMAT_NEWEST) || !read_head(&t, out))
		return text_report(&t, d, "bad-statement", "the statement");
	if (!text_need(&t, "threshold", 2) || !text_u64(&t, 1, SIGNERS_MAX, &threshold) ||
	    !read_keys(&t, "signer", out->trust.signers, &out->trust.n_signers) ||
	    !read_keys(&t, "online", out->trust.online, &out->trust.n_online))
		return text_report(&t, d, "bad-statement", "the statement");
	if (threshold < 1 || threshold > out->trust.n_signers)
		text_fail(&t, "a threshold of 0, or above the number of signers");
	if (!text_need(&t, "views", 3) || !text_u64(&t, 1, (uint64_t)1 << PATH_MAX_LEN, &out->n_views) ||
	    !text_hash(&t, 2, &out->views_root) || !text_take_extra(&t, &out->extra) ||
	    !text_format_is(&t, out->extra.p ? 2 : 1) || !text_end(&t))
		return text_report(&t, d, "bad-statement", "the statement");
	out->trust.threshold = (uint8_t)threshold;
	out->trust.present = true;
	hash_bytes(bytes.p, bytes.n, &out->name);
	return 0;
}

int version_cmp(const struct version *a, const struct version *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}
