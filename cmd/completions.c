/* completions: what a shell completes of this program, made from the same table of subcommands as --help. */
#include "cmd/completions.h"

#include <string.h>

/* Options come in tables: a command's own, the program's, those of every command. */
typedef void put_option(struct buf *out, const struct option_spec *o, const void *ctx);

static void each_option(struct buf *out, const struct program *p, const struct command *c, put_option *put,
			const void *ctx)
{
	const struct option_spec *tables[] = {c ? c->options : NULL, p->globals, common_options};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct option_spec *o = tables[i]; o && o->name; o++)
			put(out, o, ctx);
}

/* Without a subcommand: those of the default one, if it takes a first word that is none. */
static const struct command *of_none(const struct program *p)
{
	return p->default_takes_args ? p->default_command : NULL;
}

/* What its value is; NULL: it needs none. */
static const char *value_of(const struct option_spec *o)
{
	return o->arg && o->arg[0] != '[' ? o->arg : NULL;
}

/* The characters of `special` with what escapes them in front. */
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
		buf_printf(out, "%s%s", c == p->commands ? "" : " ", (*c)->name);
}

static void put_head(struct buf *out, const struct program *p, const char *shell)
{
	buf_printf(out, "# %s completion of %s: made by `%s completions %s`.\n", shell, p->name, p->name, shell);
}

/* ---- bash ---------------------------------------------------------------------------------------------------- */

/* Each long option, and each short one, with an argument as OPTION=ARG. */
static void bash_option(struct buf *out, const struct option_spec *o, const void *ctx)
{
	const char *arg = value_of(o) ? value_of(o) : "", *eq = *arg ? "=" : "";
	/* The shell splits them into words, and would take brackets for a pattern. */
	int n = (int)strcspn(arg, "[=| ");

	(void)ctx;
	buf_printf(out, "--%s%s%.*s ", o->name, eq, n, arg);
	if (o->letter)
		buf_printf(out, "-%c%s%.*s ", o->letter, eq, n, arg);
}

static void bash(struct buf *out, const struct program *p)
{
	put_head(out, p, "bash");
	put_function(out, p);
	buf_str(out,
		"()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n\tlocal commands=\"");
	put_commands(out, p);
	buf_str(out, "\" options command= word arg=\n"
		     "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
		     "\t\tcase \" $commands \" in\n"
		     "\t\t*\" $word \"*) command=$word; break ;;\n"
		     "\t\tesac\n"
		     "\tdone\n"
		     "\tcase $command in\n");
	for (const struct command *const *c = p->commands; *c; c++) {
		buf_printf(out, "\t%s) options=\"", (*c)->name);
		each_option(out, p, *c, bash_option, NULL);
		buf_str(out, "\" ;;\n");
	}
	buf_str(out, "\t*) options=\"");
	each_option(out, p, of_none(p), bash_option, NULL);
	buf_printf(out,
		   "\" ;;\n"
		   "\tesac\n"
		   "\tfor word in $options; do\n"
		   "\t\tcase $word in\n"
		   "\t\t\"$prev\"=*) arg=${word#*=} ;;\n"
		   "\t\tesac\n"
		   "\tdone\n"
		   "\tcase $arg in\n"
		   "\tFILE) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
		   "\tDIR) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
		   "\t?*) COMPREPLY=() ;;\n"
		   "\t*)\n"
		   "\t\tcase $cur in\n"
		   "\t\t-*) mapfile -t COMPREPLY < <(\n"
		   "\t\t\tfor word in $options; do compgen -W \"${word%%%%=*}\" -- \"$cur\"; done) ;;\n"
		   "\t\t*)\n"
		   "\t\t\tif [ -z \"$command\" ]; then\n"
		   "\t\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
		   "\t\t\telse\n"
		   "\t\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\"\n"
		   "\t\t\t\t\tfor word in /etc/%s/*.yaml; do\n"
		   "\t\t\t\t\t\t[ -e \"$word\" ] || continue\n"
		   "\t\t\t\t\t\tword=${word##*/}\n"
		   "\t\t\t\t\t\tcompgen -W \"${word%%.yaml}\" -- \"$cur\"\n"
		   "\t\t\t\t\tdone)\n"
		   "\t\t\tfi\n"
		   "\t\t\t;;\n"
		   "\t\tesac\n"
		   "\t\t;;\n"
		   "\tesac\n"
		   "}\n"
		   "complete -o filenames -F ",
		   p->name);
	put_function(out, p);
	buf_printf(out, " %s%s%s\n", p->name, p->alias ? " " : "", p->alias ? p->alias : "");
}

/* ---- zsh ----------------------------------------------------------------------------------------------------- */

/* As within single quotes. */
static void put_quoted(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *s);
	}
}

