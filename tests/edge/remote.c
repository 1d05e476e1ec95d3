/*
 * A definition on a remote: followed on an interval and when a person asks, with the ledger written there by
 * compare-and-swap. Two servers on one remote: one redemption of many wins. A remote that is away changes nothing.
 */
#include "reconcile/edge/control/control.h"
#include "reconcile/edge/git/remote.h"
#include "tests/edge/server_test.h"

#include <dirent.h>

#define LEDGER "refs/heads/innernet/enrolments"

/* The server's repository becomes a mirror of the one that is pushed to. */
static void follow_remote(struct fixture *f, const char *mirror, unsigned interval)
{
	char path[200];

	snprintf(path, sizeof(path), "file://%s", f->repository);
	free(f->config->remote);
	free(f->config->repository);
	f->config->remote = strdup(path);
	snprintf(path, sizeof(path), "%s/%s", f->folder, mirror);
	f->config->repository = strdup(path);
	f->config->interval = interval;
}

/* Another server with the same keys on the same remote, with a mirror and data of its own. */
static struct fixture second_server(struct fixture *f)
{
	struct fixture g = *f;

	snprintf(g.data, sizeof(g.data), "%s/data-2", f->folder);
	free(f->config->repository);
	snprintf(g.repository, sizeof(g.repository), "%s/mirror-2.git", f->folder);
	f->config->repository = strdup(g.repository);
	g.server = 0;
	server_start(&g);
	return g;
}

/* Asks a server that runs to look, and waits for the answer: what the look came to. */
static void look(const struct fixture *f, const char *result)
{
	char path[160], word[CONTROL_WORD_LEN + 1];
	struct diags d = {0};

	assert_int_equal(control_ask(f->data, word, &d), 0);
	snprintf(path, sizeof(path), "%s/status.json", f->data);
	for (int i = 0; i < 4000; i++) {
		json_t *o = json_load_file(path, 0, NULL), *looked = json_object_get(o, "looked");
		const char *got = json_string_value(json_object_get(looked, "word"));
		if (got && !strcmp(got, word)) {
			assert_string_equal(json_string_value(json_object_get(looked, "result")), result);
			json_decref(o);
			return;
		}
		json_decref(o);
		usleep(5000);
	}
	fail_msg("nobody looked within 20 s");
}

/* How many files a ref of the remote has below a folder; -1: there is no such ref or folder. */
static int files_below(const struct fixture *f, const char *ref, const char *folder)
{
	char line[300], out[32] = "";
	FILE *p;

	snprintf(line, sizeof(line), "git --git-dir=%s ls-tree -r --name-only %s %s/ 2>/dev/null | wc -l",
		 f->repository, ref, folder);
	assert_non_null(p = popen(line, "r"));
	assert_non_null(fgets(out, sizeof(out), p));
	pclose(p);
	return atoi(out);
}

static void await_files(const struct fixture *f, const char *ref, const char *folder, int n)
{
	AWAIT(files_below(f, ref, folder) == n);
}

static void enrol(const struct fixture *f, uint32_t n, struct buf *out)
{
	uint8_t private_key[KEY_LEN] = {3};
	struct enrolment e;
	struct key x;

	memcpy(private_key + 4, &n, sizeof(n));
	x25519_public(private_key, &x);
	assert_int_equal(enrolment_make(&f->id, &f->invite, &x, 1000, f->invite_seed, &e), 0);
	buf_reset(out);
	enrolment_write(out, &e);
}

/* As a peer does it: a redemption that waited for the remote too long is sent again. */
static int redeem(const struct fixture *f, struct span record)
{
	int status = 503;

	for (int i = 0; i < 4 && status == 503; i++)
		status = post(f, "127.60.64.3", record, NULL);
	return status;
}

