/* What standard output is shown on: how wide it is, and what it can draw. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include "reconcile/text/tree.h"

/* Columns: COLUMNS where it is given, else the terminal's; 0 (no limit) when standard output is none. */
unsigned terminal_width(void);
enum tree_style terminal_tree_style(void); /* lines in UTF-8 where the locale is, else in ASCII */

#endif
