#include "reconcile/edge/revision/publish.h"
#include "reconcile/edge/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFINITION_HEX 16
static const char magic[] = "innernet-definition 1\n";

static char *path_of(struct buf *b, const char *folder, const char *name, const struct hash *h)
{
	char hex[HASH_HEX_LEN + 1] = "";

	if (h)
		hash_hex(h, hex);
	buf_reset(b);
	buf_printf(b, "%s/%s%.*s", folder, name, h ? DEFINITION_HEX : 0, hex);
	return b->failed ? NULL : b->p;
}

/* Reads a file into the arena. *out.p is NULL when there is none. */
static int read_file(const char *folder, const char *name, const struct hash *h, size_t max, struct arena *a,
		     struct span *out, struct diags *d)
{
	struct buf path = {0}, text = {0};
	bool absent = false;
	int ret = -1;

	*out = (struct span){0};
	if (!path_of(&path, folder, name, h)) {
		diags_out_of_memory(d);
		goto out;
	}
	if (file_read(path.p, max, &text, &absent, d) < 0)
		goto out;
	if (!absent) {
		*out = arena_span(a, text.p ? buf_span(&text) : SPAN(""));
		if (!out->p) {
			diags_out_of_memory(d);
			goto out;
		}
	}
	ret = 0;
out:
	buf_free(&path);
	buf_free(&text);
	return ret;
}

static int write_file(const char *folder, const char *name, const struct hash *h, const struct buf *text,
		      struct diags *d)
{
	struct buf path = {0};
	int ret;

	if (text->failed || !path_of(&path, folder, name, h))
		ret = diags_out_of_memory(d);
	else
		ret = file_write(path.p, (struct span){(const uint8_t *)(text->p ? text->p : ""), text->n}, 0600, d);
	buf_free(&path);
	return ret;
}

int published_read(const char *folder, struct arena *a, struct published *out, struct diags *d)
{
	struct span bytes;
	struct bundle b;
	struct diags why = {0};
	struct diag *g;

	*out = (struct published){.ledger = "-"};
	if (read_file(folder, "current", NULL, BUNDLE_MAX, a, &bytes, d) < 0)
		return -1;
	if (!bytes.p)
		return 0;
	if (bundle_parse(a, bytes, &b, &why) < 0 || !b.statement.text.p ||
	    statement_parse(b.statement.text, &out->parsed, &why) < 0) {
		g = diag_file_error(d, "published-corrupt", folder, "%s/current is damaged: %s", folder,
				    why.first ? why.first->message : "it has no statement");
		diag_help(d, g, "restore it from a backup; without it peers would see an old version as a new one");
		diags_free(&why);
		return -1;
	}
	diags_free(&why);
	out->chain = b.chain;
	out->n_chain = b.n_chain;
	out->statement = b.statement;
	if (b.ledger[0])
		memcpy(out->ledger, b.ledger, sizeof(out->ledger));
	return 0;
}

/* --- the definition beside git --- */

/* A decimal number up to `max`, ended by `end`, taken off the front. */
static int take_number(struct span *s, char end, size_t max, size_t *out)
{
	size_t n = 0, i = 0;

	while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9') {
		n = 10 * n + (size_t)(s->p[i++] - '0');
		if (n > max)
			return -1;
	}
	if (!i || i == s->n || s->p[i] != (uint8_t)end)
		return -1;
	s->p += i + 1;
	s->n -= i + 1;
	*out = n;
	return 0;
}

static bool take(struct span *s, size_t n, struct span *out)
{
	if (n > s->n)
		return false;
	*out = (struct span){s->p, n};
	s->p += n;
	s->n -= n;
	return true;
}

/* The line "commit <hex>\n", which older containers lack. */
static int take_commit(struct span *s, char commit[static HASH_HEX_LEN + 1])
{
	static const char word[] = "commit ";
	const size_t w = sizeof(word) - 1;
	const uint8_t *end;
	struct span line;

	commit[0] = '\0';
	if (s->n < w || memcmp(s->p, word, w))
		return 0;
	if (!(end = memchr(s->p, '\n', s->n)) || !take(s, (size_t)(end - s->p) + 1, &line) ||
	    !commit_id_valid((const char *)line.p + w, line.n - w - 1))
		return -1;
	memcpy(commit, line.p + w, line.n - w - 1);
	commit[line.n - w - 1] = '\0';
	return 0;
}

