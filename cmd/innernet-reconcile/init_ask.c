#include "cmd/innernet-reconcile/init_ask.h"
#include "cmd/innernet-reconcile/commands.h"
#include "cmd/prompt.h"
#include "reconcile/edge/device/own_address.h"
#include "reconcile/edge/git/remote.h"
#include "reconcile/edge/git/source.h"
#include "schema/model.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The context of the check functions. */
struct asking {
	const struct invocation *inv;
	struct arena *arena;
	bool asked; /* at least one question was asked */
};

static const char *check_name(void *ctx, const char *answer)
{
	const struct asking *q = ctx;
	struct server_paths paths;
	bool taken;

	if (!network_name_valid(answer, strlen(answer)))
		return "Lower case letters, digits and hyphens, at most 15. The interface has the same name.";
	if (paths_make(q->inv, answer, &paths) < 0)
		return "This name cannot be used.";
	taken = !access(paths.config, F_OK);
	paths_free(&paths);
	return taken ? "This machine has a server of this network already." : NULL;
}

static const char *check_cidr(void *ctx, const char *answer)
{
	const char *comma = strchr(answer, ',');
	const size_t n = comma ? (size_t)(comma - answer) : strlen(answer);
	struct prefix a, b;
	enum prefix_error e = prefix_parse(answer, n, &a);

	(void)ctx;
	if (e == PREFIX_OK && comma)
		e = prefix_parse(comma + 1, strlen(comma + 1), &b);
	if (e == PREFIX_HOST_BITS)
		return "There are bits set after the length: write 10.60.0.0/16, not 10.60.0.1/16.";
	if (e != PREFIX_OK)
		return "A prefix such as 10.60.0.0/16. For IPv4 and IPv6: two prefixes with a comma.";
	return comma && prefix_is_v4(&a) == prefix_is_v4(&b) ? "One IPv4 and one IPv6 prefix, not two of one family."
							     : NULL;
}

/* Returns the endpoint; a host without a port gets WIREGUARD_PORT. Returns NULL when the answer is invalid. */
static const char *endpoint_of(struct arena *a, const char *answer)
{
	const char *whole;

	if (endpoint_canonical(a, answer, strlen(answer)))
		return answer;
	whole = *answer ? arena_printf(a, "%s:%d", answer, WIREGUARD_PORT) : NULL;
	return whole && endpoint_canonical(a, whole, strlen(whole)) ? whole : NULL;
}

static const char *check_endpoint(void *ctx, const char *answer)
{
	const struct asking *q = ctx;

	return endpoint_of(q->arena, answer) ? NULL : "A host and a port, such as vpn.example.com:51820.";
}

static const char *check_port(void *ctx, const char *answer)
{
	const size_t n = strspn(answer, "0123456789");
	const long port = n && n <= 5 && !answer[n] ? strtol(answer, NULL, 10) : 0;

	(void)ctx;
	return port < 1 || port > 65535 ? "A number from 1 to 65535." : NULL;
}

static const char *check_remote(void *ctx, const char *answer)
{
	(void)ctx;
	return remote_url_refused(answer) ? "https://..., ssh://... or USER@HOST:PATH." : NULL;
}

static const char *check_file(void *ctx, const char *answer)
{
	(void)ctx;
	return *answer ? NULL : "A file that does not exist yet, or a folder.";
}

/* Returns the option's value, or the answer to the question. Returns NULL after printing why there is none. */
static const char *take(struct asking *q, const char *option, const char *question, const char *preset,
			prompt_check *check)
{
	const char *given = option ? option_value(q->inv, option) : NULL;
	char answer[PROMPT_MAX];

	if (given && *given)
		return given;
	if (!prompt_possible()) {
		usage_error(q->inv, "init: --%s is missing", option);
		return NULL;
	}
	q->asked = true;
	if (prompt_line(question, preset, check, q, answer) < 0) {
		fprintf(stderr, "Cancelled; nothing was made.\n");
		return NULL;
	}
	return arena_strdup(q->arena, answer);
}

