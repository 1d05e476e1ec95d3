/* A server and its repository in a folder, as a process of its own; beside it a static web server of the same peers. */
#ifndef TESTS_BENCH_SITE_H
#define TESTS_BENCH_SITE_H

#include "tests/bench/bench.h"

#define SITE_PORT   51820 /* the server's; static files are on STATIC_PORT */
#define STATIC_PORT 8080

struct site {
	const struct bench *bench;
	struct network net;
	char folder[256];
	struct server_config *config;
	struct arena *arena;
	struct model *model; /* of the first revision: its peers */
	pid_t server;        /* innernet-reconcile's own code, its interface left out; 0: none */
	pid_t nginx;         /* 0: none */
};

/* The repository, a clone to push from, the first revision pushed. Then the one server or the other. */
void site_open(struct site *s, const struct bench *b, const struct network *net);
void site_serve(struct site *s);
bool site_serve_static(struct site *s); /* false: there is no nginx */
void site_close(struct site *s);

/* Writes and commits `s->net` as it is now; then site_push() is `git push` alone. */
void site_commit(struct site *s);
void site_push(const struct site *s);

/* Folder of what nginx serves, and of the loop that pulls and renders (its clone; it ends with this process). */
#define SITE_STATIC "static"
pid_t site_pull_and_render(const struct site *s);
/* A wg-quick file of what a peer of a compiled snapshot may reach. */
void render_peer(struct buf *out, const struct snapshot *s, uint32_t peer);

/* `bench server`: what site_serve() starts. */
int site_server_main(const struct bench *b);

#endif
