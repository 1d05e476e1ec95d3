/* Options that several commands have, and how they become an edit. */
#ifndef CMD_INNERNET_EDIT_TAKE_H
#define CMD_INNERNET_EDIT_TAKE_H

#include "schema/keys.h"

#include <stdbool.h>

struct edit_job;

/* For the member `take` of a row: --name; and --new-name, which must be a host name. */
int edit_take_name(struct edit_job *job);
int edit_take_rename(struct edit_job *job);
#define EDIT_RENAME_OPTIONS(kind)                                                                                      \
	{"name", 0, kind, "what it is called"}, {"new-name", 0, "NAME", "what it is to be called"}, EDIT_OPTIONS

/* The value of an option is a host name. false after it said that it is not. */
bool edit_name_ok(const struct edit_job *job, const char *option, const char *name);

/*
 * The options that are keys of a definition (schema/attributes.h), into a struct peer (IN_PEER) or cidr (IN_CIDR). 0, or
 * the exit code after it said what is wrong.
 */
int edit_take_attributes(struct edit_job *job, enum key_place place, void *thing);

#endif