/* Asks for the definition's place, unless an option gives it. */
static int ask_source(struct asking *q, struct init_asked *out)
{
	static const char *const places[] = {"in a repository on this machine", "in a repository on another machine",
					     "in a plain file, for trying things out"};
	static const char *const options[] = {"repository", "remote", "file", "join"};
	size_t place;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (option_given(q->inv, options[i]))
			return 0;
	if (prompt_choose("Where the definition is kept:", places, 3, 0, &place) < 0) {
		fprintf(stderr, "Cancelled; nothing was made.\n");
		return -1;
	}
	if (place == 1)
		return (out->remote = take(q, NULL, "Its URL, as for git:", NULL, check_remote)) ? 0 : -1;
	if (place == 2)
		return (out->file = take(q, NULL, "The file:", SOURCE_NAME, check_file)) ? 0 : -1;
	return 0;
}

/* Returns this machine's own address with --listen-port or WIREGUARD_PORT. Prints it. NULL on an error. */
static const char *auto_endpoint(const struct invocation *inv, struct arena *arena, struct diags *d)
{
	char ip[ADDR_STR_LEN];
	struct own_address own;
	long port;

	if (option_given(inv, "external-endpoint")) {
		usage_error(inv, "init: --external-endpoint and --auto-external-endpoint exclude each other");
		return NULL;
	}
	if (option_number(inv, "listen-port", 1, 65535, WIREGUARD_PORT, &port) < 0 || own_address_find(&own, d) < 0)
		return NULL;
	addr_format(&own.ip, ip);
	if (own.is_private)
		diag_help(d,
			  diag_warning(d, "endpoint-private", NULL,
				       "%s is private: peers outside its network cannot reach it", ip),
			  "set the address that is forwarded here: `innernet set-endpoint --name SERVER --endpoint "
			  "HOST:PORT`");
	printf("The endpoint is %s, %s, port %ld.\n", ip,
	       own.preferred ? "which packets leave this machine with" : "an address of this machine", port);
	return arena_printf(arena, addr_is_v4(&own.ip) ? "%s:%ld" : "[%s]:%ld", ip, port);
}

int init_ask(const struct invocation *inv, struct arena *a, struct init_asked *out, struct diags *d)
{
	struct asking q = {.inv = inv, .arena = a};
	const char *preset, *canonical;
	const bool join = option_given(inv, "join");
	const char *endpoint = NULL;

	*out = (struct init_asked){.remote = option_value(inv, "remote"), .file = option_value(inv, "file")};
	if (option_given(inv, "auto-external-endpoint") && !(endpoint = auto_endpoint(inv, a, d)))
		return -1;
	/* A random default: two networks on one machine must not have overlapping prefixes. */
	if (!(preset = arena_printf(a, "10.%u.0.0/16", 1 + randombytes_uniform(254))) ||
	    (!join && !(out->network = take(&q, "network-name", "The network's name:", NULL, check_name))) ||
	    (!join && !(out->cidr = take(&q, "network-cidr", "All its addresses:", preset, check_cidr))) ||
	    !(out->endpoint = endpoint
				  ? endpoint
				  : take(&q, "external-endpoint", "Its endpoint from outside:", NULL, check_endpoint)))
		return -1;
	if (!q.asked)
		return 0;
	/* Only an answer is completed here. The caller checks an option's value and names the option in the error. */
	if (!endpoint && !option_given(inv, "external-endpoint") && !(out->endpoint = endpoint_of(a, out->endpoint)))
		return -1;
	canonical = endpoint_canonical(a, out->endpoint, strlen(out->endpoint));
	if (canonical && !option_given(inv, "listen-port") &&
	    !(out->port = take(&q, NULL, "Its UDP port here:", strrchr(canonical, ':') + 1, check_port)))
		return -1;
	return ask_source(&q, out);
}
