#include "reconcile/plan/hosts.h"

#include "reconcile/text/json.h"
#include "reconcile/text/plan_symbol.h"
#include "schema/model.h"
#include "schema/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char comment[] = "# Made from the definition of the network; what is changed here is undone.\n";

bool hosts_suffix_valid(const char *s)
{
	if (strlen(s) > HOSTS_SUFFIX_MAX)
		return false;
	for (;; s++) {
		size_t n = strcspn(s, ".");

		if (!name_valid(s, n))
			return false;
		s += n;
		if (!*s)
			return true;
	}
}

int hosts_block_of_view(struct buf *out, const struct view *v, const char *network, const char *suffix, struct diags *d)
{
	buf_printf(out, "# innernet %s begin\n%s", network, comment);
	for (uint32_t i = 0; i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];

		if (!name_valid(p->name, strlen(p->name))) {
			diag_error(d, "bad-name", NULL, "'%s' is no host name: no names are written", p->name);
			buf_reset(out);
			return -1;
		}
		for (unsigned j = 0; j < p->n_ips; j++) {
			char ip[ADDR_STR_LEN];

			addr_format(&p->ip[j], ip);
			buf_printf(out, "%s %s.%s.%s\n", ip, p->name, network, suffix);
		}
	}
	buf_printf(out, "# innernet %s end\n", network);
	if (out->failed)
		return diags_out_of_memory(d);
	return 0;
}

/* The line that starts at `at`: its bytes without what ends it, and where the next one starts. */
static struct span line_at(struct span file, size_t at, size_t *next)
{
	const uint8_t *p = file.p + at, *end = memchr(p, '\n', file.n - at);
	size_t n = end ? (size_t)(end - p) : file.n - at;

	*next = at + n + (end != NULL);
	while (n && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return (struct span){p, n};
}

/* "# innernet corp begin" */
static bool is_mark(struct span line, const char *network, const char *word)
{
	char mark[sizeof("# innernet  begin") + NETWORK_MAX_LEN];
	struct buf b = {0};
	bool is;

	if (line.n >= sizeof(mark))
		return false;
	buf_printf(&b, "# innernet %s %s", network, word);
	is = !b.failed && span_eq(line, buf_span(&b));
	buf_free(&b);
	return is;
}

static int broken(struct diags *d, const char *path, uint32_t line, const char *network, const char *what)
{
	struct diag *g =
	    diag_file_error(d, "hosts-broken", path, "%s, line %u: %s; the file is left alone", path, line, what);

	diag_help(d, g, "remove the lines from '# innernet %s begin' to '# innernet %s end' by hand", network, network);
	return -1;
}

int hosts_find(struct span file, const char *network, const char *path, struct hosts_place *out, struct diags *d)
{
	uint32_t line = 0, begun = 0;
	size_t start = 0;

	*out = (struct hosts_place){.start = file.n, .end = file.n};
	for (size_t at = 0, next; at < file.n; at = next) {
		struct span text = line_at(file, at, &next);

		line++;
		if (text.n < 2 || text.p[0] != '#')
			continue;
		if (is_mark(text, network, "begin")) {
			if (begun)
				return broken(d, path, line, network, "a second block begins in the first");
			if (out->found)
				return broken(d, path, line, network, "a second block of the same network");
			begun = line;
			start = at;
		} else if (is_mark(text, network, "end")) {
			if (!begun)
				return broken(d, path, line, network, "a block ends that did not begin");
			*out = (struct hosts_place){.start = start, .end = next, .found = true};
			begun = 0;
		}
	}
	return begun ? broken(d, path, begun, network, "a block begins and does not end") : 0;
}

void hosts_replace(struct buf *out, struct span file, const struct hosts_place *at, struct span block)
{
	if (at->start)
		buf_add(out, file.p, at->start);
	if (block.n && at->start && file.p[at->start - 1] != '\n')
		buf_char(out, '\n');
	if (block.n)
		buf_add(out, block.p, block.n);
	if (at->end < file.n)
		buf_add(out, file.p + at->end, file.n - at->end);
}

struct line_list {
	struct span *lines;
	uint32_t n;
};

static int line_cmp(const void *x, const void *y)
{
	const struct span *a = x, *b = y;
	size_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->p, b->p, n) : 0;

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

/* All that is no comment, sorted. */
static int lines_of(struct arena *a, struct span block, struct line_list *out)
{
	size_t count = 0;

	for (size_t at = 0, next; at < block.n; at = next) {
		line_at(block, at, &next);
		count++;
	}
	*out = (struct line_list){.lines = arena_array(a, count ? count : 1, sizeof(*out->lines))};
	if (!out->lines || count > UINT32_MAX)
		return -1;
	for (size_t at = 0, next; at < block.n; at = next) {
		struct span text = line_at(block, at, &next);

		if (text.n && text.p[0] != '#')
			out->lines[out->n++] = text;
	}
	if (out->n > 1)
		qsort(out->lines, out->n, sizeof(*out->lines), line_cmp);
	return 0;
}

static int put(struct arena *a, char **list, uint32_t *n, const struct span *line)
{
	list[*n] = arena_strndup(a, (const char *)line->p, line->n);
	return list[(*n)++] ? 0 : -1;
}

struct hosts_diff *hosts_diff(struct arena *a, const char *path, struct span have, struct span want)
{
	struct hosts_diff *h = arena_alloc(a, sizeof(*h));
	struct line_list old, new;

