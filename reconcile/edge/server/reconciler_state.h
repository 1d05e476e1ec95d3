/* What the parts of the reconciler share. Nobody else includes this. */
#ifndef EDGE_RECONCILER_STATE_H
#define EDGE_RECONCILER_STATE_H

#include "reconcile/edge/control/control.h"
#include "reconcile/edge/base/file_watch.h"
#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/maintenance.h"
#include "reconcile/edge/revision/publish.h"
#include "reconcile/edge/server/reconciler.h"
#include "reconcile/edge/git/remote.h"
#include "reconcile/edge/http/server_http.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/freshness.h"
#include "reconcile/edge/state/hints_board.h"
#include "reconcile/edge/state/iface.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/state/moves.h"
#include "reconcile/edge/state/readers.h"
#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/state/redemptions.h"
#include "reconcile/edge/state/served.h"
#include "reconcile/edge/base/watch.h"
#include <jansson.h>

/* What became of one commit. */
enum verdict { VERDICT_REFUSED, VERDICT_UNCHANGED, VERDICT_PUBLISHED, N_VERDICTS };
struct history {
	enum verdict verdict;
	char commit[HASH_HEX_LEN + 1];
	int64_t time;
	struct version version; /* that was published, or stays so; epoch and number 0: none */
	char reason[64];        /* of a refusal: its code */
	char message[512];
};
#define HISTORY_KEPT 5

/* What reconciler_remote.c does at the moment, and what it has to do. */
enum upstream_doing { UPSTREAM_IDLE, UPSTREAM_LOOK, UPSTREAM_LEDGER, UPSTREAM_NOTES };
struct upstream {
	struct remote *remote; /* NULL: there is none */
	enum upstream_doing doing;
	bool going;    /* reconciler_upstream_go() is at work */
	bool settling; /* the loop is stopped when all is done */
	bool look_due, notes_due, notes_again;
	bool turn_due;                   /* a commit waits until the one before it is recorded */
	bool blocked;                    /* nothing is pushed before a look that goes well */
	char word[CONTROL_WORD_LEN + 1]; /* who asked for the look */
	struct loop_timer timer;         /* the next look */
	unsigned failures;               /* of looks, in a row */
	unsigned waits;                  /* looks in a row that found us waiting for somebody else's doing */
	int64_t reached;                 /* Unix; 0: never */
	char problem[512];               /* of the last look; "": none */
	struct ledger_proposal proposal; /* that is being pushed */
	bool records;                    /* it has those of the current revision */
	char stuck_at[HASH_HEX_LEN + 1]; /* where the ledger was when a push did not arrive */
	unsigned stuck, notes_tries;     /* how often */
	enum turn last;                  /* what the last look came to */
};

struct reconciler {
	struct loop *loop;
	const struct server_config *config;
	struct reconciler_options o;
	char *status_path;
	int lock_fd;

	struct repo *repo; /* NULL: cannot be opened (yet) */
	struct maintenance *maintenance;
	struct upstream up;
	struct file_watch *file_watch; /* of a definition that is a plain file */
	bool file_refused;
	struct enrolments *enrolments;
	struct redemptions *redemptions;
	struct moves *moves;
	struct watch *watch;
	struct control *control;
	char looked[CONTROL_WORD_LEN + 1]; /* who asked for the last look */
	enum turn look_turn;               /* what that came to */
	struct http_server *http;
	struct git_server *git; /* NULL: nobody has asked yet */
	bool listen_failed;     /* said */

	struct served *served;
	struct freshness *freshness;
	size_t chain_seen; /* statements on the ledger that `published` has taken what is good of */
	struct hints_board *hints;
	struct knocks *knocks;
	struct readers *readers;
	struct reports *reports;

	char attempted[HASH_HEX_LEN + 1]; /* the last commit that got a verdict */
	char looked_at[HASH_HEX_LEN + 1]; /* the last commit that was tried, verdict or not */
	int64_t attempted_time;
	struct conditions *conditions;
	struct history history[HISTORY_KEPT]; /* newest first */
	unsigned n_history;
	uint64_t verdicts[N_VERDICTS];      /* since the start, for /metrics */
	char note_commit[HASH_HEX_LEN + 1]; /* whose note is not written yet; "": none */
	char noted[HASH_HEX_LEN + 1];       /* whose note `note` is, once it is written */
	struct buf note;
	bool note_failed;   /* said */
	char *problem;      /* what was refused, as a person reads it; NULL: nothing */
	bool status_failed; /* the file could not be written */

	struct iface *iface;

	int64_t pushed; /* clock_boot_ms() of the push that is being looked at; 0: none */

	struct loop_timer retry_timer; /* at the repository, while it cannot be read */
	struct loop_timer note_timer;  /* a verdict's note, after the peers were told */
};

