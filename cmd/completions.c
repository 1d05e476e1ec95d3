/*
 * completions: prints a shell's completion script, made from the same table of subcommands as --help. The script gets
 * the existing names from the program:
 *
 *	PROGRAM complete KIND -- WORD...
 *
 * prints the names that can follow these words, one a line. Exit code 0: names only; 1: a file name can follow too. KIND
 * is the kind of an option's value, or `argument`. The command does not prompt, and it prints no errors.
 */
#include "cmd/completions.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX  10000 /* names printed at most */
#define NAMES_TIME 2     /* deadline in seconds; after it `complete` prints no names */

static const struct kind {
	const char *name;
	const char *arg; /* the name of the option's value in --help */
	unsigned words;  /* of enum word_kind */
} kinds[] = {
    {"peer", "PEER", WORD_PEER},
    {"cidr", "CIDR", WORD_CIDR},
};
#define N_KINDS  (sizeof(kinds) / sizeof(kinds[0]))
#define ARGUMENT "argument"

/* Prints one option. each_option() calls it for the command's own options, the program's and the common ones. */
typedef void put_option(struct buf *out, const struct option_spec *o, const void *ctx);

static void each_option(struct buf *out, const struct program *p, const struct command *c, put_option *put,
			const void *ctx)
{
	const struct option_spec *tables[] = {c ? c->options : NULL, p->globals, common_options};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct option_spec *o = tables[i]; o && o->name; o++)
			put(out, o, ctx);
}

/* Returns the command whose options are valid without a subcommand, or NULL. */
static const struct command *of_none(const struct program *p)
{
	return p->default_takes_args ? p->default_command : NULL;
}

/* Returns the name of the option's value, or NULL when the option needs no value. */
static const char *value_of(const struct option_spec *o)
{
	return o->arg && o->arg[0] != '[' ? o->arg : NULL;
}

/* Returns KIND for `complete`, or NULL when the option's value is not a name. */
static const char *kind_of(const struct option_spec *o)
{
	for (size_t i = 0; i < N_KINDS && o->arg; i++)
		if (strcmp(o->arg, kinds[i].arg) == 0)
			return kinds[i].name;
	return NULL;
}

static bool is_file(const struct option_spec *o)
{
	return strcmp(o->arg, "FILE") == 0;
}

static bool is_folder(const struct option_spec *o)
{
	return strcmp(o->arg, "DIR") == 0;
}

/* Its value is one of a few words: "auto|kernel|userspace". */
static bool is_choice(const struct option_spec *o)
{
	return strchr(o->arg, '|') != NULL;
}

/* Writes these words with spaces between them. */
static void put_choice(struct buf *out, const struct option_spec *o)
{
	for (const char *s = o->arg; *s; s++)
		buf_char(out, *s == '|' ? ' ' : *s);
}

/* Writes `s` with `escape` before each character that is in `special`. */
static void put_escaped(struct buf *out, const char *s, const char *special, const char *escape)
{
	for (; *s; s++) {
		if (strchr(special, *s))
			buf_str(out, escape);
		buf_char(out, *s);
	}
}

/* "_innernet_reconcile" */
static void put_function(struct buf *out, const struct program *p)
{
	buf_char(out, '_');
	for (const char *s = p->name; *s; s++)
		buf_char(out, *s == '-' ? '_' : *s);
}

static void put_commands(struct buf *out, const struct program *p)
{
	for (const struct command *const *c = p->commands; *c; c++)
		if (!(*c)->hidden)
			buf_printf(out, "%s%s", c == p->commands ? "" : " ", (*c)->name);
}

static void put_head(struct buf *out, const struct program *p, const char *shell)
{
	buf_printf(out, "# %s completion of %s: made by `%s completions %s`.\n", shell, p->name, p->name, shell);
}

/* ---- bash ---------------------------------------------------------------------------------------------------- */

/* Writes each option as "--name" or "-n". With a value: OPTION=KIND, OPTION=A|B, or OPTION=- when nothing completes it. */
static void bash_option(struct buf *out, const struct option_spec *o, const void *ctx)
{
	const char *kind = kind_of(o), *eq = value_of(o) ? "=" : "";

	(void)ctx;
	if (!value_of(o))
		kind = "";
	else if (!kind)
		kind = is_file(o) ? "FILE" : is_folder(o) ? "DIR" : is_choice(o) ? o->arg : "-";
	buf_printf(out, "--%s%s%s ", o->name, eq, kind);
	if (o->letter)
		buf_printf(out, "-%c%s%s ", o->letter, eq, kind);
}

