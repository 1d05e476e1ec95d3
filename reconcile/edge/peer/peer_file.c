#include "reconcile/edge/peer/peer_file.h"

#include "reconcile/edge/peer/hosts.h"
#include "reconcile/plan/hosts.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer_file {
	const struct peer_options *options;
	struct peer_config *config;
	bool from_definition;
	struct file_stamp stamp;
};

static const struct file_stamp no_file;

static struct file_stamp stamp_of(const struct peer_options *o, const char *ifname)
{
	char path[PATH_MAX + NETWORK_MAX_LEN + 8];

	snprintf(path, sizeof(path), "%s/%s.yaml", o->config_dir, ifname);
	return file_stamp_of(path);
}

bool peer_file_is_there_for(const struct peer_options *o, const char *ifname)
{
	struct file_stamp now = stamp_of(o, ifname);

	return !file_stamp_eq(&now, &no_file);
}

bool peer_file_is_there(const struct peer_file *f)
{
	return peer_file_is_there_for(f->options, peer_file_ifname(f));
}

int peer_file_open(const struct peer_options *o, const char *ifname, struct peer_file **out, struct diags *d)
{
	struct peer_file *f = calloc(1, sizeof(*f));
	bool absent = false;

	*out = NULL;
	if (!f)
		return diags_out_of_memory(d);
	f->options = o;
	/* The stamp first: a change during the read is seen by the next refresh. */
	f->stamp = stamp_of(o, ifname);
	if (peer_config_read(o->config_dir, ifname, &f->config, &absent, d) < 0 || absent) {
		peer_file_free(f);
		return absent ? 1 : -1;
	}
	*out = f;
	return 0;
}

struct peer_file *peer_file_made(const struct peer_options *o, struct peer_config *c, struct diags *d)
{
	struct peer_file *f = calloc(1, sizeof(*f));

	if (!f) {
		peer_config_free(c);
		diags_out_of_memory(d);
		return NULL;
	}
	f->options = o;
	f->config = c;
	f->from_definition = true;
	return f;
}

void peer_file_free(struct peer_file *f)
{
	if (!f)
		return;
	peer_config_free(f->config);
	free(f);
}

const struct peer_options *peer_file_options(const struct peer_file *f)
{
	return f->options;
}

const struct peer_config *peer_file_config(const struct peer_file *f)
{
	return f->config;
}

const char *peer_file_ifname(const struct peer_file *f)
{
	return peer_config_interface(f->config);
}

bool peer_file_from_definition(const struct peer_file *f)
{
	return f->from_definition;
}

const struct file_stamp *peer_file_stamp(const struct peer_file *f)
{
	return &f->stamp;
}

int peer_file_refresh(struct peer_file *f, struct diags *d)
{
	struct file_stamp now = stamp_of(f->options, peer_file_ifname(f));
	struct peer_settings old = f->config->settings;
	struct peer_config *c = NULL;
	bool absent = false;

	if (file_stamp_eq(&now, &f->stamp))
		return PEER_FILE_SAME;
	if (peer_config_read(f->options->config_dir, peer_file_ifname(f), &c, &absent, d) < 0)
		return -1;
	if (absent)
		return PEER_FILE_GONE;
	if (key_eq(&c->public_key, &f->config->public_key) && key_eq(&c->m.trust.id, &f->config->m.trust.id)) {
		f->config->settings = c->settings;
		c->settings = old;
		f->stamp = now;
	}
	peer_config_free(c);
	return PEER_FILE_READ;
}

struct nat_settings peer_file_nat(const struct peer_file *f)
{
	const struct nat_settings *told = &f->options->nat;
	struct nat_settings nat = f->config->settings.nat;

	nat.no_traversal |= told->no_traversal;
	nat.no_candidates |= told->no_candidates;
	if (told->n_exclude) {
		memcpy(nat.exclude, told->exclude, sizeof(nat.exclude));
		nat.n_exclude = told->n_exclude;
	}
	return nat;
}

const char *peer_file_hosts_path(const struct peer_file *f)
{
	const struct peer_settings *s = &f->config->settings;

	if (f->options->no_write_hosts || (s->no_write_hosts && !f->options->hosts_path))
		return NULL;
	return f->options->hosts_path ? f->options->hosts_path : s->hosts_path ? s->hosts_path : HOSTS_PATH;
}

const char *peer_file_host_suffix(const struct peer_file *f)
{
	const char *own = f->config->settings.host_suffix;

	return f->options->host_suffix ? f->options->host_suffix : own ? own : HOSTS_SUFFIX;
}

int peer_file_set_listen_port(struct peer_file *f, uint16_t port)
{
	struct peer_settings *s = &f->config->settings;

	if (s->listen_port == port)
		return 1;
	s->listen_port = port;
	return 0;
}

/* Puts a copy of `value` (NULL: none) in the place of *to. */
static int set_text(char **to, const char *value, struct diags *d)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return diags_out_of_memory(d);
	free(*to);
	*to = copy;
	return 0;
}

int peer_file_set_endpoint(struct peer_file *f, const char *endpoint, struct diags *d)
{
	char **old = &f->config->settings.endpoint;

	if (!*old == !endpoint && (!endpoint || strcmp(*old, endpoint) == 0))
		return 1;
	return set_text(old, endpoint, d);
}

int peer_file_set_endpoint_of(struct peer_file *f, const char *peer, const char *endpoint, struct diags *d)
{
	return peer_settings_endpoint(&f->config->settings, peer, endpoint, d);
}

int peer_file_save(const struct peer_file *f, struct diags *d)
{
	return peer_config_write(f->options->config_dir, f->config, false, d);
}

int peer_file_redeemed(struct peer_file *f, struct diags *d)
{
	const struct peer_options *o = f->options;
	struct peer_settings *s = &f->config->settings;

	f->config->redeemed = true;
	if ((o->hosts_path && set_text(&s->hosts_path, o->hosts_path, d) < 0) ||
	    (o->host_suffix && set_text(&s->host_suffix, o->host_suffix, d) < 0))
		return -1;
	if (o->no_write_hosts || o->hosts_path)
		s->no_write_hosts = o->no_write_hosts;
	s->nat = peer_file_nat(f);
	return peer_file_save(f, d);
}
