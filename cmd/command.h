/*
 * The frame of both programs. Each program is one const table of subcommands. Dispatch, --help, --version, the
 * completions and the tests of the man pages read this table. Options are parsed nowhere else.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <stdio.h>

/* The kind of a positional argument. A shell completes it with the names of this kind that exist. */
enum word_kind {
	WORD_FILE = 1 << 0,    /* a file or a folder */
	WORD_NETWORK = 1 << 1, /* a network of this machine */
	WORD_CLONE = 1 << 2,   /* a network whose definition this user has cloned */
	WORD_PEER = 1 << 3,    /* a peer of the definition or network that the line names */
	WORD_CIDR = 1 << 4,
	WORD_SHELL = 1 << 5,
	/* The argument of a command that edits a definition, and of a command that only reads one. */
	WORD_DEFINITION = WORD_CLONE | WORD_FILE,
	WORD_TARGET = WORD_NETWORK | WORD_FILE,
};

/* One option. A table of options ends with a zero entry. */
struct option_spec {
	const char *name; /* the long name without dashes; option_value() takes it */
	char letter;      /* 0: none */
	/*
	 * The name of the value. NULL: the option is a flag. "[BOOL]": true or false may follow, the default is true.
	 * The shells complete "FILE", "DIR", "PEER" and "CIDR" with the names that exist, and "auto|kernel|userspace" with
	 * these values, which are all that the option takes.
	 */
	const char *arg;
	const char *help; /* one line */
};

struct invocation;
struct answer; /* what a command that was asked for JSON has said: cmd/answer.h */

#define WORDS_MAX 3

/* One subcommand. The file of the same name defines it. */
struct command {
	const char *name;
	const char *synopsis;               /* the text after the name: "[FILE | DIR] [--format FORMAT]" */
	const char *summary;                /* one line without a full stop, for the list of commands */
	const char *text;                   /* a paragraph for --help; may be NULL */
	const char *example;                /* one full command line, for --help */
	const struct option_spec *options;  /* the command's own options; NULL: none */
	int min_args, max_args;             /* number of positional arguments; max_args -1: any number */
	unsigned words[WORDS_MAX];          /* enum word_kind of each argument; the last entry repeats */
	bool hidden;                        /* called by programs only: not in --help and not completed */
	int usage_exit;                     /* exit code of a usage error; 0 means 1 */
	bool format_json;                   /* `--format json` asks for one JSON document, as --json does elsewhere */
	int (*run)(struct invocation *inv); /* returns the exit code */
	const void *row;                    /* data for run() when several commands share one run(); else NULL */
};

struct program {
	const char *name, *alias; /* alias: a second installed name; NULL: none */
	const char *summary;
	const struct command *const *commands; /* ends with NULL */
	const struct option_spec *globals;     /* accepted before and after the subcommand */
	const struct command *default_command; /* runs when there is no subcommand; NULL: print the help */
	bool default_takes_args;               /* a first word that is no subcommand is the default's argument */
	/* Appends the existing names of `kinds` that complete `line`, one a line. Prints nothing and prompts for nothing. */
	void (*complete)(const struct invocation *line, unsigned kinds, struct buf *out);
};

extern const struct option_spec common_options[]; /* options of every command of both programs */

#define OPTIONS_MAX 48
struct invocation {
	const struct program *program;
	const struct command *command;
	const char **args; /* positional arguments */
	int n_args;
	const char *names[OPTIONS_MAX];  /* the given options, in order */
	const char *values[OPTIONS_MAX]; /* the value of each; "" for a flag */
	int n_options;
	bool implied;          /* the first word is no subcommand; it is the default command's argument */
	struct answer *answer; /* NULL while a line is completed */
};

/*
 * Returns the value of an option, or NULL when it is not given. The last value counts. A flag's value is "". Code that
 * several commands share may pass an option that only some of them have. A name that no command of the program has is a
 * programming error: the function calls abort(3). tests/lint/options.t finds such names.
 */
const char *option_value(const struct invocation *inv, const char *name);
bool option_given(const struct invocation *inv, const char *name);
/* For an option with "[BOOL]": returns whether it is given and its value is not "false". */
bool option_true(const struct invocation *inv, const char *name);
/* Appends an option to the line. Borrows `value` ("" for a flag). Returns -1 when there are OPTIONS_MAX already. */
int option_add(struct invocation *inv, const char *name, const char *value);
/*
 * Reads the option as a decimal integer from `min` to `max`. *out is `absent` when the option is not given. Returns -1
 * after printing a usage error when the value is no such integer.
 */
int option_number(const struct invocation *inv, const char *name, long min, long max, long absent, long *out);

/*
 * Reads an incomplete line for completion: its command, options and arguments. Skips what is invalid. The caller gives
 * `args` of *line room for `n` words. bash splits a word at "=" and ":"; such a separator arrives as a word of its own.
 */
void command_line_read(struct invocation *line, int n, const char *const *words);

/*
 * The body of main(): parses the line, hardens the process (no core dumps), dispatches, flushes. Returns the exit code.
 * When JSON was asked for and the command has printed nothing, prints a document with the diagnostics that it reported.
 */
int command_main(const struct program *p, int argc, char **argv);

/* Prints "innernet: MESSAGE" and the --help command to stderr. Returns the command's exit code for usage errors. */
int usage_error(const struct invocation *inv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Returns whether to colour `stream`. --color decides, then NO_COLOR, then FORCE_COLOR, then isatty(3). */
bool use_color(const struct invocation *inv, FILE *stream);

/* Prints every diagnostic to stderr in the human format. `sources` is as for diags_render_human(). */
void report(const struct invocation *inv, const struct diags *d, const struct span *sources);
/* Writes `b` to stdout and flushes. Returns -1 after printing an error when `b` has failed or the write fails. */
int print_buf(const struct invocation *inv, const struct buf *b);
int print_buf_to(const struct invocation *inv, FILE *stream, const struct buf *b); /* `stream`: stdout or stderr */

/* Prints the question to stderr and reads a line from stdin. True for "yes" alone. False when stdin is no terminal. */
bool ask_yes(const char *question);

#endif