static void test_follows(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	json_t *o;

	follow_remote(f, "mirror.git", 1);
	int said = server_begin(f); /* before there is anything */
	json_decref(await_condition(f, "Valid", "False", "branch-missing"));
	push(f, "");
	server_ready(f, said);
	json_decref(await_condition(f, "Published", "True", "Published"));
	o = await_condition(f, "Source", "True", "Reached");
	assert_in_range(json_integer_value(json_object_get(json_object_get(o, "source"), "reached")), time(NULL) - 10,
			time(NULL));
	json_decref(o);
	fetch(f, NULL, &seen);
	assert_int_equal(seen.view->statement.version.number, 1);
	arena_free(seen.arena);
	/* On the remote: each address, and the verdict. */
	await_files(f, LEDGER, "addresses", 4);
	await_files(f, "refs/notes/innernet", ".", 1);
	push(f, "associations: [[humans, machines]]\n");
	await_files(f, "refs/notes/innernet", ".", 2);
	json_decref(await_condition(f, "Ready", "True", "Serving"));

	/* A history that was rewritten is refused, as it is in a repository here. */
	git_oid before = f->tip;
	push(f, "associations: [[humans, machines]]\n# another\n");
	f->tip = before;
	push_text(f, "network: [\n", true);
	o = await_condition(f, "Valid", "False", "yaml-syntax");
	json_decref(o);
	struct buf text = {0};
	definition(f, "", &text);
	push_text(f, text.p, true);
	buf_free(&text);
	json_decref(await_condition(f, "Valid", "False", "history-rewound"));
	fetch(f, NULL, &seen);
	assert_int_equal(seen.view->statement.version.number, 2);
	arena_free(seen.arena);
	/* So is a ledger that goes. */
	git_reference *ledger;
	assert_int_equal(git_reference_lookup(&ledger, f->git, LEDGER), 0);
	assert_int_equal(git_reference_delete(ledger), 0);
	git_reference_free(ledger);
	json_decref(await_condition(f, "Ready", "False", "Ledger"));
}

static void test_now(void **state)
{
	struct fixture *f = *state;

	push(f, "");
	follow_remote(f, "mirror.git", REMOTE_INTERVAL_MAX);
	server_start(f);
	json_decref(await_condition(f, "Published", "True", "Published"));
	push(f, "associations: [[humans, machines]]\n");
	look(f, "published");
	look(f, "unchanged");
	push(f, "peers: none\n");
	look(f, "refused");
}

static void test_redemption(void **state)
{
	struct fixture *f = *state, g;
	struct buf record = {0}, won = {0};
	int fd[8], answers[600] = {0};

	push(f, "");
	follow_remote(f, "mirror.git", REMOTE_INTERVAL_MAX);
	server_start(f);
	g = second_server(f);
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	json_decref(await_condition(&g, "Ready", "True", "Serving"));

	/* Four keys each ask two servers at once for one place. */
	for (uint32_t i = 0; i < 8; i++) {
		enrol(f, i, &record);
		fd[i] = connect_from(i % 2 ? &g : f, "127.60.64.3");
		send_request(i % 2 ? &g : f, fd[i], "POST", "/v1/redeem", buf_span(&record), NULL);
	}
	for (uint32_t i = 0; i < 8; i++) {
		int status = receive(fd[i], NULL);
		enrol(f, i, &record);
		if (status == 503)
			status = redeem(i % 2 ? &g : f, buf_span(&record));
		answers[status]++;
		if (status == 200)
			enrol(f, i, &won);
	}
	assert_int_equal(answers[200], 1);
	assert_int_equal(answers[410], 7);
	assert_int_equal(files_below(f, LEDGER, "enrolments"), 1);
	/* The same again is harmless, at each of them; another key is not the one. */
	look(&g, "unchanged");
	look(f, "unchanged");
	assert_int_equal(redeem(f, buf_span(&won)), 200);
	assert_int_equal(redeem(&g, buf_span(&won)), 200);
	enrol(f, 99, &record);
	assert_int_equal(redeem(&g, buf_span(&record)), 410);
	/* A peer that has it reaches both. */
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-&wait=0", NULL), 200);
	assert_int_equal(get(&g, "127.60.64.3", "/v1/poll?have=-.-.-&wait=0", NULL), 200);
	server_stop(&g);
	buf_free(&record);
	buf_free(&won);
}