static void bash(struct buf *out, const struct program *p)
{
	put_head(out, p, "bash");
	put_function(out, p);
	buf_str(out,
		"()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n\tlocal commands=\"");
	put_commands(out, p);
	/* bash splits "--cidr=x" into three words. */
	buf_str(out, "\" options command= word arg= names\n"
		     "\tif [ \"$cur\" = = ]; then\n"
		     "\t\tcur=\n"
		     "\telif [ \"$prev\" = = ]; then\n"
		     "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
		     "\tfi\n"
		     "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
		     "\t\tcase \" $commands \" in\n"
		     "\t\t*\" $word \"*) command=$word; break ;;\n"
		     "\t\tesac\n"
		     "\tdone\n"
		     "\tcase $command in\n");
	for (const struct command *const *c = p->commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_printf(out, "\t%s) options=\"", (*c)->name);
		each_option(out, p, *c, bash_option, NULL);
		buf_str(out, "\" ;;\n");
	}
	buf_str(out, "\t*) options=\"");
	each_option(out, p, of_none(p), bash_option, NULL);
	/* compgen -W is not used for the names: it expands its argument. */
	buf_str(out, "\" ;;\n"
		     "\tesac\n"
		     "\tfor word in $options; do\n"
		     "\t\tcase $word in\n"
		     "\t\t\"$prev\"=*) arg=${word#*=} ;;\n"
		     "\t\tesac\n"
		     "\tdone\n"
		     "\tCOMPREPLY=()\n"
		     "\tcase $arg,$cur in\n"
		     "\tFILE,*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
		     "\t*'|'*,*) mapfile -t COMPREPLY < <(compgen -W \"${arg//|/ }\" -- \"$cur\") ;;\n"
		     "\tDIR,*) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
		     "\t-,*) ;;\n"
		     "\t,-*) mapfile -t COMPREPLY < <(\n"
		     "\t\tfor word in $options; do compgen -W \"${word%%=*}\" -- \"$cur\"; done) ;;\n"
		     "\t*)\n"
		     "\t\tif [ -z \"$arg$command\" ]; then\n"
		     "\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
		     "\t\t\treturn\n"
		     "\t\tfi\n"
		     "\t\tnames=$(\"${COMP_WORDS[0]}\" complete \"${arg:-" ARGUMENT "}\" -- \\\n"
		     "\t\t\t\"${COMP_WORDS[@]:1:COMP_CWORD-1}\" 2>/dev/null) ||\n"
		     "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		     "\t\twhile read -r word; do\n"
		     "\t\t\t[[ -z $word || $word != \"$cur\"* ]] || COMPREPLY+=(\"$word\")\n"
		     "\t\tdone <<<\"$names\"\n"
		     "\t\t;;\n"
		     "\tesac\n"
		     "}\n"
		     "complete -o filenames -F ");
	put_function(out, p);
	buf_printf(out, " %s%s%s\n", p->name, p->alias ? " " : "", p->alias ? p->alias : "");
}

/* ---- zsh ----------------------------------------------------------------------------------------------------- */

/* Writes `s` escaped for single quotes. */
static void put_quoted(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *s);
	}
}

/* Writes an option for _arguments: '(-d --daemon)'{-d,--daemon}'[text]'. Brackets and colons in the text are escaped. */
static void zsh_option(struct buf *out, const struct option_spec *o, const void *ctx)
{
	const char *arg = value_of(o), *eq = arg ? "=" : "", *kind = kind_of(o);
	const struct program *p = ctx;
	struct buf text = {0};

	put_escaped(&text, o->help, "\\[]:", "\\");
	if (o->letter)
		buf_printf(out, "\t\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, arg ? "+" : "",
			   o->name, eq);
	else
		buf_printf(out, "\t\t\t'--%s%s[", o->name, eq);
	put_quoted(out, text.p ? text.p : "");
	buf_char(out, ']');
	if (arg) {
		buf_char(out, ':');
		put_escaped(out, arg, "\\[]:", "\\");
		buf_str(out, is_choice(o) ? ":" : ": ");
		if (kind)
			put_function(out, p);
		if (is_choice(o)) {
			buf_char(out, '(');
			put_choice(out, o);
			buf_char(out, ')');
		}
		buf_printf(out, "%s%s", kind ? "_names " : "",
			   kind           ? kind
			   : is_file(o)   ? "_files"
			   : is_folder(o) ? "_files -/"
					  : "");
	}
	buf_str(out, "'\n");
	out->failed |= text.failed;
	buf_free(&text);
}

