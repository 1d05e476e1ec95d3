/* What the repository's hooks read: git's lines on their standard input, and the server's file for them. */
#include "reconcile/edge/push/push.h"
#include "reconcile/edge/config/server_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span lines = {data, n};
	struct push_update u;
	struct server_config *c;
	struct diags d = {0};
	int more;

	while ((more = push_next(&lines, &u)) > 0)
		if (strlen(u.before) != PUSH_SHA_LEN || strlen(u.after) != PUSH_SHA_LEN ||
		    strncmp(u.ref, "refs/", 5) != 0 || strlen(u.ref) > PUSH_REF_MAX)
			abort();
	if (!more && lines.n)
		abort();
	if (server_public_parse((struct span){data, n}, "push.yaml", &c, &d) == 0) {
		if (!c->ref || c->n_seeds > SIGNERS_MAX || !c->n_seeds || c->private_key)
			abort();
		server_config_free(c);
	} else if (!d.n_errors && !d.out_of_memory) {
		abort();
	}
	diags_free(&d);
	return 0;
}
