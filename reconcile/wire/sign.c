#include "reconcile/wire/sign.h"
#include "reconcile/text/text.h"

#include <sodium.h>
#include <string.h>

/* "innernet-<type>-v1\0" || id || bytes: one key's signature of one kind, in one network, means nothing in another. */
static int signed_bytes(struct buf *b, const char *type, const struct key *id, struct span bytes)
{
	buf_printf(b, "innernet-%s-v1", type);
	buf_add(b, "", 1);
	buf_add(b, id->b, sizeof(id->b));
	buf_add(b, bytes.p, bytes.n);
	return b->failed ? -1 : 0;
}

int sign_detached(const char *type, const struct key *id, struct span bytes, const uint8_t seed[static KEY_LEN],
		  uint8_t sig[static SIG_LEN])
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	struct buf b = {0};
	int err = -1;

	if (signed_bytes(&b, type, id, bytes) == 0 && crypto_sign_seed_keypair(pk, sk, seed) == 0 &&
	    crypto_sign_detached(sig, NULL, (const uint8_t *)b.p, b.n, sk) == 0)
		err = 0;
	sodium_memzero(sk, sizeof(sk));
	buf_free(&b);
	return err;
}

bool sign_check(const char *type, const struct key *id, struct span bytes, const struct key *by,
		const uint8_t sig[static SIG_LEN])
{
	struct buf b = {0};
	bool good = signed_bytes(&b, type, id, bytes) == 0 &&
		    crypto_sign_verify_detached(sig, (const uint8_t *)b.p, b.n, by->b) == 0;

	buf_free(&b);
	return good;
}

/* innernet-signature */

void signature_write(struct buf *out, const struct signature *s)
{
	char by[ED25519_STR_LEN + 1], sig[SIG_B64_LEN + 1];

	ed25519_format(&s->by, by);
	sig_format(s->sig, sig);
	buf_printf(out, "innernet-signature 1\nby %s\nover ", by);
	buf_hash(out, &s->over);
	buf_printf(out, "\nsig %s\n", sig);
}

int signature_parse(struct span bytes, struct signature *out, struct diags *d)
{
	struct text t = {0};

	if (bytes.n > SMALL_OBJECT_MAX)
		text_fail(&t, "longer than a signature can be");
	else if (text_open(&t, bytes, "innernet-signature") && text_need(&t, "by", 2) &&
		 text_ed25519(&t, 1, &out->by) && text_need(&t, "over", 2) && text_hash(&t, 1, &out->over) &&
		 text_need(&t, "sig", 2)) {
		if (sig_parse((const char *)t.field[1].p, t.field[1].n, out->sig) < 0)
			text_fail(&t, "not 64 bytes of canonical base64");
		else if (text_end(&t))
			return 0;
	}
	return text_report(&t, d, "bad-signature", "a signature");
}

int signature_make(const char *type, const struct key *id, struct span bytes, const uint8_t seed[static KEY_LEN],
		   struct signature *out)
{
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
	int err = crypto_sign_seed_keypair(out->by.b, sk, seed);

	sodium_memzero(sk, sizeof(sk));
	hash_bytes(bytes.p, bytes.n, &out->over);
	return err == 0 ? sign_detached(type, id, bytes, seed, out->sig) : -1;
}

/* innernet-fresh */

void fresh_write(struct buf *out, const struct fresh *f)
{
	buf_str(out, "innernet-fresh 1\nstatement ");
	buf_hash(out, &f->statement);
	buf_str(out, "\nissued ");
	buf_u64(out, (uint64_t)f->issued);
	buf_str(out, "\nuntil ");
	buf_u64(out, (uint64_t)f->until);
	buf_char(out, '\n');
}

int fresh_parse(struct span bytes, struct fresh *out, struct diags *d)
{
	struct text t = {0};
	uint64_t issued, until;

	if (bytes.n > SMALL_OBJECT_MAX)
		text_fail(&t, "longer than a freshness can be");
	else if (text_open(&t, bytes, "innernet-fresh") && text_need(&t, "statement", 2) &&
		 text_hash(&t, 1, &out->statement) && text_need(&t, "issued", 2) &&
		 text_u64(&t, 1, INT64_MAX, &issued) && text_need(&t, "until", 2) &&
		 text_u64(&t, 1, INT64_MAX, &until)) {
		out->issued = (int64_t)issued;
		out->until = (int64_t)until;
		if (until < issued)
			text_fail(&t, "a freshness that ends before it begins");
		else if (text_end(&t))
			return 0;
	}
	return text_report(&t, d, "bad-freshness", "a freshness");
}

