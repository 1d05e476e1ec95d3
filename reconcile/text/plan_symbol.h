/*
 * What all plans share, of interfaces, definitions and names: Terraform's symbols, the legend of those that were used,
 * and the line that counts.
 */
#ifndef RECONCILE_TEXT_PLAN_SYMBOL_H
#define RECONCILE_TEXT_PLAN_SYMBOL_H

#include "schema/buf.h"

enum plan_action { PLAN_CREATE, PLAN_CHANGE, PLAN_REMOVE };
#define PLAN_ACTIONS 3

#define COLOR_RESET "\033[0m"
#define COLOR_BOLD  "\033[1m"
const char *plan_verb(enum plan_action action); /* "added" */
void plan_put_symbol(struct buf *out, enum plan_action action, bool color);
void plan_put_legend(struct buf *out, const bool used[static PLAN_ACTIONS], bool color);
void plan_put_summary(struct buf *out, uint32_t n_add, uint32_t n_change, uint32_t n_remove, bool color);

#endif
