/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_CONNECTION_H
#define FA_HTTP_CONNECTION_H

#include <netinet/in.h>

#include <base/clock.h>
#include <base/list.h>
#include <base/loop.h>
#include <http/parser.h>
#include <http/wire.h>

/*
 * One connection, and the one request on it that is being read, waited for or
 * answered: the next is not looked at before. All of it is [loop].
 */
struct fa_server;
struct fa_conn;

/* Who the requests are for. */
struct fa_http_door {
	/*
	 * The head is there: how long may the body be? Or refuse: answer, and the
	 * body is not wanted. NULL: no bodies.
	 */
	size_t (*on_head)(void *data, struct fa_conn *conn, const struct fa_http_request *request);
	/*
	 * The request is there, valid until this returns. It must be answered, exactly
	 * once, in here or later, whether or not the client waits.
	 */
	void (*on_request)(void *data, struct fa_conn *conn, const struct fa_http_request *request);
	/* What came is no request: answer with this status. NULL: an empty answer. */
	void (*on_broken)(void *data, struct fa_conn *conn, int status);
	void *data;
};

enum fa_conn_state {
	FA_CONN_IDLE,      /* between two requests */
	FA_CONN_HEAD,      /* a head is coming */
	FA_CONN_BODY,      /* a body is coming */
	FA_CONN_WAITING,   /* the door has the request */
	FA_CONN_STREAMING, /* the door has begun its answer */
	FA_CONN_SENDING,   /* the answer is complete and has still to be sent */
	FA_CONN_LINGERING, /* the last answer is sent; the client may not have read it */
	FA_CONN_GONE,      /* the client is gone, the door has still to answer */
	FA_CONN_DEAD,      /* to be freed */
};

/* Where a client is; of another family: it came by no network. */
union fa_peer {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct fa_conn {
	struct fa_http_caller caller; /* fa_conn_answer() for who need not know of connections */
	struct fa_watch watch;
	struct fa_timer deadline;
	struct fa_list link; /* in the list of the server that fits the state */
	struct fa_server *server;
	struct fa_wire wire;
	struct fa_http_parser parser;
	enum fa_conn_state state;

	bool turning;  /* inside go_on() */
	bool readable; /* there may be more to read */
	bool ended;    /* the client will send no more */
	bool last;     /* no request after this one */
	bool http10, head_only, chunked;
	union fa_peer peer; /* as it was accepted: a socket that was reset does not know it */

	char *rest; /* read, but of the next request */
	size_t rest_at, rest_len;
	char *out; /* what the socket has not taken */
	size_t out_at, out_len, out_size;
	int64_t since_ns;    /* body or answer began */
	int64_t progress_ns; /* a byte of it was moved */
	uint64_t moved;      /* bytes of it since then */
	size_t held;         /* our part of server->held */

	void (*on_gone)(void *data, struct fa_conn *conn);
	void (*on_drained)(void *data, struct fa_conn *conn);
	void *gone_data, *drained_data;
};

/* What every connection's caller begins as. */
extern const struct fa_http_caller fa_conn_caller;

/* Takes `fd`, also on failure. 0 or a code. */
int fa_conn_create(struct fa_server *server, int fd, const union fa_peer *peer);
/* Whether the client is on this machine, and came by its loopback interface. */
bool fa_conn_is_local(const struct fa_conn *conn);
/* Whatever it does, unless the door has its request: then when that is answered. */
void fa_conn_close(struct fa_conn *conn);

/* The whole answer. Content-Length, Date and Connection are added; copied. */
void fa_conn_answer(struct fa_conn *conn, int status, const struct fa_http_field *fields,
		    int field_count, struct faas_bytes body);

/* An answer in pieces: chunked, or to a client of HTTP/1.0 until the connection ends. */
void fa_conn_begin(struct fa_conn *conn, int status, const struct fa_http_field *fields,
		   int field_count);
void fa_conn_write(struct fa_conn *conn, struct faas_bytes piece);
void fa_conn_end(struct fa_conn *conn, const struct fa_http_field *trailers, int trailer_count);
/* Bytes of it that the client has not taken: write no more while there are many. */
size_t fa_conn_pending(const struct fa_conn *conn);
/* While streaming: told when nothing is pending any more. */
void fa_conn_on_drained(struct fa_conn *conn, void (*on_drained)(void *data, struct fa_conn *conn),
			void *data);
/*
 * While the door has the request: told, once, when the client is gone, or has said
 * that it will send no more, which a client that goes cannot be told from. It has to
 * be answered nevertheless, and the latter may still read it.
 */
void fa_conn_on_gone(struct fa_conn *conn, void (*on_gone)(void *data, struct fa_conn *conn),
		     void *data);

#endif
