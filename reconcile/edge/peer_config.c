#include "reconcile/edge/peer_config.h"

#include "reconcile/edge/file.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char code[] = "bad-config";
static const char comment[] =
    "# This machine's place in a private network: written by `innernet install`. The private key\n"
    "# was made here and is nowhere else; nobody else may read this file.\n";

struct raw_overrides {
	char *listen_port;
};
struct raw_config {
	struct raw_membership m;
	char *state, *invite, *private_key;
	struct raw_overrides *overrides; /* NULL: none */
};

static const cyaml_schema_field_t overrides_fields[] = {
    RAW_OPTIONAL("listen_port", struct raw_overrides, listen_port),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t fields[] = {
    RAW_MEMBERSHIP_FIELDS(struct raw_config),
    RAW_STRING("state", struct raw_config, state),
    RAW_STRING("invite", struct raw_config, invite),
    RAW_STRING("private_key", struct raw_config, private_key),
    CYAML_FIELD_MAPPING_PTR("overrides", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_config, overrides,
			    overrides_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, fields),
};

struct peer_config *peer_config_new(struct diags *d)
{
	struct peer_config *c = calloc(1, sizeof(*c));

	if (c)
		c->private_key = secret_new();
	if (!c || !c->private_key) {
		d->out_of_memory = true;
		peer_config_free(c);
		return NULL;
	}
	return c;
}

void peer_config_free(struct peer_config *c)
{
	if (!c)
		return;
	secret_free(c->private_key);
	free(c);
}

static int take_state(const struct config_at *at, const char *s, bool *redeemed)
{
	*redeemed = strcmp(s, "redeemed") == 0;
	return *redeemed || strcmp(s, "pending") == 0 ? 0 : config_fail(at, "state", "must be 'pending' or 'redeemed'");
}

int peer_config_parse(struct span bytes, const char *name, struct peer_config **out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = code, .d = d};
	const struct raw_config *raw;
	struct peer_config *c = NULL;
	void *data = NULL;
	uint64_t port = 0;
	int bad = 0;

	*out = NULL;
	if (bytes.n > CONFIG_MAX) {
		diag_file_error(d, code, name, "%s is too large: at most %u bytes", name, CONFIG_MAX);
		return -1;
	}
	if (config_parse(&schema, bytes, code, name, &data, d) < 0)
		return -1;
	raw = data;
	c = peer_config_new(d);
	if (!c) {
		bad = -1;
		goto out;
	}
	bad |= membership_from_raw(&at, &raw->m, &c->m);
	bad |= take_state(&at, raw->state, &c->redeemed);
	bad |= config_ed25519(&at, "invite", raw->invite, &c->invite);
	bad |= config_secret(&at, "private_key", raw->private_key, c->private_key);
	if (raw->overrides && raw->overrides->listen_port)
		bad |= config_number(&at, "overrides: listen_port", raw->overrides->listen_port, 1, UINT16_MAX, &port);
	if (bad)
		goto out;
	c->listen_port = (uint16_t)port;
	x25519_public(c->private_key, &c->public_key);
	*out = c;
	c = NULL;
out:
	peer_config_free(c);
	config_free(&schema, data);
	return bad ? -1 : 0;
}

int peer_config_emit(const struct peer_config *c, struct buf *out, struct diags *d)
{
	struct arena *a = arena_new();
	struct raw_config raw = {0};
	struct raw_overrides overrides = {0};
	char key[KEY_B64_LEN + 1], invite[ED25519_STR_LEN + 1], port[8], pending[] = "pending", redeemed[] = "redeemed";
	int r = -1;

	config_secret_format(c->private_key, key);
	ed25519_format(&c->invite, invite);
	snprintf(port, sizeof(port), "%u", c->listen_port);
	raw.private_key = key;
	raw.invite = invite;
	raw.state = c->redeemed ? redeemed : pending;
	if (c->listen_port) {
		overrides.listen_port = port;
		raw.overrides = &overrides;
	}
	if (!a || membership_to_raw(a, &c->m, &raw.m) < 0)
		d->out_of_memory = true;
	else
		r = config_emit(&schema, &raw, comment, out, d);
	sodium_memzero(key, sizeof(key));
	arena_free(a);
	return r;
}

static int path_of(const char *dir, const char *ifname, char out[static PATH_MAX], struct diags *d)
{
	int n = snprintf(out, PATH_MAX, "%s/%s.yaml", dir, ifname);

	if (n > 0 && n < PATH_MAX)
		return 0;
	diag_error(d, "file-error", NULL, "the name of the folder is too long");
	return -1;
}

int peer_config_read(const char *dir, const char *ifname, struct peer_config **out, bool *absent, struct diags *d)
{
	char path[PATH_MAX];
	struct buf b = {0};
	int r;

	*out = NULL;
	if (!network_name_valid(ifname, strlen(ifname))) {
		diag_error(d, "bad-name", NULL, "'%s' is not the name of a network", ifname);
		return -1;
	}
	if (path_of(dir, ifname, path, d) < 0)
		return -1;
	r = file_read_secret(path, CONFIG_MAX, &b, absent, d);
	if (r == 0 && !(absent && *absent))
		r = peer_config_parse(buf_span(&b), path, out, d);
	buf_wipe(&b);
	if (r == 0 && *out && strcmp((*out)->m.network, ifname) != 0) {
		diag_file_error(d, code, path, "%s is about the network '%s', which its name does not say", path,
				(*out)->m.network);
		peer_config_free(*out);
		*out = NULL;
		r = -1;
	}
	return r;
}

int peer_config_write(const char *dir, const struct peer_config *c, bool create, struct diags *d)
{
	char path[PATH_MAX];
	struct buf b = {0};
	int r = -1;

	if (path_of(dir, c->m.network, path, d) < 0 || file_mkdirs(dir, 0700, d) < 0 || peer_config_emit(c, &b, d) < 0)
		goto out;
	r = create ? file_create(path, buf_span(&b), 0600, d) : file_write(path, buf_span(&b), 0600, d);
out:
	buf_wipe(&b);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "corp.yaml" -> its length without the ending; 0: not a network's file. */
static size_t network_file(const char *name)
{
	size_t n = strlen(name);

	if (n < 6 || strcmp(name + n - 5, ".yaml") != 0 || !network_name_valid(name, n - 5))
		return 0;
	return n - 5;
}

int peer_config_list(struct arena *a, const char *dir, const char *const **names, size_t *n, struct diags *d)
{
	const char **list = NULL, **more;
	size_t cap = 0;
	const struct dirent *e;
	DIR *folder = opendir(dir);

	*names = NULL;
	*n = 0;
	if (!folder) {
		if (errno == ENOENT)
			return 0;
		diag_file_error(d, "file-error", dir, "cannot look into %s: %s", dir, strerror(errno));
		return -1;
	}
	while ((e = readdir(folder))) {
		size_t len = network_file(e->d_name);
		if (!len)
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 8;
			more = arena_array(a, cap, sizeof(*more));
			if (!more)
				goto oom;
			if (*n)
				memcpy(more, list, *n * sizeof(*more));
			list = more;
		}
		list[*n] = arena_strndup(a, e->d_name, len);
		if (!list[(*n)++])
			goto oom;
	}
	closedir(folder);
	if (*n)
		qsort(list, *n, sizeof(*list), compare_names);
	*names = list;
	return 0;
oom:
	closedir(folder);
	d->out_of_memory = true;
	return -1;
}
