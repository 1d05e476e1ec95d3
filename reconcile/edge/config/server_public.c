/* The public part of a server's own file, which the repository's hooks read as the user of the push. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/config/server_config.h"
#include "schema/model.h"

#include <stdlib.h>
#include <string.h>

static const char code[] = "bad-push-file";
static const char comment[] =
    "# For the repository's hooks: the server's own file without its secrets. innernet-reconcile writes it at each\n"
    "# start, and changes in this file are lost.\n";

struct raw_public {
	char *version, *network, *branch, *public_key;
	char **signers;
	unsigned n_signers;
	struct raw_guards *guards;
};

static const cyaml_schema_value_t string_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 128),
};

#define TEXT(name) CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER, struct raw_public, name, 1, 4096)
static const cyaml_schema_field_t fields[] = {
    TEXT(version),
    TEXT(network),
    TEXT(branch),
    TEXT(public_key),
    CYAML_FIELD_SEQUENCE_COUNT("signers", CYAML_FLAG_POINTER, struct raw_public, signers, n_signers, &string_entry, 1,
			       SIGNERS_MAX),
    CYAML_FIELD_MAPPING_PTR("guards", CYAML_FLAG_POINTER, struct raw_public, guards, guard_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_public, fields),
};

static int path_make(struct buf *path, const char *data_dir, struct diags *d)
{
	buf_printf(path, "%s/push.yaml", data_dir);
	if (path->failed)
		diags_out_of_memory(d);
	return path->failed ? -1 : 0;
}

int server_public_write(const char *data_dir, const struct server_config *c, struct diags *d)
{
	char version[] = "1", network[NETWORK_MAX_LEN + 1], key[KEY_B64_LEN + 1],
	     signers[SIGNERS_MAX][ED25519_STR_LEN + 1];
	char *list[SIGNERS_MAX];
	struct raw_guards guards;
	struct guard_texts room;
	struct raw_public raw = {.version = version,
				 .network = network,
				 .branch = c->ref,
				 .public_key = key,
				 .signers = list,
				 .n_signers = c->n_seeds,
				 .guards = &guards};
	struct buf path = {0}, text = {0};
	int ret = -1;

	memcpy(network, c->network, sizeof(network));
	key_format(&c->public_key, key);
	for (unsigned i = 0; i < c->n_seeds; i++) {
		ed25519_format(&c->signers[i], signers[i]);
		list[i] = signers[i];
	}
	guard_raw(&c->guards, &room, &guards);
	if (!path_make(&path, data_dir, d) && !config_emit(&schema, &raw, comment, &text, d))
		ret = file_write(path.p, buf_span(&text), 0644, d);
	buf_free(&path);
	buf_free(&text);
	return ret;
}

int server_public_parse(struct span bytes, const char *name, struct server_config **out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = code, .d = d};
	struct server_config *c;
	struct raw_public *raw;
	void *data = NULL;
	uint64_t n;
	int bad = 0;

	*out = NULL;
	if (config_parse(&schema, bytes, code, name, &data, d) < 0)
		return -1;
	raw = data;
	if (!(c = calloc(1, sizeof(*c))) || !(c->ref = strdup(raw->branch))) {
		diags_out_of_memory(d);
		bad = -1;
		goto out;
	}
	bad |= config_number(&at, "version", raw->version, 1, 1, &n);
	if (!network_name_valid(raw->network, strlen(raw->network)))
		bad |= config_fail(&at, "network", "is not the name of a network");
	else
		snprintf(c->network, sizeof(c->network), "%s", raw->network);
	if (strncmp(raw->branch, "refs/", 5))
		bad |= config_fail(&at, "branch", "is not the full name of a ref");
	bad |= config_x25519(&at, "public_key", raw->public_key, &c->public_key);
	for (unsigned i = 0; i < raw->n_signers; i++)
		bad |= config_ed25519(&at, "signers", raw->signers[i], &c->signers[i]);
	c->n_seeds = raw->n_signers;
	bad |= guard_values(&at, raw->guards, &c->guards);
out:
	config_free(&schema, data);
	if (bad) {
		server_config_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

int server_public_read(const char *data_dir, struct server_config **out, struct diags *d)
{
	struct buf path = {0}, text = {0};
	bool absent = false;
	struct diag *g;
	int ret = -1;

	*out = NULL;
	if (path_make(&path, data_dir, d) < 0 || file_read(path.p, CONFIG_MAX, &text, &absent, d) < 0)
		goto out;
	if (absent) {
		g = diag_file_error(d, "no-such-network", path.p, "%s is not there", path.p);
		diag_help(d, g, "on the server, `innernet-reconcile hook install` writes it");
		goto out;
	}
	ret = server_public_parse(buf_span(&text), path.p, out, d);
out:
	buf_free(&path);
	buf_free(&text);
	return ret;
}