/* As _arguments takes it: '(-d --daemon)'{-d,--daemon}'[text]'; brackets and colons of a text are its own. */
static void zsh_option(struct buf *out, const struct option_spec *o, const void *ctx)
{
	const char *arg = value_of(o), *eq = arg ? "=" : "";
	struct buf text = {0};

	(void)ctx;
	put_escaped(&text, o->help, "\\[]:", "\\");
	if (o->letter)
		buf_printf(out, "\t\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, arg ? "+" : "",
			   o->name, eq);
	else
		buf_printf(out, "\t\t\t'--%s%s[", o->name, eq);
	put_quoted(out, text.p ? text.p : "");
	buf_char(out, ']');
	if (arg) {
		bool file = !strcmp(arg, "FILE"), dir = !strcmp(arg, "DIR");
		buf_char(out, ':');
		put_escaped(out, arg, "\\[]:", "\\");
		buf_printf(out, ":%s", file ? "_files" : dir ? "_files -/" : " ");
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
	buf_str(out, "()\n{\n\tlocal context state line word command=\n\tlocal -a commands options networks\n"
		     "\ttypeset -A opt_args\n\tcommands=(\n");
	for (const struct command *const *c = p->commands; *c; c++) {
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
		buf_printf(out, "\t%s)\n\t\toptions=(\n", (*c)->name);
		each_option(out, p, *c, zsh_option, NULL);
		buf_str(out, "\t\t)\n\t\t;;\n");
	}
	buf_str(out, "\t*)\n\t\toptions=(\n");
	each_option(out, p, of_none(p), zsh_option, NULL);
	buf_printf(out,
		   "\t\t)\n"
		   "\t\t;;\n"
		   "\tesac\n"
		   "\t_arguments -S \"$options[@]\" '*: :->word' && return\n"
		   "\t[[ $state == word ]] || return\n"
		   "\tif [[ -z $command ]]; then\n"
		   "\t\t_describe command commands\n"
		   "\telse\n"
		   "\t\tnetworks=( /etc/%s/*.yaml(N:t:r) )\n"
		   "\t\t_alternative 'networks:network:($networks)' 'files:file:_files'\n"
		   "\tfi\n"
		   "}\n",
		   p->name);
	/* Read into a shell it is registered; found in $fpath it is the function itself. */
	buf_str(out, "case $zsh_eval_context[-1] in\nfile | eval) compdef ");
	put_function(out, p);
	buf_printf(out, " %s%s%s ;;\n*) ", p->name, p->alias ? " " : "", p->alias ? p->alias : "");
	put_function(out, p);
	buf_str(out, " \"$@\" ;;\nesac\n");
}

/* ---- fish ---------------------------------------------------------------------------------------------------- */

/* When an option is offered. */
struct fish_when {
	const struct program *p;
	const struct command *c; /* NULL: before any */
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
	const char *arg = value_of(o);

	buf_printf(out, "complete -c %s -n '%s__fish_seen_subcommand_from ", w->p->name, w->c ? "" : "not ");
	if (w->c)
		buf_str(out, w->c->name);
	else
		put_commands(out, w->p);
	buf_printf(out, "' -l %s", o->name);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	if (arg && !strcmp(arg, "FILE"))
		buf_str(out, " -r -F");
	else if (arg && !strcmp(arg, "DIR"))
		buf_str(out, " -x -a '(__fish_complete_directories)'");
	else if (arg)
		buf_str(out, " -x");
	buf_str(out, " -d ");
	fish_quoted(out, o->help);
	buf_char(out, '\n');
}

static void fish(struct buf *out, const struct program *p)
{
	struct fish_when when = {p, NULL};

	put_head(out, p, "fish");
	buf_printf(out, "complete -c %s -f\n", p->name);
	if (p->alias)
		buf_printf(out, "complete -c %s -w %s\n", p->alias, p->name);
	for (const struct command *const *c = p->commands; *c; c++) {
		buf_printf(out, "complete -c %s -n 'not __fish_seen_subcommand_from ", p->name);
		put_commands(out, p);
		buf_printf(out, "' -a %s -d ", (*c)->name);
		fish_quoted(out, (*c)->summary);
		buf_char(out, '\n');
	}
	each_option(out, p, of_none(p), fish_option, &when);
	for (const struct command *const *c = p->commands; *c; c++) {
		when.c = *c;
		each_option(out, p, *c, fish_option, &when);
	}
	/* Files, and the networks of this machine. */
	buf_printf(out, "complete -c %s -n '__fish_seen_subcommand_from ", p->name);
	put_commands(out, p);
	buf_printf(
	    out, "' -F -a '(for f in /etc/%s/*.yaml; string replace -r \"^.*/(.+)\\.yaml\\$\" \"\\$1\" -- $f; end)'\n",
	    p->name);
}

/* ---- the command --------------------------------------------------------------------------------------------- */

int completions_run(struct invocation *inv)
{
	static const struct {
		const char *name;
		void (*put)(struct buf *out, const struct program *p);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	struct buf out = {0};
	int code = 1;

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(inv->args[0], shells[i].name) != 0)
			continue;
		shells[i].put(&out, inv->program);
		code = print_buf(inv, &out) < 0;
		buf_free(&out);
		return code;
	}
	return usage_error(inv, "completions: no shell '%s' (there are: bash, zsh, fish)", inv->args[0]);
}
