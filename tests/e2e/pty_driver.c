/*
 * Runs a program on a pseudo-terminal and talks to it as a person does. The dialogue is read from standard input, one
 * step a line:
 *
 *   expect TEXT    waits until TEXT has been printed since the last match (control sequences are left out)
 *   send TEXT      types TEXT; \r \n \e \b and \xNN are taken as in C
 *   size COLS ROWS gives the window another size
 *   signal NUMBER  sends a signal to the program
 *   run COMMAND    runs a shell command meanwhile, which must succeed
 *   cooked         fails unless the terminal edits and echoes lines, as it did before
 *   exit CODE      waits for the end, and fails unless the exit code is CODE (128 + n after signal n)
 *
 * What the program printed goes to standard output. Exits with 0, or with 1 and the step that failed.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 10000

static int terminal;
static pid_t child;
static char seen[1 << 20]; /* without control sequences */
static size_t n_seen, matched;
static int in_escape; /* 1 after ESC, 2 within a sequence */

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void see(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && n_seen + 1 < sizeof(seen); i++) {
		char c = bytes[i];
		if (in_escape == 1)
			in_escape = c == '[' ? 2 : 0;
		else if (in_escape == 2)
			in_escape = c >= '@' && c <= '~' ? 0 : 2;
		else if (c == '\033')
			in_escape = 1;
		else if (c != '\r')
			seen[n_seen++] = c;
	}
	seen[n_seen] = '\0';
}

/* Reads what there is within so many milliseconds. 0: something; -1: nothing, or the end. */
static int read_some(long ms)
{
	struct pollfd p = {.fd = terminal, .events = POLLIN};
	char chunk[4096];
	ssize_t n;

	if (poll(&p, 1, ms < 0 ? 0 : (int)ms) <= 0)
		return -1;
	n = read(terminal, chunk, sizeof(chunk));
	if (n <= 0)
		return -1;
	see(chunk, (size_t)n);
	return 0;
}

static int expect(const char *text)
{
	long end = now_ms() + WAIT_MS;

	for (;;) {
		char *at = strstr(seen + matched, text);
		if (at) {
			matched = (size_t)(at - seen) + strlen(text);
			return 0;
		}
		if (now_ms() >= end || read_some(end - now_ms()))
			return -1;
	}
}

static int send_text(const char *s)
{
	char out[1024];
	size_t n = 0;

	for (; *s && n < sizeof(out); s++) {
		if (*s != '\\' || !s[1]) {
			out[n++] = *s;
			continue;
		}
		switch (*++s) {
		case 'r':
			out[n++] = '\r';
			break;
		case 'n':
			out[n++] = '\n';
			break;
		case 'e':
			out[n++] = '\033';
			break;
		case 'b':
			out[n++] = 0x7f;
			break;
		case 'x':
			out[n++] = (char)strtol((char[]){s[1], s[1] ? s[2] : '\0', '\0'}, NULL, 16);
			s += s[1] && s[2] ? 2 : 0;
			break;
		default:
			out[n++] = *s;
		}
	}
	return write(terminal, out, n) == (ssize_t)n ? 0 : -1;
}

static int cooked(void)
{
	struct termios t;
	return tcgetattr(terminal, &t) == 0 && (t.c_lflag & ICANON) && (t.c_lflag & ECHO) && (t.c_lflag & ISIG) &&
		       (t.c_iflag & ICRNL)
		   ? 0
		   : -1;
}

static int ended(int code)
{
	long end = now_ms() + WAIT_MS;
	int status;

	for (;;) {
		pid_t p = waitpid(child, &status, WNOHANG);
		if (p == child) {
			child = 0;
			while (!read_some(0))
				;
			return (WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)) == code ? 0 : -1;
		}
		if (now_ms() >= end)
			return -1;
		read_some(20);
	}
}

static int step(char *line)
{
	char *rest = strchr(line, ' ');
	unsigned cols, rows;

	rest = rest ? (*rest = '\0', rest + 1) : line + strlen(line);
	if (!strcmp(line, "expect"))
		return expect(rest);
	if (!strcmp(line, "send"))
		return send_text(rest);
	if (!strcmp(line, "size") && sscanf(rest, "%u %u", &cols, &rows) == 2) {
		struct winsize w = {.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
		return ioctl(terminal, TIOCSWINSZ, &w);
	}
	if (!strcmp(line, "signal"))
		return kill(child, atoi(rest));
	if (!strcmp(line, "run"))
		return system(rest);
	if (!strcmp(line, "cooked"))
		return cooked();
	if (!strcmp(line, "exit"))
		return ended(atoi(rest));
	return *line ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct winsize w = {.ws_col = 80, .ws_row = 24};
	char line[1024], copy[1024];
	int rc = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: pty_driver PROGRAM [ARGUMENT...] <DIALOGUE\n");
		return 2;
	}
	child = forkpty(&terminal, NULL, NULL, &w);
	if (child < 0) {
		perror("forkpty");
		return 2;
	}
	if (!child) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	while (!rc && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		strcpy(copy, line);
		rc = step(line);
		if (rc)
			fprintf(stderr, "failed: %s\n", copy);
	}
	fwrite(seen, 1, n_seen, stdout);
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return rc ? 1 : 0;
}
