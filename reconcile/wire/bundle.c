#include "reconcile/wire/bundle.h"
#include "reconcile/text/text.h"

#include <string.h>

int bundle_of_view(struct arena *a, const struct snapshot *s, uint32_t view, struct bundle *out)
{
	const struct object **objects;

	*out = (struct bundle){.has_path = true, .path_index = view, .path_count = s->n_views};
	if (snapshot_view_objects(a, s, view, NULL, 0, &objects, &out->n_objects) < 0)
		return -1;
	out->objects = arena_array(a, out->n_objects, sizeof(*out->objects));
	if (!out->objects)
		return -1;
	for (size_t i = 0; i < out->n_objects; i++)
		out->objects[i] = *objects[i];
	out->n_path = snapshot_path(s, view, out->path);
	return 0;
}

static void write_raw(struct buf *out, const char *word, struct span bytes)
{
	buf_str(out, word);
	buf_char(out, ' ');
	buf_u64(out, bytes.n);
	buf_char(out, '\n');
	buf_add(out, bytes.p, bytes.n);
}

static void write_signed(struct buf *out, const char *word, const struct signed_text *s)
{
	if (!s->text.p)
		return;
	write_raw(out, word, s->text);
	for (uint8_t i = 0; i < s->n_signatures; i++)
		write_raw(out, "signature", s->signatures[i]);
}

static void write_path(struct buf *out, const struct bundle *b)
{
	buf_str(out, "path ");
	buf_u64(out, b->path_index);
	buf_char(out, ' ');
	buf_u64(out, b->path_count);
	for (uint32_t i = 0; i < b->n_path; i++) {
		buf_char(out, ' ');
		buf_hash(out, &b->path[i]);
	}
	buf_char(out, '\n');
}

void bundle_write(struct buf *out, const struct bundle *b)
{
	buf_str(out, "innernet-bundle 1\n");
	for (uint32_t i = 0; i < b->n_chain; i++)
		write_signed(out, "statement", &b->chain[i]);
	write_signed(out, "statement", &b->statement);
	write_signed(out, "fresh", &b->fresh);
	if (b->has_path)
		write_path(out, b);
	for (size_t i = 0; i < b->n_objects; i++)
		write_raw(out, "object", b->objects[i].bytes);
	for (uint32_t i = 0; i < b->n_enrolments; i++)
		write_raw(out, "enrolment", b->enrolments[i]);
	if (b->ledger[0]) {
		buf_str(out, "ledger ");
		buf_str(out, b->ledger);
		buf_char(out, '\n');
	}
	if (b->has_hints) {
		buf_str(out, "hints ");
		buf_u64(out, b->hints_position);
		buf_char(out, '\n');
	}
	for (uint32_t i = 0; i < b->n_hints; i++)
		hint_write(out, &b->hints[i]);
	for (uint32_t i = 0; i < b->n_knocks; i++) {
		buf_str(out, "knock ");
		buf_key(out, &b->knocks[i]);
		buf_char(out, '\n');
	}
	buf_str(out, "end\n");
}

/*
 * Reading takes two turns over the lines: the first counts, so that each array is made once and of the
 * right size; the second fills. `fill` says which.
 */
struct reader {
	struct text t;
	struct arena *a;
	struct bundle *b;
	bool fill;
	struct signed_text *statements; /* n_chain + 1 */
	struct span *signatures;
	struct sockpoint *at; /* of all hints */
	uint32_t n_statements, n_signatures;
	size_t n_at;
};

/* "<word> <bytes>" and that many bytes. */
static bool take_raw(struct reader *r, const char *word, size_t max, struct span *out)
{
	uint64_t n;

	if (!text_take(&r->t, word))
		return false;
	if (r->t.n != 2)
		return text_fail(&r->t, "a line with too few or too many words");
	if (!text_u64(&r->t, 1, max, &n))
		return false;
	if (n == 0)
		return text_fail(&r->t, "a length of 0");
	return text_raw(&r->t, (size_t)n, out);
}

static void read_signatures(struct reader *r, struct signed_text *s)
{
	struct span sig;

	while (take_raw(r, "signature", SMALL_OBJECT_MAX, &sig)) {
		if (s->n_signatures == 2 * SIGNERS_MAX) {
			text_fail(&r->t, "too many signatures");
			return;
		}
		if (r->fill) {
			if (s->n_signatures == 0)
				s->signatures = &r->signatures[r->n_signatures];
			r->signatures[r->n_signatures] = sig;
		}
		s->n_signatures++;
		r->n_signatures++;
	}
}

static void read_statements(struct reader *r)
{
	struct span text;

	while (take_raw(r, "statement", STATEMENT_MAX, &text)) {
		struct signed_text s = {.text = text};

		if (r->n_statements == CHAIN_MAX + 1) {
			text_fail(&r->t, "too many statements");
			return;
		}
		read_signatures(r, &s);
		if (r->fill)
			r->statements[r->n_statements] = s;
		r->n_statements++;
	}
}

static void read_path(struct reader *r)
{
	struct bundle *b = r->b;

	if (!text_take(&r->t, "path"))
		return;
	if (r->t.n < 3 || r->t.n > 3 + PATH_MAX_LEN) {
		text_fail(&r->t, "a path that is too short or too long");
		return;
	}
	if (!text_u64(&r->t, 1, UINT64_MAX, &b->path_index) || !text_u64(&r->t, 2, UINT64_MAX, &b->path_count))
		return;
	b->n_path = r->t.n - 3;
	for (uint32_t i = 0; i < b->n_path; i++)
		if (!text_hash(&r->t, i + 3, &b->path[i]))
			return;
	b->has_path = true;
}