static void test_away(void **state)
{
	struct fixture *f = *state;
	struct buf record = {0};
	struct seen seen;
	char gone[128];
	json_t *o;

	push(f, "");
	follow_remote(f, "mirror.git", REMOTE_INTERVAL_MAX);
	server_start(f);
	await_files(f, LEDGER, "addresses", 4);
	snprintf(gone, sizeof(gone), "%s.gone", f->repository);
	assert_int_equal(rename(f->repository, gone), 0);
	enrol(f, 0, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 503);
	o = await_condition(f, "Source", "False", "Away");
	assert_non_null(strstr(condition_text(o, "Source", "message"), "does not appear to be a git repository"));
	json_decref(o);
	json_decref(await_condition(f, "Ready", "False", "Remote"));
	look(f, "failed");
	fetch(f, NULL, &seen); /* what is published is served on */
	arena_free(seen.arena);

	/* A restart without it serves the same; what is asked for again is tried again. */
	server_stop(f);
	server_start(f);
	fetch(f, NULL, &seen);
	arena_free(seen.arena);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 503);
	assert_int_equal(rename(gone, f->repository), 0);
	assert_int_equal(redeem(f, buf_span(&record)), 200);
	assert_int_equal(files_below(f, LEDGER, "enrolments"), 1);
	json_decref(await_condition(f, "Ready", "True", "Serving"));

	/* The mirror is only a copy. */
	server_stop(f);
	folder_remove(f->config->repository);
	server_start(f);
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	assert_int_equal(redeem(f, buf_span(&record)), 200);
	buf_free(&record);
}

/*
 * A second server with keys of its own. The statement that lets it sign is signed by the first one alone: from the
 * ledger the second has it too, so that a peer that was away meanwhile can follow it there.
 */
