#include "reconcile/edge/device/wgnl.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int family_message(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTRL_ATTR_FAMILY_ID + 1];

	if (nl_attrs(nlh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_FAMILY_ID) < 0)
		return -EBADMSG;
	return nl_get(tb[CTRL_ATTR_FAMILY_ID], ctx, sizeof(uint16_t)) < 0 ? -EBADMSG : 0;
}

int wgnl_family(struct nl *genl, uint16_t *out)
{
	_Alignas(struct nlmsghdr) char bytes[NL_REQUEST_MAX];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	int err;

	nlh->nlmsg_type = GENL_ID_CTRL;
	g->cmd = CTRL_CMD_GETFAMILY;
	g->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	*out = 0;
	err = nl_request(genl, nlh, family_message, out);
	if (err < 0)
		return err;
	return *out ? 0 : -EBADMSG;
}

/* struct sockaddr_in or sockaddr_in6; another family is no endpoint that we could show. */
static int read_endpoint(const struct nlattr *attr, struct sockpoint *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	sa_family_t family;

	memset(out, 0, sizeof(*out));
	if (mnl_attr_get_payload_len(attr) < sizeof(family))
		return -EBADMSG;
	memcpy(&family, mnl_attr_get_payload(attr), sizeof(family));
	if (family == AF_INET && nl_get(attr, &v4, sizeof(v4)) == 0) {
		memcpy(out->ip.b, mapped, sizeof(mapped));
		memcpy(out->ip.b + 12, &v4.sin_addr, 4);
		out->port = ntohs(v4.sin_port);
	} else if (family == AF_INET6 && nl_get(attr, &v6, sizeof(v6)) == 0) {
		memcpy(out->ip.b, &v6.sin6_addr, 16);
		out->port = ntohs(v6.sin6_port);
		out->scope = v6.sin6_scope_id;
	}
	return 0;
}

static int read_allowed(void *build, const struct nlattr *nest)
{
	const struct nlattr *tb[WGALLOWEDIP_A_MAX + 1];
	struct prefix p = {.base.b = {[10] = 0xff, [11] = 0xff}};
	uint16_t family;
	uint8_t len;

	if (nl_nested(nest, tb, WGALLOWEDIP_A_MAX) < 0 ||
	    nl_get(tb[WGALLOWEDIP_A_FAMILY], &family, sizeof(family)) < 0 ||
	    nl_get(tb[WGALLOWEDIP_A_CIDR_MASK], &len, sizeof(len)) < 0)
		return -EBADMSG;
	if (family == AF_INET && len <= 32 && nl_get(tb[WGALLOWEDIP_A_IPADDR], p.base.b + 12, 4) == 0)
		p.len = 96 + len;
	else if (family == AF_INET6 && len <= 128 && nl_get(tb[WGALLOWEDIP_A_IPADDR], p.base.b, 16) == 0)
		p.len = len;
	else
		return -EBADMSG;
	return device_build_allowed(build, &p);
}

static int read_psk(const struct nlattr *attr, bool *out)
{
	uint8_t psk[KEY_LEN];

	if (nl_get(attr, psk, sizeof(psk)) < 0)
		return -EBADMSG;
	*out = !sodium_is_zero(psk, sizeof(psk));
	sodium_memzero(psk, sizeof(psk));
	return 0;
}

static int read_peer(void *build, const struct nlattr *nest)
{
	const struct nlattr *tb[WGPEER_A_MAX + 1], *attr;
	struct __kernel_timespec handshake;
	struct device_peer *p;
	struct key key;

	if (nl_nested(nest, tb, WGPEER_A_MAX) < 0 || nl_get(tb[WGPEER_A_PUBLIC_KEY], key.b, KEY_LEN) < 0)
		return -EBADMSG;
	p = device_build_peer(build, &key);
	if (!p)
		return -ENOMEM;
	/* The second part of a peer has its key and allowed IPs alone. */
	if (tb[WGPEER_A_PRESHARED_KEY] && read_psk(tb[WGPEER_A_PRESHARED_KEY], &p->has_psk) < 0)
		return -EBADMSG;
	if (tb[WGPEER_A_ENDPOINT] && read_endpoint(tb[WGPEER_A_ENDPOINT], &p->endpoint) < 0)
		return -EBADMSG;
	attr = tb[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL];
	if (attr && nl_get(attr, &p->keepalive, sizeof(p->keepalive)) < 0)
		return -EBADMSG;
	attr = tb[WGPEER_A_LAST_HANDSHAKE_TIME];
	if (attr) {
		if (nl_get(attr, &handshake, sizeof(handshake)) < 0)
			return -EBADMSG;
		p->handshake = handshake.tv_sec;
	}
	if ((tb[WGPEER_A_RX_BYTES] && nl_get(tb[WGPEER_A_RX_BYTES], &p->rx, sizeof(p->rx)) < 0) ||
	    (tb[WGPEER_A_TX_BYTES] && nl_get(tb[WGPEER_A_TX_BYTES], &p->tx, sizeof(p->tx)) < 0))
		return -EBADMSG;
	return tb[WGPEER_A_ALLOWEDIPS] ? nl_each(tb[WGPEER_A_ALLOWEDIPS], read_allowed, build) : 0;
}

