/*
 * Changing a YAML file as a person would: one thing is put in, taken out or said differently, in the style of its
 * neighbours, and no other byte changes. Pure: bytes in, bytes out.
 *
 * Each change is made twice: in the bytes, and in the tree that was read from them. When all are made, the new bytes
 * are read, and must say what the tree says; so a layout that was not understood is refused, never guessed at.
 */
#ifndef SCHEMA_REWRITE_H
#define SCHEMA_REWRITE_H

#include "schema/yaml.h"

enum value_kind {
	VALUE_BARE, /* true, 25: never quoted */
	VALUE_WORD, /* an IPv4 address, a prefix, a time: quoted in JSON alone */
	VALUE_NAME, /* a word that is quoted, too, where other readers of YAML take it for something else: no, 007 */
	VALUE_TEXT, /* always quoted */
	VALUE_LIST,
	VALUE_MAP,
};

/* What is to be written. Borrowed. */
struct value {
	const char *key; /* in a mapping; NULL in a list */
	enum value_kind kind;
	const char *text;          /* of a scalar */
	const struct value *items; /* of a list or mapping */
	size_t n;
};

/* Bytes that go and come in one place. */
struct splice {
	size_t at, deleted;
	struct buf text;
};
#define SPLICES_MIN 16

struct rewrite {
	struct arena *arena; /* of the tree; the caller's */
	struct span file;    /* borrowed */
	uint32_t index;      /* place.file */
	struct node *root;   /* NULL: nothing is in the file */
	struct diags *diags;
	struct splice *splices;
	size_t n_splices, cap;
	int8_t quotes_names; /* names are quoted without need; -1: not looked at yet */
};

/* Reads the file. -1 with the diagnostics of the YAML reader; nothing is to be freed then. */
int rewrite_open(struct rewrite *w, struct arena *a, struct span file, uint32_t index, struct diags *d);
void rewrite_close(struct rewrite *w); /* a zero one is fine */
/* The new bytes. -1 with "edit-style" when they do not say what they should, or out of memory. */
int rewrite_finish(struct rewrite *w, struct buf *out);

/* The key of a pair; NULL: there is none, or `map` (may be NULL) is no mapping. */
struct node *node_find(const struct node *map, const char *key);
/* An empty value, ~ or null. */
bool node_is_null(const struct node *n);

/*
 * The changes. Each returns -1 with "edit-style" and the place of a layout that it does not write in, or when out of
 * memory. Of one mapping or list, at most one member is put in or taken out between open and finish.
 */

/* Says a scalar differently, in its quotes. */
int rewrite_scalar(struct rewrite *w, struct node *scalar, enum value_kind kind, const char *text);
/* Gives a key of `map` another name. Its value stays in its column when it is aligned there with others. */
int rewrite_key(struct rewrite *w, const struct node *map, struct node *key, const char *name);
/* A pair more, after `after` (a key of `map`; NULL: the last one). The mapping must not be empty. */
int rewrite_add_pair(struct rewrite *w, struct node *map, struct node *after, const struct value *pair);
int rewrite_remove_pair(struct rewrite *w, struct node *map, struct node *key);

/*
 * A member more, as the last one, of a section of the root: a pair when `value` has a key, else an item. The section is
 * made when it is missing, at the end of the file. It comes after the last member and before what belongs to whatever
 * follows.
 */
int rewrite_add(struct rewrite *w, const char *section, const struct value *value);
/* The reverse: `member` is a key or an item of the section. A section that is empty then goes where it would have been made. */
int rewrite_remove(struct rewrite *w, const char *section, struct node *member);

#endif
