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

/* Writes `s` as one shell word, in single quotes when it needs them. */
static void put_word(struct buf *out, const char *s)
{
	if (*s && !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=-")]) {
		buf_str(out, s);
		return;
	}
	buf_char(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *s);
	}
	buf_char(out, '\'');
}

void paths_put_command(struct buf *out, const struct invocation *inv, const char *words, const char *name)
{
	static const char *const folders[] = {"config-dir", "data-dir"};

	buf_str(out, inv->program->name);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *dir = option_value(inv, folders[i]);
		if (!dir)
			continue;
		buf_printf(out, " -%c ", folders[i][0]);
		put_word(out, dir);
	}
	buf_printf(out, " %s %s", words, name);
}

char *paths_absolute(const char *path)
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
