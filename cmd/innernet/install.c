/* innernet install: redeem an invitation. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/file.h"
#include "reconcile/edge/redeem.h"

static const struct option_spec options[] = {
    HOSTS_OPTIONS,
    {"delete-invite", 'd', NULL, "remove the invitation's file afterwards"},
    {0},
};

static void progress(const char *text)
{
	fprintf(stderr, "%s...\n", text);
}

/* Whom it can see: the answer to "did it work?". */
static void print_joined(const struct this_peer *p)
{
	const struct view *v = p->held->view;
	const struct view_peer *self = &v->peers[v->self];
	char ip[ADDR_STR_LEN];
	uint32_t n = 0;

	addr_format(&self->ip[0], ip);
	printf("This machine is %s (%s) in the network %s.\n", self->name, ip, v->statement.network);
	for (uint32_t i = 0; i < v->n_peers; i++)
		n += i != v->self && !v->peers[i].pending;
	printf("It reaches %u peer%s:", n, n == 1 ? "" : "s");
	for (uint32_t i = 0, shown = 0; i < v->n_peers && shown < 20; i++) {
		if (i != v->self && !v->peers[i].pending)
			printf("%s %s", shown++ ? "," : "", v->peers[i].name);
	}
	printf("%s\n", n > 20 ? ", ..." : "");
	printf("To keep it so: innernet up --daemon %s\n", v->statement.network);
}

static int run(struct invocation *inv)
{
	struct peer_options o;
	struct invitation *invitation = NULL;
	struct this_peer *p = NULL;
	struct diags d = {0};
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		return FAILED;
	if (invitation_read(inv->args[0], &invitation, &d) < 0 || redeem(&o, invitation, progress, &p, &d) < 0)
		goto out;
	code = DONE;
	print_joined(p);
	if (option_given(inv, "delete-invite") && file_remove(inv->args[0], &d) < 0)
		code = FAILED;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	peer_close(p);
	invitation_free(invitation);
	return code;
}

/* One command under two names. */
#define INSTALL                                                                                                        \
	.synopsis = "INVITATION [-d]", .options = options, .min_args = 1, .max_args = 1, .run = run,                   \
	.text =                                                                                                        \
	    "Makes this machine's own key (it is on disk before anything is sent and never leaves it), redeems the\n"  \
	    "invitation inside the tunnel, verifies the first snapshot and brings the interface up. When it is\n"      \
	    "interrupted, or the server cannot be reached, run it again: it goes on where it stopped."

const struct command command_install = {
    .name = "install",
    .summary = "join a network with an invitation",
    .example = "sudo innernet install bob.yaml --delete-invite",
    INSTALL,
};

const struct command command_redeem = {
    .name = "redeem",
    .summary = "the same as install",
    .example = "sudo innernet redeem bob.yaml --delete-invite",
    INSTALL,
};