static void zsh(struct buf *out, const struct program *p)
{
	buf_printf(out, "#compdef %s%s%s\n", p->name, p->alias ? " " : "", p->alias ? p->alias : "");
	put_head(out, p, "zsh");
	put_function(out, p);
	buf_str(out, "_names()\n{\n\tlocal text\n\tlocal -i code found=1\n\tlocal -a names\n"
		     "\ttext=$(\"${(Q)words[1]}\" complete $1 -- \"${(@Q)words[2,CURRENT-1]}\" 2>/dev/null)\n"
		     "\tcode=$?\n"
		     "\tnames=( ${(f)text} )\n"
		     "\tcompadd -a names && found=0\n"
		     "\t(( code )) && _files && found=0\n"
		     "\treturn found\n}\n");
	put_function(out, p);
	buf_str(out, "()\n{\n\tlocal context state line word command=\n\tlocal -a commands options\n"
		     "\ttypeset -A opt_args\n\tcommands=(\n");
	for (const struct command *const *c = p->commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		struct buf text = {0};
		put_escaped(&text, (*c)->summary, ":", "\\");
		buf_printf(out, "\t\t'%s:", (*c)->name);
		put_quoted(out, text.p ? text.p : "");
		buf_str(out, "'\n");
		out->failed |= text.failed;
		buf_free(&text);
	}
	buf_str(out, "\t)\n"
		     "\tfor word in ${words[2,CURRENT-1]}; do\n"
		     "\t\tif (( ${commands[(I)$word:*]} )); then\n"
		     "\t\t\tcommand=$word\n"
		     "\t\t\tbreak\n"
		     "\t\tfi\n"
		     "\tdone\n"
		     "\tcase $command in\n");
	for (const struct command *const *c = p->commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_printf(out, "\t%s)\n\t\toptions=(\n", (*c)->name);
		each_option(out, p, *c, zsh_option, p);
		buf_str(out, "\t\t)\n\t\t;;\n");
	}
	buf_str(out, "\t*)\n\t\toptions=(\n");
	each_option(out, p, of_none(p), zsh_option, p);
	buf_str(out, "\t\t)\n"
		     "\t\t;;\n"
		     "\tesac\n"
		     "\t_arguments -S \"$options[@]\" '*: :->word' && return\n"
		     "\t[[ $state == word ]] || return\n"
		     "\tif [[ -z $command ]]; then\n"
		     "\t\t_describe command commands\n"
		     "\telse\n"
		     "\t\t");
	put_function(out, p);
	buf_str(out, "_names " ARGUMENT "\n"
		     "\tfi\n"
		     "}\n");
	/* When a shell sources the script, it registers the function. When zsh finds it in $fpath, it is the function. */
	buf_str(out, "case $zsh_eval_context[-1] in\nfile | eval) compdef ");
	put_function(out, p);
	buf_printf(out, " %s%s%s ;;\n*) ", p->name, p->alias ? " " : "", p->alias ? p->alias : "");
	put_function(out, p);
	buf_str(out, " \"$@\" ;;\nesac\n");
}

/* ---- fish ---------------------------------------------------------------------------------------------------- */

/* The command for which fish offers an option. */
struct fish_when {
	const struct program *p;
	const struct command *c; /* NULL: there is no subcommand on the line */
};

static void fish_quoted(struct buf *out, const char *s)
{
	buf_char(out, '\'');
	put_escaped(out, s, "\\'", "\\");
	buf_char(out, '\'');
}

static void fish_option(struct buf *out, const struct option_spec *o, const void *ctx)
{
	const struct fish_when *w = ctx;
	const char *arg = value_of(o), *kind = kind_of(o);

	buf_printf(out, "complete -c %s -n '%s__fish_seen_subcommand_from ", w->p->name, w->c ? "" : "not ");
	if (w->c)
		buf_str(out, w->c->name);
	else
		put_commands(out, w->p);
	buf_printf(out, "' -l %s", o->name);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	if (arg && kind) {
		buf_str(out, " -x -a '(_");
		put_function(out, w->p);
		buf_printf(out, "_names %s)'", kind);
	} else if (arg && is_file(o)) {
		buf_str(out, " -r -F");
	} else if (arg && is_folder(o)) {
		buf_str(out, " -x -a '(__fish_complete_directories)'");
	} else if (arg && is_choice(o)) {
		buf_str(out, " -x -a '");
		put_choice(out, o);
		buf_char(out, '\'');
	} else if (arg) {
		buf_str(out, " -x");
	}
	buf_str(out, " -d ");
	fish_quoted(out, o->help);
	buf_char(out, '\n');
}