static void test_signers_change(void **state)
{
	struct fixture *f = *state, g;
	struct seen before, after;
	struct buf text = {0}, joined = {0};
	char signer[ED25519_STR_LEN + 1], key[KEY_B64_LEN + 1], *at, *peers;

	push(f, "");
	follow_remote(f, "mirror.git", 1);
	server_start(f);
	fetch(f, NULL, &before);
	await_files(f, LEDGER, "statements", 1);

	g = *f;
	assert_non_null(g.config = server_config_new());
	assert_int_equal(server_config_draw(g.config), 0);
	strcpy(g.config->network, "corp");
	strcpy(g.config->interface, "corp");
	g.config->ref = strdup(MAIN);
	g.config->remote = strdup(f->config->remote);
	g.config->interval = 1;
	g.config->listen_port = 51820;
	snprintf(g.data, sizeof(g.data), "%s/data-2", f->folder);
	snprintf(g.repository, sizeof(g.repository), "%s/mirror-2.git", f->folder);
	g.config->repository = strdup(g.repository);
	g.server = 0;
	int said = server_begin(&g);
	json_decref(await_condition(&g, "Valid", "False", "server-dropped"));

	definition(f, "", &text);
	ed25519_format(&g.config->signers[0], signer);
	key_format(&g.config->public_key, key);
	assert_non_null(at = strstr(text.p, "signers: ["));
	assert_non_null(peers = strstr(text.p, "  alice:"));
	buf_add(&joined, text.p, (size_t)(at - text.p) + 10);
	buf_printf(&joined, "\"%s\", ", signer);
	buf_add(&joined, at + 10, (size_t)(peers - at) - 10);
	/* The address of the test's servers is one: the first's, which the second serves as well. */
	buf_printf(&joined,
		   "  spare: { ip: 127.60.0.2, public_key: \"%s\", endpoint: \"192.0.2.2:51820\", server: true }\n%s",
		   key, peers);
	commit_message = "another server\n";
	push_text(f, joined.p, false);
	json_t *o = await_condition(f, "Valid", "False", "guard-trust");
	const char *id = strstr(json_string_value(json_object_get(o, "problem")), "Innernet-Accept: ");
	assert_non_null(id);
	char message[128];
	snprintf(message, sizeof(message), "another server\n\n%.*s\n", (int)strcspn(id, "'\"\n"), id);
	json_decref(o);
	/* What the first refuses the second does not publish, though it has nothing to compare with itself. */
	look(&g, "failed");
	json_decref(await_condition(&g, "Published", "Unknown", "Starting"));
	commit_message = message;
	push_text(f, joined.p, false);
	commit_message = "a commit\n";
	json_decref(await_condition(f, "Published", "True", "Published"));
	server_ready(&g, said);
	await_files(f, LEDGER, "statements", 3); /* the first, and the change as each of them signed it */
	push_text(f, joined.p, false);
	buf_str(&joined, "associations: [[humans, machines]]\n");
	push_text(f, joined.p, false);

	/* The first server goes. A peer that held only what the first signed alone believes the second. */
	for (int i = 0;; i++) {
		struct buf body = {0};
		char path[256], id64[KEY_B64_LEN + 1], head[256];
		int fd = connect_from(&g, "127.60.64.2");
		key_format(&f->id, id64);
		snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=1", before.have);
		snprintf(head, sizeof(head), "Host: 127.60.0.2:%u\r\nInnernet-Network: %s\r\n", g.port, id64);
		send_request(&g, fd, "GET", path, (struct span){0}, head);
		assert_int_equal(receive(fd, &body), 200);
		if (i == 0)
			server_stop(f);
		struct arena *a = arena_new();
		struct bundle b;
		struct diags d = {0};
		assert_int_equal(bundle_parse(a, buf_span(&body), &b, &d), 0);
		struct statement st;
		assert_int_equal(statement_parse(b.statement.text, &st, &d), 0);
		arena_free(a);
		if (st.version.number >= 5) {
			verify(f, &body, &before, &after);
			buf_free(&body);
			break;
		}
		assert_true(i < 50);
		buf_free(&body);
		usleep(200000);
	}
	assert_int_equal(after.view->statement.trust.n_signers, 2);
	arena_free(before.arena);
	arena_free(after.arena);
	server_stop(&g);
	server_config_free(g.config);
	buf_free(&text);
	buf_free(&joined);
}

/* A remote that gives and does not take: said with its own words, and tried again by itself. */
static void test_read_only(void **state)
{
	struct fixture *f = *state;
	struct buf record = {0};
	char path[160];
	json_t *o;

	push(f, "");
	snprintf(path, sizeof(path), "%s/hooks/update", f->repository);
	FILE *hook = fopen(path, "w");
	assert_non_null(hook);
	fputs("#!/bin/sh\necho 'not for you' >&2\nexit 1\n", hook);
	fclose(hook);
	assert_int_equal(chmod(path, 0755), 0);
	follow_remote(f, "mirror.git", 1);
	server_start(f);
	o = await_condition(f, "Ready", "False", "Ledger");
	assert_non_null(strstr(condition_text(o, "Ready", "message"),
			       "the remote does not take it: [remote rejected] (hook declined)"));
	json_decref(o);
	enrol(f, 0, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 503);

	/* What is to be recorded outlives a restart: that an invite was replaced cannot be seen any more by then. */
	struct buf text = {0}, other = {0};
	definition(f, "", &text);
	char *invite = strstr(text.p, "invite: \"");
	assert_non_null(invite);
	buf_add(&other, text.p, (size_t)(invite - text.p));
	buf_printf(&other, "invite: \"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"%s", strstr(invite, " }"));
	push_text(f, other.p, false);
	for (int i = 0; i < 2000; i++) {
		o = await_condition(f, "Published", "True", "Published");
		bool second = !strcmp(condition_text(o, "Published", "message"), "version 0.2");
		json_decref(o);
		if (second)
			break;
		usleep(5000);
	}
	server_stop(f);
	server_start(f);
	assert_int_equal(unlink(path), 0);
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	await_files(f, LEDGER, "addresses", 4);
	await_files(f, LEDGER, "spent", 1);
	/* The server looks once its push has ended: then it knows what the remote took. */
	look(f, "unchanged");
	assert_int_equal(redeem(f, buf_span(&record)), 410);
	buf_free(&text);
	buf_free(&other);
	buf_free(&record);
}

