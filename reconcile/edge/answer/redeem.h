/*
 * The redemption of invitations: a peer that proves that an invite is its own gets its place, once. A redemption is
 * checked, recorded (enrolments.h; on a remote by upstream.h), and its key is put on the interface; then it is answered.
 */
#ifndef EDGE_ANSWER_REDEEM_H
#define EDGE_ANSWER_REDEEM_H

#include "reconcile/edge/answer/asker.h"

void redeem_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why);
/* The ledger has new enrolments: the interface gets their keys, the polls get them, and redemptions are answered. */
void redeem_enrolled(const struct owners *o);
/* Reads what is new on the ledger, and does that when it moved. */
void redeem_look(const struct owners *o);
/* Redemptions that wait can be answered. */
void redeem_wake(const struct owners *o);

#endif
