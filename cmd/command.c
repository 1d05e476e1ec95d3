#include "cmd/answer.h"
#include "schema/keys.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const struct option_spec common_options[] = {
    {"color", 0, "auto|always|never", "auto follows NO_COLOR and FORCE_COLOR"},
    {"help", 'h', NULL, "show this text"},
    {"version", 'V', NULL, "show the version"},
    {0},
};

static const struct option_spec *find_long(const struct option_spec *o, const char *s, size_t n)
{
	for (; o && o->name; o++) {
		if (strlen(o->name) == n && strncmp(o->name, s, n) == 0)
			return o;
	}
	return NULL;
}

/* Returns whether any command of the program has an option of this name. */
static bool is_option(const struct program *p, const char *name)
{
	const size_t n = strlen(name);

	if (find_long(p->globals, name, n) || find_long(common_options, name, n))
		return true;
	for (const struct command *const *c = p->commands; *c; c++)
		if (find_long((*c)->options, name, n))
			return true;
	return false;
}

const char *option_value(const struct invocation *inv, const char *name)
{
	for (int i = inv->n_options; i-- > 0;) {
		if (strcmp(inv->names[i], name) == 0)
			return inv->values[i];
	}
	if (!is_option(inv->program, name)) {
		fprintf(stderr, "%s: no command has an option '%s'\n", inv->program->name, name);
		abort();
	}
	return NULL;
}

bool option_given(const struct invocation *inv, const char *name)
{
	return option_value(inv, name) != NULL;
}

bool option_true(const struct invocation *inv, const char *name)
{
	const char *value = option_value(inv, name);

	return value && strcmp(value, "false") != 0;
}

int option_add(struct invocation *inv, const char *name, const char *value)
{
	if (inv->n_options == OPTIONS_MAX)
		return -1;
	inv->names[inv->n_options] = name;
	inv->values[inv->n_options++] = value;
	return 0;
}

static int usage_exit(const struct invocation *inv)
{
	return inv->command && inv->command->usage_exit ? inv->command->usage_exit : 1;
}

int usage_error(const struct invocation *inv, const char *fmt, ...)
{
	const char *program = inv->program->name;
	bool named = inv->command && !inv->implied;
	struct diags d = {0};
	struct diag *g;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	g = diag_error(&d, "usage", NULL, "%s", text);
	diag_help(&d, g, "try `%s %s%s--help`", program, named ? inv->command->name : "", named ? " " : "");
	answer_add(inv->answer, &d);
	fprintf(stderr, "%s: %s\nTry `%s %s%s--help`.\n", program, g ? g->message : text, program,
		named ? inv->command->name : "", named ? " " : "");
	diags_free(&d);
	return usage_exit(inv);
}

int option_number(const struct invocation *inv, const char *name, long min, long max, long absent, long *out)
{
	const char *s = option_value(inv, name);
	char *end;

	*out = absent;
	if (!s)
		return 0;
	errno = 0;
	*out = strtol(s, &end, 10);
	if (errno || end == s || *end || *s < '0' || *s > '9' || *out < min || *out > max) {
		usage_error(inv, "--%s takes a number from %ld to %ld, not '%s'", name, min, max, s);
		return -1;
	}
	return 0;
}

bool use_color(const struct invocation *inv, FILE *stream)
{
	const char *when = option_value(inv, "color");
	const char *no = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	if (no && *no)
		return false;
	if (force && *force)
		return true;
	return isatty(fileno(stream)) && !(term && strcmp(term, "dumb") == 0);
}

/* Returns whether memory ran out and `d` has no diagnostic that says so. */
static bool lacks_words(const struct diags *d)
{
	for (const struct diag *g = d->first; g; g = g->next)
		if (strcmp(g->code, "out-of-memory") == 0)
			return false;
	return d->out_of_memory;
}

void report(const struct invocation *inv, const struct diags *d, const struct span *sources)
{
	struct buf b = {0};

	answer_add(inv->answer, d);
	diags_render_human(&b, d, sources, use_color(inv, stderr));
	fflush(stdout);
	if (b.n)
		fwrite(b.p, 1, b.n, stderr);
	if (b.failed || lacks_words(d))
		fputs("error[out-of-memory]: out of memory\n", stderr);
	buf_free(&b);
}

static int output_failed(const struct invocation *inv, FILE *stream)
{
	fprintf(stderr, "%s: cannot write to standard %s: %s\n", inv->program->name,
		stream == stdout ? "output" : "error", strerror(errno));
	return -1;
}

