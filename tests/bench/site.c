#include "tests/bench/site.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void site_commit(struct site *s)
{
	struct buf yaml = {0};

	network_write(&yaml, &s->net);
	file_put(&yaml, "%s/clone/network.yaml", s->folder);
	buf_free(&yaml);
	run_command("cd '%s/clone' && git add network.yaml && git commit -q -m change", s->folder);
}

void site_push(const struct site *s)
{
	run_command("exec git -C '%s/clone' push -q origin HEAD:main", s->folder);
}

void site_open(struct site *s, const struct bench *b, const struct network *net)
{
	struct buf yaml = {0};

	*s = (struct site){.bench = b, .net = *net, .config = network_server(net->seed)};
	if (snprintf(s->folder, sizeof(s->folder), "%s/site", b->work) >= (int)sizeof(s->folder))
		die("the name of the working folder is too long");
	run_command("rm -rf '%s' && mkdir -p '%s'", s->folder, s->folder);
	run_command("cd '%s' && mkdir -p data static && git init -q --bare -b main network.git && "
		    "git clone -q network.git clone 2>/dev/null && cd clone && git config user.name bench && "
		    "git config user.email bench@example.com",
		    s->folder);
	site_commit(s);
	site_push(s);
	s->arena = need(arena_new());
	network_write(&yaml, &s->net);
	s->model = network_load(s->arena, &yaml);
	buf_free(&yaml);
}

static void on_term(void *ctx, int signo)
{
	(void)signo;
	loop_stop(ctx);
}

int site_server_main(const struct bench *b)
{
	struct server_config *config = network_server(b->seed);
	struct reconciler_options o = {.watch = true, .no_device = true, .port = SITE_PORT};
	struct diags d = {0};
	struct loop *l = loop_new(&d);
	char data[512], repository[512];
	struct reconciler *r;
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_open(LOG_HUMAN, false, false);
	snprintf(repository, sizeof(repository), "%s/network.git", b->work);
	snprintf(data, sizeof(data), "%s/data", b->work);
	snprintf(config->network, sizeof(config->network), "%s", NETWORK_NAME);
	snprintf(config->interface, sizeof(config->interface), "%s", NETWORK_NAME);
	config->repository = need(strdup(repository));
	config->ref = need(strdup("refs/heads/main"));
	config->listen_port = SITE_PORT;
	o.data_dir = data;
	if (addr_parse(NETWORK_SERVER, strlen(NETWORK_SERVER), &o.address) < 0)
		die("no address");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	r = l ? reconciler_new(l, config, &o, &d) : NULL;
	if (!r || loop_signals(l, &set, on_term, l) < 0)
		die("the server does not start: %s", d.first ? d.first->message : "out of memory");
	reconciler_turn(r);
	if (!reconciler_port(r))
		die("the server does not listen: is %s an address of this network namespace?", NETWORK_SERVER);
	puts("ready");
	fflush(stdout);
	loop_run(l);
	reconciler_free(r);
	loop_free(l);
	server_config_free(config);
	diags_free(&d);
	return 0;
}

/* A program of its own: what it takes is its own too. */
void site_serve(struct site *s)
{
	char self[64], seed[32], log[512], said[16] = "";
	int fd[2];

	snprintf(self, sizeof(self), "/proc/%d/exe", (int)getpid());
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)s->net.seed);
	snprintf(log, sizeof(log), "%s/server.log", s->folder);
	if (pipe2(fd, O_CLOEXEC) < 0 || (s->server = fork()) < 0)
		die("cannot start a process");
	if (!s->server) {
		if (dup2(fd[1], STDOUT_FILENO) < 0 || !freopen(log, "w", stderr))
			_exit(1);
		execl(self, "bench", "--seed", seed, "--work", s->folder, "server", (char *)NULL);
		_exit(1);
	}
	close(fd[1]);
	if (read(fd[0], said, sizeof(said) - 1) <= 0)
		run_command("cat '%s'; exit 1", log);
	close(fd[0]);
}

/* It says nothing when it is ready. */
static void await_static(const struct site *s, const char *log)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(STATIC_PORT)};
	const double start = now_ms();
	int fd, refused;

	inet_pton(AF_INET, NETWORK_SERVER, &to.sin_addr);
	do {
		if (waitpid(s->nginx, NULL, WNOHANG) != 0 || now_ms() - start > 60000)
			run_command("cat '%s'; exit 1", log);
		poll(NULL, 0, 5);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		refused = connect(fd, (struct sockaddr *)&to, sizeof(to));
		close(fd);
	} while (refused);
}

