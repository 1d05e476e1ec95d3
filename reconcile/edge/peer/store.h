/*
 * What a peer keeps of a network between two runs, in DATA-DIR/IFACE/: the last snapshot that it verified
 * (`snapshot`, a whole bundle), where others were (`hints`, never trusted), and `lock`.
 *
 * What comes from the disk is believed no more than what comes from the network: it is verified again
 * with the trust that was pinned at the invitation.
 */
#ifndef EDGE_STORE_H
#define EDGE_STORE_H

#include "reconcile/edge/base/file.h"
#include "reconcile/plan/hints.h"
#include "reconcile/plan/hosts.h"
#include "reconcile/show/daemon_state.h"
#include "reconcile/wire/verify.h"
#include <limits.h>

/* A verified snapshot and all that it points into. Immutable once made. */
struct kept {
	struct arena *arena;
	struct buf bytes;      /* as it is on disk */
	struct bundle *bundle; /* the whole of it */
	struct view *view;
	unsigned n_shares; /* owners besides the first */
};
struct kept *kept_share(struct kept *g); /* one more owner; NULL is fine */
void kept_free(struct kept *g);          /* one less; the last frees it. NULL is fine */
/*
 * From the bytes of a whole bundle; verified as at first contact (v->held is not looked at). Takes `bytes` over,
 * whatever comes of it. NULL with diagnostics.
 */
struct kept *kept_make(struct buf *bytes, const struct verifier *v, int64_t now, struct diags *d);

struct store {
	char dir[PATH_MAX];      /* DATA-DIR/IFACE */
	int lock;                /* the open lock file; -1: not locked */
	struct file_stamp stamp; /* of the snapshot that was loaded or saved last */
};

/* Names the folder; touches nothing. */
int store_init(struct store *s, const char *data_dir, const char *ifname, struct diags *d);
/*
 * Makes the folder (0700) and locks it against other processes, waiting at most `wait_ms`. 0, or 1 when somebody else
 * has it (no diagnostic), or -1. Whoever changes the interface or the store holds the lock while it does.
 */
int store_lock(struct store *s, unsigned wait_ms, struct diags *d);
void store_unlock(struct store *s);

/*
 * The last good snapshot: *out, or NULL when there is none. One that is damaged, or that does not verify, is
 * set aside under another name with a warning ("store-corrupt"), never deleted; that is no error.
 * -1 when it could not be read.
 */
int store_load(struct store *s, const struct verifier *v, int64_t now, struct kept **out, struct diags *d);
int store_save(struct store *s, const struct kept *g, struct diags *d);
bool store_changed(const struct store *s); /* since it was loaded or saved */

/*
 * What a daemon writes down for `innernet status`, and whether one runs: it holds a lock (fcntl(2), F_OFD_SETLK) as long
 * as it lives. store_running() takes none. The state: 0; 1: there is none, or it makes no sense.
 */
int store_running_lock(const struct store *s, int *fd, struct diags *d); /* 1: another daemon has it */
bool store_running(const struct store *s);
int store_save_state(const struct store *s, const struct daemon_state *state, struct diags *d);
int store_load_state(const struct store *s, struct daemon_state *out);

/*
 * That the interface was made from a definition (`apply -f`), so that `down` and `uninstall` know it for ours, and what
 * was applied, for those who look. 1: it was not, or the file makes no sense.
 */
struct applied {
	char hosts[PATH_MAX];              /* the file with its names; "": none were written */
	char name[NAME_MAX_LEN + 1];       /* this machine's; "": it was not written down */
	char suffix[HOSTS_SUFFIX_MAX + 1]; /* of the names */
	uint16_t listen_port;              /* 0: whatever the system gives */
};
int store_save_applied(const struct store *s, const struct applied *applied, struct diags *d);
int store_load_applied(const struct store *s, struct applied *out);
/* Its view, as a bundle of objects alone (bundle_of_view()). Written when it differs. Loading: 1: there is none. */
int store_save_view(const struct store *s, struct span bytes, struct diags *d);
int store_load_view(const struct store *s, struct buf *out, struct diags *d);

/*
 * Removes all that is kept, but the lock: 0, or -1 with a diagnostic about the first file that stays. Then, when nobody
 * needs the lock any more, the folder.
 */
int store_clear(struct store *s, struct diags *d);
int store_remove(struct store *s, struct diags *d); /* unlocks */

/*
 * Where others were (reconcile/plan/hints.h), in the arena. A file that cannot be read or makes no sense counts as none, with
 * a warning ("hints-ignored"). -1 when out of memory.
 */
int store_load_hints(struct store *s, struct arena *a, struct hints *out, struct diags *d);
int store_save_hints(struct store *s, const struct hints *h, struct diags *d);

#endif
