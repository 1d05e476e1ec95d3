/* The subcommand `completions` of both programs, and `complete`, which the printed scripts call. */
#ifndef CMD_COMPLETIONS_H
#define CMD_COMPLETIONS_H

#include "cmd/command.h"

int completions_run(struct invocation *inv);
int complete_run(struct invocation *inv);

/* `program`: the program's name as a string literal, for the example. */
#define COMPLETIONS(program)                                                                                           \
	{                                                                                                              \
		.name = "completions", .synopsis = "bash | zsh | fish",                                                \
		.summary = "print the completion script of a shell",                                                   \
		.text = "`make install` and the package install the same scripts where the shells find them.",         \
		.example = "source <(" program " completions bash)", .min_args = 1, .max_args = 1,                     \
		.words = {WORD_SHELL}, .run = completions_run,                                                         \
	}

#define COMPLETE(program)                                                                                              \
	{                                                                                                              \
		.name = "complete", .synopsis = "KIND -- [WORD...]",                                                   \
		.summary = "print the names that complete a line",                                                     \
		.example = program " complete peer -- disable-peer --name", .min_args = 1, .max_args = -1,             \
		.hidden = true, .run = complete_run,                                                                   \
	}

#endif
