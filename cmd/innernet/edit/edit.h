/*
 * Shared by the commands that edit a definition: one run, from the options and questions through the plan and its
 * confirmation to the files and git. A command is a struct command whose run() is edit_run() and whose row is a struct
 * edit_command; the command's file has both.
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

/* The options of every command that edits. */
#define EDIT_OPTIONS                                                                                                   \
	{"commit", 0, NULL, "commit the definition"}, {"push", 0, NULL, "commit it and push"},                         \
	    {"yes", 'y', NULL, "do not ask for confirmation"},                                                         \
	    {"accept", 0, "ID", "accept the plan of this id, which a guard of the server stops"},                      \
	    {"json", 0, NULL, "print the result as JSON"},                                                             \
	{                                                                                                              \
		0                                                                                                      \
	}

/* The beginning of each synopsis, and the end of each text. */
#define EDIT_WHERE "[IFACE | FILE | DIR] "
#define EDIT_SAFE                                                                                                      \
	"\nChanges only the bytes that must change, and writes only a valid result. Shows the plan first. At a "       \
	"terminal\n"                                                                                                   \
	"it asks for missing options. The same command again changes nothing. With IFACE, a network that\n"            \
	"`innernet clone` has cloned, it brings the clone up to date, edits it, commits and pushes. Without a\n"       \
	"terminal a commit needs --yes. An edit that a server's default guards stop needs --accept with the id of\n"   \
	"its plan, or `yes` at the terminal; its commit gets the trailer. Exits with 3 when the edit was not\n"        \
	"confirmed."

/* One run. edit.c writes the members, except those with another writer in their comment. */
struct edit_job {
	struct invocation *inv;
	const struct edit_command *command;
	struct arena *arena;
	struct diags diags;  /* of the definition before the edit, and of the run; any file adds to them */
	struct diags edited; /* of the edited definition */
	struct diags guards; /* what a server's default guards stop in this edit: errors */
	struct model *before, *after;
	const char *accepted; /* the plan id that the commit's trailer accepts; NULL: no guard stops the edit */
	struct clone *clone;
	struct ledger *ledger;     /* NULL: the clone has none */
	struct buf *bytes;         /* by file: its new contents; p is NULL: unchanged */
	struct edit edit;          /* the command's take() and prepare() fill it in */
	void *own;                 /* the command's own data, freed by its free(); may be NULL */
	struct edit_git git;       /* git.c writes it */
	struct edit_secret secret; /* secret.c writes it */
};

/* One of the commands. `kind` and `take` are required; the other functions may be NULL. */
struct edit_command {
	enum edit_kind kind;
	struct edit_ask asks[EDIT_ASKS_MAX];
	/* Reads the options into job->edit; does not need the definition. Returns 0, or the exit code. */
	int (*take)(struct edit_job *job);

	/* Runs first: turns arguments into options. Returns 0, or the exit code after a usage error. */
	int (*words)(struct invocation *inv);
	int definition_at;   /* the index of the argument that names the definition */
	bool names_peers;    /* arguments are peers; a first one that is a valid name is not the definition */
	bool needs_ledger;   /* fetch the ledger first */
	bool takes_address;  /* with --push, fetch the ledger first: it says which addresses a server refuses */
	bool draws_key;      /* the new key is random: it is checked against an empty ledger when there is none here */
	const char *no_edit; /* with this option look() runs instead of an edit; NULL: no such option */
	int (*look)(struct edit_job *job); /* returns the exit code */

	/* Runs after the definition is loaded. Returns 0, 1 when nothing needs to change, or -1 with diagnostics. */
	int (*prepare)(struct edit_job *job);
	/* Runs after the edited definition is valid, before the confirmation. Returns -1 with diagnostics. */
	int (*make)(struct edit_job *job);
	/* Writes the secret's file (job->secret.file), before the definition. Returns -1 with diagnostics. */
	int (*write_secret)(struct edit_job *job);
	/* More output: with the result; in --json (-1: out of memory); after the result (-1: the write failed). */
	void (*say)(const struct edit_job *job, struct buf *out);
	int (*json)(const struct edit_job *job, bool changed, json_t *into);
	int (*show)(struct edit_job *job);
	FILE *(*stream)(const struct invocation *inv); /* for the plan and the result; NULL: standard output */
	void (*free)(void *own);
};

int edit_run(struct invocation *inv); /* returns the exit code */
/* The last two members of a struct command: edit_run(), and its struct edit_command with the given members. */
#define EDIT_ROW(...)                                                                                                  \
	.run = edit_run, .row = &(const struct edit_command)                                                           \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

#endif