int wgnl_message(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[WGDEVICE_A_MAX + 1];
	struct device_build *b = ctx;

	if (nl_attrs(nlh, sizeof(struct genlmsghdr), tb, WGDEVICE_A_MAX) < 0)
		return -EBADMSG;
	/* The private key is in the message too; this function does not read it, and netlink.c wipes the message. */
	if (tb[WGDEVICE_A_PUBLIC_KEY]) {
		if (nl_get(tb[WGDEVICE_A_PUBLIC_KEY], b->public_key.b, KEY_LEN) < 0)
			return -EBADMSG;
		b->has_key = true;
	}
	if ((tb[WGDEVICE_A_LISTEN_PORT] &&
	     nl_get(tb[WGDEVICE_A_LISTEN_PORT], &b->listen_port, sizeof(b->listen_port)) < 0) ||
	    (tb[WGDEVICE_A_FWMARK] && nl_get(tb[WGDEVICE_A_FWMARK], &b->fwmark, sizeof(b->fwmark)) < 0))
		return -EBADMSG;
	return tb[WGDEVICE_A_PEERS] ? nl_each(tb[WGDEVICE_A_PEERS], read_peer, b) : 0;
}

static void build_begin(void *ctx)
{
	device_build_reset(ctx);
}

int wgnl_get(uint16_t family, uint32_t index, struct device_build *b)
{
	_Alignas(struct nlmsghdr) char bytes[NL_REQUEST_MAX];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

	nlh->nlmsg_type = family;
	g->cmd = WG_CMD_GET_DEVICE;
	g->version = WG_GENL_VERSION;
	mnl_attr_put_u32(nlh, WGDEVICE_A_IFINDEX, index);
	return nl_dump(NETLINK_GENERIC, nlh, build_begin, wgnl_message, b);
}

/* A SET as it grows, a peer in it, and its allowed IPs; NULL: not begun. */
struct writer {
	_Alignas(struct nlmsghdr) char bytes[NETLINK_MESSAGE];
	uint16_t family;
	uint32_t index;
	struct nlmsghdr *nlh;
	struct nlattr *peers, *peer, *allowed;
	wgnl_emit_fn *emit;
	void *ctx;
};

/* Upper bounds of what one step writes. */
#define DEVICE_ROOM  128 /* headers, the index, and one value of the device */
#define PEER_ROOM    192 /* two keys, flags, a sockaddr_in6, the keepalive, the nests */
#define ALLOWED_ROOM 64  /* a nest with family, 16 bytes of address, length */

static void writer_start(struct writer *w)
{
	struct genlmsghdr *g;

	if (w->nlh)
		return;
	w->nlh = mnl_nlmsg_put_header(w->bytes);
	w->nlh->nlmsg_type = w->family;
	g = mnl_nlmsg_put_extra_header(w->nlh, sizeof(*g));
	g->cmd = WG_CMD_SET_DEVICE;
	g->version = WG_GENL_VERSION;
	mnl_attr_put_u32(w->nlh, WGDEVICE_A_IFINDEX, w->index);
}

static void end_nest(struct writer *w, struct nlattr **nest)
{
	if (*nest)
		mnl_attr_nest_end(w->nlh, *nest);
	*nest = NULL;
}

static int writer_flush(struct writer *w)
{
	int err;

	if (!w->nlh)
		return 0;
	end_nest(w, &w->allowed);
	end_nest(w, &w->peer);
	end_nest(w, &w->peers);
	err = w->emit(w->ctx, w->nlh);
	w->nlh = NULL;
	return err;
}

static int writer_room(struct writer *w, size_t n)
{
	if (w->nlh && sizeof(w->bytes) - w->nlh->nlmsg_len < n) {
		int err = writer_flush(w);

		if (err < 0)
			return err;
	}
	writer_start(w);
	return 0;
}

static int start_peer(struct writer *w, const struct key *key, uint32_t flags)
{
	int err = writer_room(w, PEER_ROOM);

	if (err < 0)
		return err;
	if (!w->peers)
		w->peers = mnl_attr_nest_start(w->nlh, WGDEVICE_A_PEERS);
	w->peer = mnl_attr_nest_start(w->nlh, 0);
	mnl_attr_put(w->nlh, WGPEER_A_PUBLIC_KEY, KEY_LEN, key->b);
	if (flags)
		mnl_attr_put_u32(w->nlh, WGPEER_A_FLAGS, flags);
	return 0;
}

static void put_endpoint(struct writer *w, const struct sockpoint *e)
{
	if (addr_is_v4(&e->ip)) {
		struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e->port)};

		memcpy(&v4.sin_addr, e->ip.b + 12, 4);
		mnl_attr_put(w->nlh, WGPEER_A_ENDPOINT, sizeof(v4), &v4);
	} else {
		struct sockaddr_in6 v6 = {
		    .sin6_family = AF_INET6, .sin6_port = htons(e->port), .sin6_scope_id = e->scope};

		memcpy(&v6.sin6_addr, e->ip.b, 16);
		mnl_attr_put(w->nlh, WGPEER_A_ENDPOINT, sizeof(v6), &v6);
	}
}

