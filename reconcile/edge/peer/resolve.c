#include "reconcile/edge/peer/resolve.h"

#include "reconcile/edge/base/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One question and its answers. The thread owns it until it has written to the descriptor, then the resolver. */
struct question {
	atomic_int owners; /* the thread and the resolver: the last frees it */
	char **endpoints;
	struct sockpoint *at; /* port 0: no answer */
	size_t n;
	int event;
};

struct resolver {
	struct question *asked; /* NULL: none under way */
	char **next;            /* the next question */
	size_t n_next;
	bool has_next;
	struct resolved *known; /* the strings are allocated */
	size_t n_known;
	uint64_t changes;
	int event;
};

static void names_free(char **names, size_t n)
{
	for (size_t i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
}

static void question_drop(struct question *q)
{
	if (atomic_fetch_sub(&q->owners, 1) != 1)
		return;
	names_free(q->endpoints, q->n);
	free(q->at);
	close(q->event);
	free(q);
}

/* The first answer, in the order of RFC 6724 that getaddrinfo(3) gives. */
static void look_up(const char *endpoint, struct sockpoint *out)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	const char *colon = strrchr(endpoint, ':');
	struct addrinfo *list = NULL;
	char host[ENDPOINT_MAX_LEN + 1];
	size_t n = colon ? (size_t)(colon - endpoint) : 0;

	if (!n || n >= sizeof(host))
		return;
	memcpy(host, endpoint, n);
	host[n] = '\0';
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return;
	for (const struct addrinfo *i = list; i; i = i->ai_next) {
		if (i->ai_family == AF_INET) {
			const struct sockaddr_in *sin = (const void *)i->ai_addr;
			memset(out->ip.b, 0, 10);
			memset(out->ip.b + 10, 0xff, 2);
			memcpy(out->ip.b + 12, &sin->sin_addr, 4);
		} else if (i->ai_family == AF_INET6) {
			const struct sockaddr_in6 *sin6 = (const void *)i->ai_addr;
			memcpy(out->ip.b, &sin6->sin6_addr, 16);
			out->scope = sin6->sin6_scope_id;
		} else {
			continue;
		}
		out->port = (uint16_t)strtoul(colon + 1, NULL, 10);
		break;
	}
	freeaddrinfo(list);
}

static void *answer(void *arg)
{
	struct question *q = arg;
	uint64_t one = 1;

	for (size_t i = 0; i < q->n; i++)
		look_up(q->endpoints[i], &q->at[i]);
	while (write(q->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	question_drop(q);
	return NULL;
}

struct resolver *resolver_new(struct diags *d)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r) {
		diags_out_of_memory(d);
		return NULL;
	}
	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event < 0) {
		diag_error(d, "resolve-failed", NULL, "cannot make an event descriptor: %s", strerror(errno));
		free(r);
		return NULL;
	}
	return r;
}

static void known_free(struct resolver *r)
{
	for (size_t i = 0; i < r->n_known; i++)
		free((char *)(uintptr_t)r->known[i].endpoint);
	free(r->known);
	r->known = NULL;
	r->n_known = 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	if (r->asked)
		question_drop(r->asked);
	names_free(r->next, r->n_next);
	known_free(r);
	close(r->event);
	free(r);
}

/* Hands the names over to a thread. It blocks all signals: they are for the event loop. */
static int start(struct resolver *r, char **names, size_t n, struct diags *d)
{
	struct question *q = calloc(1, sizeof(*q));
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int err;

	if (!q || !(q->at = calloc(n ? n : 1, sizeof(*q->at))) ||
	    (q->event = fcntl(r->event, F_DUPFD_CLOEXEC, 0)) < 0) {
		if (q)
			free(q->at);
		free(q);
		names_free(names, n);
		return diags_out_of_memory(d);
	}
	q->endpoints = names;
	q->n = n;
	atomic_init(&q->owners, 2);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, answer, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err) {
		atomic_store(&q->owners, 1);
		question_drop(q);
		diag_error(d, "resolve-failed", NULL, "cannot start a thread: %s", strerror(err));
		return -1;
	}
	r->asked = q;
	return 0;
}

static bool is_literal(const char *endpoint)
{
	struct sockpoint at;

	return sockpoint_parse(endpoint, strlen(endpoint), &at) == 0;
}