int print_buf(const struct invocation *inv, const struct buf *b)
{
	return print_buf_to(inv, stdout, b);
}

int print_buf_to(const struct invocation *inv, FILE *stream, const struct buf *b)
{
	if (b->failed) {
		fprintf(stderr, "%s: out of memory\n", inv->program->name);
		return -1;
	}
	if (inv->answer && stream == stdout && b->n)
		inv->answer->printed = true;
	/* EPIPE is no error: the reader of the pipe has ended (`| head`). */
	if (b->n && (fwrite(b->p, 1, b->n, stream) != b->n || fflush(stream) != 0) && errno != EPIPE)
		return output_failed(inv, stream);
	return 0;
}

bool ask_yes(const char *question)
{
	char line[16];

	if (!isatty(STDIN_FILENO))
		return false;
	fflush(stdout);
	fprintf(stderr, "%s\nType 'yes' to continue: ", question);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return strcmp(line, "yes\n") == 0;
}

#define HELP_WIDTH  80
#define HELP_COLUMN 33 /* where the help text of an option begins */

/* Prints words from column `indent` on, wrapped at HELP_WIDTH. In a synopsis a bracketed group is not wrapped. */
static void put_words(const char *s, size_t size, unsigned indent, bool synopsis)
{
	const char *const end = s + size;
	unsigned column = indent;

	while (s < end) {
		const char *from = s;
		int depth = 0;
		for (; s < end && (depth > 0 || (*s != ' ' && *s != '\n')); s++)
			depth += !synopsis ? 0 : *s == '(' || *s == '[' ? 1 : *s == ')' || *s == ']' ? -1 : 0;
		unsigned n = (unsigned)(s - from);
		if (column > indent && column + 1 + n > HELP_WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		column += n + (column > indent);
		printf("%s%.*s", column > indent + n ? " " : "", (int)n, from);
		while (s < end && (*s == ' ' || *s == '\n'))
			s++;
	}
	putchar('\n');
}

/* Prints paragraphs, wrapped. A line that is empty or begins with a space is printed unchanged. */
static void put_text(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "\n");
		bool as_it_is = !n || *s == ' ';
		while (!as_it_is && s[n] && s[n + 1] && s[n + 1] != '\n' && s[n + 1] != ' ')
			n += 1 + strcspn(s + n + 1, "\n");
		if (as_it_is)
			printf("%.*s\n", (int)n, s);
		else
			put_words(s, n, 0, false);
		s += n + (s[n] == '\n');
	}
}

static void put_line(const struct buf *line)
{
	put_words(line->p ? line->p : "", line->n, 0, false);
}

/* Prints "Usage: innernet plan [...]", one line for each line of the synopsis. `more`: an earlier usage line exists. */
static void put_usage(const char *program, const char *command, const char *synopsis, bool more)
{
	for (const char *s = synopsis; *s;) {
		size_t n = strcspn(s, "\n");
		struct buf line = {0};
		buf_printf(&line, "%s%s%s %.*s", program, command ? " " : "", command ? command : "", (int)n, s);
		printf(more || s != synopsis ? "       " : "Usage: ");
		put_words(line.p ? line.p : "", line.n, 7, true);
		buf_free(&line);
		s += n + (s[n] == '\n');
	}
}

