/* The subcommands of innernet-reconcile, one file each. Each is declared here and listed in the table of main.c. */
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

/* Exit codes: success; error; refused (the branch's commit is invalid, or the user did not confirm). */
enum { DONE = 0, FAILED = 1, REFUSED = 3 };

/* Prints the result of a single turn. Prints nothing for a refusal or an error: the log has it. Returns the exit code. */
int turn_say(enum turn turn);

/* CONFIG-DIR/NAME.yaml and DATA-DIR/NAME, from the global options. The caller frees them with paths_free(). */
struct server_paths {
	char *config; /* the server's own file */
	char *data;   /* the network's folder */
};
/* Returns -1 after printing an error: the name is invalid, or memory ran out. */
int paths_make(const struct invocation *inv, const char *name, struct server_paths *out);
void paths_free(struct server_paths *p);
/* Appends a command line with this invocation's folders: "innernet-reconcile -c DIR -d DIR WORDS NAME". */
void paths_put_command(struct buf *out, const struct invocation *inv, const char *words, const char *name);
char *paths_absolute(const char *path); /* malloc'ed, the caller frees; NULL: out of memory, or getcwd(3) failed */

/*
 * Writes the hooks of a network into its repository, and the file that they read into its data folder. A hook that this
 * program did not write stays, with the diagnostic "hook-exists". Returns -1 with diagnostics.
 */
int hooks_install(const struct invocation *inv, const struct server_config *c, const struct server_paths *paths,
		  struct diags *d);
int hooks_remove(const struct server_config *c, struct diags *d); /* removes only hooks that hooks_install() wrote */

#endif
