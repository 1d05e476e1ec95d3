/* The missing options of an edit: asked for at a terminal, with choices and presets, or named in a usage error. */
#ifndef CMD_INNERNET_EDIT_ASK_H
#define CMD_INNERNET_EDIT_ASK_H

#include <stdbool.h>

struct edit_job;

/* How an option is asked for. Each has its row in ask.c. */
enum edit_ask_kind {
	ASK_NEW_NAME, /* a free name for a peer or a CIDR */
	ASK_PEER,     /* a peer of the definition */
	ASK_ENABLED_PEER,
	ASK_DISABLED_PEER,
	ASK_CIDR,       /* a CIDR of the definition */
	ASK_HOME,       /* the CIDR of a new peer */
	ASK_CIDR_BELOW, /* any CIDR but the network itself */
	ASK_JOINED,     /* a CIDR that an association joins with another */
	ASK_PARTNER,    /* a CIDR that an association joins with --cidr */
	ASK_PREFIX,
	ASK_ENDPOINT,
	ASK_ADDRESS, /* in --cidr */
	ASK_EXPIRY,
	ASK_INVITATION, /* the file for the invitation */
	ASK_YES_NO,
	N_ASK_KINDS
};

/* One of an edit's options, and its question. */
struct edit_ask {
	const char *option;
	enum edit_ask_kind kind;
	const char *question;
	const char *unless; /* the alternative: with this option given, this one is not asked for; NULL: none */
	bool optional;      /* asked for only when a required option is missing too */
	const char *with;   /* required after all when this option is given; NULL: none */
	const char *reason; /* why `with` requires it, for the error */
};
#define EDIT_ASKS_MAX 7 /* entries of one command, with the empty last one */

/* Returns whether a required option is missing. */
bool edit_ask_needed(const struct edit_job *job);
/* Prints a usage error that names all missing options. Returns its exit code, or 0 when none is missing. */
int edit_ask_missing(const struct edit_job *job);
/* Asks for the missing options, and adds the answers to the command line. Returns 0, or an exit code with job->diags. */
int edit_ask(struct edit_job *job);

#endif