	if (!h || !(h->path = arena_strdup(a, path)) || lines_of(a, have, &old) < 0 || lines_of(a, want, &new) < 0)
		return NULL;
	h->differs = !span_eq(have, want);
	h->add = arena_array(a, new.n + 1u, sizeof(*h->add));
	h->remove = arena_array(a, old.n + 1u, sizeof(*h->remove));
	if (!h->add || !h->remove)
		return NULL;
	for (uint32_t i = 0, j = 0; i < old.n || j < new.n;) {
		int c = i == old.n ? 1 : j == new.n ? -1 : line_cmp(&old.lines[i], &new.lines[j]);
		int r = c < 0   ? put(a, h->remove, &h->n_remove, &old.lines[i])
			: c > 0 ? put(a, h->add, &h->n_add, &new.lines[j])
				: 0;

		if (r < 0)
			return NULL;
		i += c <= 0;
		j += c >= 0;
	}
	return h;
}

static void put_lines(struct buf *out, enum plan_action action, char *const *lines, uint32_t n, bool color)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_str(out, "  ");
		plan_put_symbol(out, action, color);
		buf_char(out, ' ');
		buf_visible(out, span_str(lines[i]));
		buf_char(out, '\n');
	}
}

void hosts_diff_text(struct buf *out, const struct hosts_diff *h, bool color)
{
	if (!h || !h->differs)
		return;
	buf_printf(out, "\n%s%s: names in ", color ? COLOR_BOLD : "", h->drift ? "Drift" : "Change");
	buf_visible(out, span_str(h->path));
	buf_printf(out, "%s\n", color ? COLOR_RESET : "");
	put_lines(out, PLAN_REMOVE, h->remove, h->n_remove, color);
	put_lines(out, PLAN_CREATE, h->add, h->n_add, color);
	if (!h->n_add && !h->n_remove)
		buf_str(out, "  the block is written again: its names stay, its other lines do not\n");
	buf_printf(out, "\n%sNames:%s %u to add, %u to remove.\n", color ? COLOR_BOLD : "", color ? COLOR_RESET : "",
		   h->n_add, h->n_remove);
}

/* What stands in a file may be no UTF-8. */
static json_t *visible_json(const char *s)
{
	struct buf b = {0};
	json_t *j;

	buf_visible(&b, span_str(s));
	j = b.failed ? NULL : json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return j;
}

static json_t *lines_json(char *const *lines, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < n; i++) {
		if (!json_add(list, visible_json(lines[i]))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *hosts_diff_json(const struct hosts_diff *h)
{
	if (!h)
		return json_null();
	return json_pack("{s:o, s:b, s:b, s:o, s:o}", "file", visible_json(h->path), "differs", h->differs, "drift",
			 h->drift, "add", lines_json(h->add, h->n_add), "remove", lines_json(h->remove, h->n_remove));
}
