/* A definition from the disk: a file, or network.yaml in a folder, with the files it includes. */
#ifndef EDGE_SOURCE_H
#define EDGE_SOURCE_H

#include "schema/load.h"

#define SOURCE_NAME "network.yaml" /* what a definition's root file is called in a folder or a repository */

/*
 * Reads and checks the definition at `path`, a file or a folder. Files are known by what was typed
 * ("examples/network.yaml"), and by their names alone in the current folder. Includes are regular files below
 * the folder of the root file; symbolic links are not followed. Everything is in the arena. Returns the model,
 * or NULL with diagnostics: those of definition_load (then d->files is set), or that the file cannot be read.
 */
struct model *source_load(struct arena *a, const char *path, bool without_server, struct diags *d);

/*
 * The same, as if some of its files, by the names that source_load() gave them, had other bytes (borrowed): is an edit
 * right, before it is written?
 */
struct model *source_load_edited(struct arena *a, const char *path, const struct source_file *edited, size_t n_edited,
				 bool without_server, struct diags *d);

/*
 * The root file of the definition that the file at `path`, with these bytes, may be a part of: the file itself, when it
 * names a network or is called network.yaml; else network.yaml in a folder above it, which need not include it. In the
 * arena. NULL: there is none, or out of memory.
 */
const char *source_root(struct arena *a, const char *path, struct span bytes);

#endif
