#include "cmd/innernet/own_clone.h"
#include "schema/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES   8192
#define CLONES_MAX_BYTES 65536 /* of git's output with the keys of all clones */
#define ANSWER_MS        5000

/* --- the user that runs sudo --- */

/* Returns SUDO_UID and its value in *out when this process is root under sudo, else NULL. */
static const char *caller_uid(uid_t *out)
{
	const char *uid = getenv("SUDO_UID");
	char *end;
	unsigned long n = uid ? strtoul(uid, &end, 10) : 0;

	if (geteuid() != 0 || !n || *end)
		return NULL;
	*out = (uid_t)n;
	return uid;
}

int own_clone_become_caller(struct diags *d)
{
	uid_t n;
	const char *uid = caller_uid(&n);
	struct passwd *p;

	if (!uid)
		return 0;
	p = getpwuid(n);
	if (!p || initgroups(p->pw_name, p->pw_gid) || setgid(p->pw_gid) || setuid(p->pw_uid)) {
		diag_error(d, "caller-unknown", NULL, "cannot become user %s, which ran sudo: %s", uid,
			   p ? strerror(errno) : "there is no such user");
		return -1;
	}
	setenv("HOME", p->pw_dir, 1);
	setenv("USER", p->pw_name, 1);
	setenv("LOGNAME", p->pw_name, 1);
	return 0;
}

/* --- git --- */

/* Runs `git WORD...`; *out is the first line of its output. Returns its exit code or -1. With `d` its errors are shown. */
static int git_line(char out[static LINE_MAX_BYTES], struct diags *d, const char *const words[])
{
	const char *argv[16] = {"git"};
	struct buf text = {0};
	struct diags quiet = {0};
	int rc;

	for (int n = 1; n < 15 && (argv[n] = *words); n++)
		words++;
	rc = run_program(argv, d ? RUN_STDERR_SHOWN : RUN_STDERR_DROPPED, &text, LINE_MAX_BYTES - 1, d ? d : &quiet);
	memcpy(out, text.p ? text.p : "", text.n);
	out[text.n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	buf_free(&text);
	diags_free(&quiet);
	return rc;
}
#define GIT(out, d, ...) git_line(out, d, (const char *const[]){__VA_ARGS__, NULL})

/* Reads the git configuration of the user that ran sudo, still as root: `git config --get` runs no other program. */
const char *own_clone_find(struct arena *a, const char *network)
{
	char path[LINE_MAX_BYTES], key[NETWORK_MAX_LEN + 32];
	const char *env = getenv("HOME"), *home = env ? arena_strdup(a, env) : NULL;
	uid_t n;
	const struct passwd *p = caller_uid(&n) ? getpwuid(n) : NULL;
	bool found;

	snprintf(key, sizeof(key), "innernet.%s.clone", network);
	if (p)
		setenv("HOME", p->pw_dir, 1);
	found = GIT(path, NULL, "config", "--global", "--type=path", "--get", key) == 0 && *path;
	if (p && home)
		setenv("HOME", home, 1);
	else if (p)
		unsetenv("HOME");
	return found ? arena_strdup(a, path) : NULL;
}

void own_clone_list(struct buf *out)
{
	static const char *const argv[] = {
	    "git", "config", "--global", "--name-only", "--get-regexp", "^innernet\\..*\\.clone$", NULL};
	static const char before[] = "innernet.", after[] = ".clone";
	struct buf text = {0};
	struct diags quiet = {0};

	if (run_program(argv, RUN_STDERR_DROPPED, &text, CLONES_MAX_BYTES, &quiet) == 0)
		for (const char *s = text.p, *end; s && (end = strchr(s, '\n')); s = end + 1)
			buf_printf(out, "%.*s\n", (int)(end - s - (long)(strlen(before) + strlen(after))),
				   s + strlen(before));
	buf_free(&text);
	diags_free(&quiet);
}

int own_clone_set(const char *network, const char *path, struct diags *d)
{
	char out[LINE_MAX_BYTES], key[NETWORK_MAX_LEN + 32];
	struct diag *g;

	snprintf(key, sizeof(key), "innernet.%s.clone", network);
	if (GIT(out, d, "config", "--global", key, path) == 0)
		return 0;
	g = diag_error(d, "git-failed", NULL,
		       "the clone is made, but its path cannot be written to the git configuration");
	diag_help(d, g, "git config --global %s %s", key, path);
	return -1;
}

int own_clone_named(struct arena *a, const char *word, bool other, struct own_clone *out, struct diags *d)
{
	struct diag *g;
	bool there;

	*out = (struct own_clone){.network = word};
	if (!network_name_valid(word, strlen(word)))
		return 0;
	there = access(word, F_OK) == 0;
	out->path = own_clone_find(a, word);
	if ((out->path || !there) && own_clone_become_caller(d) < 0)
		return -1;
	if (out->path || there || other)
		return 0;
	g = diag_error(d, "no-clone", NULL, "there is no file or folder '%s', and no clone of that network", word);
	diag_help(d, g, "on an admin's machine, `innernet clone %s` makes one", word);
	return -1;
}

/* --- the server --- */

bool own_clone_server_answers(const struct sockpoint *at, int ms)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(at->port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(at->port)};
	const bool v4 = addr_is_v4(&at->ip);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 0;
	socklen_t n = sizeof(err);
	bool yes;

	memcpy(&six.sin6_addr, at->ip.b, 16);
	memcpy(&four.sin_addr, at->ip.b + 12, 4);
	if (fd < 0)
		return false;
	yes =
	    connect(fd, v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, v4 ? sizeof(four) : sizeof(six)) == 0;
	if (!yes && errno == EINPROGRESS)
		yes = poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, ms) == 1 &&
		      !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) && !err;
	close(fd);
	return yes;
}