int resolver_ask(struct resolver *r, const char *const *endpoints, size_t n, struct diags *d)
{
	char **names = calloc(n ? n : 1, sizeof(*names));
	size_t kept = 0;

	if (!names)
		return diags_out_of_memory(d);
	for (size_t i = 0; i < n && kept < RESOLVE_MAX; i++) {
		if (is_literal(endpoints[i]))
			continue;
		names[kept] = strdup(endpoints[i]);
		if (!names[kept++]) {
			names_free(names, n);
			return diags_out_of_memory(d);
		}
	}
	if (r->asked) {
		names_free(r->next, r->n_next);
		r->next = names;
		r->n_next = kept;
		r->has_next = true;
		return 0;
	}
	if (!kept) {
		free(names);
		r->changes += r->n_known > 0;
		known_free(r);
		return 0;
	}
	return start(r, names, kept, d);
}

int resolver_fd(const struct resolver *r)
{
	return r->event;
}

bool resolver_busy(const struct resolver *r)
{
	return r->asked != NULL;
}

static const struct sockpoint *known_at(const struct resolver *r, const char *endpoint)
{
	for (size_t i = 0; i < r->n_known; i++) {
		if (strcmp(r->known[i].endpoint, endpoint) == 0)
			return &r->known[i].at;
	}
	return NULL;
}

bool resolver_find(const struct resolver *r, const char *endpoint, struct sockpoint *out)
{
	const struct sockpoint *at;

	if (sockpoint_parse(endpoint, strlen(endpoint), out) == 0)
		return true;
	at = known_at(r, endpoint);
	*out = at ? *at : (struct sockpoint){0};
	return out->port != 0;
}

/* Takes the answers. A name without an answer keeps its address. */
static bool merge(struct resolver *r, struct question *q)
{
	struct resolved *new = calloc(q->n ? q->n : 1, sizeof(*new));
	size_t n = 0;
	bool changed = false;

	for (size_t i = 0; new &&i < q->n; i++) {
		const struct sockpoint *old = known_at(r, q->endpoints[i]);
		const struct sockpoint *at = q->at[i].port ? &q->at[i] : old;
		if (!at)
			continue;
		changed = changed || !old || !sockpoint_eq(old, at);
		new[n].at = *at;
		new[n++].endpoint = q->endpoints[i];
		q->endpoints[i] = NULL;
	}
	if (new) {
		r->changes += changed || n != r->n_known;
		known_free(r);
		r->known = new;
		r->n_known = n;
	}
	return changed;
}

bool resolver_take(struct resolver *r)
{
	struct diags ignored = {0};
	struct question *q = r->asked;
	uint64_t count;
	bool changed;

	if (read(r->event, &count, sizeof(count)) != sizeof(count) || !q)
		return false;
	changed = merge(r, q);
	r->asked = NULL;
	question_drop(q);
	if (r->has_next) {
		char **names = r->next;
		size_t n = r->n_next;

		r->next = NULL;
		r->n_next = 0;
		r->has_next = false;
		if (n)
			start(r, names, n, &ignored);
		else
			free(names);
		diags_free(&ignored);
	}
	return changed;
}

bool resolver_wait(struct resolver *r, int ms)
{
	int64_t end = clock_boot_ms() + ms;

	while (r->asked) {
		struct pollfd p = {.fd = r->event, .events = POLLIN};
		int64_t left = end - clock_boot_ms();
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return false;
		resolver_take(r);
	}
	return true;
}

const struct resolved *resolver_known(const struct resolver *r, size_t *n)
{
	*n = r->n_known;
	return r->known;
}

int resolver_remember(struct resolver *r, const struct resolved *known, size_t n, struct diags *d)
{
	known_free(r);
	r->known = calloc(n ? n : 1, sizeof(*r->known));
	for (size_t i = 0; r->known && i < n; i++) {
		r->known[i] = (struct resolved){.endpoint = strdup(known[i].endpoint), .at = known[i].at};
		if (!r->known[i].endpoint)
			goto fail;
		r->n_known++;
	}
	if (r->known)
		return 0;
fail:
	known_free(r);
	return diags_out_of_memory(d);
}

uint64_t resolver_changes(const struct resolver *r)
{
	return r->changes;
}
