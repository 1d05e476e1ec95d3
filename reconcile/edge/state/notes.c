#include "reconcile/edge/state/notes.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MS 100 /* after the verdict: peers are told first */

struct notes {
	struct loop *loop;
	struct repo *repo;              /* NULL: not open yet */
	char due[HASH_HEX_LEN + 1];     /* the commit whose note is not written yet; "": none */
	char written[HASH_HEX_LEN + 1]; /* the commit that `text` was written for; "": not yet */
	struct buf text;
	bool failed; /* logged */
	bool news;   /* one was written, which upstream.h has not taken */
	struct loop_timer timer;
};

struct notes *notes_new(struct loop *l, void (*due)(void *ctx), void *ctx)
{
	struct notes *n = calloc(1, sizeof(*n));

	if (n)
		*n = (struct notes){.loop = l, .timer = {.fn = due, .ctx = ctx}};
	return n;
}

void notes_free(struct notes *n)
{
	if (!n)
		return;
	loop_timer_del(n->loop, &n->timer);
	buf_free(&n->text);
	free(n);
}

void notes_open(struct notes *n, struct repo *repo)
{
	n->repo = repo;
}

void notes_write(struct notes *n)
{
	struct diags d = {0};

	if (!n->due[0] || !n->repo)
		return;
	if (note_write(n->repo, n->due, buf_span(&n->text), &d) == 0) {
		memcpy(n->written, n->due, sizeof(n->written));
		n->failed = false;
		n->news = true;
	} else if (!n->failed) {
		n->failed = true;
		log_warn("note", "%s (%s)", d.first ? d.first->message : "out of memory",
			 d.first && d.first->help ? d.first->help : "publishing goes on without");
	}
	n->due[0] = '\0';
	diags_free(&d);
}

void notes_put(struct notes *n, const char *commit, struct span text)
{
	notes_write(n);
	n->written[0] = '\0';
	buf_reset(&n->text);
	buf_add(&n->text, text.p, text.n);
	if (n->text.failed)
		return;
	snprintf(n->due, sizeof(n->due), "%s", commit);
	if (n->timer.fn && !n->timer.slot)
		loop_timer_set(n->loop, &n->timer, NOTE_MS);
}

bool notes_write_again(struct notes *n)
{
	struct diags quiet = {0};
	bool written = n->repo && *n->written && note_write(n->repo, n->written, buf_span(&n->text), &quiet) == 0;

	diags_free(&quiet);
	return written;
}

bool notes_take_written(struct notes *n)
{
	const bool news = n->news;

	n->news = false;
	return news;
}

void notes_refused(struct notes *n, const char *remote, const char *message)
{
	if (!n->failed)
		log_warn("note", "%s does not take the notes: %s", remote, message);
	n->failed = true;
}
