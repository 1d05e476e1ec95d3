/* What an edit needs and was not given: asked for at a terminal, with choices and defaults, or named in an error. */
#ifndef CMD_INNERNET_EDIT_ASK_H
#define CMD_INNERNET_EDIT_ASK_H

#include <stdbool.h>

struct edit_job;

/* How an option is asked for. Each has its row in ask.c. */
enum edit_ask_kind {
	ASK_NEW_NAME, /* of a peer or a CIDR: one that is not taken */
	ASK_PEER,     /* a peer of the definition */
	ASK_ENABLED_PEER,
	ASK_DISABLED_PEER,
	ASK_CIDR,       /* a CIDR of the definition */
	ASK_HOME,       /* that of a new peer */
	ASK_CIDR_BELOW, /* any but the network itself */
	ASK_JOINED,     /* one that an association joins with another */
	ASK_PARTNER,    /* one that an association joins with --cidr */
	ASK_PREFIX,
	ASK_ENDPOINT,
	ASK_ADDRESS, /* in --cidr */
	ASK_EXPIRY,
	ASK_INVITATION, /* the file that it is written to */
	ASK_YES_NO,
	N_ASK_KINDS
};

/* One of an edit's options, and its question. */
struct edit_ask {
	const char *option;
	enum edit_ask_kind kind;
	const char *question;
	const char *unless; /* not asked for when this option is given; NULL: always */
	bool optional;      /* asked for only when another one is missing too */
	const char *with;   /* missing all the same when this option is given, which needs it; NULL: none does */
	const char *reason; /* what that one needs it for */
};
#define EDIT_ASKS_MAX 7 /* of one command; the last one is empty */

/* Something is missing that cannot be left out. */
bool edit_ask_needed(const struct edit_job *job);
/* Names all that is missing. 0: nothing is; else the exit code of a usage error. */
int edit_ask_missing(const struct edit_job *job);
/* Asks for what is missing; an answer is an option from then on. 0, or an exit code after saying what was wrong. */
int edit_ask(struct edit_job *job);

#endif
