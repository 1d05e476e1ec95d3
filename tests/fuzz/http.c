/* The values of a request that a peer chose: parsed or refused; what is parsed means what it says. */
#include "reconcile/edge/answer/git_request.h"
#include "reconcile/edge/http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_have(const char *s)
{
	struct have h;
	char hash[HASH_HEX_LEN + 1] = "-", hints[24] = "-", again[256];

	if (request_have(s, &h) < 0)
		return;
	if (h.has_statement)
		hash_hex(&h.statement, hash);
	if (h.has_hints)
		snprintf(hints, sizeof(hints), "%llu", (unsigned long long)h.hints);
	snprintf(again, sizeof(again), "%s.%s.%s", hash, h.ledger, hints);
	if (strcmp(again, s))
		abort();
}

/* "PATH?SERVICE" from a peer: two services, three paths, nothing else. */
static void check_git(char *s)
{
	static const char path[] = GIT_PATH;
	char *service = strchr(s, '?'), full[512];
	struct git_request q;
	const char *why;

	if (git_protocol_valid(s) && (strchr(s, '=') ? strlen(s) > GIT_PROTOCOL_MAX : strchr(s, '\n') != NULL))
		abort();
	if (git_protocol_version(s) < 0 || git_protocol_version(s) > 2)
		abort();
	if (service)
		*service++ = '\0';
	if (strlen(s) + sizeof(path) > sizeof(full))
		return;
	snprintf(full, sizeof(full), "%s%s", path, s);
	if (!git_request_parse(full, true, false, service, NULL, &q, &why) &&
	    (strcmp(s, "info/refs") || !service || strncmp(service, "git-", 4) ||
	     strcmp(service + 4, git_service_name(q.service))))
		abort();
	if (!git_request_parse(full, false, true, NULL, service, &q, &why) && strncmp(s, "git-", 4))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr own[2] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 60, 0, 1}},
			      {{0xfd, 0, 0, 0x60, [15] = 1}}};
	char *s = malloc(size + 1);
	size_t n;
	bool too_large;
	unsigned wait;
	uint32_t speak;

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	check_have(s);
	if (!request_wait(s, &wait) && wait > POLL_WAIT_MAX)
		abort();
	if (!request_speak(s, &speak) && (speak < 1 || speak > SPEAK_MAX))
		abort();
	if (!request_content_length(s, REQUEST_MAX, &n, &too_large) && n > REQUEST_MAX)
		abort();
	if (request_host_matches(s, own, 2, 51820) && strcmp(s, "10.60.0.1:51820") && strcmp(s, "[fd00:60::1]:51820"))
		abort();
	check_git(s);
	free(s);
	return 0;
}
