/* What git(1) says of a remote, as values. Pure; the bytes came over the network and may be anything. */
#ifndef RECONCILE_WIRE_GIT_SAID_H
#define RECONCILE_WIRE_GIT_SAID_H

#include "schema/buf.h"
#include "schema/limits.h"

#define GIT_REASON_MAX 512 /* bytes of a line for people, with its NUL */

/*
 * `git ls-remote`: "<hex>\t<ref>\n" a line. The hex of this very ref (40 or 64 lower-case digits). False: it is not there,
 * or not as git would say it.
 */
bool git_said_ref(struct span out, const char *ref, char hex[static HASH_HEX_LEN + 1]);

/*
 * `git push --porcelain`: a line begins with "!" where a ref was not moved (git-push(1), OUTPUT). True with its reason, as
 * one line in which nothing hides (buf_visible()).
 */
bool git_said_refused(struct span out, char reason[static GIT_REASON_MAX]);

/*
 * Why git failed, from its standard error: the last line that is not said beside every reason ("Could not read from remote
 * repository"), without "fatal: ", as one line in which nothing hides (buf_visible()). False: it said nothing of the kind.
 */
bool git_said_why(struct span err, char why[static GIT_REASON_MAX]);

#endif
