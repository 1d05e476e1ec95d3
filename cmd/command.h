/*
 * The frame of both programs: one const table of subcommands each, from which dispatch, --help,
 * --version, completions and the tests of the man pages are made. The only place that parses options.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <stdio.h>

/* What an argument is, for the shells: they are told which there are. */
enum word_kind {
	WORD_FILE = 1 << 0,    /* or a folder */
	WORD_NETWORK = 1 << 1, /* of this machine */
	WORD_CLONE = 1 << 2,   /* a network whose definition this person has cloned */
	WORD_PEER = 1 << 3,    /* of the definition, or the network, that the line is about */
	WORD_CIDR = 1 << 4,
	WORD_SHELL = 1 << 5,
	/* What is edited, and what is only looked at. */
	WORD_DEFINITION = WORD_CLONE | WORD_FILE,
	WORD_TARGET = WORD_NETWORK | WORD_FILE,
};

/* One option. A table of them ends with a zero entry. */
struct option_spec {
	const char *name; /* long, without dashes: also how the command asks for it */
	char letter;      /* 0: none */
	/*
	 * "FILE", "DIR", "PEER" and "CIDR" are completed, of those that there are; "[BOOL]": true or false may follow,
	 * and it is true without; NULL: a flag.
	 */
	const char *arg;
	const char *help; /* one line */
};

struct invocation;

#define WORDS_MAX 3

/* One subcommand. Each is defined in the file named after it. */
struct command {
	const char *name;
	const char *synopsis;               /* what follows the name: "[FILE | DIR] [--format FORMAT]" */
	const char *summary;                /* one line, no full stop, for the list */
	const char *text;                   /* more, for --help: a paragraph or NULL */
	const char *example;                /* the line a person would type */
	const struct option_spec *options;  /* its own; NULL: none */
	int min_args, max_args;             /* of positional arguments; max -1: any number */
	unsigned words[WORDS_MAX];          /* of enum word_kind: what each is; of any number, what the last one is */
	bool hidden;                        /* for programs: in no list */
	int usage_exit;                     /* exit code of a usage error; 0 means 1 */
	int (*run)(struct invocation *inv); /* returns the exit code */
	const void *row; /* for run(), where several commands share it: what is different in this one */
};

struct program {
	const char *name, *alias; /* alias: another name that it is installed by; NULL: none */
	const char *summary;
	const struct command *const *commands; /* ends with NULL */
	const struct option_spec *globals;     /* accepted before and after the subcommand */
	const struct command *default_command; /* without a subcommand; NULL: the help */
	bool default_takes_args;               /* a first word that is no subcommand is the default's argument */
	/* The words of these kinds that there are, for a line that is being typed, one a line; asks and says nothing. */
	void (*complete)(const struct invocation *line, unsigned kinds, struct buf *out);
};

extern const struct option_spec common_options[]; /* of every command of both programs */

#define OPTIONS_MAX 48
struct invocation {
	const struct program *program;
	const struct command *command;
	const char **args; /* positional ones */
	int n_args;
	const char *names[OPTIONS_MAX];  /* options that were given, in order */
	const char *values[OPTIONS_MAX]; /* "" for a flag */
	int n_options;
	bool implied; /* the first word was no subcommand: the default's argument */
};

/*
 * The value of an option (the last, when it was given twice), or NULL. A flag's value is "". What several commands share
 * may ask for an option that not all of them have. One that no command of the program has is a misspelled name: it ends
 * the program (abort(3)), and tests/lint/options.t finds it before.
 */
const char *option_value(const struct invocation *inv, const char *name);
bool option_given(const struct invocation *inv, const char *name);
/* Of an option with "[BOOL]": given, and not as false. */
bool option_true(const struct invocation *inv, const char *name);
/* As if it had been typed last. `value` is borrowed, "" for a flag. -1: there are too many. */
int option_add(struct invocation *inv, const char *name, const char *value);
/* A whole number within bounds; `absent` when it was not given. Prints and returns -1 when it is not one. */
int option_number(const struct invocation *inv, const char *name, long min, long max, long absent, long *out);

/*
 * A line that is being typed: its command, options and arguments as far as they go; what is wrong with it is passed
 * over. `args` of *line has room for all `n` words. A word of only "=" or ":" is where bash splits one.
 */
void command_line_read(struct invocation *line, int n, const char *const *words);

/* Runs main(): parses, hardens the process (no core dumps), dispatches, flushes; returns the exit code. */
int command_main(const struct program *p, int argc, char **argv);

/* "innernet: message" with a pointer to --help; returns the command's usage exit code. */
int usage_error(const struct invocation *inv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Colour on this stream: --color, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal. */
bool use_color(const struct invocation *inv, FILE *stream);

/* Prints every diagnostic to stderr as a person reads it. `sources` as diags_render_human takes them. */
void report(const struct invocation *inv, const struct diags *d, const struct span *sources);
/* Writes to stdout what a renderer made. Returns 0, or -1 after saying that it could not be written. */
int print_buf(const struct invocation *inv, const struct buf *b);
int print_buf_to(const struct invocation *inv, FILE *stream, const struct buf *b); /* stdout or stderr */

/* Prints the question to stderr and reads a line: true only for "yes". False without a terminal. */
bool ask_yes(const char *question);

#endif