static void read_objects(struct reader *r)
{
	struct bundle *b = r->b;
	struct span bytes;

	for (b->n_objects = 0; take_raw(r, "object", OBJECT_MAX, &bytes); b->n_objects++) {
		if (b->n_objects == BUNDLE_OBJECTS_MAX) {
			text_fail(&r->t, "too many objects");
			return;
		}
		if (r->fill) {
			b->objects[b->n_objects].bytes = bytes;
			hash_bytes(bytes.p, bytes.n, &b->objects[b->n_objects].name);
		}
	}
}

static void read_enrolments(struct reader *r)
{
	struct bundle *b = r->b;
	struct span bytes;

	for (b->n_enrolments = 0; take_raw(r, "enrolment", ENROLMENT_MAX, &bytes); b->n_enrolments++) {
		if (b->n_enrolments == PEERS_MAX) {
			text_fail(&r->t, "too many enrolments");
			return;
		}
		if (r->fill)
			b->enrolments[b->n_enrolments] = bytes;
	}
}

/* A commit of the ledger's branch, or "-" where it has none. */
static void read_ledger(struct reader *r)
{
	struct span s;
	bool good;

	if (!text_take(&r->t, "ledger"))
		return;
	s = r->t.n == 2 ? r->t.field[1] : (struct span){NULL, 0};
	good = span_is(s, "-") || s.n == 40 || s.n == 64;
	for (size_t i = 0; i < s.n && s.n > 1; i++)
		good &= (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f');
	if (!good) {
		text_fail(&r->t, "not a position in the ledger");
		return;
	}
	memcpy(r->b->ledger, s.p, s.n);
	r->b->ledger[s.n] = '\0';
}

static void read_hints(struct reader *r)
{
	struct bundle *b = r->b;
	struct sockpoint at[CANDIDATES_MAX];
	struct hint h;

	if (text_take(&r->t, "hints") && (r->t.n == 2 || text_fail(&r->t, "a line with too few or too many words")) &&
	    text_u64(&r->t, 1, UINT64_MAX, &b->hints_position))
		b->has_hints = true;
	for (b->n_hints = 0; text_take(&r->t, "hint"); b->n_hints++) {
		if (b->n_hints == PEERS_MAX) {
			text_fail(&r->t, "too many hints");
			return;
		}
		if (!hint_read(&r->t, &h, at))
			return;
		if (r->fill) {
			h.at = &r->at[r->n_at];
			if (h.n_at)
				memcpy(&r->at[r->n_at], at, h.n_at * sizeof(*at));
			b->hints[b->n_hints] = h;
		}
		r->n_at += h.n_at;
	}
}

static void read_knocks(struct reader *r)
{
	struct bundle *b = r->b;
	struct key key;

	for (b->n_knocks = 0; text_take(&r->t, "knock"); b->n_knocks++) {
		if (b->n_knocks == KNOCKS_MAX || r->t.n != 2) {
			text_fail(&r->t, "too many knocks, or too many words");
			return;
		}
		if (!text_key(&r->t, 1, &key))
			return;
		if (r->fill)
			b->knocks[b->n_knocks] = key;
	}
}

static bool read_all(struct reader *r, struct span bytes)
{
	r->n_statements = r->n_signatures = 0;
	r->n_at = 0;
	if (!text_open(&r->t, bytes, "innernet-bundle"))
		return false;
	read_statements(r);
	r->b->fresh = (struct signed_text){.text = {NULL, 0}};
	if (take_raw(r, "fresh", SMALL_OBJECT_MAX, &r->b->fresh.text))
		read_signatures(r, &r->b->fresh);
	read_path(r);
	read_objects(r);
	read_enrolments(r);
	read_ledger(r);
	read_hints(r);
	read_knocks(r);
	return text_need(&r->t, "end", 1) && text_end(&r->t);
}

static bool make_arrays(struct reader *r)
{
	struct bundle *b = r->b;

	r->statements = arena_array(r->a, r->n_statements, sizeof(*r->statements));
	r->signatures = arena_array(r->a, r->n_signatures, sizeof(*r->signatures));
	b->objects = arena_array(r->a, b->n_objects, sizeof(*b->objects));
	b->enrolments = arena_array(r->a, b->n_enrolments, sizeof(*b->enrolments));
	b->hints = arena_array(r->a, b->n_hints, sizeof(*b->hints));
	b->knocks = arena_array(r->a, b->n_knocks, sizeof(*b->knocks));
	r->at = arena_array(r->a, r->n_at, sizeof(*r->at));
	return (!r->n_statements || r->statements) && (!r->n_signatures || r->signatures) &&
	       (!b->n_objects || b->objects) && (!b->n_enrolments || b->enrolments) && (!b->n_hints || b->hints) &&
	       (!b->n_knocks || b->knocks) && (!r->n_at || r->at);
}

int bundle_parse(struct arena *a, struct span bytes, struct bundle *out, struct diags *d)
{
	struct reader r = {.a = a, .b = out};

	memset(out, 0, sizeof(*out));
	if (bytes.n > BUNDLE_MAX) {
		diag_error(d, "bad-bundle", NULL, "a bundle of more than %u bytes", BUNDLE_MAX);
		return -1;
	}
	if (read_all(&r, bytes)) {
		if (!make_arrays(&r))
			return diags_out_of_memory(d);
		r.fill = true;
		if (read_all(&r, bytes)) {
			if (r.n_statements) {
				out->chain = r.statements;
				out->n_chain = r.n_statements - 1;
				out->statement = r.statements[out->n_chain];
			}
			return 0;
		}
	}
	return text_report(&r.t, d, "bad-bundle", "the bundle");
}
