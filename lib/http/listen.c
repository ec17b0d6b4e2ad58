/* SPDX-License-Identifier: MIT */
/*
 * The public door: a socket, a server on it, the API behind it. It belongs to the
 * runtime, which closes it in its own time: first nobody new is let in, then what is
 * under way gets its answer, at last nobody waits for readers any more.
 */
#include <faas/http.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/error.h>
#include <base/options.h>
#include <http/api.h>
#include <http/guard.h>
#include <http/listen.h>
#include <http/server.h>
#include <model/package/location.h>
#include <model/url.h>

#define BACKLOG 512

/* ---- sockets --------------------------------------------------------- */

static int cannot_listen(const char *where, struct faas_error *err)
{
	char what[160];

	snprintf(what, sizeof(what), "cannot listen on %.120s", where);
	fa_error_errno(err, errno, what);
	return -1;
}

static int listen_at(const struct sockaddr *address, socklen_t len, const char *where,
		     struct faas_error *err)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd >= 0 && address->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && !bind(fd, address, len) && !listen(fd, BACKLOG))
		return fd;
	cannot_listen(where, err);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int listen_on_port(const struct faas_http_config *c, struct faas_error *err)
{
	const char *host = c->host ? c->host : "127.0.0.1";
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found;
	char port[12], where[120];
	int fd, rc;

	snprintf(port, sizeof(port), "%d", c->port);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc) {
		fa_error(err, FAAS_EINVAL, "'%.80s' is no address: %s", host, gai_strerror(rc));
		return -1;
	}
	snprintf(where, sizeof(where), "%.90s, port %s", host, port);
	fd = listen_at(found->ai_addr, found->ai_addrlen, where, err);
	freeaddrinfo(found);
	return fd;
}

/* Of a program that did not remove it; one that somebody listens on is left alone. */
static void remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat info;

	if (fd >= 0 && !lstat(address->sun_path, &info) && S_ISSOCK(info.st_mode) &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	if (fd >= 0)
		close(fd);
}

static int listen_on_path(const char *path, struct faas_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		fa_error(err, FAAS_EINVAL, "the path of a socket has at most %zu characters",
			 sizeof(address.sun_path) - 1);
		return -1;
	}
	strcpy(address.sun_path, path);
	remove_stale(&address);
	return listen_at((struct sockaddr *)&address, sizeof(address), path, err);
}

static int port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0 || address.any.sa_family == AF_UNIX)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port
						       : address.in.sin_port);
}

/* ---- the door of the server ------------------------------------------ */

static size_t on_head(void *data, struct fa_conn *conn, const struct fa_http_request *request)
{
	struct faas_http *http = data;
	struct fa_api_way way = fa_api_find(&http->api, request);
	struct faas_error err = { 0 };

	if (!fa_guard_check(request, fa_conn_is_local(conn), fa_api_is_open(way), http->names,
			    &err))
		return fa_api_body_max(way);
	fa_api_refuse(&http->rt->mem, &conn->caller, &err, NULL, NULL);
	return 0;
}

static void on_request(void *data, struct fa_conn *conn, const struct fa_http_request *request)
{
	struct faas_http *http = data;
	struct fa_api_way way = fa_api_find(&http->api, request);

	if (way.to == FA_WAY_NONE && http->on_page && fa_page_show(http, conn, request))
		return;
	fa_api_serve(&http->api, &conn->caller, request, way);
}

static void on_broken(void *data, struct fa_conn *conn, int status)
{
	struct faas_http *http = data;

	fa_api_refuse_status(&http->rt->mem, &conn->caller, status);
}

/* ---- life ------------------------------------------------------------ */

static void free_http(struct faas_http *http)
{
	fa_tls_destroy(http->tls);
	fa_chores_finish(&http->chores);
	fa_gateway_finish(&http->gateway);
	if (http->stop_fd >= 0)
		close(http->stop_fd);
	if (http->path)
		unlink(http->path);
	fa_free(http->path);
	fa_free(http->names);
	fa_free(http);
}

