#include "cmd/prompt.h"
#include "schema/buf.h"
#include "schema/utf8.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ROWS_SHOWN   10 /* choices on the screen at a time */
#define ANSWER_LEAST 8  /* columns kept for the answer; a longer question is cut */

enum key {
	KEY_ENTER = -100,
	KEY_CANCEL,
	KEY_UP,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_BACKSPACE,
	KEY_DELETE,
	KEY_CLEAR, /* Ctrl-U */
	KEY_DRAW,  /* redraw: the window's size has changed, or the program continues after a stop */
	KEY_OTHER, /* ignored */
};

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* The number of the last signal, 0: none. The handler only records it; ppoll() returns EINTR and deliver() acts on it. */
static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

struct terminal {
	struct termios before;
	struct sigaction actions[N_SIGNALS];
	sigset_t mask;  /* the mask before terminal_open(); ppoll() uses it, so signals arrive only during the wait */
	unsigned drawn; /* lines of the last drawing below its first line */
};

bool prompt_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static bool can_draw(void)
{
	const char *term = getenv("TERM");
	struct termios t;

	return term && *term && strcmp(term, "dumb") != 0 && tcgetattr(STDIN_FILENO, &t) == 0;
}

static void set_raw(const struct terminal *t)
{
	struct termios raw = t->before;

	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void set_signals(struct terminal *t)
{
	struct sigaction action = {.sa_handler = catch_signal};
	sigset_t ours;

	sigemptyset(&action.sa_mask);
	sigemptyset(&ours);
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &t->mask);
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &action, &t->actions[i]);
}

static void reset_signals(const struct terminal *t)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &t->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

static int terminal_open(struct terminal *t)
{
	*t = (struct terminal){0};
	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -1;
	caught = 0;
	set_signals(t);
	set_raw(t);
	return 0;
}

static void terminal_close(struct terminal *t)
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
	reset_signals(t);
}

/* Restores the terminal and raises the caught signal with its original action. Returns if the program was stopped. */
static void deliver(struct terminal *t)
{
	int number = caught;

	caught = 0;
	if (number == SIGWINCH)
		return;
	terminal_close(t);
	raise(number);
	set_signals(t);
	set_raw(t);
}

static int read_byte(struct terminal *t, int timeout_ms)
{
	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char c;
	int ready = ppoll(&p, 1, timeout_ms < 0 ? NULL : &timeout, &t->mask);

	if (ready < 0 && errno == EINTR && caught) {
		deliver(t);
		return KEY_DRAW;
	}
	return ready > 0 && read(STDIN_FILENO, &c, 1) == 1 ? c : -1;
}

/* Reads the rest of an escape sequence after ESC. Returns the key, KEY_OTHER for an unknown sequence. */
static int read_escape(struct terminal *t)
{
	int c = read_byte(t, 50), number = 0;

	if (c == -1)
		return KEY_CANCEL; /* no byte within 50 ms: the Escape key */
	if (c != '[' && c != 'O')
		return KEY_OTHER;
	for (c = read_byte(t, 50); (c >= '0' && c <= '9') || c == ';'; c = read_byte(t, 50))
		number = c == ';' ? number : (number * 10 + c - '0') % 1000;
	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case '~':
		return number == 1 || number == 7   ? KEY_HOME
		       : number == 4 || number == 8 ? KEY_END
		       : number == 3                ? KEY_DELETE
		       : number == 5                ? KEY_PAGE_UP
		       : number == 6                ? KEY_PAGE_DOWN
						    : KEY_OTHER;
	default:
		return KEY_OTHER;
	}
}