/* After the magic line and the commit's, for each file: "file <bytes of name> <bytes of content>\n", both of them. */
int definition_container_parse(struct arena *a, struct span bytes, char commit[static HASH_HEX_LEN + 1],
			       struct source_file **files, size_t *n)
{
	struct span head, name;
	size_t n_name, n_bytes, cap = 16;

	*n = 0;
	if (!take(&bytes, sizeof(magic) - 1, &head) || memcmp(head.p, magic, head.n) || take_commit(&bytes, commit) < 0)
		return -1;
	if (!(*files = arena_array(a, cap, sizeof(**files))))
		return -1;
	while (bytes.n) {
		if (*n == INCLUDE_FILES_MAX + 1)
			return -1;
		if (*n == cap) {
			struct source_file *more = arena_array(a, 2 * cap, sizeof(*more));
			if (!more)
				return -1;
			memcpy(more, *files, cap * sizeof(*more));
			*files = more;
			cap *= 2;
		}
		struct source_file *f = &(*files)[*n];
		if (!take(&bytes, 5, &head) || memcmp(head.p, "file ", 5) || take_number(&bytes, ' ', 4096, &n_name) ||
		    take_number(&bytes, '\n', DEFINITION_MAX, &n_bytes) || !take(&bytes, n_name, &name) ||
		    !take(&bytes, n_bytes, &f->bytes))
			return -1;
		if (!n_name || memchr(name.p, '\0', name.n) ||
		    !(f->name = arena_strndup(a, (const char *)name.p, name.n)))
			return -1;
		(*n)++;
	}
	return *n ? 0 : -1;
}

/* The files of a container, as the loader asks for them. The root file is not among them. */
struct kept_files {
	struct arena *arena;
	const struct source_file *files;
	size_t n;
};

static int kept_match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	const struct kept_files *k = ctx;
	struct source_file *found = arena_array(k->arena, k->n ? k->n : 1, sizeof(*found));

	*out = found;
	*n = 0;
	if (!found)
		return diags_out_of_memory(d);
	while (!strncmp(pattern, "./", 2))
		pattern += 2;
	for (size_t i = 0; i < k->n; i++)
		if (!fnmatch(pattern, k->files[i].name, FNM_PATHNAME | FNM_PERIOD))
			found[(*n)++] = k->files[i];
	return 0;
}

int published_definition(const char *folder, const struct statement *s, struct arena *a,
			 char commit[static HASH_HEX_LEN + 1], struct source_file *root, struct includes *includes,
			 struct diags *d)
{
	struct span bytes;
	struct source_file *files;
	struct kept_files *k = arena_alloc(a, sizeof(*k));
	size_t n;

	if (!k)
		return diags_out_of_memory(d);
	if (read_file(folder, "definition-", &s->name, 2u * DEFINITION_MAX, a, &bytes, d) < 0)
		return -1;
	if (!bytes.p || definition_container_parse(a, bytes, commit, &files, &n) < 0) {
		diag_file_error(d, "published-corrupt", folder, "the published definition in %s is %s", folder,
				bytes.p ? "damaged" : "missing");
		return -1;
	}
	if (!commit[0])
		memcpy(commit, s->commit, sizeof(s->commit));
	*root = files[0];
	if (n > 2)
		qsort(files + 1, n - 1, sizeof(*files), source_file_cmp);
	*k = (struct kept_files){.arena = a, .files = files + 1, .n = n - 1};
	*includes = (struct includes){.ctx = k, .match = kept_match};
	return 0;
}

int published_adopt(const char *folder, const struct statement *s, const char *commit, const struct model *m,
		    struct diags *d)
{
	struct buf text = {0};
	int ret;

	buf_printf(&text, "%scommit %s\n", magic, commit);
	for (uint32_t i = 0; i < m->n_files; i++) {
		buf_printf(&text, "file %zu %zu\n%s", strlen(m->files[i]), m->sources[i].n, m->files[i]);
		buf_add(&text, m->sources[i].p, m->sources[i].n);
	}
	ret = write_file(folder, "definition-", &s->name, &text, d);
	buf_free(&text);
	return ret;
}

/* It appears whole or not at all, and the ledger's next position needs no new one. */
static int write_definition(const char *folder, const struct statement *s, const struct model *m, struct diags *d)
{
	struct buf path = {0};
	bool there = path_of(&path, folder, "definition-", &s->name) && !access(path.p, F_OK);

	buf_free(&path);
	return there ? 0 : published_adopt(folder, s, s->commit, m, d);
}