bool site_serve_static(struct site *s)
{
	const char *nginx = getenv("BENCH_NGINX");
	char path[512], log[512];
	struct buf conf = {0};

	if (!nginx || !*nginx)
		return false;
	buf_printf(&conf,
		   "daemon off;\npid %s/nginx.pid;\nerror_log %s/nginx.log;\nworker_processes 1;\n"
		   "events { worker_connections 20000; }\n"
		   "http {\n\taccess_log off;\n\tsendfile on;\n\ttcp_nopush on;\n\tkeepalive_timeout 300;\n"
		   "\tkeepalive_requests 1000000000;\n\topen_file_cache max=5000 inactive=60s;\n"
		   "\topen_file_cache_valid 1s;\n"
		   "\tclient_body_temp_path %s;\n\tproxy_temp_path %s;\n\tfastcgi_temp_path %s;\n"
		   "\tuwsgi_temp_path %s;\n\tscgi_temp_path %s;\n"
		   "\tserver { listen %s:%d backlog=4096; root %s/" SITE_STATIC "; }\n}\n",
		   s->folder, s->folder, s->folder, s->folder, s->folder, s->folder, s->folder, NETWORK_SERVER,
		   STATIC_PORT, s->folder);
	/* Its worker has to be able to enter the folder, whatever user it runs as. */
	if (geteuid() == 0) {
		struct buf user = {0};
		buf_printf(&user, "user root;\n%s", conf.p);
		buf_free(&conf);
		conf = user;
	}
	file_put(&conf, "%s/nginx.conf", s->folder);
	buf_free(&conf);
	snprintf(path, sizeof(path), "%s/nginx.conf", s->folder);
	snprintf(log, sizeof(log), "%s/nginx.log", s->folder);
	if ((s->nginx = fork()) < 0)
		die("cannot start a process");
	if (!s->nginx) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen(log, "w", stderr) || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
			_exit(1);
		execl(nginx, "nginx", "-e", log, "-c", path, "-p", s->folder, (char *)NULL);
		_exit(1);
	}
	await_static(s, log);
	return true;
}

void site_close(struct site *s)
{
	int status;

	if (s->server) {
		kill(s->server, SIGTERM);
		waitpid(s->server, &status, 0);
	}
	if (s->nginx) {
		kill(s->nginx, SIGTERM);
		waitpid(s->nginx, &status, 0);
	}
	server_config_free(s->config);
	arena_free(s->arena);
	run_command("rm -rf '%s'", s->folder);
}

/* --- the rival: a loop that pulls and renders --- */

void render_peer(struct buf *out, const struct snapshot *s, uint32_t peer)
{
	struct arena *a = need(arena_new());
	struct diags d = {0};
	struct view *v = need(view_of_peer(a, s, peer, NULL, 0, &d));
	char ip[ADDR_STR_LEN];

	addr_format(&v->peers[v->self].ip[0], ip);
	buf_printf(out, "[Interface]\nAddress = %s/8\nListenPort = 51820\n", ip);
	for (uint32_t i = 0; i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];
		const struct peer same = {.leaf = p->leaf};
		if (i != v->self)
			wg_quick_peer(out, &same);
	}
	diags_free(&d);
	arena_free(a);
}

/* One file a peer, replaced atomically. */
static void render_all(const struct site *s)
{
	struct arena *a = need(arena_new());
	struct diags d = {0};
	struct buf yaml = {0}, text = {0};
	char path[512], new[520];
	struct snapshot *snapshot;

	snprintf(path, sizeof(path), "%s/web/network.yaml", s->folder);
	if (file_read(path, DEFINITION_MAX, &yaml, NULL, &d) < 0)
		die("cannot read %s", path);
	snapshot = network_compile(a, network_load(a, &yaml));
	for (uint32_t i = 0; i < snapshot->model->n_peers; i++) {
		buf_reset(&text);
		render_peer(&text, snapshot, i);
		snprintf(path, sizeof(path), "%s/" SITE_STATIC "/%s.conf", s->folder, snapshot->model->peers[i].name);
		snprintf(new, sizeof(new), "%s.new", path);
		file_put(&text, "%s", new);
		if (rename(new, path) < 0)
			die("cannot rename %s", new);
	}
	buf_free(&text);
	buf_free(&yaml);
	arena_free(a);
}

static void head_of(const struct site *s, char out[static 64])
{
	char line[512];
	FILE *p;

	snprintf(line, sizeof(line), "cd '%s/web' && git pull -q && git rev-parse HEAD", s->folder);
	out[0] = '\0';
	p = popen(line, "re");
	if (!p || !fgets(out, 64, p) || pclose(p) != 0)
		die("git pull failed");
}

pid_t site_pull_and_render(const struct site *s)
{
	char head[64], was[64] = "";
	struct timespec due;
	pid_t child;

	run_command("git clone -q '%s/network.git' '%s/web'", s->folder, s->folder);
	head_of(s, was);
	render_all(s);
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("cannot start a process");
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (clock_gettime(CLOCK_MONOTONIC, &due);;) {
		/* Each second, as cron's finer cousins do. */
		due.tv_sec++;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			;
		head_of(s, head);
		if (strcmp(head, was) != 0)
			render_all(s);
		memcpy(was, head, sizeof(was));
	}
}
