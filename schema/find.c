#include "schema/find.h"

#include "schema/keys.h"

#include <string.h>

const char *model_nearest(const struct model *m, const char *name, bool cidr)
{
	unsigned limit = strlen(name) > 5 ? 2 : 1, best = limit + 1;
	const char *found = NULL;

	for (uint32_t i = 0; i < (cidr ? m->n_cidrs : m->n_peers) && i < 10000; i++) {
		const char *other = cidr ? m->cidrs[i].name : m->peers[i].name;
		unsigned distance = word_distance(name, other, limit);
		if (distance < best) {
			best = distance;
			found = other;
		}
	}
	return found;
}

static void unknown(const struct model *m, const char *name, bool cidr, struct diags *d)
{
	const char *near = model_nearest(m, name, cidr);
	uint32_t other = cidr ? model_peer_by_name(m, name) : model_cidr_by_name(m, name);
	struct diag *g =
	    diag_error(d, "unknown-name", NULL, "there is no %s '%s' in %s", cidr ? "CIDR" : "peer", name, m->files[0]);
	struct buf known = {0};

	if (other != NONE) {
		diag_help(d, g, "'%s' is a %s", name, cidr ? "peer" : "CIDR");
	} else if (near) {
		diag_help(d, g, "did you mean '%s'?", near);
	} else if (cidr) {
		for (uint32_t i = 0; i < m->n_cidrs && i < 20; i++)
			buf_printf(&known, "%s%s", i ? ", " : "", m->cidrs[i].name);
		diag_help(d, g, "its CIDRs are %s%s", known.p ? known.p : "", m->n_cidrs > 20 ? ", ..." : "");
	}
	buf_free(&known);
}

uint32_t model_find_peer(const struct model *m, const char *name, struct diags *d)
{
	uint32_t i = model_peer_by_name(m, name);

	if (i == NONE)
		unknown(m, name, false, d);
	return i;
}

uint32_t model_find_cidr(const struct model *m, const char *name, struct diags *d)
{
	uint32_t i = model_cidr_by_name(m, name);

	if (i == NONE)
		unknown(m, name, true, d);
	return i;
}
