/* The subcommand `completions` of both programs. */
#ifndef CMD_COMPLETIONS_H
#define CMD_COMPLETIONS_H

#include "cmd/command.h"

int completions_run(struct invocation *inv);

/* `program`: a literal, for the example. */
#define COMPLETIONS(program)                                                                                           \
	{                                                                                                              \
		.name = "completions", .synopsis = "bash | zsh | fish",                                                \
		.summary = "print what a shell needs to complete these commands",                                      \
		.text = "The same is put where the shells find it by `make install` and by the package.",              \
		.example = "source <(" program " completions bash)", .min_args = 1, .max_args = 1,                     \
		.run = completions_run,                                                                                \
	}

#endif
