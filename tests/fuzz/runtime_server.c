/* SPDX-License-Identifier: MIT */
/*
 * The server of the Runtime API, with the protocol behind it, beside a client that sends whatever
 * bytes, in two pieces, and breaks off. It stays bounded, and the next client is served.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <worker/program/runtime_api.h>
#include <worker/program/server.h>

#define PREFIX "/2018-06-01/runtime/"

const char fuzz_promise[] = "the_next_client_is_served_whatever_one_sends";

const char *const fuzz_corpus[] = {
	"GET " PREFIX "invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST " PREFIX "invocation/id/response HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	"GET " PREFIX "invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST " PREFIX "init/error HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Function-Error-Type: "
	"A.B\r\nContent-Length: 2\r\n\r\n{}",
	"POST " PREFIX "invocation/id/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
	"chunked\r\n"
	"Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: "
	"Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n0\r\n"
	"Lambda-Runtime-Function-Error-Type: X.Y\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
	NULL,
};

static struct fa_server server;
static struct fa_runtime_api api;
static struct sockaddr_in address;
static int answered, pieces;
static struct fa_connection *stream; /* whose answer comes in parts */
static bool stalled;

/* There is always an event, and after each result a runtime as it was in the beginning. */
static void begin(void)
{
	static const struct faas_context context = { .request_id = "id", .invoked_arn = "arn" };

	stream = NULL;
	stalled = false;
	fa_runtime_init(&api);
	fa_runtime_offer(&api, &context, (struct faas_bytes){ "{}", 2 });
}

static bool on_head(void *data, struct fa_connection *from, const struct fa_http_request *request)
{
	(void)data;
	if (!fa_runtime_begin(&api, request, true))
		return false;
	PROPERTY(!stream);
	stream = from;
	return true;
}

/* Of every third piece but a half, as if there were no more room. */
static size_t on_piece(void *data, struct fa_connection *from, struct faas_bytes piece)
{
	size_t taken = ++pieces % 3 ? piece.len : piece.len / 2;

	(void)data;
	PROPERTY(from == stream && piece.len);
	stalled = taken < piece.len;
	return taken;
}

static void on_request(void *data, struct fa_connection *from,
		       const struct fa_http_request *request)
{
	static struct fa_runtime_answer answer;
	enum fa_runtime_step step = FA_RUNTIME_RESULT;

	(void)data;
	memset(&answer, 0, sizeof(answer));
	if (from == stream)
		fa_runtime_end(&api, request, &answer);
	else
		step = fa_runtime_take(&api, request, &answer);
	PROPERTY(step != FA_RUNTIME_WAIT);
	PROPERTY(answer.status >= 200 && answer.status < 600);
	PROPERTY(answer.field_count <= FA_RUNTIME_FIELDS);
	fa_server_answer(from, answer.status, answer.fields, answer.field_count, answer.body);
	answered++;
	if (step == FA_RUNTIME_RESULT)
		begin();
}

/* All others are answered at once. */
static void on_gone(void *data, struct fa_connection *from)
{
	(void)data;
	PROPERTY(from == stream);
	fa_runtime_cut(&api);
	begin();
}

static void open_once(void)
{
	if (address.sin_family)
		return;
	address = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	server.on_head = on_head;
	server.on_piece = on_piece;
	server.on_request = on_request;
	server.on_gone = on_gone;
	PROPERTY(!fa_server_open(&server, &address));
	begin();
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	PROPERTY(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void drain(void)
{
	fa_server_drain(&server);
	while (stalled) {
		stalled = false;
		fa_server_resume(stream);
		fa_server_drain(&server);
	}
}

static void hand_over(int fd, const void *data, size_t len)
{
	send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	drain();
	PROPERTY(server.count <= FA_SERVER_CONNECTIONS);
}

/* What went over a socket, even of the same machine, may be there a little later. */
static bool comes_to(const int *counter, int wanted)
{
	for (int looks = 0; *counter != wanted && looks < 100000; looks++) {
		drain();
		if (*counter != wanted)
			usleep(100);
	}
	return *counter == wanted;
}

/* At once, and no port waits for what may still come. */
static void hang_up(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
		   sizeof(struct linger));
	close(fd);
	PROPERTY(comes_to(&server.count, 0));
}

static void expect_service(void)
{
	static const char request[] = "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n";
	char answer[512];
	int before = answered, fd = dial();

	hand_over(fd, request, sizeof(request) - 1);
	PROPERTY(comes_to(&answered, before + 1));
	PROPERTY(recv(fd, answer, sizeof(answer), 0) > 13);
	PROPERTY(!memcmp(answer, "HTTP/1.1 200 ", 13));
	hang_up(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size ? data[size - 1] % size : 0;
	static int rounds;
	int fd;

	open_once();
	fd = dial();
	hand_over(fd, data, cut);
	hand_over(fd, data + cut, size - cut);
	hang_up(fd);
	if (!(rounds++ % 64))
		expect_service();
	return 0;
}
