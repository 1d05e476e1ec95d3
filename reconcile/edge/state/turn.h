/* What one turn of the server came to. */
#ifndef EDGE_TURN_H
#define EDGE_TURN_H

enum turn {
	TURN_PUBLISHED, /* a new version */
	TURN_UNCHANGED, /* nothing new */
	TURN_INVALID,   /* the branch's commit was refused; what was published stays */
	TURN_SUSPENDED, /* there is something new, and it is not taken (control.h) */
	TURN_FAILED,    /* could not look, write or converge */
	N_TURNS
};

/* As the status has it: "published", "unchanged", "refused", "suspended", "failed". */
const char *turn_name(enum turn t);

#endif
