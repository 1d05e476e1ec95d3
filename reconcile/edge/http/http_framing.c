/* Refuses requests with an ambiguous length before the body is read: request smuggling needs one. */
#include "reconcile/edge/http/http_state.h"
#include "reconcile/edge/http/request.h"

#include <string.h>

/* RFC 9110 section 5.6.2; "Content-Length :", which RFC 9112 section 5.1 has refused, is none. */
static bool is_token(const char *s, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= '0' && s[i] <= '9') && !((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') &&
		    !(s[i] && strchr(others, s[i])))
			return false;
	return n > 0;
}

/* RFC 9110 section 5.5: a bare CR or a NUL in a value may end the value for another program. */
static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

/* What the callback counts into, and the version: RFC 9112 section 6.1 has chunks in HTTP/1.1 alone. */
struct counting {
	struct http_framing *f;
	bool chunks;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t n_key,
				    const char *value, size_t n_value)
{
	const struct counting *c = cls;
	struct http_framing *f = c->f;

	(void)kind;
	f->odd |= !is_token(key, n_key) || (value && has_control(value, n_value));
	if (!strcasecmp(key, "Content-Length")) {
		f->lengths++;
		f->length = value;
	} else if (!strcasecmp(key, "Host")) {
		f->hosts++;
	} else if (!strcasecmp(key, "Transfer-Encoding")) {
		f->encodings++;
		f->chunked = c->chunks && value && !strcasecmp(value, "chunked");
	}
	return MHD_YES;
}

void http_framing_read(struct MHD_Connection *mhd, const char *version, struct http_framing *out)
{
	struct counting c = {.f = out, .chunks = !strcmp(version, MHD_HTTP_VERSION_1_1)};

	*out = (struct http_framing){0};
	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, count_header, &c);
}

/* MHD takes some of what is refused here. */
const char *http_framing_problem(const struct http_framing *f)
{
	if (f->odd)
		return "a header that is malformed";
	if (f->lengths > 1 || f->hosts > 1 || f->encodings > 1 || (f->encodings && (f->lengths || !f->chunked)))
		return "the length of the request is ambiguous";
	return NULL;
}

static bool refuse(unsigned *status, unsigned code, struct buf *out, const char *text)
{
	*status = code;
	buf_str(out, text);
	return false;
}

bool http_framing_allowed(const struct http_framing *f, const char *method, const struct http_body_rule *rule,
			  unsigned *status, struct buf *out)
{
	size_t n;
	bool too_large;

	if (f->encodings && !rule->in_file)
		return refuse(status, 400, out, "bad-request: the length of the request is ambiguous\n");
	if (f->lengths && request_content_length(f->length, rule->max, &n, &too_large) < 0) {
		if (!too_large)
			return refuse(status, 400, out, "bad-request: Content-Length is not a number\n");
		buf_printf(out, "too-large: a request is at most %llu bytes\n", (unsigned long long)rule->max);
		*status = 413;
		return false;
	}
	if (!f->lengths && !f->encodings && strcmp(method, "GET") && strcmp(method, "HEAD"))
		return refuse(status, 411, out, "bad-request: Content-Length is missing\n");
	return true;
}
