/*
 * The secret of an edit, a new invite's seed or a new private key, and the file that is written with it. Only secret.c
 * writes job->secret; the command that draws the key fills in its 32 bytes.
 */
#ifndef CMD_INNERNET_EDIT_SECRET_H
#define CMD_INNERNET_EDIT_SECRET_H

#include <stdint.h>

struct edit_job;

struct edit_secret {
	uint8_t *key;       /* secret_new(): 32 bytes; NULL: there is none */
	const char *file;   /* NULL: none is written */
	const char *option; /* by which another file is named */
};

/* 32 bytes, to be filled in. -1 with job->diags. */
int edit_secret_new(struct edit_job *job);
/* Where it is to be written. In the arena, or NULL; -1 with job->diags. `option` is borrowed. */
int edit_secret_to(struct edit_job *job, const char *file, const char *option);
/*
 * Has the command write its file, where it has one, and tells git to leave it alone. It comes before the definition: an
 * invite whose seed is lost is worth nothing. -1 with job->diags, and no file.
 */
int edit_secret_save(struct edit_job *job);
void edit_secret_remove(struct edit_job *job); /* the file; without one nothing */
void edit_secret_free(struct edit_job *job);   /* wipes */

#endif