/* ls-remote(1) tells of each ref with a name that ends like ours: people may push any number of those. */
static void test_other_refs(void **state)
{
	struct fixture *f = *state;
	char line[200], sha[GIT_OID_HEXSZ + 1];
	FILE *p;

	push(f, "");
	follow_remote(f, "mirror.git", REMOTE_INTERVAL_MAX);
	server_start(f);
	json_decref(await_condition(f, "Published", "True", "Published"));
	snprintf(line, sizeof(line), "git --git-dir=%s update-ref --stdin", f->repository);
	assert_non_null(p = popen(line, "w"));
	git_oid_tostr(sha, sizeof(sha), &f->tip);
	for (int i = 0; i < 1500; i++)
		fprintf(p, "create refs/heads/a/%d/" MAIN " %s\n", i, sha);
	assert_int_equal(pclose(p), 0);
	look(f, "unchanged");
	push(f, "associations: [[humans, machines]]\n");
	look(f, "published");
	json_decref(await_condition(f, "Ready", "True", "Serving"));
}

/* Half-written packs of the mirror; they become `age` seconds older. */
static unsigned packs_left(const struct fixture *f, int64_t age)
{
	char folder[200];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/objects/pack", f->config->repository);
	assert_non_null(dir = opendir(folder));
	while ((e = readdir(dir))) {
		const struct timespec then[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
		if (strncmp(e->d_name, "tmp_", 4))
			continue;
		assert_int_equal(utimensat(dirfd(dir), e->d_name, then, 0), 0);
		n++;
	}
	closedir(dir);
	return n;
}

/* git leaves behind what it could not unpack, and a remote can have that happen at each look. */
static void test_packs_left(void **state)
{
	struct fixture *f = *state;
	char line[700], gc[200];
	struct diags d = {0};

	push(f, "");
	follow_remote(f, "mirror.git", REMOTE_INTERVAL_MAX);
	server_start(f);
	json_decref(await_condition(f, "Published", "True", "Published"));
	/* More objects than git would unpack one by one, and among them one that fsck(1) refuses. */
	snprintf(line, sizeof(line),
		 "cd %s && tree=$(for i in $(seq 150); do printf '100644 blob %%s\\tf%%s\\n' "
		 "$(echo $i | git hash-object -w --stdin) $i; done | git mktree) && commit=$(printf 'tree %%s\\n"
		 "author a <a@b> 01 +0000\\ncommitter a <a@b> 1 +0000\\n\\nx\\n' $tree | "
		 "git hash-object -t commit --literally -w --stdin) && git update-ref " MAIN " $commit",
		 f->repository);
	assert_int_equal(system(line), 0);
	for (int i = 0; i < 3; i++) {
		look(f, "failed");
		assert_int_equal(packs_left(f, REPO_LOCK_SECONDS + 10), 1);
	}
	/* What is being packed here is let alone. */
	snprintf(gc, sizeof(gc), "%s/gc.pid", f->config->repository);
	assert_int_equal(file_write(gc, SPAN(""), 0644, &d), 0);
	look(f, "failed");
	assert_int_equal(packs_left(f, GC_SECONDS + 10), 2);
	look(f, "failed");
	assert_int_equal(packs_left(f, 0), 1);
}

struct heard {
	struct loop *loop;
	char message[512];
};

static void on_heard(void *ctx, enum remote_result result, bool moved, const char *message)
{
	struct heard *h = ctx;

	(void)moved;
	assert_int_equal(result, REMOTE_FAILED);
	snprintf(h->message, sizeof(h->message), "%s", message);
	loop_stop(h->loop);
}

/* What a look says when a script stands for git. */
static void hear(const struct fixture *f, const char *script, struct heard *h)
{
	char *path = strdup(getenv("PATH")), mirror[200], program[200], all[4096];
	struct diags d = {0};

	snprintf(mirror, sizeof(mirror), "%s/mirror.git", f->folder);
	git_repository_free(bare_make(mirror));
	struct repo *repo = repo_open(mirror, MAIN, &d);
	assert_non_null(repo);
	mkdir(f->data, 0755);
	snprintf(program, sizeof(program), "%s/git", f->data);
	assert_int_equal(file_write(program, span_str(script), 0755, &d), 0);
	assert_non_null(h->loop = loop_new(&d));
	const struct remote_options o = {.access = {.url = f->repository}, .looked = on_heard, .ctx = h};
	struct remote *r = remote_new(h->loop, repo, &o);
	assert_non_null(r);
	snprintf(all, sizeof(all), "%s:%s", f->data, path);
	setenv("PATH", all, 1);
	remote_look(r);
	setenv("PATH", path, 1);
	loop_run(h->loop);
	remote_free(r);
	loop_free(h->loop);
	repo_close(repo);
	free(path);
}

/* A few bytes of a pack may unpack to any number: what a remote can have git do on this machine is bounded. */
static void test_bounds(void **state)
{
	long long files = 0, memory = 0;
	struct heard h;

	hear(*state, "#!/bin/sh\necho \"limits $(ulimit -f) $(ulimit -d)\" >&2\nexit 1\n", &h);
	assert_int_equal(sscanf(h.message, "limits %lld %lld", &files, &memory), 2);
	assert_int_equal(files * 512, REMOTE_PACK_MAX); /* sh(1) says blocks of 512 bytes, and kilobytes */
	assert_int_equal(memory * 1024, GIT_MEMORY);
}

/* A list that was not read to its end says of no ref that it is gone. */
static void test_endless_list(void **state)
{
	struct heard h;

	hear(*state, "#!/bin/sh\nexec head -c 20000000 /dev/zero\n", &h);
	assert_string_equal(h.message, "too many of its refs end in the names that are mirrored");
}

/* It stands in the status, which people read in a terminal: nothing in it hides, or acts. */
static void test_message(void **state)
{
	struct heard h;

	hear(*state, "#!/bin/sh\nprintf 'fatal: a\\342\\200\\256b\\302\\233c\\033[2Jd\\377e\\r\\n' >&2\nexit 1\n", &h);
	assert_string_equal(h.message, "a\\u202eb\\x9bc\\x1b[2Jd\\xffe");
}

static void test_urls(void **state)
{
	static const char *const good[] = {"https://git.example.com/corp/network.git",
					   "https://ci@git.example.com/n.git",
					   "ssh://git@host:2222/n.git",
					   "git@host:n.git",
					   "host:n.git",
					   "file:///srv/n.git",
					   "/srv/n.git"};
	static const char *const bad[] = {"",
					  "n.git",
					  "../n.git",
					  "http://h/n.git",
					  "git://h/n.git",
					  "https://u:p@h/n.git",
					  "ext::sh -c x",
					  "ext::/usr/bin/x",
					  "ssh::x",
					  "https://h/n\n.git",
					  "-oProxyCommand=x:y",
					  "ssh://-oProxyCommand=x/y",
					  "https:///n.git",
					  "ftp://h/n.git"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(remote_url_refused(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(remote_url_refused(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_follows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_now, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_redemption, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_signers_change, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_refs, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_packs_left, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_endless_list, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_message, setup, teardown),
	    cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
