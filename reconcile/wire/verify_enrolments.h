/* Enrolments against the leaves that were signed: which of them give an invite its key. */
#ifndef RECONCILE_WIRE_VERIFY_ENROLMENTS_H
#define RECONCILE_WIRE_VERIFY_ENROLMENTS_H

#include "reconcile/wire/verify.h"

/* Does `b` bring an enrolment for a peer that still waits for one? A second one for an invite that has one is an alarm, and no news. */
bool verify_has_news(struct arena *a, const struct bundle *b, const struct view *held_view, struct diags *d);

/*
 * Gives the pending peers of the view the keys that their enrolments prove: those of `held` (verified before) first,
 * then those of `b`. merged->enrolments become the records that hold. A key that is known already is not
 * taken, a second record for one invite neither: warnings. A forged one is an error, and -1.
 */
int verify_enrolments(struct arena *a, struct view *view, const struct key *id, const struct bundle *held,
		      const struct bundle *b, struct bundle *merged, struct diags *d);

#endif
