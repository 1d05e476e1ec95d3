#include "reconcile/edge/state/turn.h"

static const char *const names[N_TURNS] = {
    [TURN_PUBLISHED] = "published", [TURN_UNCHANGED] = "unchanged", [TURN_INVALID] = "refused",
    [TURN_SUSPENDED] = "suspended", [TURN_FAILED] = "failed",
};

const char *turn_name(enum turn t)
{
	return names[t];
}