static void fish(struct buf *out, const struct program *p)
{
	struct fish_when when = {p, NULL};

	put_head(out, p, "fish");
	buf_str(out, "function _");
	put_function(out, p);
	buf_printf(out,
		   "_names\n"
		   "\tset -l line (commandline -opc)\n"
		   "\tcommand -q $line[1]; or return 1\n"
		   "\t$line[1] complete $argv[1] -- $line[2..-1] 2>/dev/null\n"
		   "end\n"
		   "complete -c %s -f\n",
		   p->name);
	if (p->alias)
		buf_printf(out, "complete -c %s -w %s\n", p->alias, p->name);
	for (const struct command *const *c = p->commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_printf(out, "complete -c %s -n 'not __fish_seen_subcommand_from ", p->name);
		put_commands(out, p);
		buf_printf(out, "' -a %s -d ", (*c)->name);
		fish_quoted(out, (*c)->summary);
		buf_char(out, '\n');
	}
	each_option(out, p, of_none(p), fish_option, &when);
	for (const struct command *const *c = p->commands; *c; c++) {
		when.c = *c;
		if (!(*c)->hidden)
			each_option(out, p, *c, fish_option, &when);
	}
	for (int files = 0; files < 2; files++) {
		buf_printf(out, "complete -c %s -n '__fish_seen_subcommand_from ", p->name);
		put_commands(out, p);
		buf_str(out, files ? "; and not _" : "' -a '(_");
		put_function(out, p);
		buf_str(out, "_names " ARGUMENT);
		buf_str(out, files ? " >/dev/null' -F\n" : ")'\n");
	}
}

/* ---- the commands -------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*put)(struct buf *out, const struct program *p);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
#define N_SHELLS (sizeof(shells) / sizeof(shells[0]))

int completions_run(struct invocation *inv)
{
	struct buf out = {0};
	int code = 1;

	for (size_t i = 0; i < N_SHELLS; i++) {
		if (strcmp(inv->args[0], shells[i].name) != 0)
			continue;
		shells[i].put(&out, inv->program);
		code = print_buf(inv, &out) < 0;
		buf_free(&out);
		return code;
	}
	return usage_error(inv, "completions takes bash, zsh or fish, not '%s'", inv->args[0]);
}

/* Returns the kinds (enum word_kind) of the next positional argument of the line; 0: no argument can follow. */
static unsigned next_argument(const struct invocation *line)
{
	const struct command *c = line->command;
	int i = line->n_args;

	if (!c || (c->max_args >= 0 && i >= c->max_args))
		return 0;
	i = i < WORDS_MAX ? i : WORDS_MAX - 1;
	while (c->max_args < 0 && i && !c->words[i])
		i--;
	return c->words[i];
}

/* Prints the found names. Skips a name with other characters than a shell can take unquoted. */
static int print_names(const struct invocation *inv, const struct buf *found)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	struct buf out = {0};
	unsigned n = 0;
	int r;

	for (const char *s = found->p, *end; s && n < NAMES_MAX && (end = strchr(s, '\n')); s = end + 1) {
		if (end == s || *s == '-' || s + strspn(s, letters) != end)
			continue;
		buf_add(&out, s, (size_t)(end - s) + 1);
		n++;
	}
	r = print_buf(inv, &out);
	buf_free(&out);
	return r;
}

static void too_long(int signo)
{
	(void)signo;
	_exit(0);
}

int complete_run(struct invocation *inv)
{
	struct invocation line = {.program = inv->program, .args = calloc((size_t)inv->n_args + 1, sizeof(char *))};
	const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	unsigned words = 0;
	struct buf out = {0};

	if (!line.args || quiet < 0 || dup2(quiet, STDERR_FILENO) < 0 || signal(SIGALRM, too_long) == SIG_ERR)
		goto out;
	alarm(NAMES_TIME);
	command_line_read(&line, inv->n_args - 1, inv->args + 1);
	if (strcmp(inv->args[0], ARGUMENT) == 0)
		words = next_argument(&line);
	for (size_t i = 0; i < N_KINDS; i++)
		if (strcmp(inv->args[0], kinds[i].name) == 0)
			words = kinds[i].words;
	for (size_t i = 0; i < N_SHELLS && words & WORD_SHELL; i++)
		buf_printf(&out, "%s\n", shells[i].name);
	if (words & (WORD_NETWORK | WORD_CLONE | WORD_PEER | WORD_CIDR))
		inv->program->complete(&line, words, &out);
	print_names(inv, &out);
out:
	if (quiet >= 0)
		close(quiet);
	buf_free(&out);
	free(line.args);
	return words & WORD_FILE ? 1 : 0;
}
