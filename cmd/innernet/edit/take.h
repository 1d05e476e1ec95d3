/* Reads options that several commands have into job->edit. */
#ifndef CMD_INNERNET_EDIT_TAKE_H
#define CMD_INNERNET_EDIT_TAKE_H

#include "schema/keys.h"

#include <stdbool.h>

struct edit_job;

/* Functions for the member `take`: they read --name, or --name and --new-name. Return 0, or the exit code. */
int edit_take_name(struct edit_job *job);
int edit_take_rename(struct edit_job *job);
#define EDIT_RENAME_OPTIONS(kind) {"name", 0, kind, "its name"}, {"new-name", 0, "NAME", "its new name"}, EDIT_OPTIONS

/* Returns whether the value of an option is a host name. Returns false after printing a usage error. */
bool edit_name_ok(const struct edit_job *job, const char *option, const char *name);

/*
 * Reads the options that are keys of a definition (schema/attributes.h) into a struct peer (IN_PEER) or cidr (IN_CIDR).
 * Returns 0, or the exit code after a usage error.
 */
int edit_take_attributes(struct edit_job *job, enum key_place place, void *thing);

#endif
