/*
 * What the commands that edit a definition share: one run of one of them, from the options and questions over the plan
 * and the answer to the files and git.
 */
#ifndef CMD_INNERNET_EDIT_H
#define CMD_INNERNET_EDIT_H

#include "cmd/command.h"
#include "cmd/innernet/own_clone.h"
#include "cmd/prompt.h"
#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/config/invitation.h"
#include "reconcile/impact/impact.h"
#include "schema/edit.h"

/* The options of all of them. */
#define EDIT_OPTIONS                                                                                                   \
	{"commit", 0, NULL, "commit the definition"}, {"push", 0, NULL, "commit it and push"},                         \
	    {"yes", 'y', NULL, "do not ask first (a terminal is asked)"},                                              \
	    {"json", 0, NULL, "say what was done as JSON"},                                                            \
	{                                                                                                              \
		0                                                                                                      \
	}

struct edit_job {
	struct invocation *inv;
	struct arena *arena;
	struct diags diags;  /* about the definition as it is */
	struct diags edited; /* about the definition as it would be */
	struct model *before, *after;
	struct clone *clone;
	struct ledger *ledger; /* NULL: the clone has none */
	struct edit edit;
	struct buf *bytes;    /* by file: what it is to be; not written to: it stays */
	bool interactive;     /* something was asked for */
	const char *path;     /* of the definition; NULL: the first argument, or the current folder */
	FILE *say;            /* where the plan and the last words go */
	struct own_clone own; /* of the network that was named; `path` NULL: none was */
	bool undone;          /* of that clone: nothing counts on what was made */
	bool raced;           /* because somebody else's push came first: all of it once more */

	/* Of a new invite, or a new key. */
	uint8_t *secret;   /* secret_new(); NULL: there is none */
	char *secret_file; /* the path of what is written with it; NULL: nothing is */
	bool excluded;     /* git was told to leave it alone */
	struct export *export;
};

/* What one of an edit's options is to be, and how it is asked for. */
enum ask_kind {
	ASK_NEW_PEER, /* names that nobody has */
	ASK_NEW_CIDR,
	ASK_PEER, /* names of the definition */
	ASK_ENABLED_PEER,
	ASK_DISABLED_PEER,
	ASK_CIDR,
	ASK_HOME,       /* the CIDR of a new peer */
	ASK_CIDR_BELOW, /* any but the network */
	ASK_JOINED,     /* with an association */
	ASK_PARTNER,    /* with one that joins it with --cidr */
	ASK_PREFIX,
	ASK_ENDPOINT,
	ASK_ADDRESS, /* in the CIDR of --cidr */
	ASK_EXPIRY,
	ASK_INVITATION, /* a file for it */
	ASK_ADMIN,
};
struct ask {
	const char *option;
	enum ask_kind kind;
	const char *question;
	const char *unless; /* asked only when this option was not given; NULL: always */
	bool optional;      /* asked for only when something else is missing too */
};
#define ASKS_MAX 7 /* the last one empty */

/* One of the commands. The table of them drives everything. */
struct edit_command {
	const struct command *command;
	enum edit_kind kind;
	struct ask asks[ASKS_MAX];
	int (*take)(
	    struct edit_job *job); /* options into job->edit, without looking at the definition; 0, or the exit code */
	/* What needs the definition: 0; 1: it is as asked for already; -1 with diagnostics. NULL: nothing. */
	int (*prepare)(struct edit_job *job);
	/* More for --json. NULL: nothing. */
	int (*json)(const struct edit_job *job, bool changed, json_t *into);
	/*
	 * What is made besides. save(): before the definition is written, for what must not be lost then; it is taken
	 * away again when that fails. -1 with diagnostics. say(): where it is. NULL: nothing.
	 */
	int (*save)(struct edit_job *job);
	void (*say)(const struct edit_job *job, struct buf *out);
	/* With the definition as it would be, before anybody is asked; -1 with diagnostics. NULL: nothing. */
	int (*make)(struct edit_job *job);
	/* After everything else: what goes to standard output. NULL: nothing. */
	int (*show)(struct edit_job *job);
	/* Needs this call no edit? Then it has done everything, and *code is the exit code. NULL: never. */
	bool (*instead)(struct edit_job *job, const struct edit_command *c, int *code);
};

/* Runs the command of the invocation, which is in the table. */
int edit_run(struct invocation *inv);
/* What was done as JSON; `impact` NULL: nothing was. Returns the exit code. */
int edit_print_json(const struct edit_job *job, const struct edit_command *c, const struct impact *impact);

/* Asks for what is missing. 0; or an exit code after saying what is missing, or that nothing was changed. */
int edit_ask(struct edit_job *job, const struct edit_command *c);
/* The same without a terminal: names all that is missing. */
int edit_missing(const struct edit_job *job, const struct edit_command *c);
/* "10.0.0.0/24" or one of each family. 0, or an enum prefix_error; on host bits `fixed` (may be NULL) is it without them. */
int prefixes_parse(const char *s, struct prefix out[static 2], uint8_t *n, struct prefix *fixed);

/* edit_invite.c: the peer's options, its invite and its invitation. */
int take_add_peer(struct edit_job *job);
int take_invite_peer(struct edit_job *job);
int prepare_add_peer(struct edit_job *job);
int prepare_invite_peer(struct edit_job *job);
int json_peer(const struct edit_job *job, bool changed, json_t *into);
/* The invitation is written before the definition: an invite that nobody holds would be worth nothing. */
int invitation_save(struct edit_job *job);
void invitation_say(const struct edit_job *job, struct buf *out);
/* "14d" to seconds. 0: never. -1: neither. */
int expiry_parse(const char *s, int64_t *seconds);
int ips_parse(const char *s, struct addr out[static 2], uint8_t *n);

/* edit_fold.c: which peers, and the keys that the ledger has for them. */
int take_fold(struct edit_job *job);
int prepare_fold(struct edit_job *job);
int json_fold(const struct edit_job *job, bool changed, json_t *into);
/* export.c: a peer's configuration, and its new key. */
int take_export(struct edit_job *job);
int prepare_export(struct edit_job *job);
int export_make(struct edit_job *job);
int export_save(struct edit_job *job);
void export_say(const struct edit_job *job, struct buf *out);
int export_show(struct edit_job *job);
bool export_instead(struct edit_job *job, const struct edit_command *c, int *code);
int json_export(const struct edit_job *job, bool changed, json_t *into);
void export_free(struct export *x); /* wipes; NULL is fine */

/* edit_git.c: the files and git around them. Diagnostics go to job->diags; -1 after an error. */
int edit_check_git(struct edit_job *job);    /* a commit would take nothing along that somebody has not finished */
int edit_check_pushed(struct edit_job *job); /* --push: nothing is left of an earlier one */
void edit_floor(struct edit_job *job, struct version *floor); /* the commit on which the definition stands */
int edit_commit(struct edit_job *job, const char *message);
int edit_exclude(struct edit_job *job, const char *path, bool *excluded); /* git is to leave a file alone */

/* edit_lines.c: the lines that went and came. */
void edit_lines(struct buf *out, struct span before, struct span after, bool color);

#endif