bool fresh_is_from_the_future(int64_t until, int64_t now)
{
	return until > now && until - now > FRESH_SECONDS + CLOCK_SLACK;
}

/* innernet-enrolment: its text, and then an innernet-signature by the invite's key. */

static void enrolment_text(struct buf *out, const struct enrolment *e)
{
	buf_str(out, e->extra.p ? "innernet-enrolment 2\nnetwork " : "innernet-enrolment 1\nnetwork ");
	buf_key(out, &e->id);
	buf_str(out, "\ninvite ");
	buf_key(out, &e->invite);
	buf_str(out, "\nkey ");
	buf_key(out, &e->key);
	buf_str(out, "\ntime ");
	buf_u64(out, (uint64_t)e->time);
	buf_char(out, '\n');
	buf_add(out, e->extra.p, e->extra.n);
}

void enrolment_write(struct buf *out, const struct enrolment *e)
{
	struct signature s = {.by = e->invite};
	struct buf text = {0};

	enrolment_text(&text, e);
	hash_bytes(text.p, text.n, &s.over);
	memcpy(s.sig, e->sig, sizeof(s.sig));
	buf_add(out, text.p, text.n);
	signature_write(out, &s);
	out->failed |= text.failed;
	buf_free(&text);
}

static bool read_enrolment(struct text *t, struct enrolment *out)
{
	uint64_t time;

	if (!text_need(t, "network", 2) || !text_key(t, 1, &out->id) || !text_need(t, "invite", 2) ||
	    !text_key(t, 1, &out->invite) || !text_need(t, "key", 2) || !text_key(t, 1, &out->key) ||
	    !text_need(t, "time", 2) || !text_u64(t, 1, INT64_MAX, &time))
		return false;
	out->time = (int64_t)time;
	return text_take_extra(t, &out->extra) && text_format_is(t, out->extra.p ? 2 : 1);
}

int enrolment_parse(struct span record, struct enrolment *out, struct diags *d)
{
	struct text t = {0};
	struct signature s;
	struct hash over;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (record.n > ENROLMENT_MAX) {
		text_fail(&t, "longer than an enrolment can be");
		return text_report(&t, d, "bad-enrolment", "an enrolment");
	}
	if (!text_open_format(&t, record, "innernet-enrolment", FORMAT_NEWEST) || !read_enrolment(&t, out))
		return text_report(&t, d, "bad-enrolment", "an enrolment");
	/* A line that was read ahead is the signature's first. */
	n = (size_t)((t.ahead ? t.field[0].p : t.p) - record.p);
	if (signature_parse((struct span){record.p + n, record.n - n}, &s, d) < 0)
		return -1;
	hash_bytes(record.p, n, &over);
	if (!key_eq(&s.by, &out->invite) || hash_cmp(&s.over, &over) != 0) {
		text_fail(&t, "its signature is of another key, or over another text");
		return text_report(&t, d, "bad-enrolment", "an enrolment");
	}
	memcpy(out->sig, s.sig, sizeof(out->sig));
	return 0;
}

int enrolment_make(const struct key *id, const struct key *invite, const struct key *key, int64_t time,
		   const uint8_t seed[static KEY_LEN], struct enrolment *out)
{
	struct buf text = {0};
	int err = -1;

	*out = (struct enrolment){.id = *id, .invite = *invite, .key = *key, .time = time};
	enrolment_text(&text, out);
	if (!text.failed)
		err = sign_detached("enrolment", id, buf_span(&text), seed, out->sig);
	buf_free(&text);
	return err;
}

int enrolment_check(const struct enrolment *e, const struct key *id, struct diags *d)
{
	struct buf text = {0};
	struct key temporary;
	bool good;

	if (!key_eq(&e->id, id)) {
		diag_error(d, "enrolment-other-network", NULL, "the enrolment is for another network");
		return -1;
	}
	enrolment_text(&text, e);
	good = !text.failed && sign_check("enrolment", id, buf_span(&text), &e->invite, e->sig);
	buf_free(&text);
	if (!good) {
		diag_error(d, "enrolment-forged", NULL, "the enrolment is not signed by its invite");
		return -1;
	}
	if (!x25519_key_valid(&e->key) || ed25519_to_x25519(&e->invite, &temporary) < 0 ||
	    key_eq(&temporary, &e->key)) {
		diag_error(d, "enrolment-key", NULL,
			   "the enrolment's key is not a valid X25519 key, or is the invite's own");
		return -1;
	}
	return 0;
}
