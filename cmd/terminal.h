/* The terminal of standard output: its width, and the characters for tree lines. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include "reconcile/text/tree.h"

/* Returns the width in columns: $COLUMNS, else the terminal's; 0 (no limit) when standard output is no terminal. */
unsigned terminal_width(void);
enum tree_style terminal_tree_style(void); /* UTF-8 lines when the locale's charset is UTF-8, else ASCII */

#endif
