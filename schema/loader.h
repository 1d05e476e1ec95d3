/* Inside the loader: what load.c, load_sections.c, load_values.c and check*.c share. No other file includes it. */
#ifndef SCHEMA_LOADER_H
#define SCHEMA_LOADER_H

#include "schema/keys.h"
#include "schema/load.h"
#include "schema/yaml.h"

/* Uses of what must be unique, by the peer's index of reading, which check_order() turns into the model's. */
struct addr_use {
	struct addr addr;
	uint32_t peer;
	struct place at;
};
struct route_use {
	struct prefix prefix;
	uint32_t peer;
	struct place at;
};
struct key_use {
	struct key x25519;
	uint32_t peer;
};

/* A free address that was looked for once: of a CIDR and a family. */
struct free_addr {
	uint32_t what; /* 0: none yet */
	bool full;
	struct addr addr;
};
#define FREE_ADDRS 64

/* A name in upper case: it can become the one in lower case when no other entry has that. */
struct rename_use {
	struct diag *diag;
	const struct node *name;
	const char *lower;
	uint32_t file;
};

/* Names that are resolved when all are known. */
struct pair_use {
	const struct node *a, *b;
	struct place at;
	uint32_t file;
};
struct test_use {
	const struct node *from, *can, *cannot;
	struct place at;
	uint32_t file;
};

struct loader {
	struct arena *arena; /* of the model */
	struct arena *tree;  /* of the nodes: freed when the model is made */
	struct diags *diags;
	struct model *model;
	struct cidr no_cidr; /* no key is given: what each one begins as */
	struct peer no_peer;
	bool without_server;
	bool network_broken; /* `cidr` was not understood: nothing is inside or outside */
	bool trust_broken;   /* a signer was not understood: they cannot be counted */

	const char **names; /* of the files; grows up to INCLUDE_FILES_MAX + 1 */
	struct span *sources;
	struct node **roots;
	uint32_t n_files;

	/* Vectors of the structs above. */
	struct buf addrs, routes, keys, pairs, tests, reuse, renames;
	struct free_addr free_addrs[FREE_ADDRS];
	unsigned searches; /* budget for "did you mean" over names */
};

/* load_values.c: one value each. They add a diagnostic and return false when it is not what the key takes. */
/* Sorts the pairs of a map into values[] by the table; unknown, missing and misplaced keys are diagnosed,
   as those of `whose` ("the peer '") and, unless it is NULL, `name`. */
void load_keys(struct loader *l, enum key_place place, const struct node *map, uint32_t file,
	       const struct node *values[static KEYS_MAX], const char *whose, const char *name);
/* Reads the attributes that are given, but for names and lists, into the thing (attributes.h). */
void load_attributes(struct loader *l, enum key_place place, const struct node *const values[static KEYS_MAX],
		     uint32_t file, void *thing);
bool load_int(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, int64_t *out);
/* A text as it stands (borrowed from the tree); NULL after a diagnostic. */
const char *load_text(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file);
bool load_addr(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct addr *out);
/* Only when asked for: a value is spelled in another way than we show it. */
void load_unusual(struct loader *l, const struct node *v, uint32_t file, const char *usual);
bool load_prefix(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct prefix *out);
bool load_key(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct key *out);
bool load_ed25519(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct key *out,
		  struct key *x25519);
/* One value or one a family: up to two nodes into out[], IPv4 first is the caller's to see to. Returns how many. */
unsigned load_one_or_two(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file,
			 const struct node *out[static 2]);
bool load_check_list(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file);
/* A scalar's fix: `value` in the style it was written in. Nothing for one that goes over lines. */
void load_fix_scalar(struct loader *l, struct diag *g, const struct node *v, uint32_t file, const char *value);
void load_bad_type(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file);

/* load_sections.c: everything that one file says, into the arrays and vectors. roots[file] is a map. */
void load_sections(struct loader *l, uint32_t file);

/* check_order.c: puts CIDRs and peers into the model's order and makes its indices; places each in its CIDR. */
int check_order(struct loader *l);
/* check_rules.c: what must be unique or fit together. */
int check_rules(struct loader *l);
int check_refs(struct loader *l); /* associations and tests */

#endif
