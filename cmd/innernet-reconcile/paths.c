#include "cmd/innernet-reconcile/commands.h"
#include "schema/model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *join(const char *folder, const char *name, const char *suffix)
{
	struct buf b = {0};
	char *s;

	buf_printf(&b, "%s/%s%s", folder, name, suffix);
	s = b.failed ? NULL : strdup(b.p);
	buf_free(&b);
	return s;
}

int paths_make(const struct invocation *inv, const char *name, struct server_paths *out)
{
	const char *config = option_value(inv, "config-dir"), *data = option_value(inv, "data-dir");

	*out = (struct server_paths){0};
	if (!network_name_valid(name, strlen(name))) {
		usage_error(inv,
			    "'%s' is not the name of a network: lower case letters, digits and hyphens, at most %d",
			    name, NETWORK_MAX_LEN);
		return -1;
	}
	out->config = join(config ? config : SERVER_CONFIG_DIR, name, ".yaml");
	out->data = join(data ? data : SERVER_DATA_DIR, name, "");
	if (out->config && out->data)
		return 0;
	fprintf(stderr, "%s: out of memory\n", inv->program->name);
	paths_free(out);
	return -1;
}

void paths_free(struct server_paths *p)
{
	free(p->config);
	free(p->data);
	*p = (struct server_paths){0};
}

char *path_absolute(const char *path)
{
	struct buf b = {0};
	char here[4096], *s;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(here, sizeof(here)))
		return NULL;
	buf_printf(&b, "%s/%s", here, path);
	s = b.failed ? NULL : strdup(b.p);
	buf_free(&b);
	return s;
}
