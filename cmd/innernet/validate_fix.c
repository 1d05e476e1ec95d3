/* innernet validate --fix: makes the safe corrections, and changes no other byte. */
#include "cmd/innernet/validate.h"
#include "reconcile/edge/base/file.h"
#include "schema/fix.h"
#include "schema/limits.h"
#include "schema/utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A fix can make another one possible: correcting a name reveals an error in what refers to it. */
#define ROUNDS 16

/* The changed files, with their bytes before and after. */
struct fixing {
	struct arena *arena;
	struct validated *target;
	struct source_file *edited;
	struct span *before;
	size_t n;
	struct buf *said;
};

static void say(void *ctx, const struct diag *g)
{
	const struct fixing *f = ctx;
	const struct diag_fix *fix = g->fix;
	const struct diags *d = &f->target->diags;
	struct span was = {d->sources[fix->at.file].p + fix->start, fix->end - fix->start};

	buf_printf(f->said, "%s:%u:%u: ", d->files[fix->at.file], fix->at.line, fix->at.column);
	buf_visible(f->said, was);
	buf_str(f->said, " becomes ");
	buf_visible(f->said, span_str(fix->text));
	buf_printf(f->said, " [%s]\n", g->code);
}

/* Returns the index of a file among the changed ones; adds it when it is not there. */
static size_t slot(struct fixing *f, const char *name, struct span bytes)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->edited[i].name, name) == 0)
			return i;
	f->edited[f->n] = (struct source_file){arena_strdup(f->arena, name), bytes};
	f->before[f->n] = bytes;
	return f->n++;
}

/* One round over all files. Returns the number of fixes, or -1 when memory runs out. */
static int fix_files(struct fixing *f)
{
	const struct diags *d = &f->target->diags;
	int made = 0;

	for (uint32_t i = 0; i < d->n_files; i++) {
		struct buf b = {0};
		int n = fixes_apply(d, i, d->sources[i], &b, say, f);

		if (n > 0) {
			size_t at = slot(f, d->files[i], d->sources[i]);

			f->edited[at].bytes = arena_span(f->arena, buf_span(&b));
			if (!f->edited[at].name || !f->edited[at].bytes.p)
				n = -1;
		}
		buf_free(&b);
		if (n < 0)
			return -1;
		made += n;
	}
	return made;
}

static int write_files(const struct fixing *f, struct diags *d)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *name = f->edited[i].name;
		char *path = realpath(name, NULL);
		struct stat st;
		int rc = -1;

		if (!path || stat(path, &st))
			diag_file_error(d, "file-error", name, "cannot read %s: %s", name, strerror(errno));
		else
			rc = file_write(path, f->edited[i].bytes, st.st_mode & 07777, d);
		free(path);
		if (rc)
			return -1;
	}
	return 0;
}

int validated_fix(struct validated *t, struct arena *a, bool without_server, bool diff, struct buf *out,
		  struct buf *said)
{
	struct fixing f = {.arena = a, .target = t, .said = said};
	int made = 0;

	f.edited = arena_array(a, INCLUDE_FILES_MAX + 1, sizeof(*f.edited));
	f.before = arena_array(a, INCLUDE_FILES_MAX + 1, sizeof(*f.before));
	if (!f.edited || !f.before)
		made = -1;
	for (unsigned round = 0; made >= 0 && round < ROUNDS; round++) {
		diags_free(&t->diags);
		t->diags.spellings = true;
		validated_check(t, a, f.edited, f.n, without_server);
		made = t->diags.out_of_memory ? -1 : fix_files(&f);
		if (made == 0)
			break;
	}
	if (made < 0 || said->failed)
		return diags_out_of_memory(&t->diags);
	if (diff) {
		for (size_t i = 0; i < f.n; i++)
			diff_lines(out, f.edited[i].name, f.before[i], f.edited[i].bytes);
		diags_free(&t->diags);
		validated_check(t, a, NULL, 0, without_server);
		return 0;
	}
	return write_files(&f, &t->diags);
}
