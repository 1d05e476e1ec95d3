#include "cmd/innernet/target.h"
#include "reconcile/edge/git/source.h"

#include <string.h>
#include <unistd.h>

bool target_is_network(const struct peer_options *o, const char *word)
{
	size_t n = strlen(word), suffix = strlen(".yaml");
	struct buf path = {0};
	bool there;

	if (!n || strchr(word, '/') || (n > suffix && strcmp(word + n - suffix, ".yaml") == 0))
		return false;
	buf_printf(&path, "%s/%s.yaml", o->config_dir, word);
	there = !path.failed && access(path.p, F_OK) == 0;
	buf_free(&path);
	return there || (!strchr(word, '.') && access(word, F_OK) != 0);
}

int target_find(const struct invocation *inv, const struct peer_options *o, struct arena *a, struct target *out,
		struct diags *d)
{
	*out = (struct target){0};
	if (inv->n_args && target_is_network(o, inv->args[0])) {
		out->networks = inv->args;
		out->n_networks = 1;
		return 0;
	}
	if (inv->n_args || access(SOURCE_NAME, F_OK) == 0) {
		out->definition = inv->n_args ? inv->args[0] : ".";
		return 0;
	}
	return peer_networks(a, o, &out->networks, &out->n_networks, d);
}
