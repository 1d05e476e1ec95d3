#include "reconcile/edge/http/request.h"

#include <string.h>

/* Decimal without sign or leading zeros, at most `max`. */
static int number_parse(const char *s, size_t n, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!n || (n > 1 && s[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)s[i] - '0';
		if (digit > 9 || v > max / 10 || 10 * v > max - digit)
			return -1;
		v = 10 * v + digit;
	}
	*out = v;
	return 0;
}

int request_have(const char *s, struct have *out)
{
	const char *dot1 = strchr(s, '.'), *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	size_t n;

	memset(out, 0, sizeof(*out));
	memcpy(out->ledger, "-", 2);
	if (!dot2)
		return -1;
	n = (size_t)(dot1 - s);
	if (n != 1 || s[0] != '-') {
		if (hash_parse_hex(s, n, &out->statement))
			return -1;
		out->has_statement = true;
	}
	s = dot1 + 1;
	n = (size_t)(dot2 - s);
	if (n != 1 || s[0] != '-') {
		if (!commit_id_valid(s, n))
			return -1;
		memcpy(out->ledger, s, n);
		out->ledger[n] = '\0';
		out->has_ledger = true;
	}
	s = dot2 + 1;
	if (strcmp(s, "-")) {
		if (number_parse(s, strlen(s), UINT64_MAX, &out->hints))
			return -1;
		out->has_hints = true;
	}
	return 0;
}

int request_wait(const char *s, unsigned *out)
{
	uint64_t v = 0;

	if (s && number_parse(s, strlen(s), POLL_WAIT_MAX, &v))
		return -1;
	*out = (unsigned)v;
	return 0;
}

int request_speak(const char *s, uint32_t *out)
{
	uint64_t v = 1;

	if (s && (number_parse(s, strlen(s), SPEAK_MAX, &v) || !v))
		return -1;
	*out = (uint32_t)v;
	return 0;
}

bool request_host_matches(const char *host, const struct addr *own, size_t n_own, uint16_t port)
{
	char text[SOCKPOINT_STR_LEN];

	for (size_t i = 0; host && i < n_own; i++) {
		const struct sockpoint at = {.ip = own[i], .port = port};
		sockpoint_format(&at, text);
		if (!strcmp(text, host))
			return true;
	}
	return false;
}

int request_content_length(const char *s, size_t max, size_t *out, bool *too_large)
{
	size_t n = strlen(s);
	uint64_t v;

	*too_large = false;
	if (!n || strspn(s, "0123456789") != n)
		return -1;
	while (n > 1 && *s == '0') {
		s++;
		n--;
	}
	*too_large = number_parse(s, n, max, &v) < 0;
	if (*too_large)
		return -1;
	*out = (size_t)v;
	return 0;
}