/* Fails after ANSWER_MS when the server does not answer: git waits for minutes. Checks only http URLs. */
static int check_server(const struct own_clone *c, struct diags *d)
{
	static const char scheme[] = "http://";
	char url[LINE_MAX_BYTES];
	struct sockpoint at;
	const char *host = url + sizeof(scheme) - 1;
	struct diag *g;

	if (GIT(url, NULL, "-C", c->path, "remote", "get-url", "origin") || strncmp(url, scheme, sizeof(scheme) - 1) ||
	    sockpoint_parse(host, strcspn(host, "/"), &at) || own_clone_server_answers(&at, ANSWER_MS))
		return 0;
	g = diag_error(d, "no-answer", NULL, "the server at %.*s does not answer", (int)strcspn(host, "/"), host);
	diag_help(d, g, "is the network up? `innernet status %s`", c->network);
	return -1;
}

/* --- its state --- */

static int fetch(const struct own_clone *c, struct diags *d)
{
	char out[LINE_MAX_BYTES];
	struct diag *g;

	if (check_server(c, d) < 0)
		return -1;
	if (GIT(out, d, "-C", c->path, "-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30", "fetch", "--quiet",
		"origin") == 0)
		return 0;
	g = diag_error(d, "git-failed", NULL, "`git fetch` failed in %s, the clone of '%s'", c->path, c->network);
	diag_help(d, g, "git -C %s fetch", c->path);
	return -1;
}

/* Adds an error. The help is "git -C PATH" and `help`; with `help` NULL it is to clone again. Returns -1. */
static int refuse(const struct own_clone *c, struct diags *d, const char *code, const char *what, const char *help)
{
	struct diag *g = diag_error(d, code, NULL, "%s, the clone of '%s', %s", c->path, c->network, what);

	if (help)
		diag_help(d, g, "git -C %s %s", c->path, help);
	else
		diag_help(d, g, "innernet clone %s", c->network);
	return -1;
}

int own_clone_freshen(struct own_clone *c, struct diags *d)
{
	char out[LINE_MAX_BYTES];

	if (GIT(out, NULL, "-C", c->path, "rev-parse", "--is-inside-work-tree") || strcmp(out, "true"))
		return refuse(c, d, "clone-missing", "does not exist any more", NULL);
	if (GIT(out, NULL, "-C", c->path, "rev-parse", "--symbolic-full-name", "@{upstream}") ||
	    strncmp(out, "refs/remotes/origin/", 20))
		return refuse(c, d, "clone-busy", "is on a branch without an upstream branch on the server",
			      "switch main");
	if (GIT(out, d, "-C", c->path, "status", "--porcelain", "--untracked-files=no") || *out)
		return refuse(c, d, "uncommitted-changes", "has changes that are not committed",
			      "status; commit or stash them first");
	if (fetch(c, d) < 0)
		return -1;
	if (GIT(out, d, "-C", c->path, "rev-list", "--count", "@{upstream}..HEAD") || strcmp(out, "0"))
		return refuse(c, d, "clone-busy", "has commits that are not pushed",
			      "log @{upstream}.. shows them; push or drop them first");
	if (GIT(out, d, "-C", c->path, "merge", "--quiet", "--ff-only", "@{upstream}") ||
	    GIT(out, d, "-C", c->path, "rev-parse", "--verify", "HEAD") || strlen(out) > HASH_HEX_LEN)
		return refuse(c, d, "git-failed", "cannot be fast-forwarded to the server's commit", "merge --ff-only");
	snprintf(c->base, sizeof(c->base), "%.*s", HASH_HEX_LEN, out);
	return 0;
}

enum push_fate own_clone_settle(struct own_clone *c, struct diags *d)
{
	char out[LINE_MAX_BYTES], ignored[LINE_MAX_BYTES];
	struct diags quiet = {0};
	const bool known = fetch(c, &quiet) == 0;

	diags_free(&quiet);
	if (!known || GIT(out, NULL, "-C", c->path, "rev-parse", "--verify", "@{upstream}"))
		return PUSH_UNKNOWN;
	if (GIT(out, NULL, "-C", c->path, "merge-base", "--is-ancestor", "HEAD", "@{upstream}") == 0)
		return PUSH_TAKEN;
	/* HEAD is not our single commit on top of base: the clone has another new commit, which a reset would drop. */
	if (GIT(out, NULL, "-C", c->path, "rev-parse", "--verify", "HEAD^") || strcmp(out, c->base))
		return PUSH_UNKNOWN;
	if (GIT(out, NULL, "-C", c->path, "rev-parse", "--verify", "@{upstream}") ||
	    GIT(ignored, d, "-C", c->path, "reset", "--quiet", "--keep", "@{upstream}"))
		return PUSH_UNKNOWN;
	return strcmp(out, c->base) ? PUSH_RACED : PUSH_REFUSED;
}