static int put_allowed(struct writer *w, const struct device_peer *p)
{
	for (uint32_t i = 0; i < p->n_allowed; i++) {
		const struct prefix *a = &p->allowed[i];
		bool v4 = prefix_is_v4(a);
		struct nlattr *nest;
		int err;

		if (sizeof(w->bytes) - w->nlh->nlmsg_len < ALLOWED_ROOM) {
			err = writer_flush(w);
			/* The same peer goes on; replacing again would drop what was sent so far. */
			if (err == 0)
				err = start_peer(w, &p->key, WGPEER_F_UPDATE_ONLY);
			if (err < 0)
				return err;
		}
		if (!w->allowed)
			w->allowed = mnl_attr_nest_start(w->nlh, WGPEER_A_ALLOWEDIPS);
		nest = mnl_attr_nest_start(w->nlh, 0);
		mnl_attr_put_u16(w->nlh, WGALLOWEDIP_A_FAMILY, v4 ? AF_INET : AF_INET6);
		mnl_attr_put(w->nlh, WGALLOWEDIP_A_IPADDR, v4 ? 4 : 16, v4 ? a->base.b + 12 : a->base.b);
		mnl_attr_put_u8(w->nlh, WGALLOWEDIP_A_CIDR_MASK, (uint8_t)prefix_wire_len(a));
		mnl_attr_nest_end(w->nlh, nest);
	}
	return 0;
}

static int put_peer(struct writer *w, const struct op *op)
{
	static const uint8_t no_psk[KEY_LEN];
	const struct device_peer *p = op->after;
	bool add = op->kind == OP_PEER_ADD;
	uint32_t flags;
	int err;

	if (op->kind == OP_PEER_REMOVE) {
		err = start_peer(w, &op->before->key, WGPEER_F_REMOVE_ME);
		if (err == 0)
			end_nest(w, &w->peer);
		return err;
	}
	/* A peer that went meanwhile is not made again by halves. */
	flags = (add ? 0 : WGPEER_F_UPDATE_ONLY) | (add || op->set_allowed ? WGPEER_F_REPLACE_ALLOWEDIPS : 0);
	err = start_peer(w, &p->key, flags);
	if (err < 0)
		return err;
	if (op->clear_psk)
		mnl_attr_put(w->nlh, WGPEER_A_PRESHARED_KEY, KEY_LEN, no_psk);
	if ((add || op->set_endpoint) && p->endpoint.port)
		put_endpoint(w, &p->endpoint);
	if (add ? p->keepalive != 0 : op->set_keepalive)
		mnl_attr_put_u16(w->nlh, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive);
	if (add || op->set_allowed)
		err = put_allowed(w, p);
	if (err < 0)
		return err;
	end_nest(w, &w->allowed);
	end_nest(w, &w->peer);
	return 0;
}

/* A value of the device, in a message of its own: its attributes come before the peers'. */
static int put_device(struct writer *w, const struct op *op, const uint8_t *private_key)
{
	int err = w->peers ? writer_flush(w) : writer_room(w, DEVICE_ROOM);

	if (err < 0)
		return err;
	writer_start(w);
	switch (op->kind) {
	case OP_KEY_SET:
		if (!private_key)
			return -EINVAL;
		mnl_attr_put(w->nlh, WGDEVICE_A_PRIVATE_KEY, KEY_LEN, private_key);
		return 0;
	case OP_PORT_SET:
		mnl_attr_put_u16(w->nlh, WGDEVICE_A_LISTEN_PORT, (uint16_t)op->new_value);
		return 0;
	case OP_FWMARK_SET:
		mnl_attr_put_u32(w->nlh, WGDEVICE_A_FWMARK, op->new_value);
		return 0;
	case OP_PEER_REMOVE:
	case OP_PEER_CHANGE:
	case OP_PEER_ADD:
		break; /* put_peer() */
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

int wgnl_write(uint16_t family, uint32_t index, const struct op *ops, uint32_t n, const uint8_t *private_key,
	       wgnl_emit_fn *emit, void *ctx)
{
	struct writer w;
	int err = 0;

	w.family = family;
	w.index = index;
	w.nlh = NULL;
	w.peers = w.peer = w.allowed = NULL;
	w.emit = emit;
	w.ctx = ctx;
	for (uint32_t i = 0; i < n && err == 0; i++) {
		err = op_rows[ops[i].kind].subject == ABOUT_PEER ? put_peer(&w, &ops[i])
								 : put_device(&w, &ops[i], private_key);
	}
	if (err == 0)
		err = writer_flush(&w);
	sodium_memzero(w.bytes, sizeof(w.bytes));
	return err;
}

static int send_set(void *ctx, struct nlmsghdr *nlh)
{
	return nl_request(ctx, nlh, NULL, NULL);
}

int wgnl_set(struct nl *genl, uint16_t family, uint32_t index, const struct op *ops, uint32_t n,
	     const uint8_t *private_key)
{
	return wgnl_write(family, index, ops, n, private_key, send_set, genl);
}
