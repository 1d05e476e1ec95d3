#include "reconcile/edge/answer/git_request.h"
#include "schema/limits.h"

#include <string.h>

static const struct {
	const char *name, *request, *result, *advertisement;
} services[N_GIT_SERVICES] = {
#define SERVICE(name)                                                                                                  \
	{                                                                                                              \
		name, "application/x-git-" name "-request", "application/x-git-" name "-result",                       \
		    "application/x-git-" name "-advertisement"                                                         \
	}
    [GIT_UPLOAD_PACK] = SERVICE("upload-pack"),
    [GIT_RECEIVE_PACK] = SERVICE("receive-pack"),
};

const char *git_service_name(enum git_service s)
{
	return services[s].name;
}

/* "git-upload-pack". N_GIT_SERVICES: none of them. */
static enum git_service service_of(const char *s)
{
	if (s && !strncmp(s, "git-", 4))
		for (int i = 0; i < N_GIT_SERVICES; i++)
			if (!strcmp(s + 4, services[i].name))
				return (enum git_service)i;
	return N_GIT_SERVICES;
}

static unsigned refuse(unsigned status, const char **why, const char *text)
{
	*why = text;
	return status;
}

unsigned git_request_parse(const char *path, bool is_get, bool is_post, const char *service, const char *content_type,
			   struct git_request *out, const char **why)
{
	const char *what = path + strlen(GIT_PATH);

	*why = NULL;
	*out = (struct git_request){.advertise = !strcmp(what, "info/refs")};
	out->service = service_of(out->advertise ? service : what);
	if (out->service == N_GIT_SERVICES)
		return refuse(404, why,
			      out->advertise ? "this repository speaks git's smart protocol alone"
					     : "there is nothing at this path");
	if (out->advertise ? !is_get : !is_post)
		return refuse(405, why, out->advertise ? "this path takes GET" : "this path takes POST");
	/* A browser cannot send this without asking first, which is refused for its Origin. */
	if (is_post && (!content_type || strcmp(content_type, services[out->service].request)))
		return refuse(415, why, "this path takes what git sends");
	return 0;
}

const char *git_request_type(const struct git_request *q)
{
	return q->advertise ? services[q->service].advertisement : services[q->service].result;
}

bool git_protocol_valid(const char *header)
{
	size_t n = strlen(header);

	return n && n <= GIT_PROTOCOL_MAX &&
	       strspn(header, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=:._-") == n;
}

int git_protocol_version(const char *header)
{
	int version = 0;

	for (const char *s = header; s; s = strchr(s, ':') ? strchr(s, ':') + 1 : NULL) {
		static const char key[] = "version=";
		const char *v = s + sizeof(key) - 1;
		if (strncmp(s, key, sizeof(key) - 1) || *v < '0' || *v > '2' || (v[1] && v[1] != ':'))
			continue;
		if (*v - '0' > version)
			version = *v - '0';
	}
	return version;
}