/* Definitions of statements that are not the newest any more. Failing to is no harm. */
static void remove_definitions(const char *folder, const struct hash *keep)
{
	char hex[HASH_HEX_LEN + 1];
	DIR *dir = opendir(folder);
	struct buf path = {0};
	struct diags quiet = {0};
	struct dirent *e;

	hash_hex(keep, hex);
	hex[DEFINITION_HEX] = '\0';
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "definition-", 11) || !strcmp(e->d_name + 11, hex))
			continue;
		if (path_of(&path, folder, e->d_name, NULL))
			file_remove(path.p, &quiet);
	}
	if (dir)
		closedir(dir);
	buf_free(&path);
	diags_free(&quiet);
}

int published_write(const char *folder, const struct published *p, const struct model *m, struct diags *d)
{
	struct bundle b = {.chain = p->chain, .n_chain = (uint32_t)p->n_chain, .statement = p->statement};
	struct buf text = {0};
	int ret;

	memcpy(b.ledger, p->ledger, sizeof(b.ledger));
	if (file_mkdirs(folder, 0700, d) < 0 || write_definition(folder, &p->parsed, m, d) < 0)
		return -1;
	bundle_write(&text, &b);
	ret = write_file(folder, "current", NULL, &text, d);
	buf_free(&text);
	if (!ret)
		remove_definitions(folder, &p->parsed.name);
	return ret;
}

/* --- enrolments and moves --- */

int published_write_enrolments(const char *folder, const struct ledger_facts *f, struct diags *d)
{
	struct bundle b = {0};
	struct buf text = {0}, records = {0};
	size_t *ends = calloc(f->n_enrolments + 1, sizeof(*ends));
	int ret = -1;

	b.enrolments = calloc(f->n_enrolments + 1, sizeof(*b.enrolments));
	if (!ends || !b.enrolments || file_mkdirs(folder, 0700, d) < 0)
		goto out;
	for (size_t i = 0; i < f->n_enrolments; i++) {
		enrolment_write(&records, &f->enrolments[i]);
		ends[i + 1] = records.n;
	}
	if (!records.failed)
		for (size_t i = 0; i < f->n_enrolments; i++)
			b.enrolments[i] = (struct span){(const uint8_t *)records.p + ends[i], ends[i + 1] - ends[i]};
	b.n_enrolments = (uint32_t)f->n_enrolments;
	if (!records.failed)
		bundle_write(&text, &b);
	text.failed |= records.failed;
	ret = write_file(folder, "enrolments", NULL, &text, d);
out:
	free(ends);
	free(b.enrolments);
	buf_free(&text);
	buf_free(&records);
	return ret;
}

int published_read_enrolments(const char *folder, struct arena *a, struct span **out, size_t *n, struct diags *d)
{
	struct span bytes;
	struct bundle b;

	*out = NULL;
	*n = 0;
	if (read_file(folder, "enrolments", NULL, BUNDLE_MAX, a, &bytes, d) < 0)
		return -1;
	if (!bytes.p)
		return 0;
	if (bundle_parse(a, bytes, &b, d) < 0)
		return -1;
	*out = b.enrolments;
	*n = b.n_enrolments;
	return 0;
}

int published_write_moves(const char *folder, const char *file, const struct move *moves, size_t n, struct diags *d)
{
	struct buf text = {0};
	char key[KEY_B64_LEN + 1], ip[ADDR_STR_LEN];
	int ret;

	if (file_mkdirs(folder, 0700, d) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		key_format(&moves[i].mark, key);
		addr_format(&moves[i].old, ip);
		buf_printf(&text, "%s %s\n", key, ip);
	}
	ret = write_file(folder, file, NULL, &text, d);
	buf_free(&text);
	return ret;
}

int published_read_moves(const char *folder, const char *file, struct move **out, size_t *n, struct diags *d)
{
	struct arena *a = arena_new();
	struct span s;
	size_t lines = 0;

	*out = NULL;
	*n = 0;
	if (!a)
		return diags_out_of_memory(d);
	if (read_file(folder, file, NULL, PEERS_MAX * 128u, a, &s, d) < 0) {
		arena_free(a);
		return -1;
	}
	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	if (lines && !(*out = calloc(lines, sizeof(**out)))) {
		arena_free(a);
		return diags_out_of_memory(d);
	}
	while (s.n) {
		const uint8_t *end = memchr(s.p, '\n', s.n);
		if (!end)
			break;
		size_t len = (size_t)(end - s.p);
		struct move m;
		if (len > KEY_B64_LEN + 1 && s.p[KEY_B64_LEN] == ' ' &&
		    !key_parse((const char *)s.p, KEY_B64_LEN, &m.mark) &&
		    !addr_parse((const char *)s.p + KEY_B64_LEN + 1, len - KEY_B64_LEN - 1, &m.old))
			(*out)[(*n)++] = m;
		s.p += len + 1;
		s.n -= len + 1;
	}
	arena_free(a);
	return 0;
}

