/* SPDX-License-Identifier: MIT */
/*
 * Connections are in lists by what they do, oldest first. When there is no place for
 * one more, who goes is who waits longest for nothing: idle ones, then those whose
 * head does not come, then those that have not moved a byte for a second. So slow
 * clients drive out each other, and whoever speaks at once is served.
 */
#include <http/server.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/error.h>

#define ACCEPTS_PER_TURN 64
#define RETRY_NS 100000000LL
#define STALLED_NS 1000000000LL
#define SEND_BUFFER 262144

const struct fa_http_limits fa_http_limits_default = {
	.connections = 1024,
	.held = 256 << 20,
	.head_ms = 10000,
	.idle_ms = 60000,
	.patience_ms = 30000,
};

/* ---- who goes -------------------------------------------------------- */

static struct fa_conn *oldest(const struct fa_list *list)
{
	return fa_list_empty(list) ? NULL : fa_container(list->next, struct fa_conn, link);
}

static bool evict(struct fa_server *server, struct fa_conn *conn)
{
	if (!conn)
		return false;
	server->evicted++;
	fa_conn_close(conn);
	return true;
}

/* One without progress for a second, if there is one. */
static struct fa_conn *stalled(const struct fa_server *server)
{
	struct fa_conn *conn = oldest(&server->moving);

	return conn && fa_now(server->loop->clock) - conn->progress_ns >= STALLED_NS ? conn : NULL;
}

static bool make_place(struct fa_server *server)
{
	return server->count < server->limits.connections || evict(server, oldest(&server->idle)) ||
	       evict(server, oldest(&server->heading)) || evict(server, stalled(server));
}

void fa_server_make_room(struct fa_server *server, const struct fa_conn *conn)
{
	struct fa_list *pos, *tmp;

	fa_list_for_safe(pos, tmp, &server->moving)
	{
		if (server->held <= server->limits.held)
			return;
		if (fa_container(pos, struct fa_conn, link) != conn)
			evict(server, fa_container(pos, struct fa_conn, link));
	}
}

/* ---- accept ---------------------------------------------------------- */

static void refuse(struct fa_server *server, int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
				   "Content-Length: 0\r\nConnection: close\r\n\r\n";

	server->refused++;
	if (!server->tls)
		send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* Small packets at once; and the kernel keeps no megabytes for who does not read. */
static void tune(int fd)
{
	int one = 1, size = SEND_BUFFER;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* No descriptor is free: who is idle gives one back, else it is tried again soon. */
static bool out_of_descriptors(struct fa_server *server)
{
	if (evict(server, oldest(&server->idle)) || evict(server, oldest(&server->heading)))
		return true;
	fa_loop_timer(server->loop, &server->retry, fa_now(server->loop->clock) + RETRY_NS);
	return false;
}

/* Over IPv4 to a socket of IPv6 is over IPv4. */
static void unmap(union fa_peer *peer)
{
	struct in_addr address;

	if (peer->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr))
		return;
	memcpy(&address, &peer->in6.sin6_addr.s6_addr[12], sizeof(address));
	peer->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = address };
}

/* Returns whether there may be more. */
static bool accept_one(struct fa_server *server)
{
	union fa_peer peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = accept4(server->listener.fd, &peer.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		return out_of_descriptors(server);
	if (fd < 0)
		return errno != EAGAIN && errno != EINVAL && errno != EBADF;
	tune(fd);
	if (server->closing || !make_place(server)) {
		refuse(server, fd);
		return true;
	}
	server->accepted++;
	unmap(&peer);
	fa_conn_create(server, fd, &peer);
	return true;
}

static void accept_more(struct fa_server *server)
{
	for (int i = 0; i < ACCEPTS_PER_TURN; i++)
		if (!accept_one(server))
			return;
	fa_loop_rearm(server->loop, &server->listener); /* others of this loop come first */
}

static void on_listener(struct fa_watch *watch, uint32_t events)
{
	(void)events;
	accept_more(fa_container(watch, struct fa_server, listener));
}

static void on_retry(struct fa_timer *timer)
{
	accept_more(fa_container(timer, struct fa_server, retry));
}

/* ---- life ------------------------------------------------------------ */

int fa_server_open(struct fa_server *server, struct fa_loop *loop, const struct fa_http_door *door,
		   const struct fa_http_limits *limits, int fd, struct faas_error *err)
{
	int rc;

	server->loop = loop;
	server->mem = loop->mem;
	server->door = door;
	server->limits = *limits;
	server->listener = (struct fa_watch){ .fd = fd, .on_ready = on_listener };
	server->retry.on_due = on_retry;
	fa_list_init(&server->idle);
	fa_list_init(&server->heading);
	fa_list_init(&server->moving);
	fa_list_init(&server->working);
	rc = fd < 0 ? 0 : fa_loop_watch(loop, &server->listener);
	if (rc) {
		close(fd);
		server->listener.fd = -1;
		return fa_error_errno(err, -rc, "cannot watch the listening socket");
	}
	return 0;
}

static void say_closed(struct fa_call *call)
{
	struct fa_server *server = fa_container(call, struct fa_server, closed_call);

	server->on_closed(server);
}

static void check_closed(struct fa_server *server)
{
	if (!server->closing || server->count || server->closed_call.run)
		return;
	server->closed_call.run = say_closed;
	fa_loop_call(server->loop, &server->closed_call);
}

void fa_server_left(struct fa_server *server)
{
	server->count--;
	check_closed(server);
}

static void close_all(struct fa_list *list)
{
	while (!fa_list_empty(list))
		fa_conn_close(oldest(list));
}

void fa_server_close(struct fa_server *server, void (*on_closed)(struct fa_server *server))
{
	if (server->closing)
		return;
	server->closing = true;
	server->on_closed = on_closed;
	fa_loop_timer_stop(server->loop, &server->retry);
	if (server->listener.fd >= 0) {
		fa_loop_unwatch(server->loop, &server->listener);
		close(server->listener.fd);
		server->listener.fd = -1;
	}
	close_all(&server->idle);
	close_all(&server->heading);
	check_closed(server);
}

void fa_server_hurry(struct fa_server *server)
{
	server->hurried = true;
	close_all(&server->moving);
}