static void free_door(struct fa_door *door)
{
	free_http(fa_container(door, struct faas_http, door));
}

/* Who was told to close is done with it; else somebody may still be inside. */
static void end_if_done(struct faas_http *http)
{
	struct faas *rt = http->rt;

	http->door.ended = http->ended && !http->serving;
	if (!http->door.ended)
		return;
	if (http->left) {
		fa_list_remove(&http->door.link);
		free_http(http);
	}
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

void fa_http_served(struct faas_http *http)
{
	http->serving--;
	end_if_done(http);
}

static void on_closed(struct fa_server *server)
{
	struct faas_http *http = fa_container(server, struct faas_http, server);

	http->ended = true;
	end_if_done(http);
}

/* [loop] Of the runtime: it closes; `hurry`: now. */
static void close_door(struct fa_door *door, bool hurry)
{
	struct faas_http *http = fa_container(door, struct faas_http, door);

	fa_server_close(&http->server, on_closed);
	if (hurry)
		fa_server_hurry(&http->server);
}

static void arrive(struct fa_call *call)
{
	struct faas_http *http = fa_container(call, struct faas_http, call);

	fa_list_append(&http->rt->doors, &http->door.link);
	if (http->rt->closing)
		close_door(&http->door, http->rt->finishing);
}

static void leave(struct fa_call *call)
{
	struct faas_http *http = fa_container(call, struct faas_http, close_call);

	http->left = true;
	close_door(&http->door, false);
	end_if_done(http);
}

static int check(const struct faas_http_config *c, struct faas_error *err)
{
	if (c->port < FAAS_NONE || c->port > 65535)
		return fa_error(err, FAAS_EINVAL, "port is %d: must be between 0 and 65535",
				c->port);
	if (!c->cert_file != !c->key_file)
		return fa_error(err, FAAS_EINVAL, "a certificate and its key go together");
	if (c->url && (strlen(c->url) > FA_URL_BASE_MAX || !strstr(c->url, "://") ||
		       c->url[strlen(c->url) - 1] == '/'))
		return fa_error(err, FAAS_EINVAL,
				"url is '%.80s': must be \"scheme://host[:port]\" of at most %d "
				"characters",
				c->url, FA_URL_BASE_MAX);
	if (c->max_connections < 0 || c->max_buffer_mb < 0)
		return fa_error(err, FAAS_EINVAL,
				"max_connections and max_buffer_mb cannot be negative");
	return 0;
}

/* What URLs of functions and of code begin with, for clients of this machine or as the host says */
static void place_urls(struct faas_http *http, const struct faas_http_config *c)
{
	const char *host = c->host ? c->host : "127.0.0.1";
	char base[FA_URL_MAX];
	bool any = !strcmp(host, "::") || !strcmp(host, "0.0.0.0"), colon = strchr(host, ':');

	if (!c->url && !http->port)
		return;
	if (c->url)
		snprintf(base, sizeof(base), "%s", c->url);
	else
		snprintf(base, sizeof(base), "%s://%s%s%s:%d", http->tls ? "https" : "http",
			 !any && colon ? "[" : "", any ? "127.0.0.1" : host,
			 !any && colon ? "]" : "", http->port);
	if (strlen(base) > FA_URL_BASE_MAX)
		return;
	fa_url_place(&http->rt->registry, base);
	fa_packages_place(&http->rt->packages, http->rt->clock, base);
}

static int open_http(struct faas_http *http, const struct faas_http_config *c, int fd,
		     struct faas_error *err)
{
	struct fa_http_limits limits = fa_http_limits_default;
	static const struct fa_http_door door = { on_head, on_request, on_broken, NULL };

	if (c->max_connections)
		limits.connections = c->max_connections;
	if (c->max_buffer_mb)
		limits.held = (size_t)c->max_buffer_mb << 20;
	if (c->cert_file) {
		http->tls = fa_tls_create(c->cert_file, c->key_file, err);
		if (!http->tls) {
			if (fd >= 0)
				close(fd);
			return FAAS_EINVAL;
		}
	}
	http->server.tls = http->tls;
	http->server_door = door;
	http->server_door.data = http;
	if (fd >= 0) {
		http->port = port_of(fd);
		http->stop_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	place_urls(http, c);
	return fa_server_open(&http->server, &http->rt->loop, &http->server_door, &limits, fd, err);
}

static struct faas_http *alloc_http(struct faas *rt, const struct faas_http_config *c,
				    struct faas_error *err)
{
	struct faas_http *http = fa_alloc(&rt->mem, sizeof(*http));
	char *path = fa_strdup(&rt->mem, c->path), *names = fa_strdup(&rt->mem, c->names);

	if (!http || (c->path && !path) || (c->names && !names)) {
		fa_free(path);
		fa_free(names);
		fa_free(http);
		fa_error_nomem(err);
		return NULL;
	}
	http->rt = rt;
	http->door.close = close_door;
	http->door.free = free_door;
	http->stop_fd = -1;
	http->call.run = arrive;
	http->close_call.run = leave;
	http->api = (struct fa_api){ .rt = rt,
				     .keys = { c->secret_of, c->data },
				     .role_of = c->role_of,
				     .gateway = &http->gateway,
				     .chores = &http->chores };
	fa_gateway_init(&http->gateway, &rt->mem);
	fa_chores_init(&http->chores, &rt->loop);
	fa_list_init(&http->door.link);
	http->path = path;
	http->names = names;
	http->on_page = c->on_page;
	http->data = c->data;
	return http;
}

static struct faas_http *create(struct faas *rt, const struct faas_http_config *c,
				struct faas_error *err)
{
	struct faas_http *http;
	int fd = -1;

	if (c->path || c->port != FAAS_NONE) {
		fd = c->path ? listen_on_path(c->path, err) : listen_on_port(c, err);
		if (fd < 0)
			return NULL;
	}
	http = alloc_http(rt, c, err);
	if (!http && fd >= 0)
		close(fd);
	if (!http || !open_http(http, c, fd, err))
		return http;
	free_http(http);
	return NULL;
}

struct faas_http *faas_http_listen(struct faas *rt, const struct faas_http_config *config,
				   struct faas_error *err)
{
	struct faas_http *http;
	struct faas_http_config c;

	config = config ? config : FAAS_HTTP();
	if (!rt) {
		fa_error(err, FAAS_EINVAL, "a runtime is required");
		return NULL;
	}
	if (fa_options_copy(&c, sizeof(c), config, "FAAS_HTTP", err) < 0 || check(&c, err) < 0 ||
	    fa_enter(rt, err) < 0)
		return NULL;
	http = create(rt, &c, err);
	if (http)
		fa_loop_call(&rt->loop, &http->call);
	fa_leave(rt); /* it arrives before the runtime ends */
	return http;
}

int faas_http_route(struct faas_http *http, const struct faas_http_route *route,
		    struct faas_error *err)
{
	struct faas_http_route r;
	int rc;

	if (!http)
		return fa_error(err, FAAS_EINVAL, "a door is required");
	rc = fa_options_copy(&r, sizeof(r), route, "FAAS_HTTP_ROUTE", err);
	if (!rc && !r.route)
		rc = fa_error(err, FAAS_EINVAL, "a route is required");
	if (!rc)
		rc = fa_enter(http->rt, err);
	if (rc)
		return rc;
	rc = fa_gateway_set(&http->gateway, &r, err);
	fa_leave(http->rt);
	return rc;
}

int faas_http_port(const struct faas_http *http)
{
	return http ? http->port : 0;
}

void faas_http_close(struct faas_http *http)
{
	struct faas *rt = http ? http->rt : NULL;

	if (!http || fa_enter(rt, NULL) < 0)
		return; /* the runtime does it */
	if (http->stop_fd >= 0)
		shutdown(http->stop_fd, SHUT_RDWR); /* nobody is let in from now on */
	fa_loop_call(&rt->loop, &http->close_call);
	fa_leave(rt);
}