static void help_options(const struct option_spec *o)
{
	for (; o && o->name; o++) {
		struct buf left = {0};
		if (o->letter)
			buf_printf(&left, "-%c, ", o->letter);
		else
			buf_str(&left, "    ");
		buf_printf(&left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		/* After an option that is wider than its column, the help text begins on the next line. */
		if (left.n > HELP_COLUMN - 3)
			printf("  %s\n%*s", left.p, HELP_COLUMN, "");
		else
			printf("  %-*s", HELP_COLUMN - 2, left.p ? left.p : o->name);
		put_words(o->help, strlen(o->help), HELP_COLUMN, false);
		buf_free(&left);
	}
}

static void help_common(const struct program *p)
{
	printf("\nOptions of every command:\n");
	help_options(p->globals);
	help_options(common_options);
}

static void help_program(const struct program *p)
{
	const struct command *c = p->default_command;
	struct buf line = {0};

	printf("%s: %s\n\n", p->name, p->summary);
	put_usage(p->name, NULL, "[OPTION...] COMMAND [ARGUMENT...]", false);
	if (c && p->default_takes_args) {
		put_usage(p->name, NULL, c->synopsis, true);
		putchar('\n');
		buf_printf(&line, "Without a command it is `%s`: %s.", c->name, c->summary);
		put_line(&line);
		put_text(c->text ? c->text : "");
	}
	printf("\nCommands:\n");
	for (const struct command *const *i = p->commands; *i; i++) {
		if ((*i)->hidden)
			continue;
		printf("  %-22s  ", (*i)->name);
		put_words((*i)->summary, strlen((*i)->summary), 26, false);
	}
	if (c && p->default_takes_args) {
		printf("\nOptions without a command:\n");
		help_options(c->options);
	}
	help_common(p);
	if (c && p->default_takes_args)
		printf("\nExample:\n  %s\n", c->example);
	buf_reset(&line);
	buf_printf(&line, "`%s COMMAND --help` shows a command's own options and an example.", p->name);
	putchar('\n');
	put_line(&line);
	buf_free(&line);
}

static void help_command(const struct program *p, const struct command *c)
{
	struct buf line = {0};

	buf_printf(&line, "%s %s: %s", p->name, c->name, c->summary);
	put_line(&line);
	buf_free(&line);
	putchar('\n');
	put_usage(p->name, c->name, c->synopsis, false);
	if (c->text) {
		putchar('\n');
		put_text(c->text);
	}
	if (c->options) {
		printf("\nOptions:\n");
		help_options(c->options);
	}
	help_common(p);
	printf("\nExample:\n  %s\n", c->example);
}

static const struct option_spec *find_letter(const struct option_spec *o, char c)
{
	for (; o && o->name; o++) {
		if (o->letter == c)
			return o;
	}
	return NULL;
}

static int add_option(struct invocation *inv, const struct option_spec *o, const char *value)
{
	if (option_add(inv, o->name, value) == 0)
		return 0;
	usage_error(inv, "more than %d options", OPTIONS_MAX);
	return -1;
}

static bool is_bool(const char *s)
{
	return strcmp(s, "true") == 0 || strcmp(s, "false") == 0;
}

#define N_TABLES 3

/* Fills `tables` with the option tables of this command line, the command's own first. An entry may be NULL. */
static void option_tables(const struct invocation *inv, const struct option_spec *tables[N_TABLES])
{
	const struct command *c = inv->command ? inv->command : inv->program->default_command;

	tables[0] = c ? c->options : NULL;
	tables[1] = inv->program->globals;
	tables[2] = common_options;
}

/* Returns the length of the option's name in the word `s` ("--name=value", "-n"), without dashes. */
static size_t option_length(const char *s)
{
	return s[1] == '-' ? strcspn(s + 2, "=") : 1;
}

/* Returns the long option with the smallest edit distance from a mistyped one, or NULL when none is near. */
static const char *option_nearest(const struct invocation *inv, const char *s, size_t n)
{
	const struct option_spec *tables[N_TABLES];
	unsigned best = n > 4 ? 3 : 2;
	const char *nearest = NULL;
	char word[32];

	if (n >= sizeof(word))
		return NULL;
	option_tables(inv, tables);
	memcpy(word, s, n);
	word[n] = '\0';
	for (size_t t = 0; t < N_TABLES; t++) {
		for (const struct option_spec *o = tables[t]; o && o->name; o++) {
			unsigned distance = word_distance(word, o->name, best - 1);
			if (distance < best) {
				best = distance;
				nearest = o->name;
			}
		}
	}
	return nearest;
}

/* Returns the option that the word `s` names, or NULL. *value is the value inside the word, or NULL. */
static const struct option_spec *find_option(const struct invocation *inv, const char *s, const char **value)
{
	const struct option_spec *tables[N_TABLES], *o = NULL;
	bool is_long = s[1] == '-';
	size_t n = option_length(s);

	option_tables(inv, tables);
	for (size_t t = 0; t < N_TABLES && !o; t++)
		o = is_long ? find_long(tables[t], s + 2, n) : find_letter(tables[t], s[1]);
	*value = NULL;
	if (is_long && s[2 + n] == '=')
		*value = s + 3 + n;
	else if (!is_long && s[2])
		*value = s + 2;
	return o;
}

/* Parses the option at argv[i]. Returns the number of arguments it uses, or -1 after printing a usage error. */
static int parse_option(struct invocation *inv, int argc, char **argv, int i)
{
	const char *s = argv[i], *value;
	const struct option_spec *o = find_option(inv, s, &value);

	if (!o) {
		const bool is_long = s[1] == '-';
		const size_t n = option_length(s);
		const char *nearest = is_long ? option_nearest(inv, s + 2, n) : NULL;
		usage_error(inv, "unknown option '%.*s'%s%s%s", is_long ? (int)n + 2 : 2, s,
			    nearest ? "; did you mean '--" : "", nearest ? nearest : "", nearest ? "'?" : "");
		return -1;
	}
	if (!o->arg) {
		if (value) {
			usage_error(inv, "--%s takes no value", o->name);
			return -1;
		}
		return add_option(inv, o, "") < 0 ? -1 : 1;
	}
	if (o->arg[0] == '[') {
		if (!value && i + 1 < argc && is_bool(argv[i + 1]))
			return add_option(inv, o, argv[i + 1]) < 0 ? -1 : 2;
		if (value && !is_bool(value)) {
			usage_error(inv, "--%s takes true or false, not '%s'", o->name, value);
			return -1;
		}
		return add_option(inv, o, value ? value : "true") < 0 ? -1 : 1;
	}
	if (value)
		return add_option(inv, o, value) < 0 ? -1 : 1;
	if (i + 1 >= argc) {
		usage_error(inv, "--%s needs a value: %s", o->name, o->arg);
		return -1;
	}
	return add_option(inv, o, argv[i + 1]) < 0 ? -1 : 2;
}

static const struct command *find_command(const struct program *p, const char *name)
{
	for (const struct command *const *c = p->commands; *c; c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
	}
	return NULL;
}

/* Takes a word that is no option: the subcommand, or an argument of it. */
static int parse_word(struct invocation *inv, const char *word)
{
	if (!inv->command) {
		inv->command = find_command(inv->program, word);
		if (inv->command)
			return 0;
		if (!inv->program->default_takes_args) {
			usage_error(inv, "'%s' is not a command", word);
			return -1;
		}
		inv->command = inv->program->default_command;
		inv->implied = true;
	}
	inv->args[inv->n_args++] = word;
	return 0;
}

static int parse(struct invocation *inv, int argc, char **argv)
{
	bool options_end = false;

	for (int i = 1; i < argc;) {
		int took = 1;
		if (!options_end && strcmp(argv[i], "--") == 0)
			options_end = true;
		else if (!options_end && argv[i][0] == '-' && argv[i][1])
			took = parse_option(inv, argc, argv, i);
		else if (parse_word(inv, argv[i]) < 0)
			took = -1;
		if (took < 0)
			return -1;
		i += took;
	}
	return 0;
}

static bool is_joint(const char *s)
{
	return *s && !s[strspn(s, "=:")];
}

/* Reads the option at words[i] of an incomplete line. Returns the number of words it uses. */
static int read_option(struct invocation *line, int n, const char *const *words, int i)
{
	const char *value;
	const struct option_spec *o = find_option(line, words[i], &value);
	int took = 1;

	if (!o || !o->arg)
		return 1;
	if (!value && i + 1 < n && is_joint(words[i + 1]))
		took++;
	if (!value && i + took < n && (o->arg[0] != '[' || is_bool(words[i + took])))
		value = words[i + took++];
	if (value)
		option_add(line, o->name, value);
	return took;
}

void command_line_read(struct invocation *line, int n, const char *const *words)
{
	bool options_end = false;

	for (int i = 0; i < n;) {
		int took = 1;

		if (is_joint(words[i]))
			took = 2; /* a separator and the rest of the word that bash has split */
		else if (!options_end && strcmp(words[i], "--") == 0)
			options_end = true;
		else if (!options_end && words[i][0] == '-' && words[i][1])
			took = read_option(line, n, words, i);
		else if (line->command || !(line->command = find_command(line->program, words[i])))
			line->args[line->n_args++] = words[i];
		i += took;
	}
	if (!line->command)
		line->command = line->program->default_command;
}

/* This process holds private keys: it makes no core dump, and processes of the same user cannot ptrace it. */
static void harden(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef INNERNET_SANITIZED /* LeakSanitizer traces its own process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	signal(SIGPIPE, SIG_IGN);
	/* libgit2 creates files with the process's umask. Group and other users must not write to them. */
	umask(umask(022) | 022);
}

static int dispatch(struct invocation *inv)
{
	const struct program *p = inv->program;
	const char *color = option_value(inv, "color");

	inv->answer->printed = option_given(inv, "help") || option_given(inv, "version");
	if (option_given(inv, "help")) {
		if (inv->command && !inv->implied)
			help_command(p, inv->command);
		else
			help_program(p);
		return 0;
	}
	if (option_given(inv, "version")) {
		printf("%s %s\n", p->name, INNERNET_VERSION);
		return 0;
	}
	if (color && strcmp(color, "auto") != 0 && strcmp(color, "always") != 0 && strcmp(color, "never") != 0)
		return usage_error(inv, "--color takes auto, always or never, not '%s'", color);
	if (!inv->command)
		inv->command = p->default_command;
	const struct command *c = inv->command;
	if (!c) {
		inv->answer->printed = true;
		help_program(p);
		return 1;
	}
	if (inv->n_args < c->min_args)
		return usage_error(inv, "%s: something is missing: %s", c->name, c->synopsis);
	if (c->max_args >= 0 && inv->n_args > c->max_args)
		return usage_error(inv, "%s: one argument too many: '%s'", c->name, inv->args[c->max_args]);
	return c->run(inv);
}

/* Returns the command with the smallest edit distance from a mistyped word, or NULL when none is near. */
static const char *command_nearest(const struct program *p, const char *word)
{
	unsigned best = strlen(word) > 4 ? 3 : 2;
	const char *nearest = NULL;

	for (const struct command *const *c = p->commands; *c; c++) {
		unsigned distance = (*c)->hidden ? best : word_distance(word, (*c)->name, best - 1);
		if (distance < best) {
			best = distance;
			nearest = (*c)->name;
		}
	}
	return nearest;
}

/* The default command has failed for a word that may be a mistyped command: names the command that is near it. */
static void explain_implied(const struct invocation *inv)
{
	const char *nearest = command_nearest(inv->program, inv->args[0]);

	if (nearest)
		fprintf(stderr, "%s: '%s' is not a command either; did you mean '%s'?\n", inv->program->name,
			inv->args[0], nearest);
}

static bool is_json_format(const struct invocation *inv, const char *value)
{
	return inv->command && inv->command->format_json && value && strcmp(value, "json") == 0;
}

/* Whether the line asks for JSON. `parsed`: it is a valid one; else the words themselves are looked at. */
static bool asks_for_json(const struct invocation *inv, bool parsed, int argc, char **argv)
{
	static const char format[] = "--format";
	const size_t n = sizeof(format) - 1;

	for (int i = 0; parsed && i < inv->n_options; i++)
		if (strcmp(inv->names[i], "json") == 0 ||
		    (strcmp(inv->names[i], format + 2) == 0 && is_json_format(inv, inv->values[i])))
			return true;
	if (parsed)
		return false;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
		if (strncmp(argv[i], format, n) == 0 && is_json_format(inv, argv[i][n] == '=' ? argv[i] + n + 1
									    : argv[i][n]      ? NULL
											      : argv[i + 1]))
			return true;
	}
	return false;
}

