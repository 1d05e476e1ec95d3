/*
 * Diagnostics: what is wrong, where, and what to do about it.
 *
 * One type for all callers: the loader, the verifier, git, HTTP and devices all add to
 * a `struct diags`; only cmd/ prints it. Codes are stable words ("address-in-use"),
 * listed in diag_codes.c and in network.yaml(5).
 */
#ifndef SCHEMA_DIAG_H
#define SCHEMA_DIAG_H

#include "schema/buf.h"

/* Lines and columns are 1-based; columns count code points. line 0: no place. `end` is exclusive. */
struct place {
	uint32_t file; /* index into the definition's files; meaningless when line is 0 */
	uint32_t line, column;
	uint32_t end_line, end_column;
};

/* Which of two stands first in the definition. */
int place_cmp(const struct place *a, const struct place *b);

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diag_note {
	char *text;       /* one that has a place is shown as "<text> at <file>:<line>:<column>" */
	const char *file; /* NULL: no place */
	struct place at;
	struct diag_note *next;
};

/* A change that is safe to make without asking: what stands at [start, end) of the file becomes `text`. */
struct diag_fix {
	struct place at;     /* of the bytes that are replaced; at.file is their file */
	uint32_t start, end; /* byte offsets, end exclusive */
	char *text;
};

struct diag {
	enum severity severity;
	const char *code; /* a string literal */
	char *message;
	const char *file; /* NULL: no file (an error of the network, a device, ...) */
	struct place at;
	struct diag_note *notes;
	char *help;           /* NULL: none */
	struct diag_fix *fix; /* what the help says, ready to be made; NULL: none, or a person must choose */
	struct diag *next;
};

/* Zero-initialise (files may be left NULL); diags_free() when done. */
struct diags {
	struct arena *arena;
	const char *const *files;   /* names for place.file, borrowed; NULL outside a definition */
	const struct span *sources; /* their bytes, borrowed; may be NULL */
	size_t n_files;
	struct diag *first, *last;
	size_t n_errors, n_warnings;
	size_t n_dropped; /* above DIAGS_MAX: counted, not kept */
	bool out_of_memory;
	bool spellings; /* set by the caller: warn of what is valid and only spelled in an unusual way, too */
};

void diags_free(struct diags *d);
/* Says that there is no memory left: the flag, and an error unless it is the last one already. Returns -1. */
int diags_out_of_memory(struct diags *d);
/* What went wrong turned out not to matter: every error so far becomes a warning. */
void diags_soften(struct diags *d);

/*
 * Adds an error or a warning. `at` may be NULL. Returns it, so that notes and help can be
 * hung on it; NULL when it was dropped (diag_note and diag_help take NULL).
 * Control characters in the message are escaped: what it quotes may come from anywhere.
 */
struct diag *diag_error(struct diags *d, const char *code, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct diag *diag_warning(struct diags *d, const char *code, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_note(struct diags *d, struct diag *g, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_help(struct diags *d, struct diag *g, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The fix that its help describes; `at` is the place of bytes [start, end). */
void diag_fix(struct diags *d, struct diag *g, const struct place *at, uint32_t start, uint32_t end, const char *text);

/* An error about a named file outside any definition ("/etc/innernet/corp.yaml"). The name is copied. */
struct diag *diag_file_error(struct diags *d, const char *code, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts them in the order of the files (by file, line, column; those without a place last, stable). */
void diags_sort(struct diags *d);

/*
 * As rustc and ruff show them. `sources` (n_files of them; NULL: those of `d`) gives the text for the
 * snippets. `color` as a terminal wants it. Called before the arena that a definition was loaded into goes.
 */
void diags_render_human(struct buf *out, const struct diags *d, const struct span *sources, bool color);

/* One line of a source, without its end; p is NULL: none. A cursor (zero-initialised) makes going down cheap. */
struct source_cursor {
	uint32_t file, line;
	size_t at;
};
/* One of them; the cursor is for those of one list. */
void diag_render_human(struct buf *out, const struct diags *d, const struct diag *g, const struct span *sources,
		       struct source_cursor *c, bool color);
struct span source_line(struct source_cursor *c, const struct span *sources, uint32_t file, uint32_t line);

/* Every code that a definition can cause; network.yaml(5) says of each what is here. */
struct definition_code {
	const char *code, *meaning; /* the meaning: one line without a full stop */
	const char *why, *mend;     /* whole sentences: why it is refused, and what to do */
};
extern const struct definition_code definition_codes[];
/* All other codes. */
struct diag_code {
	const char *code, *meaning;
};
extern const struct diag_code diag_codes[];
extern const size_t n_definition_codes, n_diag_codes;

#endif