/* reconciler_serve.c */
void reconciler_request(void *ctx, struct http_request *q, enum http_reason why);
struct addr reconciler_peer_of(void *ctx, const struct addr *from);
bool reconciler_admit(void *ctx, struct http_request *q, struct http_body_rule *rule);
enum asker_kind { ASKER_UNKNOWN, ASKER_SELF, ASKER_INVITED, ASKER_PEER };
struct asker {
	enum asker_kind kind;
	uint32_t peer; /* index in the current model */
};
struct asker reconciler_asker(const struct reconciler *r, const struct addr *from);
/* Who may ask for something. */
enum right { RIGHT_INVITED, RIGHT_PEER, RIGHT_ADMIN };
/*
 * Does whoever asks have this right, with the exact Host and no Origin? `ours`: and with our own header, without which
 * others, git for one, may come. False: it was refused.
 */
bool reconciler_may(const struct reconciler *r, struct http_request *q, enum right right, bool ours, struct asker *who);

/* reconciler_ledger.c */
void reconciler_ledger_moved(struct reconciler *r); /* new enrolments: converge, tell the peers */
void reconciler_ledger_look(struct reconciler *r);  /* reads what is new on it */

/* reconciler.c */

/* The verdict on a commit ("": on what is none yet), for the status and the log. */
void reconciler_refuse(struct reconciler *r, const char *commit, const struct diags *d);
/* The remote was looked at, for whoever asked with `word` (""): what is here is looked at. */
void reconciler_looked(struct reconciler *r, const char *word, bool failed);
void reconciler_listen(struct reconciler *r); /* or listens again; what fails is said once */
void reconciler_ready(struct reconciler *r);  /* the Ready condition, from everything else */

/* reconciler_hints.c */
void reconciler_endpoints(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why);

/* reconciler_knocks.c */
void reconciler_knock(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why);

/* reconciler_git.c */
bool reconciler_is_git(const struct http_request *q);
bool reconciler_git_admit(struct reconciler *r, struct http_request *q, struct http_body_rule *rule);
void reconciler_git(struct reconciler *r, struct http_request *q);
void reconciler_git_stop(struct reconciler *r); /* after the HTTP server is gone */

/* reconciler_redeem.c */
void reconciler_redeem(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why);
/*
 * reconciler_file.c: the branch becomes what the file says. 0: it is. 1: whoever writes it may not be done, look again
 * when told. -1: it is not valid, which was said; the diagnostics' places are gone.
 */
int reconciler_file_take(struct reconciler *r, struct diags *d);

/* reconciler_chain.c: what several servers on one remote tell each other of how the signers changed. */
void reconciler_chain_import(struct reconciler *r); /* when the ledger has something new; r->ledger is there */
/* What of it we signed, as ledger_statement_write() has it; in the arena. -1: out of memory. */
int reconciler_chain_records(const struct reconciler *r, struct arena *a, const struct span **out, size_t *n);

/* reconciler_remote.c; all of it is fine without a remote */
int reconciler_upstream_open(struct reconciler *r, struct diags *d); /* once the repository is */
void reconciler_upstream_close(struct reconciler *r);
void reconciler_upstream_look(struct reconciler *r); /* soon */
void reconciler_upstream_go(struct reconciler *r);   /* does what is due, if it does nothing yet */
/* Runs the loop until nothing is due: for a single turn. */
void reconciler_upstream_settle(struct reconciler *r);
bool reconciler_upstream_records(const struct reconciler *r); /* is the current revision being recorded? */
void reconciler_notes_due(struct reconciler *r);
json_t *reconciler_upstream_json(const struct reconciler *r);
void reconciler_upstream_redeems(struct reconciler *r, bool added); /* a redemption came; `added`: a new one */

/* reconciler_poll.c */
void reconciler_poll(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why);
void reconciler_wake(struct reconciler *r);
void reconciler_wake_peer(struct reconciler *r, const struct key *mark); /* its poll alone */

/* reconciler_metrics.c */
void reconciler_metrics(const struct reconciler *r, struct buf *out);

/* reconciler_verdict.c */
/* The verdict on a commit, for the history and as its note. `more`: what a person should read besides, or NULL. */
void reconciler_verdict(struct reconciler *r, const char *commit, enum verdict v, const char *more);
void reconciler_note_flush(struct reconciler *r);
bool reconciler_note_again(struct reconciler *r);   /* the last one, on notes of another server's; false: it is there */
void reconciler_history_read(struct reconciler *r); /* from the status on disk: it survives a restart */
bool reconciler_suspended(struct reconciler *r);    /* looks, sets the condition, and says so when it changed */
json_t *reconciler_history_json(const struct reconciler *r);

/* reconciler_status.c */
json_t *version_json(const struct version *v);
json_t *status_json(struct reconciler *r, uint32_t only_peer); /* NONE: all */
void status_write(struct reconciler *r);                       /* when it changed */

#endif