/* Waits for a key. Returns a byte of text, or one of enum key. */
static int read_key(struct terminal *t)
{
	int c = read_byte(t, -1);

	switch (c) {
	case -1:   /* end of input or a read error: the terminal is gone */
	case 0x03: /* Ctrl-C */
		return KEY_CANCEL;
	case 0x04: /* Ctrl-D */
		return KEY_CANCEL;
	case '\r':
	case '\n':
		return KEY_ENTER;
	case 0x1b:
		return read_escape(t);
	case 0x7f:
	case 0x08:
		return KEY_BACKSPACE;
	case 0x01: /* as in a shell: Ctrl-A, E, B, F, P, N, U */
		return KEY_HOME;
	case 0x05:
		return KEY_END;
	case 0x02:
		return KEY_LEFT;
	case 0x06:
		return KEY_RIGHT;
	case 0x10:
		return KEY_UP;
	case 0x0e:
		return KEY_DOWN;
	case 0x15:
		return KEY_CLEAR;
	default:
		return c >= 0 && c < 0x20 ? KEY_OTHER : c;
	}
}

static unsigned columns(void)
{
	struct winsize w;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static unsigned rows(void)
{
	struct winsize w;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row ? w.ws_row : 24;
}

/* Appends the part of `text` that fits into `room` columns. Returns the columns used. Counts a code point as 1 column. */
static unsigned put_clipped(struct buf *out, const char *text, unsigned room)
{
	size_t n = strlen(text), i = 0;
	unsigned used = 0;
	uint32_t cp;

	while (i < n && used < room) {
		unsigned len = utf8_decode((const uint8_t *)text + i, n - i, &cp);
		i += len ? len : 1;
		used++;
	}
	buf_add(out, text, i);
	return used;
}

static void draw(struct buf *frame)
{
	if (!frame->failed && frame->p) {
		fwrite(frame->p, 1, frame->n, stderr);
		fflush(stderr);
	}
	buf_free(frame);
}

/* Moves the cursor to the start of the last drawing and clears the screen below. */
static void put_restart(struct buf *out, const struct terminal *t)
{
	buf_char(out, '\r');
	if (t->drawn)
		buf_printf(out, "\033[%uA", t->drawn);
	buf_str(out, "\033[J");
}

static size_t code_points(const char *s, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

static size_t step(const char *text, size_t n, size_t at, int by)
{
	do
		at = by < 0 ? (at ? at - 1 : 0) : (at < n ? at + 1 : n);
	while (at > 0 && at < n && ((unsigned char)text[at] & 0xc0) == 0x80);
	return at;
}

/* A line in the editor. */
struct line {
	char text[PROMPT_MAX];
	size_t n, at; /* length, and the cursor's position, both in bytes */
};

static void line_key(struct line *l, int key)
{
	size_t to;

	switch (key) {
	case KEY_LEFT:
		l->at = step(l->text, l->n, l->at, -1);
		break;
	case KEY_RIGHT:
		l->at = step(l->text, l->n, l->at, 1);
		break;
	case KEY_HOME:
		l->at = 0;
		break;
	case KEY_END:
		l->at = l->n;
		break;
	case KEY_CLEAR:
		l->n = l->at = 0;
		break;
	case KEY_BACKSPACE:
	case KEY_DELETE:
		to = step(l->text, l->n, l->at, key == KEY_DELETE ? 1 : -1);
		if (to > l->at) {
			memmove(l->text + l->at, l->text + to, l->n - to);
			l->n -= to - l->at;
		} else {
			memmove(l->text + to, l->text + l->at, l->n - l->at);
			l->n -= l->at - to;
			l->at = to;
		}
		break;
	default:
		if (key >= 0x20 && l->n + 1 < PROMPT_MAX) {
			memmove(l->text + l->at + 1, l->text + l->at, l->n - l->at);
			l->text[l->at++] = (char)key;
			l->n++;
		}
	}
	l->text[l->n] = '\0';
}

static void draw_line(const struct terminal *t, const char *question, const char *preset, const struct line *l)
{
	unsigned width = columns(), used;
	struct buf out = {0};
	struct buf head = {0};
	size_t from = 0;

	put_restart(&out, t);
	buf_printf(&head, preset && *preset ? "%s [%s] " : "%s ", question, preset);
	/* In a narrow window the question is cut to half the width. The part of the answer at the cursor is shown. */
	if (head.p && code_points(head.p, head.n) + ANSWER_LEAST <= width) {
		used = put_clipped(&out, head.p, width);
	} else {
		used = put_clipped(&out, head.p ? head.p : "", width / 2) + 1;
		buf_char(&out, ' ');
	}
	unsigned room = width > used + 1 ? width - used - 1 : 1;
	while (code_points(l->text + from, l->at - from) > room)
		from = step(l->text, l->n, from, 1);
	put_clipped(&out, l->text + from, room);
	size_t right = code_points(l->text + l->at, l->n - l->at), shown = code_points(l->text + from, l->n - from);
	size_t beyond = shown > room ? shown - room : 0;
	if (right > beyond)
		buf_printf(&out, "\033[%zuD", right - beyond);
	buf_free(&head);
	draw(&out);
}

/* Replaces the drawing by the whole question and answer, which stay on the screen and may wrap. */
static void draw_answered(const struct terminal *t, const char *question, const char *preset, const char *text)
{
	struct buf out = {0};

	put_restart(&out, t);
	buf_printf(&out, preset && *preset ? "%s [%s] " : "%s ", question, preset);
	buf_str(&out, text);
	buf_str(&out, "\r\n");
	draw(&out);
}

/* Reads a line in the terminal's own line mode. Returns -1 at the end of input. */
static int plain_line(const char *question, const char *preset, char out[static PROMPT_MAX])
{
	fprintf(stderr, preset && *preset ? "%s [%s] " : "%s ", question, preset);
	fflush(stderr);
	if (!fgets(out, PROMPT_MAX, stdin)) {
		fputc('\n', stderr);
		return -1;
	}
	out[strcspn(out, "\r\n")] = '\0';
	return 0;
}

static int drawn_line(const char *question, const char *preset, char out[static PROMPT_MAX])
{
	struct terminal t;
	struct line l = {.n = 0};
	int key;

	if (terminal_open(&t) < 0)
		return plain_line(question, preset, out);
	do {
		draw_line(&t, question, preset, &l);
		key = read_key(&t);
		line_key(&l, key);
	} while (key != KEY_ENTER && key != KEY_CANCEL);
	draw_answered(&t, question, preset, l.text);
	terminal_close(&t);
	memcpy(out, l.text, l.n + 1);
	return key == KEY_ENTER ? 0 : -1;
}

int prompt_line(const char *question, const char *preset, prompt_check *check, void *ctx, char out[static PROMPT_MAX])
{
	const char *wrong;

	fflush(stdout);
	for (;;) {
		if (can_draw() ? drawn_line(question, preset, out) : plain_line(question, preset, out))
			return -1;
		if (!*out && preset) {
			strncpy(out, preset, PROMPT_MAX - 1);
			out[PROMPT_MAX - 1] = '\0';
		}
		wrong = check ? check(ctx, out) : NULL;
		if (!wrong)
			return 0;
		fprintf(stderr, "  %s\n", wrong);
	}
}

/* A list of choices with its filter. */
struct list {
	const char *const *choices;
	size_t *shown; /* indices of the choices that match the filter */
	size_t n, n_shown;
	size_t at, top; /* indices into `shown`: the selected choice; the first one on the screen */
	struct line filter;
};

static void apply_filter(struct list *l)
{
	l->n_shown = 0;
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->choices[i], l->filter.text))
			l->shown[l->n_shown++] = i;
	l->at = l->top = 0;
}

