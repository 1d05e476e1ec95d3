/* The subcommand `completions` of both programs, and the one that what it prints calls. */
#ifndef CMD_COMPLETIONS_H
#define CMD_COMPLETIONS_H

#include "cmd/command.h"

int completions_run(struct invocation *inv);
int complete_run(struct invocation *inv);

/* `program`: a literal, for the example. */
#define COMPLETIONS(program)                                                                                           \
	{                                                                                                              \
		.name = "completions", .synopsis = "bash | zsh | fish",                                                \
		.summary = "print what a shell needs to complete these commands",                                      \
		.text = "The same is put where the shells find it by `make install` and by the package.",              \
		.example = "source <(" program " completions bash)", .min_args = 1, .max_args = 1,                     \
		.words = {WORD_SHELL}, .run = completions_run,                                                         \
	}

#define COMPLETE(program)                                                                                              \
	{                                                                                                              \
		.name = "complete", .synopsis = "KIND -- [WORD...]", .summary = "print the names that there are",      \
		.example = program " complete peer -- disable-peer --name", .min_args = 1, .max_args = -1,             \
		.hidden = true, .run = complete_run,                                                                   \
	}

#endif
