/*
 * The secret of an edit (a new invite's seed or a new private key), and the file that has it. Only secret.c writes
 * job->secret; the command that draws the key fills in its 32 bytes.
 */
#ifndef CMD_INNERNET_EDIT_SECRET_H
#define CMD_INNERNET_EDIT_SECRET_H

#include <stdint.h>

struct edit_job;

struct edit_secret {
	uint8_t *key;       /* 32 bytes from secret_new(); NULL: no secret */
	const char *file;   /* in the arena; NULL: no file is written */
	const char *option; /* the option that names the file, for errors */
};

/* Allocates job->secret.key, 32 bytes that the caller fills in. Returns -1 with job->diags. */
int edit_secret_new(struct edit_job *job);
/* Sets the secret's file (copied; NULL: none) and the option that names it (borrowed). Returns -1 with job->diags. */
int edit_secret_to(struct edit_job *job, const char *file, const char *option);
/*
 * Calls the command's write_secret() if there is a file, and makes git ignore the file. This comes before the definition
 * is written: an invite without its seed is useless. Returns -1 with job->diags; then there is no file.
 */
int edit_secret_save(struct edit_job *job);
void edit_secret_remove(struct edit_job *job); /* removes the file, if there is one */
void edit_secret_free(struct edit_job *job);   /* wipes and frees the key */

#endif
