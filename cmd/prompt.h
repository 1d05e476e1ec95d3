/*
 * Questions at a terminal: a line of text, or a choice from a list with the arrow keys. Output goes to stderr. When the
 * terminal cannot move its cursor (TERM=dumb), the functions read a plain line instead.
 *
 * Each function restores the terminal's settings before it returns, and before a signal ends or stops the program.
 */
#ifndef CMD_PROMPT_H
#define CMD_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#define PROMPT_MAX 512 /* bytes of an answer */

bool prompt_possible(void); /* whether stdin and stderr are terminals */

/* Returns NULL for a valid answer, else the error text. The error is printed and the question is asked again. */
typedef const char *prompt_check(void *ctx, const char *answer);

/*
 * Asks for a line of text. An empty answer means `preset` (may be NULL: no default). Returns -1 when the user cancels
 * (Escape, Ctrl-C, Ctrl-D, end of input).
 */
int prompt_line(const char *question, const char *preset, prompt_check *check, void *ctx, char out[static PROMPT_MAX]);

/*
 * Asks for one of `n` (at least 1) choices. `preset` is the index that is selected first. Typed text filters the list.
 * On a terminal without cursor movement the answer is a whole choice or its first word. *out is an index into
 * `choices`. Returns -1 when the user cancels.
 */
int prompt_choose(const char *question, const char *const *choices, size_t n, size_t preset, size_t *out);

#endif
