/* The options that are keys of a definition (schema/attributes.h): those of add-peer and of add-cidr. */
#ifndef CMD_INNERNET_EDIT_ATTRIBUTES_H
#define CMD_INNERNET_EDIT_ATTRIBUTES_H

#include "schema/keys.h"

struct edit_job;

/* Reads them into a struct peer (IN_PEER) or cidr (IN_CIDR). 0, or the exit code after it said what is wrong. */
int edit_take_attributes(struct edit_job *job, enum key_place place, void *thing);

#endif
