/*
 * A server that says what a test tells it to: canned ADDRESS PORT DIR
 *
 * GET /v1/poll is answered with DIR/poll (200) when it differs from what this connection's `have` was answered
 * with last, else held until it does, for at most the `wait` that was asked for (then 204). POST /v1/redeem runs
 * DIR/redeem with the body on its standard input: what that prints is the answer, the first word of it the status. When
 * a 200 has arrived, DIR/redeemed is run.
 * PUT /v1/endpoints is taken (204) and forgotten.
 * DIR/raw, when it is there, is sent to every client as it is, head and all. Each request is a line on stdout.
 */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t read_request(int fd, char *text, size_t max)
{
	size_t n = 0;
	ssize_t r;

	while (n < max - 1 && (r = read(fd, text + n, max - 1 - n)) > 0) {
		n += (size_t)r;
		text[n] = '\0';
		const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
		if (end && n >= (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0))
			break;
	}
	text[n] = '\0';
	return n;
}

static void send_all(int fd, const char *p, size_t n)
{
	ssize_t w;

	for (; n && (w = write(fd, p, n)) > 0; p += w, n -= (size_t)w)
		;
}

static void answer(int fd, const char *status, const char *body, size_t n)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 %s X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, n);
	send_all(fd, head, strlen(head));
	send_all(fd, body, n);
}

/* The whole file; NULL when it is not there. */
static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *p = NULL;
	struct stat st;

	*n = 0;
	if (!f)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && (p = malloc((size_t)st.st_size + 1)))
		*n = fread(p, 1, (size_t)st.st_size, f);
	fclose(f);
	return p;
}

/* What identifies one version of a file: it is always replaced, never written in place. */
static ino_t version_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void serve_poll(int fd, const char *request, ino_t last)
{
	const char *wait = strstr(request, "wait=");
	long left = wait ? strtol(wait + 5, NULL, 10) * 1000 : 0;
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	char *body;
	size_t n;

	while (left > 0 && (version_of("poll") == 0 || version_of("poll") == last)) {
		if (poll(&p, 1, 20) > 0)
			return; /* hung up */
		left -= 20;
	}
	body = slurp("poll", &n);
	if (body && (version_of("poll") != last || !wait || strtol(wait + 5, NULL, 10) == 0))
		answer(fd, "200", body, n);
	else
		answer(fd, "204", "", 0);
	free(body);
}

/* As the server has it: the other side may be gone, too. */
static void await_acknowledgement(int fd)
{
	int left = 1;

	for (int i = 0; i < 2000 && ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0; i++)
		usleep(1000);
}

static void serve_redeem(int fd, const char *request)
{
	const char *body = strstr(request, "\r\n\r\n");
	FILE *f = fopen("redeem.body", "w");
	char out[512], status[4] = "500";
	FILE *hook;
	size_t n;

	if (!f)
		return;
	fputs(body ? body + 4 : "", f);
	fclose(f);
	hook = popen("./redeem <redeem.body", "r");
	if (!hook)
		return;
	n = fread(out, 1, sizeof(out), hook);
	pclose(hook);
	if (n >= 3)
		memcpy(status, out, 3);
	answer(fd, status, out + (n > 4 ? 4 : n), n > 4 ? n - 4 : 0);
	if (strcmp(status, "200") != 0)
		return;
	await_acknowledgement(fd);
	if (system("./redeemed") != 0)
		perror("redeemed");
}

static void serve(int fd, const char *request, ino_t last)
{
	size_t n;
	char *raw = slurp("raw", &n);

	if (raw)
		send_all(fd, raw, n);
	else if (strncmp(request, "POST /v1/redeem ", 16) == 0)
		serve_redeem(fd, request);
	else if (strncmp(request, "GET /v1/poll?", 13) == 0)
		serve_poll(fd, request, last);
	else if (strncmp(request, "PUT /v1/endpoints ", 18) == 0)
		answer(fd, "204", "", 0);
	else
		answer(fd, "404", "not-found: no\n", 14);
	free(raw);
}

static int listen_at(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0) {
		perror("canned");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	char request[16384], have[96] = "";
	ino_t last = 0;
	int listener;

	if (argc != 4 || chdir(argv[3]) < 0) {
		fputs("usage: canned ADDRESS PORT DIR\n", stderr);
		return 2;
	}
	listener = listen_at(argv[1], argv[2]);
	signal(SIGCHLD, SIG_DFL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		const char *h;

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (fd < 0 || read_request(fd, request, sizeof(request)) == 0) {
			close(fd);
			continue;
		}
		printf("%.*s\n", (int)strcspn(request, "\r"), request);
		fflush(stdout);
		/* The same `have` again: it was answered with the file as it was then. */
		h = strstr(request, "have=");
		if (h && strncmp(h, have, strcspn(h, "& ")) != 0) {
			snprintf(have, sizeof(have), "%.*s", (int)strcspn(h, "& "), h);
			last = 0;
		}
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(fd, request, last);
			_exit(0);
		}
		close(fd);
		if (h)
			last = version_of("poll");
	}
}