/* Prints the document of a command that printed none. Returns the exit code. */
static int complete_answer(struct invocation *inv, int code)
{
	struct buf out = {0};

	answer_render(&out, inv->answer, code);
	if (print_buf(inv, &out) < 0 && code == 0)
		code = 1;
	buf_free(&out);
	return code;
}

int command_main(const struct program *p, int argc, char **argv)
{
	struct answer answer = {0};
	struct invocation inv = {.program = p, .answer = &answer};
	bool parsed;
	int code;

	inv.args = calloc((size_t)argc + 1, sizeof(*inv.args));
	if (!inv.args) {
		fprintf(stderr, "%s: out of memory\n", p->name);
		return 1;
	}
	harden();
	parsed = parse(&inv, argc, argv) == 0;
	code = parsed ? dispatch(&inv) : usage_exit(&inv);
	if (code != 0 && inv.implied)
		explain_implied(&inv);
	if (!answer.printed && asks_for_json(&inv, parsed, argc, argv))
		code = complete_answer(&inv, code);
	answer_free(&answer);
	/* EPIPE is no error: the reader of the pipe has ended (`| head`). */
	if (fflush(stdout) != 0 && errno != EPIPE) {
		output_failed(&inv, stdout);
		code = code ? code : 1;
	}
	free(inv.args);
	return code;
}
