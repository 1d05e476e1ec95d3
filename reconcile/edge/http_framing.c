/* What of a request is refused before it is read: request smuggling starts with two opinions about where one ends. */
#include "reconcile/edge/http_state.h"
#include "reconcile/edge/request.h"

#include <string.h>

/* Headers of which there may be only one, and the one that we never take. */
struct framing {
	const char *length;
	unsigned lengths, hosts, encodings;
	bool odd; /* a name or a value that others may read otherwise */
};

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

/* RFC 9110 section 5.5: a bare CR or a NUL in a value may be the end of it for somebody else. */
static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t n_key,
				    const char *value, size_t n_value)
{
	struct framing *f = cls;

	(void)kind;
	f->odd |= !is_token(key, n_key) || (value && has_control(value, n_value));
	if (!strcasecmp(key, "Content-Length")) {
		f->lengths++;
		f->length = value;
	} else if (!strcasecmp(key, "Host")) {
		f->hosts++;
	} else if (!strcasecmp(key, "Transfer-Encoding")) {
		f->encodings++;
	}
	return MHD_YES;
}

/* MHD takes some of what is refused here. */
enum MHD_Result http_check_framing(struct MHD_Connection *mhd, const char *method, bool *ok)
{
	struct framing f = {0};
	size_t n;
	bool too_large;

	*ok = false;
	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, count_header, &f);
	if (f.odd)
		return http_refuse_early(mhd, 400, "bad-request: a header that is malformed\n");
	if (f.encodings || f.lengths > 1 || f.hosts > 1)
		return http_refuse_early(mhd, 400, "bad-request: the length of the request is ambiguous\n");
	if (f.lengths && content_length_parse(f.length, REQUEST_MAX, &n, &too_large) < 0)
		return too_large ? http_refuse_early(mhd, 413, "too-large: a request is at most 4096 bytes\n")
				 : http_refuse_early(mhd, 400, "bad-request: Content-Length is not a number\n");
	if (!f.lengths && strcmp(method, "GET") && strcmp(method, "HEAD"))
		return http_refuse_early(mhd, 411, "bad-request: Content-Length is missing\n");
	*ok = true;
	return MHD_YES;
}