int published_write_readers(const char *folder, const struct kept_reader *readers, size_t n, struct diags *d)
{
	struct buf text = {0};
	char key[KEY_B64_LEN + 1];
	int ret;

	if (file_mkdirs(folder, 0700, d) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		key_format(&readers[i].mark, key);
		buf_printf(&text, "%s %u %lld\n", key, readers[i].reader.reads, (long long)readers[i].reader.heard);
	}
	ret = write_file(folder, "readers", NULL, &text, d);
	buf_free(&text);
	return ret;
}

/* "<mark> <format> <Unix time>" */
static bool reader_line(struct span s, struct kept_reader *out)
{
	const uint8_t *space = s.n > KEY_B64_LEN + 1 ? memchr(s.p + KEY_B64_LEN + 1, ' ', s.n - KEY_B64_LEN - 1) : NULL;
	uint64_t reads, heard;
	struct span number;

	if (!space || s.p[KEY_B64_LEN] != ' ' || key_parse((const char *)s.p, KEY_B64_LEN, &out->mark) < 0)
		return false;
	number = (struct span){s.p + KEY_B64_LEN + 1, (size_t)(space - s.p) - KEY_B64_LEN - 1};
	if (!span_u64(number, SPEAK_MAX, &reads) || reads < 1)
		return false;
	number = (struct span){space + 1, (size_t)(s.p + s.n - space) - 1};
	if (!span_u64(number, INT64_MAX, &heard) || heard < 1)
		return false;
	out->reader = (struct reader){.heard = (int64_t)heard, .reads = (uint32_t)reads};
	return true;
}

int published_read_readers(const char *folder, struct kept_reader **out, size_t *n, struct diags *d)
{
	struct arena *a = arena_new();
	struct span s;
	size_t lines = 0;
	int ret = -1;

	*out = NULL;
	*n = 0;
	if (!a)
		return diags_out_of_memory(d);
	if (read_file(folder, "readers", NULL, PEERS_MAX * 128u, a, &s, d) < 0)
		goto out;
	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	if (lines && !(*out = calloc(lines, sizeof(**out)))) {
		diags_out_of_memory(d);
		goto out;
	}
	for (const uint8_t *end; s.n && (end = memchr(s.p, '\n', s.n)); s.n -= (size_t)(end + 1 - s.p), s.p = end + 1)
		*n += reader_line((struct span){s.p, (size_t)(end - s.p)}, &(*out)[*n]);
	ret = 0;
out:
	arena_free(a);
	return ret;
}

int published_write_due(const char *folder, const struct key *invites, size_t n, struct diags *d)
{
	struct buf text = {0}, path = {0};
	char b64[KEY_B64_LEN + 1];
	int ret;

	for (size_t i = 0; i < n; i++) {
		key_format(&invites[i], b64);
		buf_printf(&text, "%s\n", b64);
	}
	if (n)
		ret = file_mkdirs(folder, 0700, d) < 0 ? -1 : write_file(folder, "due", NULL, &text, d);
	else
		ret = path_of(&path, folder, "due", NULL) ? file_remove(path.p, d) : diags_out_of_memory(d);
	buf_free(&text);
	buf_free(&path);
	return ret;
}

int published_read_due(const char *folder, struct key **out, size_t *n, struct diags *d)
{
	struct arena *a = arena_new();
	struct span s;
	int ret = -1;

	*out = NULL;
	*n = 0;
	if (!a) {
		diags_out_of_memory(d);
	} else if (read_file(folder, "due", NULL, PEERS_MAX * (KEY_B64_LEN + 1u), a, &s, d) == 0) {
		ret = 0;
		if (s.n && !(*out = calloc(s.n / (KEY_B64_LEN + 1) + 1, sizeof(**out))))
			ret = diags_out_of_memory(d);
		for (; !ret && s.n > KEY_B64_LEN && s.p[KEY_B64_LEN] == '\n' &&
		       !key_parse((const char *)s.p, KEY_B64_LEN, &(*out)[*n]);
		     s.p += KEY_B64_LEN + 1, s.n -= KEY_B64_LEN + 1)
			(*n)++;
	}
	arena_free(a);
	return ret;
}
