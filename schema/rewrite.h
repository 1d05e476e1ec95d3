/*
 * Changes a YAML file as a person would: what is put in, taken out or replaced is written in the style of its
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
/* The new bytes. -1 with "edit-style" when they read as another definition than the edit meant, or out of memory. */
int rewrite_finish(struct rewrite *w, struct buf *out);

/*
 * The changes. Each returns -1 with "edit-style" and the place of a layout that it does not write in, or when out of
 * memory. Between open and finish, one section gets one rewrite_add() or rewrite_remove(), and one mapping one
 * rewrite_pairs().
 */

/* Replaces a scalar, in its quotes. */
int rewrite_scalar(struct rewrite *w, struct node *scalar, enum value_kind kind, const char *text);
/* Gives a key of `map` another name. Its value stays in its column when it is aligned there with other values. */
int rewrite_key(struct rewrite *w, const struct node *map, struct node *key, const char *name);

/* What a key of a mapping is to say. */
struct pair {
	struct value value; /* a scalar with its key; `text` NULL: the pair goes, where it is there */
	const char *after;  /* behind this key, where the pair is new; NULL, or no such key: as the last one */
};
/*
 * Changes any number of pairs of a mapping, which must not be empty, in one go. A pair that is there keeps its place.
 * Where pairs go and new ones come, the first that comes takes the place of the first that goes, with the comment on
 * its line, the second that of the second, and so on: the key of a peer stands where its invite stood.
 */
int rewrite_pairs(struct rewrite *w, struct node *map, const struct pair *pairs, size_t n);

/*
 * Adds a member at the end of a section of the root: a pair when `value` has a key, else an item. Comments that belong
 * to what follows the section stay behind it. A missing section is made at the end of the file.
 */
int rewrite_add(struct rewrite *w, const char *section, const struct value *value);
/*
 * The reverse: `member` is a key or an item of the section. Its last member takes the section along where rewrite_add()
 * would have made it.
 */
int rewrite_remove(struct rewrite *w, const char *section, struct node *member);

#endif
