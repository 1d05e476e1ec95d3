/*
 * What a peer keeps of a network between two runs, in DATA-DIR/IFACE/: the last snapshot that it verified
 * (`snapshot`, a whole bundle), where other peers were (`hints`, never trusted), and `lock`.
 *
 * A snapshot from the disk is verified like one from a server, with the trust that was pinned at the invitation.
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
 * From the bytes of a whole bundle, verified as at first contact (v->held does not count). Takes `bytes` over, also when it
 * fails: NULL with diagnostics.
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
 * Makes the folder (0700) and locks it against other processes, waiting at most `wait_ms`. 0, or 1 when another process
 * has it (no diagnostic), or -1. A process that changes the interface or the store holds the lock.
 */
int store_lock(struct store *s, unsigned wait_ms, struct diags *d);
void store_unlock(struct store *s);

/*
 * The last good snapshot: *out, or NULL when there is none. A file that is damaged, or does not verify, is no error: it is
 * renamed with a warning ("store-corrupt"), never deleted. -1 when it could not be read.
 */
int store_load(struct store *s, const struct verifier *v, int64_t now, struct kept **out, struct diags *d);
int store_save(struct store *s, const struct kept *g, struct diags *d);
bool store_changed(const struct store *s); /* since it was loaded or saved */

/*
 * What a daemon writes down for `innernet status`, and whether one runs: a daemon holds a lock (fcntl(2), F_OFD_SETLK) as
 * long as it lives. store_running() takes no lock. The state: 0; 1: there is none, or it makes no sense.
 */
int store_running_lock(const struct store *s, int *fd, struct diags *d); /* 1: another daemon has it */
bool store_running(const struct store *s);
int store_save_state(const struct store *s, const struct daemon_state *state, struct diags *d);
int store_load_state(const struct store *s, struct daemon_state *out);

/*
 * A record that `apply -f` made the interface, and what it applied: for `down` and `uninstall`, which remove no other
 * program's interface, and for the commands that show it. 1: there is none, or it makes no sense.
 */
struct applied {
	char hosts[PATH_MAX];              /* the file with its names; "": none were written */
	char name[NAME_MAX_LEN + 1];       /* this machine's; "": it was not written down */
	char suffix[HOSTS_SUFFIX_MAX + 1]; /* of the names */
	uint16_t listen_port;              /* 0: whatever the system gives */
};
int store_save_applied(const struct store *s, const struct applied *applied, struct diags *d);
int store_load_applied(const struct store *s, struct applied *out);
/* The view that it applied, as a bundle of objects alone (bundle_of_view()). Written when it differs. 1: there is none. */
int store_save_view(const struct store *s, struct span bytes, struct diags *d);
int store_load_view(const struct store *s, struct buf *out, struct diags *d);

/*
 * store_clear() removes all that is kept, but the lock: 0, or -1 with a diagnostic about the first file that stays.
 * store_remove() ends the lock and removes the folder.
 */
int store_clear(struct store *s, struct diags *d);
int store_remove(struct store *s, struct diags *d);

/*
 * Where other peers were (reconcile/plan/hints.h), in the arena. A file that cannot be read or makes no sense counts as none, with
 * a warning ("hints-ignored"). -1 when out of memory.
 */
int store_load_hints(struct store *s, struct arena *a, struct hints *out, struct diags *d);
int store_save_hints(struct store *s, const struct hints *h, struct diags *d);

#endif
