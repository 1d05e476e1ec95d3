/*
 * Questions to a person at a terminal: a line of text, or one of a list of choices with the arrow keys. Everything is
 * drawn on stderr. Where the terminal cannot draw (TERM=dumb), a plain line is asked for instead.
 *
 * The terminal is as it was before whenever a function is back, and when a signal ends the program in between.
 */
#ifndef CMD_PROMPT_H
#define CMD_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#define PROMPT_MAX 512 /* bytes of an answer */

bool prompt_possible(void); /* stdin and stderr are a terminal */

/* What is wrong with an answer, to be shown before the question is asked again; NULL: nothing. */
typedef const char *prompt_check(void *ctx, const char *answer);

/*
 * A line of text. `preset` (may be NULL) is the answer of who just presses Enter. -1: cancelled (Ctrl-C, Ctrl-D, the
 * end of the input).
 */
int prompt_line(const char *question, const char *preset, prompt_check *check, void *ctx, char out[static PROMPT_MAX]);

/*
 * One of `n` (at least 1) choices, `preset` to begin with. Letters that are typed narrow the list down; where
 * nothing can be drawn, the first word of a choice will do. -1: cancelled.
 */
int prompt_choose(const char *question, const char *const *choices, size_t n, size_t preset, size_t *out);

#endif
