#include "reconcile/show/daemon_state.h"

#include "reconcile/text/json.h"
#include "schema/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Texts were cut at a byte, which may have been within a character. */
static json_t *whole_json(const char *s)
{
	struct buf b = {0};
	json_t *j;

	buf_utf8(&b, span_str(s));
	j = b.failed ? NULL : json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return j;
}

static json_t *tries_json(const struct daemon_state *s)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < s->n_tries; i++) {
		const struct daemon_try *t = &s->tries[i];
		json_t *o =
		    json_pack("{s:s, s:I, s:i, s:i, s:b, s:I}", "peer", t->name, "rounds", (json_int_t)t->rounds,
			      "addresses", t->n, "nat", t->nat, "trying", t->trying, "next", (json_int_t)t->next);

		if (!json_add(list, o)) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

void daemon_state_write(struct buf *out, const struct daemon_state *s)
{
	json_render(out, json_pack("{s:s, s:I, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
				   "format_version", "1.0", "started", (json_int_t)s->started, "server", s->server,
				   "reached", (json_int_t)s->reached, "away_since", (json_int_t)s->away_since, "away",
				   whole_json(s->away), "fresh_until", (json_int_t)s->fresh_until, "drift_at",
				   (json_int_t)s->drift_at, "drifts", (json_int_t)s->drifts, "drift",
				   whole_json(s->drift), "problem", whole_json(s->problem), "interface",
				   whole_json(s->interface), "tries", tries_json(s)));
}

static bool take_number(const json_t *root, const char *key, int64_t max, int64_t *out)
{
	const json_t *j = json_object_get(root, key);

	if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) > max)
		return false;
	*out = json_integer_value(j);
	return true;
}

static bool take_text(const json_t *root, const char *key, size_t size, char *out)
{
	const json_t *j = json_object_get(root, key);
	size_t n = json_is_string(j) ? json_string_length(j) : size;

	if (!json_is_string(j))
		return false;
	/* U+FFFD in the place of a byte that is no UTF-8 makes the text longer: it is cut. */
	n = n < size ? n : size - 1;
	memcpy(out, json_string_value(j), n);
	out[n] = '\0';
	return true;
}

/* A file of an older daemon has none. */
static bool take_tries(const json_t *list, int64_t late, struct daemon_state *out)
{
	size_t i;
	const json_t *o;

	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > DAEMON_TRIES_MAX)
		return false;
	json_array_foreach(list, i, o)
	{
		struct daemon_try *t = &out->tries[out->n_tries];
		int64_t rounds, n, nat;

		if (!take_text(o, "peer", sizeof(t->name), t->name) || !take_number(o, "rounds", UINT32_MAX, &rounds) ||
		    !take_number(o, "addresses", CANDIDATES_LIST, &n) || !take_number(o, "nat", UINT8_MAX, &nat) ||
		    !take_number(o, "next", late, &t->next) || !json_is_boolean(json_object_get(o, "trying")))
			return false;
		t->rounds = (uint32_t)rounds;
		t->n = (uint8_t)n;
		t->nat = (uint8_t)nat;
		t->trying = json_is_true(json_object_get(o, "trying"));
		out->n_tries++;
	}
	return true;
}

int daemon_state_parse(struct span bytes, struct daemon_state *out)
{
	const int64_t late = INT64_C(1) << 40;
	json_t *root = bytes.n <= DAEMON_STATE_MAX
			   ? json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL)
			   : NULL;
	int64_t drifts = 0;
	bool ok;

	*out = (struct daemon_state){0};
	ok = take_number(root, "started", late, &out->started) && take_number(root, "reached", late, &out->reached) &&
	     take_number(root, "away_since", late, &out->away_since) &&
	     take_number(root, "fresh_until", late, &out->fresh_until) &&
	     take_number(root, "drift_at", late, &out->drift_at) && take_number(root, "drifts", UINT32_MAX, &drifts) &&
	     take_text(root, "server", sizeof(out->server), out->server) &&
	     take_text(root, "away", sizeof(out->away), out->away) &&
	     take_text(root, "drift", sizeof(out->drift), out->drift) &&
	     take_text(root, "problem", sizeof(out->problem), out->problem) &&
	     take_text(root, "interface", sizeof(out->interface), out->interface) &&
	     take_tries(json_object_get(root, "tries"), late, out);
	out->drifts = (uint32_t)drifts;
	json_decref(root);
	return ok ? 0 : -1;
}

const struct daemon_try *daemon_try_find(const struct daemon_state *s, const char *name)
{
	for (uint32_t i = 0; s && i < s->n_tries; i++) {
		if (strcmp(s->tries[i].name, name) == 0)
			return &s->tries[i];
	}
	return NULL;
}

bool daemon_try_is_hopeless(const struct daemon_try *t)
{
	return (t->nat & NAT_OWN) && (t->nat & NAT_PEER) && (t->nat & (NAT_OWN_PORT | NAT_PEER_PORT));
}

void daemon_try_text(struct buf *out, const struct daemon_try *t, const struct sockpoint *at, int64_t now)
{
	static const char *const behind[] = {"", "; this machine sits behind a NAT", "; it sits behind a NAT",
					     "; both sit behind NATs"};
	char text[SOCKPOINT_STR_LEN];
	unsigned nat = (t->nat & NAT_OWN ? 1 : 0) + (t->nat & NAT_PEER ? 2 : 0);

	buf_str(out, t->rounds ? "no answer from " : "no answer yet from ");
	if (t->n == 1)
		buf_str(out, "its only address");
	else
		buf_printf(out, "any of its %u addresses", t->n);
	if (t->rounds)
		buf_printf(out, ", tried %u time%s", t->rounds, t->rounds == 1 ? "" : "s");
	if (t->trying && at && at->port) {
		sockpoint_format(at, text);
		buf_printf(out, ", now at %s", text);
	} else if (!t->trying && t->next > now) {
		buf_printf(out, "; again in %" PRId64 " s", t->next - now);
	} else if (!t->trying && !t->next) {
		buf_str(out, "; again when there is something to send to it");
	}
	buf_str(out, behind[nat]);
	if (daemon_try_is_hopeless(t))
		buf_printf(out, "; %s, so there may be no direct way",
			   (t->nat & NAT_OWN_PORT) && (t->nat & NAT_PEER_PORT) ? "these change port numbers"
			   : t->nat & NAT_OWN_PORT                             ? "this machine's changes port numbers"
									       : "its changes port numbers");
}
