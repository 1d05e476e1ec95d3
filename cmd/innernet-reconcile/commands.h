/* The subcommands of innernet-reconcile, one a file: each declares itself here and stands in the table of main.c. */
#ifndef CMD_RECONCILE_COMMANDS_H
#define CMD_RECONCILE_COMMANDS_H

#include "cmd/command.h"
#include "reconcile/edge/server/reconciler.h"
#include "reconcile/edge/config/server_config.h"

extern const struct command server_command_hook;
extern const struct command server_command_init;
extern const struct command server_command_reconcile;
extern const struct command server_command_resume;
extern const struct command server_command_run;
extern const struct command server_command_status;
extern const struct command server_command_suspend;
extern const struct command server_command_uninstall;

/* Exit codes: done; could not; refused (the branch's commit is not valid). */
enum { DONE = 0, FAILED = 1, REFUSED = 3 };

/* Prints what a single turn came to (a refusal is in the log); returns the exit code. */
int turn_say(enum turn turn);

/* CONFIG-DIR/NAME.yaml and DATA-DIR/NAME, by the global options. Freed with paths_free(). */
struct server_paths {
	char *config; /* the server's own file */
	char *data;   /* the network's folder */
};
/* -1 after saying what is wrong with the name. */
int paths_make(const struct invocation *inv, const char *name, struct server_paths *out);
void paths_free(struct server_paths *p);
/* The line to type next, with the folders as they were given here: "innernet-reconcile -c DIR -d DIR WORDS NAME". */
void paths_put_command(struct buf *out, const struct invocation *inv, const char *words, const char *name);
char *path_absolute(const char *path); /* malloc'ed; NULL: out of memory, or no folder to be in */

/*
 * Puts the hooks of a network into its repository, and beside its data what they go by. Hooks that are there already
 * and are not ours stay, with a diagnostic ("hook-exists").
 */
int hooks_install(const struct invocation *inv, const struct server_config *c, const struct server_paths *paths,
		  struct diags *d);
int hooks_remove(const struct server_config *c, struct diags *d); /* ours; another's stay */

#endif
