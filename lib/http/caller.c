/* SPDX-License-Identifier: MIT */
/* A connection for who need not know of connections. */
#include <http/connection.h>

#include <arpa/inet.h>

#include <http/server.h>

#define PENDING_MAX 262144 /* of an answer in pieces: the next ones wait */

static void answer_caller(struct fa_http_caller *caller, int status,
			  const struct fa_http_field *fields, int field_count,
			  struct faas_bytes body)
{
	fa_conn_answer(fa_container(caller, struct fa_conn, caller), status, fields, field_count,
		       body);
}

static void on_more(void *data, struct fa_conn *conn)
{
	(void)data;
	if (conn->caller.resume)
		conn->caller.resume(conn->caller.resume_data);
}

static void begin_caller(struct fa_http_caller *caller, int status,
			 const struct fa_http_field *fields, int field_count)
{
	struct fa_conn *conn = fa_container(caller, struct fa_conn, caller);

	fa_conn_on_drained(conn, on_more, NULL);
	fa_conn_on_gone(conn, on_more, NULL);
	fa_conn_begin(conn, status, fields, field_count);
}

static bool write_caller(struct fa_http_caller *caller, struct faas_bytes piece)
{
	struct fa_conn *conn = fa_container(caller, struct fa_conn, caller);

	fa_conn_write(conn, piece);
	return fa_conn_pending(conn) <= PENDING_MAX;
}

/* A client that is owed more and sees the connection end knows that it did not get all. */
static void end_caller(struct fa_http_caller *caller, bool whole)
{
	struct fa_conn *conn = fa_container(caller, struct fa_conn, caller);

	caller->resume = NULL;
	if (!whole)
		fa_conn_close(conn);
	fa_conn_end(conn, NULL, 0);
}

static void source_of_caller(const struct fa_http_caller *caller, char out[FA_SOURCE_MAX])
{
	const union fa_peer *peer = &fa_container(caller, struct fa_conn, caller)->peer;

	if (peer->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &peer->in.sin_addr, out, FA_SOURCE_MAX);
	else if (peer->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &peer->in6.sin6_addr, out, FA_SOURCE_MAX);
}

/* Who comes from a loopback address has come to one. */
bool fa_conn_is_local(const struct fa_conn *conn)
{
	if (conn->peer.any.sa_family == AF_INET)
		return ntohl(conn->peer.in.sin_addr.s_addr) >> 24 == 127;
	return conn->peer.any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&conn->peer.in6.sin6_addr);
}

const struct fa_http_caller fa_conn_caller = { .answer = answer_caller,
					       .source = source_of_caller,
					       .begin = begin_caller,
					       .write = write_caller,
					       .end = end_caller };
