/*
 * What the commands that edit a definition share: one run of one of them, from the options and questions over the plan
 * and the answer to the files and git. A command is a struct command whose run() is edit_run() and whose row is a struct
 * edit_command; both stand side by side in the command's file.
 */
#ifndef CMD_INNERNET_EDIT_EDIT_H
#define CMD_INNERNET_EDIT_EDIT_H

#include "cmd/command.h"
#include "cmd/innernet/edit/ask.h"
#include "cmd/innernet/edit/git.h"
#include "cmd/innernet/edit/secret.h"
#include "reconcile/edge/git/clone.h"
#include "schema/edit.h"

#include <jansson.h>

/* The options of all of them. */
#define EDIT_OPTIONS                                                                                                   \
	{"commit", 0, NULL, "commit the definition"}, {"push", 0, NULL, "commit it and push"},                         \
	    {"yes", 'y', NULL, "do not ask first (a terminal is asked)"},                                              \
	    {"json", 0, NULL, "say what was done as JSON"},                                                            \
	{                                                                                                              \
		0                                                                                                      \
	}

/* How their synopses begin, and their texts end. */
#define EDIT_WHERE "[IFACE | FILE | DIR] "
#define EDIT_SAFE                                                                                                      \
	"\nNo byte but what must change does, and nothing is written unless the result is valid. The plan is shown\n"  \
	"first. On a terminal, what is missing is asked for. The same command again changes nothing. With IFACE, a\n"  \
	"network that `innernet clone` knows, the clone is brought up to date, edited, committed and pushed.\n"        \
	"There, without a terminal, --yes is needed: it exits with 3 when it was not confirmed."

/* One run. edit.c writes its members, but for those that say otherwise. */
struct edit_job {
	struct invocation *inv;
	const struct edit_command *command;
	struct arena *arena;
	struct diags diags;  /* about the definition as it is; any part adds to them */
	struct diags edited; /* about the definition as it would be */
	struct model *before, *after;
	struct clone *clone;
	struct ledger *ledger;     /* NULL: the clone has none */
	struct buf *bytes;         /* by file: its new bytes; p is NULL: it stays as it is */
	struct edit edit;          /* the command's take() and prepare() fill it in */
	void *own;                 /* the command's; its free() gets it. NULL: there is nothing */
	struct edit_git git;       /* git.c writes it */
	struct edit_secret secret; /* secret.c writes it */
};

/* One of the commands. `kind` and `take` are needed; a function that is left out (NULL) is not called. */
struct edit_command {
	enum edit_kind kind;
	struct edit_ask asks[EDIT_ASKS_MAX];
	/* Reads the options into job->edit, without looking at the definition. Returns 0, or the exit code. */
	int (*take)(struct edit_job *job);

	/* Makes options of words of the command line, before all else. 0, or the exit code after it said what is wrong. */
	int (*words)(struct invocation *inv);
	int definition_at;   /* the index of the word that names the definition */
	bool names_peers;    /* a first word that is a valid name is not the definition but a peer, as all others are */
	bool needs_ledger;   /* the ledger is fetched first */
	bool draws_key;      /* the new key is drawn here: no ledger has it, whether there is one here or not */
	const char *no_edit; /* with this option nothing is edited, and look() does everything. NULL: there is none */
	int (*look)(struct edit_job *job); /* returns the exit code */

	/* What needs the definition. 1: it says already what is asked for. -1 with diagnostics. */
	int (*prepare)(struct edit_job *job);
	/* What needs the definition as it would be, before the question. -1 with diagnostics. */
	int (*make)(struct edit_job *job);
	/* Writes the file of the secret (job->secret.file), before the definition. -1 with diagnostics. */
	int (*write_secret)(struct edit_job *job);
	/* What is said besides: in the last words; in --json (-1: out of memory); and at the very end (-1: failed). */
	void (*say)(const struct edit_job *job, struct buf *out);
	int (*json)(const struct edit_job *job, bool changed, json_t *into);
	int (*show)(struct edit_job *job);
	FILE *(*stream)(const struct invocation *inv); /* of the plan and the last words. Left out: standard output */
	void (*free)(void *own);
};

int edit_run(struct invocation *inv);
/* The last two members of a struct command: edit_run(), and the members of the struct edit_command that it takes. */
#define EDIT_ROW(...)                                                                                                  \
	.run = edit_run, .row = &(const struct edit_command)                                                           \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

#endif