static size_t window(const struct list *l)
{
	unsigned r = rows();
	size_t most = r > 4 ? r - 3 : 1;
	if (most > ROWS_SHOWN)
		most = ROWS_SHOWN;
	return l->n_shown < most ? l->n_shown : most;
}

static void draw_list(struct terminal *t, const char *question, struct list *l)
{
	unsigned width = columns(), room = width > 3 ? width - 3 : 1;
	struct buf out = {0}, head = {0};
	size_t n = window(l);

	if (l->at < l->top)
		l->top = l->at;
	if (n && l->at >= l->top + n)
		l->top = l->at - n + 1;
	put_restart(&out, t);
	buf_printf(&head, "%s %s", question, l->filter.text);
	put_clipped(&out, head.p ? head.p : "", width > 1 ? width - 1 : 1);
	t->drawn = 0;
	for (size_t i = l->top; i < l->top + n; i++) {
		buf_str(&out, i == l->at ? "\r\n\033[1m> " : "\r\n  ");
		put_clipped(&out, l->choices[l->shown[i]], room);
		buf_str(&out, i == l->at ? "\033[0m" : "");
		t->drawn++;
	}
	if (!n) {
		buf_str(&out, "\r\n  ");
		put_clipped(&out, "(no match)", room);
		t->drawn++;
	} else if (n < l->n_shown) {
		struct buf more = {0};
		buf_printf(&more, "%zu of %zu; type to search", l->at + 1, l->n_shown);
		buf_str(&out, "\r\n  ");
		put_clipped(&out, more.p ? more.p : "", room);
		buf_free(&more);
		t->drawn++;
	}
	buf_free(&head);
	draw(&out);
}

