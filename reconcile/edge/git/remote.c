#include "reconcile/edge/git/remote.h"
#include "reconcile/edge/base/child.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/git/repo_write.h"
#include "reconcile/wire/git_said.h"
#include "schema/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 64
#define SSH_PROGRAM                                                                                                    \
	"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15 -o ServerAliveInterval=10 "            \
	"-o ServerAliveCountMax=3 -o ClearAllForwardings=yes -o ForwardAgent=no -o ControlMaster=no "                  \
	"-o ControlPath=none -o PermitLocalCommand=no"

/* What is mirrored. */
enum mirrored { MIRROR_DEFINITION, MIRROR_LEDGER, MIRROR_NOTES, N_MIRRORED };
struct mirrored_ref {
	const char *there, *here;
};

struct remote {
	struct loop *loop;
	struct repo *mirror;
	struct remote_options o;
	struct child *child;
	struct mirrored_ref refs[N_MIRRORED];
	bool moved;          /* by this look */
	struct arena *words; /* of the git that runs */
};

/* --- where it is --- */

static bool starts_with(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* HOST:PATH or USER@HOST:PATH, as git takes it: a colon before the first slash. With two it names a program to run. */
static bool is_scp_like(const char *url)
{
	const size_t n = strcspn(url, ":/");

	return n && url[n] == ':' && url[n + 1] && url[n + 1] != ':' && url[0] != '-';
}

static const char *protocol_of(const char *url)
{
	if (starts_with(url, "https://"))
		return "https";
	if (starts_with(url, "ssh://"))
		return "ssh";
	if (starts_with(url, "file:///") || url[0] == '/')
		return "file";
	return !strstr(url, "://") && is_scp_like(url) ? "ssh" : NULL;
}

const char *remote_url_refused(const char *url)
{
	const char *protocol = protocol_of(url);
	const char *host = strstr(url, "://");

	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "must have no spaces and no control characters";
	if (starts_with(url, "http://") || starts_with(url, "git://"))
		return "must be https or ssh: with this protocol a router on the way can change the network";
	if (!protocol)
		return "must be https://..., ssh://..., HOST:PATH, file:///... or an absolute path";
	/* RFC 3986 section 3.2: the user information ends at the last @ before the path. */
	if (host && strcmp(protocol, "file")) {
		const size_t n = strcspn(host += 3, "/");
		const char *at = memrchr(host, '@', n);
		if (host[0] == '-' || !n)
			return "must name a host";
		if (at && memchr(host, ':', (size_t)(at - host)))
			return "must hold no password: other users could read it; `credentials` names a file for it";
	}
	return NULL;
}

/* --- running git --- */

/* Within single quotes, for sh(1): git hands these two to a shell. */
static const char *quoted(struct arena *a, const char *s)
{
	struct buf b = {0};
	const char *out;

	buf_char(&b, '\'');
	for (; *s; s++)
		if (*s == '\'')
			buf_str(&b, "'\\''");
		else
			buf_char(&b, *s);
	buf_char(&b, '\'');
	out = b.failed ? NULL : arena_strdup(a, b.p);
	buf_free(&b);
	return out;
}

static const char *ssh_command(struct arena *a, const struct remote_access *x)
{
	const char *key = x->ssh_key ? quoted(a, x->ssh_key) : "";
	const char *hosts = x->known_hosts ? quoted(a, x->known_hosts) : "";

	if (!key || !hosts)
		return NULL;
	return arena_printf(a, "%s%s%s%s%s", SSH_PROGRAM,
			    x->ssh_key ? " -o IdentitiesOnly=yes -o IdentityAgent=none -i " : "", key,
			    x->known_hosts ? " -o GlobalKnownHostsFile=none -o UserKnownHostsFile=" : "", hosts);
}

/* The environment: what finds programs, a way out and certificates; nothing that changes what git does. */
static const char *const *git_env(struct arena *a, const struct remote_access *x)
{
	static const char *const passed[] = {"PATH",          "HOME",         "USER",           "LOGNAME",
					     "SSH_AUTH_SOCK", "http_proxy",   "https_proxy",    "HTTPS_PROXY",
					     "all_proxy",     "ALL_PROXY",    "no_proxy",       "NO_PROXY",
					     "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"};
	static const char *const set[] = {"LC_ALL=C",
					  "GIT_TERMINAL_PROMPT=0",
					  "GIT_CONFIG_NOSYSTEM=1",
					  "GIT_CONFIG_GLOBAL=/dev/null",
					  "GIT_ASKPASS=true",
					  "SSH_ASKPASS=true",
					  "SSH_ASKPASS_REQUIRE=never",
					  "GIT_SSH_VARIANT=ssh",
					  "GIT_NO_REPLACE_OBJECTS=1"};
	const size_t n_passed = sizeof(passed) / sizeof(passed[0]), n_set = sizeof(set) / sizeof(set[0]);
	const char **env = arena_array(a, n_passed + n_set + 2, sizeof(*env));
	const char *ssh = ssh_command(a, x), *value;
	size_t n = 0;

	if (!env || !ssh)
		return NULL;
	for (size_t i = 0; i < n_passed; i++)
		if ((value = getenv(passed[i])) && !(env[n++] = arena_printf(a, "%s=%s", passed[i], value)))
			return NULL;
	for (size_t i = 0; i < n_set; i++)
		env[n++] = set[i];
	env[n++] = arena_printf(a, "GIT_SSH_COMMAND=%s", ssh);
	return env[n - 1] ? env : NULL;
}

/*
 * A credential helper that answers "get" alone: git's own one deletes the password when a server refuses it once. It
 * answers for that server alone, since a proxy on the way may ask for a password too, in the clear.
 */
static const char *credential_helper(struct arena *a, const char *url, const char *file)
{
	const char *path = quoted(a, file), *host = url + strlen("https://"), *user;
	size_t n = strcspn(host, "/");

	if ((user = memrchr(host, '@', n))) {
		n -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	return path ? arena_printf(a, "credential.https://%.*s.helper=!f() { test \"$1\" != get || cat %s; }; f",
				   (int)n, host, path)
		    : NULL;
}

struct command {
	const char *argv[ARGS_MAX];
	size_t n;
	size_t output_max;
	bool failed;
};

static void put(struct command *c, const char *word)
{
	if (!word || c->n + 1 >= ARGS_MAX)
		c->failed = true;
	else
		c->argv[c->n++] = word;
}

static void put_setting(struct command *c, const char *setting)
{
	put(c, "-c");
	put(c, setting);
}

static void command_begin(struct remote *r, struct command *c)
{
	static const char *const settings[] = {"core.hooksPath=/dev/null",
					       "core.fsmonitor=false",
					       "core.askPass=",
					       "credential.helper=",
					       "fetch.fsckObjects=true",
					       "fetch.recurseSubmodules=no",
					       "submodule.recurse=false",
					       "push.recurseSubmodules=no",
					       "gc.auto=0",
					       "maintenance.auto=false",
					       "protocol.allow=never",
					       "protocol.version=2",
					       "http.followRedirects=false",
					       "http.lowSpeedLimit=100",
					       "http.lowSpeedTime=30",
					       "transfer.bundleURI=false",
					       "core.logAllRefUpdates=true",
					       "push.gpgSign=false",
					       "core.fsync=all"};

	c->output_max = REMOTE_OUTPUT_MAX;
	put(c, "git");
	put(c, arena_printf(r->words, "--git-dir=%s", repo_folder(r->mirror)));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		put_setting(c, settings[i]);
	put_setting(c, arena_printf(r->words, "protocol.%s.allow=always", protocol_of(r->o.access.url)));
	if (r->o.access.credentials && starts_with(r->o.access.url, "https://"))
		put_setting(c, credential_helper(r->words, r->o.access.url, r->o.access.credentials));
}

/* No other user may read the password or change the keys. */
static int secrets_check(const struct remote_access *x, struct diags *d)
{
	const char *const files[] = {x->credentials, x->ssh_key};

	for (size_t i = 0; i < 2; i++) {
		struct buf text = {0};
		int bad = files[i] ? file_read_secret(files[i], REMOTE_SECRET_MAX, &text, NULL, d) : 0;
		buf_wipe(&text);
		if (bad)
			return -1;
	}
	return 0;
}

static int git_start(struct remote *r, struct command *c, int64_t seconds,
		     void (*ended)(void *ctx, const struct child_result *result), struct diags *d)
{
	const char *const *env = git_env(r->words, &r->o.access);
	const struct child_options o = {.argv = c->argv,
					.env = env,
					.output_max = c->output_max,
					.deadline_ms = seconds * 1000,
					.file_max = REMOTE_PACK_MAX,
					.memory_max = GIT_MEMORY,
					.ended = ended,
					.ctx = r};

	if (c->failed || !env)
		return diags_out_of_memory(d);
	c->argv[c->n] = NULL;
	if (secrets_check(&r->o.access, d) < 0)
		return -1;
	r->child = child_start(r->loop, &o, d);
	return r->child ? 0 : -1;
}

static int words_new(struct remote *r)
{
	arena_free(r->words);
	r->words = arena_new();
	return r->words ? 0 : -1;
}

static void message_of(const struct child_result *result, int64_t seconds, char out[static GIT_REASON_MAX])
{
	if (result->late)
		snprintf(out, GIT_REASON_MAX, "it took longer than %lld s", (long long)seconds);
	else if (!git_said_why(result->err, out))
		snprintf(out, GIT_REASON_MAX, "git ended with %d", result->status);
}

/* --- looking --- */

static void look_end(struct remote *r, enum remote_result result, const char *message)
{
	r->o.looked(r->o.ctx, result, r->moved, message);
}

static void failed_to_start(const struct diags *d, char out[static GIT_REASON_MAX])
{
	snprintf(out, GIT_REASON_MAX, "%s", d->first ? d->first->message : "out of memory");
}

static void on_fetched(void *ctx, const struct child_result *result)
{
	struct remote *r = ctx;
	char message[GIT_REASON_MAX] = "";

	r->child = NULL;
	if (result->status == 0)
		r->moved = true;
	else
		message_of(result, REMOTE_FETCH_SECONDS, message);
	look_end(r, result->status ? REMOTE_FAILED : REMOTE_DONE, message);
}

/* A lock that a kill left behind would stop git for ever; packs would fill the disk. */
static void leftovers_clear(struct remote *r)
{
	repo_packs_clear(r->mirror);
	for (int i = 0; i < N_MIRRORED; i++)
		repo_lock_clear(r->mirror, r->refs[i].here);
	repo_lock_clear(r->mirror, "packed-refs");
}

static void fetch(struct remote *r, const bool want[static N_MIRRORED])
{
	struct command c = {0};
	struct diags d = {0};
	char message[GIT_REASON_MAX];

	leftovers_clear(r);
	if (words_new(r) < 0) {
		look_end(r, REMOTE_FAILED, "out of memory");
		return;
	}
	command_begin(r, &c);
	put(&c, "fetch");
	put(&c, "--quiet");
	put(&c, "--no-tags");
	put(&c, "--no-write-fetch-head");
	put(&c, "--no-recurse-submodules");
	put(&c, "--no-auto-maintenance");
	put(&c, "--end-of-options");
	put(&c, r->o.access.url);
	for (int i = 0; i < N_MIRRORED; i++)
		if (want[i])
			put(&c, arena_printf(r->words, "+%s:%s", r->refs[i].there, r->refs[i].here));
	if (git_start(r, &c, REMOTE_FETCH_SECONDS, on_fetched, &d) < 0) {
		failed_to_start(&d, message);
		look_end(r, REMOTE_FAILED, message);
	}
	diags_free(&d);
}

static void on_listed(void *ctx, const struct child_result *result)
{
	struct remote *r = ctx;
	bool want[N_MIRRORED] = {false}, any = false;
	char message[GIT_REASON_MAX];

	r->child = NULL;
	if (result->status) {
		message_of(result, REMOTE_LIST_SECONDS, message);
		look_end(r, REMOTE_FAILED, message);
		return;
	}
	/* A list that was cut short does not show that a ref is missing. */
	if (result->cut) {
		look_end(r, REMOTE_FAILED, "too many of its refs end in the names that are mirrored");
		return;
	}
	for (int i = 0; i < N_MIRRORED; i++) {
		char hex[HASH_HEX_LEN + 1];
		git_oid there, here;
		const bool is_here = !git_reference_name_to_id(&here, repo_git(r->mirror), r->refs[i].here);
		const bool is_there = git_said_ref(result->out, r->refs[i].there, hex) && !git_oid_fromstr(&there, hex);
		want[i] = is_there && !(is_here && git_oid_equal(&here, &there));
		any |= want[i];
		/* Notes that are not on the remote yet are no loss. */
		if (is_here && !is_there && i != MIRROR_NOTES)
			r->moved |= !git_reference_remove(repo_git(r->mirror), r->refs[i].here);
	}
	if (any)
		fetch(r, want);
	else
		look_end(r, REMOTE_DONE, "");
}

void remote_look(struct remote *r)
{
	struct command c = {0};
	struct diags d = {0};
	char message[GIT_REASON_MAX] = "out of memory";

	r->moved = false;
	if (words_new(r) == 0) {
		command_begin(r, &c);
		c.output_max = REMOTE_LIST_MAX;
		put(&c, "ls-remote");
		put(&c, "--quiet");
		put(&c, "--end-of-options");
		put(&c, r->o.access.url);
		for (int i = 0; i < N_MIRRORED; i++)
			put(&c, r->refs[i].there);
		if (git_start(r, &c, REMOTE_LIST_SECONDS, on_listed, &d) == 0) {
			diags_free(&d);
			return;
		}
		failed_to_start(&d, message);
	}
	diags_free(&d);
	look_end(r, REMOTE_FAILED, message);
}

/* --- pushing --- */

static void on_pushed(void *ctx, const struct child_result *result)
{
	struct remote *r = ctx;
	enum remote_result came = REMOTE_DONE;
	char message[GIT_REASON_MAX] = "";

	r->child = NULL;
	if (result->status && !result->late && git_said_refused(result->out, message)) {
		came = REMOTE_REFUSED;
	} else if (result->status) {
		came = REMOTE_FAILED;
		message_of(result, REMOTE_PUSH_SECONDS, message);
	}
	r->o.pushed(r->o.ctx, came, message);
}

void remote_push(struct remote *r, const char *ref, const char *from, const char *to)
{
	struct command c = {0};
	struct diags d = {0};
	char message[GIT_REASON_MAX] = "out of memory";

	if (words_new(r) == 0) {
		command_begin(r, &c);
		put(&c, "push");
		put(&c, "--porcelain");
		put(&c, "--no-verify");
		put(&c, "--no-follow-tags");
		if (from)
			put(&c, arena_printf(r->words, "--force-with-lease=%s:%s", ref, from));
		put(&c, "--end-of-options");
		put(&c, r->o.access.url);
		put(&c, arena_printf(r->words, "%s:%s", to, ref));
		if (git_start(r, &c, REMOTE_PUSH_SECONDS, on_pushed, &d) == 0) {
			diags_free(&d);
			return;
		}
		failed_to_start(&d, message);
	}
	diags_free(&d);
	r->o.pushed(r->o.ctx, REMOTE_FAILED, message);
}

/* --- the rest --- */

struct remote *remote_new(struct loop *l, struct repo *mirror, const struct remote_options *o)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct remote){.loop = l, .mirror = mirror, .o = *o};
	r->refs[MIRROR_DEFINITION] = (struct mirrored_ref){repo_ref(mirror), repo_ref(mirror)};
	r->refs[MIRROR_LEDGER] = (struct mirrored_ref){LEDGER_REF, LEDGER_TRACKING_REF};
	r->refs[MIRROR_NOTES] = (struct mirrored_ref){NOTE_REF, NOTE_REF};
	return r;
}

void remote_free(struct remote *r)
{
	if (!r)
		return;
	child_free(r->child);
	arena_free(r->words);
	free(r);
}

bool remote_busy(const struct remote *r)
{
	return r->child != NULL;
}
