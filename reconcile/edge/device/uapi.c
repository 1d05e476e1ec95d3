#include "reconcile/edge/device/uapi.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

void uapi_path(const char *ifname, char out[static UAPI_PATH_LEN])
{
	snprintf(out, UAPI_PATH_LEN, UAPI_DIR "/%.*s.sock", NETWORK_MAX_LEN, ifname);
}

int uapi_connect(const char *ifname)
{
	struct timeval patience = {.tv_sec = DEVICE_ANSWER_SECONDS};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char path[UAPI_PATH_LEN];
	int fd, err;

	_Static_assert(UAPI_PATH_LEN <= sizeof(at.sun_path), "a socket's path fits");
	uapi_path(ifname, path);
	memcpy(at.sun_path, path, sizeof(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* A decimal number that is nothing but digits, at most `max`. */
static int number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9' || digit > max || v > (max - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

static int hex_key(const char *s, uint8_t out[static KEY_LEN])
{
	size_t n = 0;

	if (strlen(s) != 2 * KEY_LEN || sodium_hex2bin(out, KEY_LEN, s, 2 * KEY_LEN, NULL, &n, NULL) != 0 ||
	    n != KEY_LEN)
		return -1;
	return 0;
}

static int read_private_key(struct device_build *b, const char *value)
{
	uint8_t private_key[KEY_LEN];
	int err = hex_key(value, private_key);

	/* An interface without a key shows zeros. */
	if (err == 0 && !sodium_is_zero(private_key, KEY_LEN)) {
		b->has_key = true;
		x25519_public(private_key, &b->public_key);
	}
	sodium_memzero(private_key, sizeof(private_key));
	return err;
}

static int read_psk(struct device_peer *p, const char *value)
{
	uint8_t psk[KEY_LEN];
	int err = hex_key(value, psk);

	if (err == 0)
		p->has_psk = !sodium_is_zero(psk, KEY_LEN);
	sodium_memzero(psk, sizeof(psk));
	return err;
}

/*
 * "[fe80::1%eth0]:51820" has a zone that is a name; only a number says something here. What cannot be an
 * endpoint of ours (a relay's own notation) counts as none.
 */
static void read_endpoint(struct device_peer *p, const char *value)
{
	const char *zone = strchr(value, '%'), *close = strchr(value, ']');
	char plain[UAPI_LINE_MAX];
	uint64_t scope = 0;

	memset(&p->endpoint, 0, sizeof(p->endpoint));
	if (zone && close && zone < close) {
		char digits[UAPI_LINE_MAX];

		snprintf(digits, sizeof(digits), "%.*s", (int)(close - zone - 1), zone + 1);
		if (number(digits, UINT32_MAX, &scope) < 0)
			scope = 0;
		snprintf(plain, sizeof(plain), "%.*s%s", (int)(zone - value), value, close);
		value = plain;
	}
	if (sockpoint_parse(value, strlen(value), &p->endpoint) < 0)
		memset(&p->endpoint, 0, sizeof(p->endpoint));
	else
		p->endpoint.scope = (uint32_t)scope;
}

static int read_allowed(struct device_build *b, const char *value)
{
	struct prefix p;

	if (prefix_parse(value, strlen(value), &p) == PREFIX_SYNTAX)
		return -EBADMSG;
	return device_build_allowed(b, &p);
}

static int read_peer_value(struct device_build *b, const char *name, const char *value)
{
	struct device_peer *p = &b->peers[b->n_peers - 1];
	uint64_t v;

	if (strcmp(name, "preshared_key") == 0)
		return read_psk(p, value);
	if (strcmp(name, "allowed_ip") == 0)
		return read_allowed(b, value);
	if (strcmp(name, "endpoint") == 0) {
		read_endpoint(p, value);
		return 0;
	}
	if (strcmp(name, "persistent_keepalive_interval") == 0) {
		if (number(value, UINT16_MAX, &v) < 0)
			return -1;
		p->keepalive = (uint16_t)v;
	} else if (strcmp(name, "last_handshake_time_sec") == 0) {
		if (number(value, INT64_MAX, &v) < 0)
			return -1;
		p->handshake = (int64_t)v;
	} else if (strcmp(name, "rx_bytes") == 0) {
		return number(value, UINT64_MAX, &p->rx);
	} else if (strcmp(name, "tx_bytes") == 0) {
		return number(value, UINT64_MAX, &p->tx);
	}
	return 0; /* new keys may come with time, as protocol_version did */
}

static int read_value(struct device_build *b, const char *name, const char *value)
{
	struct key key;
	uint64_t v;

	if (strcmp(name, "public_key") == 0) {
		uint32_t before = b->n_peers;

		if (hex_key(value, key.b) < 0)
			return -1;
		if (!device_build_peer(b, &key))
			return -ENOMEM;
		return b->n_peers == before ? -1 : 0; /* here a peer is never split */
	}
	if (b->n_peers)
		return read_peer_value(b, name, value);
	if (strcmp(name, "private_key") == 0)
		return read_private_key(b, value);
	if (strcmp(name, "listen_port") == 0) {
		if (number(value, UINT16_MAX, &v) < 0)
			return -1;
		b->listen_port = (uint16_t)v;
	} else if (strcmp(name, "fwmark") == 0) {
		if (number(value, UINT32_MAX, &v) < 0)
			return -1;
		b->fwmark = (uint32_t)v;
	}
	return 0;
}

static int read_line(struct uapi_reply *r, char *line)
{
	char *value = strchr(line, '=');
	uint64_t v;
	int err;

	if (r->ended) {
		r->done = true;
		return *line ? -EBADMSG : 0;
	}
	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	if (strcmp(line, "errno") == 0) {
		/* Negative from wireguard-go, positive in other implementations. */
		if (number(value + (*value == '-'), 4095, &v) < 0)
			return -EBADMSG;
		r->error = -(int)v;
		r->ended = true;
		return 0;
	}
	if (!r->build)
		return -EBADMSG;
	err = read_value(r->build, line, value);
	return err == -ENOMEM ? err : err < 0 ? -EBADMSG : 0;
}

int uapi_reply_feed(struct uapi_reply *r, const void *bytes, size_t n)
{
	const char *p = bytes;

	r->total += n;
	if (r->total > UAPI_REPLY_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n && !r->done; i++) {
		int err;

		if (p[i] == '\0' || (p[i] != '\n' && r->n == sizeof(r->line) - 1))
			return -EBADMSG;
		if (p[i] != '\n') {
			r->line[r->n++] = p[i];
			continue;
		}
		r->line[r->n] = '\0';
		r->n = 0;
		err = read_line(r, r->line);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Reads up to the empty line. */
static int receive(int fd, struct device_build *b)
{
	struct uapi_reply reply = {.build = b};
	char bytes[4096];
	int err = 0;

	while (!reply.done && err == 0) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else if (n == 0)
			err = -ECONNRESET; /* it ended in the middle of its answer */
		else
			err = uapi_reply_feed(&reply, bytes, (size_t)n);
	}
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(&reply.line, sizeof(reply.line));
	return err < 0 ? err : reply.error;
}

static int send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

int uapi_get(int fd, struct device_build *b)
{
	int err = send_all(fd, "get=1\n\n", 7);

	return err < 0 ? err : receive(fd, b);
}

static int send_transaction(void *ctx, const char *text, size_t n)
{
	int fd = uapi_connect(ctx);
	int err;

	if (fd < 0)
		return fd;
	err = send_all(fd, text, n);
	if (err == 0)
		err = receive(fd, NULL);
	close(fd);
	return err;
}

int uapi_set(const char *ifname, const struct op *ops, uint32_t n, const uint8_t *private_key)
{
	char name[NETWORK_MAX_LEN + 1];

	snprintf(name, sizeof(name), "%s", ifname);
	return uapi_write(ops, n, private_key, send_transaction, name);
}

/* A transaction as it grows: a fixed block, so that no copy of a key stays behind in the heap. */
struct writer {
	char text[NETLINK_MESSAGE];
	size_t n;
	uapi_emit_fn *emit;
	void *ctx;
};

/* The longest line there is ("endpoint=" or "private_key=" and its value), and the closing empty one. */
#define LINE_ROOM 128

static int writer_flush(struct writer *w)
{
	int err;

	if (!w->n)
		return 0;
	w->text[w->n++] = '\n';
	err = w->emit(w->ctx, w->text, w->n);
	sodium_memzero(w->text, w->n);
	w->n = 0;
	return err;
}

static void put(struct writer *w, const char *name, const char *value)
{
	if (!w->n)
		w->n = (size_t)snprintf(w->text, sizeof(w->text), "set=1\n");
	w->n += (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, "%s=%s\n", name, value);
}

static void put_number(struct writer *w, const char *name, uint32_t v)
{
	char s[16];

	snprintf(s, sizeof(s), "%u", v);
	put(w, name, s);
}

static void put_key(struct writer *w, const char *name, const uint8_t key[static KEY_LEN])
{
	char hex[2 * KEY_LEN + 1];

	put(w, name, sodium_bin2hex(hex, sizeof(hex), key, KEY_LEN));
	sodium_memzero(hex, sizeof(hex));
}

static int put_allowed(struct writer *w, const struct device_peer *p)
{
	put(w, "replace_allowed_ips", "true");
	for (uint32_t i = 0; i < p->n_allowed; i++) {
		char s[PREFIX_STR_LEN];
		int err;

		if (sizeof(w->text) - w->n < 3 * LINE_ROOM) {
			err = writer_flush(w);
			if (err < 0)
				return err;
			put_key(w, "public_key", p->key.b);
			put(w, "update_only", "true");
		}
		prefix_format(&p->allowed[i], s);
		put(w, "allowed_ip", s);
	}
	return 0;
}

static int put_peer(struct writer *w, const struct op *op)
{
	static const uint8_t no_psk[KEY_LEN];
	const struct device_peer *p = op->after;
	bool add = op->kind == OP_PEER_ADD;
	char endpoint[SOCKPOINT_STR_LEN];

	put_key(w, "public_key", op->kind == OP_PEER_REMOVE ? op->before->key.b : p->key.b);
	if (!add)
		put(w, "update_only", "true"); /* one that went meanwhile is not made again by halves */
	if (op->kind == OP_PEER_REMOVE) {
		put(w, "remove", "true");
		return 0;
	}
	if (op->clear_psk)
		put_key(w, "preshared_key", no_psk);
	if ((add || op->set_endpoint) && p->endpoint.port) {
		sockpoint_format(&p->endpoint, endpoint);
		put(w, "endpoint", endpoint);
	}
	/*
	 * For each peer, whether or not it changes: wireguard-go 0.0.20220316 remembers that one was turned on, and sends
	 * a keepalive, or an initiation, to all that follow in the request without this line (pkaOn in device/uapi.go).
	 */
	put_number(w, "persistent_keepalive_interval", p->keepalive);
	return add || op->set_allowed ? put_allowed(w, p) : 0;
}

static int put_op(struct writer *w, const struct op *op, const uint8_t *private_key)
{
	switch (op->kind) {
	case OP_KEY_SET:
		if (!private_key)
			return -EINVAL;
		put_key(w, "private_key", private_key);
		return 0;
	case OP_PORT_SET:
		put_number(w, "listen_port", op->new_value);
		return 0;
	case OP_FWMARK_SET:
		put_number(w, "fwmark", op->new_value);
		return 0;
	case OP_PEER_REMOVE:
	case OP_PEER_CHANGE:
	case OP_PEER_ADD:
		return put_peer(w, op);
	case OP_LINK_ADD:
	case OP_LINK_MTU:
	case OP_LINK_UP:
	case OP_LINK_DEL:
	case OP_ADDRESS_ADD:
	case OP_ADDRESS_DEL:
	case OP_ROUTE_ADD:
	case OP_ROUTE_DEL:
	case N_OP_KINDS:
		break; /* rtnetlink's */
	}
	return -EINVAL;
}

int uapi_write(const struct op *ops, uint32_t n, const uint8_t *private_key, uapi_emit_fn *emit, void *ctx)
{
	struct writer w;
	int err = 0;

	w.n = 0;
	w.emit = emit;
	w.ctx = ctx;
	for (uint32_t i = 0; i < n && err == 0; i++) {
		/* What stands before the first peer is the device's: it never follows one in a transaction. */
		bool device = op_rows[ops[i].kind].subject != ABOUT_PEER;

		if (sizeof(w.text) - w.n < 8 * LINE_ROOM || (device && i))
			err = writer_flush(&w);
		if (err == 0)
			err = put_op(&w, &ops[i], private_key);
	}
	if (err == 0)
		err = writer_flush(&w);
	sodium_memzero(w.text, sizeof(w.text));
	return err;
}