static void list_key(struct list *l, int key)
{
	size_t n = l->n_shown, page = window(l);

	switch (key) {
	case KEY_UP:
		l->at = l->at ? l->at - 1 : n ? n - 1 : 0;
		break;
	case KEY_DOWN:
		l->at = l->at + 1 < n ? l->at + 1 : 0;
		break;
	case KEY_PAGE_UP:
		l->at = l->at > page ? l->at - page : 0;
		break;
	case KEY_PAGE_DOWN:
		l->at = l->at + page < n ? l->at + page : n ? n - 1 : 0;
		break;
	case KEY_HOME:
		l->at = 0;
		break;
	case KEY_END:
		l->at = n ? n - 1 : 0;
		break;
	case KEY_BACKSPACE:
	case KEY_CLEAR:
		line_key(&l->filter, key);
		apply_filter(l);
		break;
	default:
		if (key >= 0x20) {
			line_key(&l->filter, key);
			apply_filter(l);
		}
	}
}

static int drawn_choice(const char *question, struct list *l, size_t preset, size_t *out)
{
	struct terminal t;
	int key;

	if (terminal_open(&t) < 0)
		return -1;
	apply_filter(l);
	l->at = preset;
	do {
		draw_list(&t, question, l);
		key = read_key(&t);
		list_key(l, key);
	} while (key != KEY_CANCEL && (key != KEY_ENTER || !l->n_shown));
	if (key == KEY_ENTER)
		*out = l->shown[l->at];
	draw_answered(&t, question, NULL, key == KEY_ENTER ? l->choices[*out] : "");
	terminal_close(&t);
	return key == KEY_ENTER ? 0 : -1;
}

struct names {
	const char *const *choices;
	size_t n;
};

/* Returns the index of the choice that equals the answer, or whose first word does. Returns n when there is none. */
static size_t index_of(const struct names *l, const char *answer)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->choices[i], answer) == 0)
			return i;
	for (size_t i = 0; i < l->n && *answer; i++)
		if (strcspn(l->choices[i], " ") == strlen(answer) && !strncmp(l->choices[i], answer, strlen(answer)))
			return i;
	return l->n;
}

static const char *check_choice(void *ctx, const char *answer)
{
	const struct names *l = ctx;
	return index_of(l, answer) < l->n ? NULL : "This is not one of the choices.";
}

int prompt_choose(const char *question, const char *const *choices, size_t n, size_t preset, size_t *out)
{
	struct list l = {.choices = choices, .n = n};
	struct names names = {choices, n};
	char answer[PROMPT_MAX];
	int rc;

	fflush(stdout);
	if (preset >= n)
		preset = 0;
	if (can_draw()) {
		l.shown = calloc(n, sizeof(*l.shown));
		rc = l.shown ? drawn_choice(question, &l, preset, out) : -1;
		free(l.shown);
		return rc;
	}
	for (size_t i = 0; i < n && i < 40; i++)
		fprintf(stderr, "  %s\n", choices[i]);
	if (n > 40)
		fprintf(stderr, "  and %zu more\n", n - 40);
	rc = prompt_line(question, choices[preset], check_choice, &names, answer);
	if (!rc)
		*out = index_of(&names, answer);
	return rc;
}
