/* SPDX-License-Identifier: MIT */
/*
 * What became of events that failed, for whoever looks after it: GET /queues/NAME counts and shows
 * what lies in a queue, POST /queues/NAME/again sends its dead letters back to their
 * functions. --queue and --again ask a server that runs for just that.
 */
#include "server.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "/queues/"
#define AGAIN "/again"
#define SHOWN 100 /* messages */
#define MOVED 1000
#define ANSWER_S 60

/* ---- of this server -------------------------------------------------- */

static json_t *attributes_of(const struct faas_message *message)
{
	json_t *attributes = json_loads(message->attributes, 0, NULL);

	return attributes ? attributes : json_object();
}

static bool add_message(void *data, const struct faas_message *message)
{
	json_array_append_new(
		data, json_pack("{sI ss si ss so so}", "id", (json_int_t)message->id, "sent",
				time_of(message->sent_ms), "tries", message->tries, "source",
				message->source, "attributes", attributes_of(message), "body",
				text_of(message->body.data, message->body.len)));
	return json_array_size(data) < SHOWN;
}

/* NULL: err says why. */
static json_t *look(struct faas *rt, const char *queue, struct faas_error *err)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };
	json_t *messages = json_array();

	if (!faas_queue_stats(rt, queue, &stats, err) &&
	    !faas_peek(rt, queue, add_message, messages, err))
		return json_pack("{sI sI so}", "visible", (json_int_t)stats.visible, "hidden",
				 (json_int_t)stats.hidden, "messages", messages);
	json_decref(messages);
	return NULL;
}

static json_t *send_again(struct faas *rt, const char *queue, struct faas_error *err)
{
	int moved = 0;

	if (faas_move(rt, queue, NULL, MOVED, &moved, err))
		return NULL;
	return json_pack("{si}", "moved", moved);
}

static void answer(struct faas_http_page *page, int status, json_t *json)
{
	static const char *const headers[] = { "Content-Type: application/json",
					       "Cache-Control: no-store", NULL };
	char *text = json_dumps(json, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = text ? status : 500, .headers = headers,
						 .body = { text, len }),
			 false);
	free(text);
	json_decref(json);
}

/* The queue that a request is about, as an address, and whether it is to be sent again. */
static bool understand(const struct faas_http_message *request, char address[128], bool *again)
{
	const char *name = request->target + strlen(PATH);
	size_t len;

	*again = !strcmp(request->method, "POST");
	if (strncmp(request->target, PATH, strlen(PATH)) ||
	    (!*again && strcmp(request->method, "GET")))
		return false;
	len = strlen(name);
	if (*again && (len < strlen(AGAIN) || strcmp(name + len - strlen(AGAIN), AGAIN)))
		return false;
	len -= *again ? strlen(AGAIN) : 0;
	return snprintf(address, 128, "queue:%.*s", (int)len, name) < 128;
}

bool queues_know(const struct faas_http_message *request)
{
	char address[128];
	bool again;

	return understand(request, address, &again);
}

void queues_show(struct faas *rt, struct faas_http_page *page,
		 const struct faas_http_message *request)
{
	struct faas_error err = { 0 };
	char address[128];
	bool again;
	json_t *reply;

	understand(request, address, &again);
	reply = again ? send_again(rt, address, &err) : look(rt, address, &err);
	answer(page, reply ? 200 : 400,
	       reply ? reply : json_pack("{ss}", "message", err.message));
}

/* ---- of another ------------------------------------------------------ */

static int connect_to(const char *host, int port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct addrinfo *found = NULL;
	char service[8];
	int fd = -1;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found))
		return -1;
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* With a certificate only who has that one is spoken to. */
static BIO *speak(int fd, const char *cert)
{
	BIO *stream = BIO_new_socket(fd, BIO_CLOSE);
	SSL_CTX *tls;

	if (cert) {
		tls = SSL_CTX_new(TLS_client_method());
		X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls), X509_V_FLAG_PARTIAL_CHAIN);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
		if (SSL_CTX_load_verify_file(tls, cert) != 1)
			options_refuse("there is no certificate in", cert);
		stream = BIO_push(BIO_new_ssl(tls, 1), stream);
		SSL_CTX_free(tls);
	}
	return BIO_push(BIO_new(BIO_f_buffer()), stream);
}

/* The status, and the body is printed; 0: there is none. */
static int print_answer(BIO *server)
{
	char part[4096];
	int status = 0;

	if (BIO_gets(server, part, sizeof(part)) > 0)
		sscanf(part, "HTTP/1.%*d %d", &status);
	while (BIO_gets(server, part, sizeof(part)) > 0 && strcmp(part, "\r\n") != 0)
		;
	while (BIO_gets(server, part, sizeof(part)) > 0)
		fputs(part, status == 200 ? stdout : stderr);
	if (status)
		fputc('\n', status == 200 ? stdout : stderr);
	return status;
}

int queues_ask(const struct faas_http_config *door, const char *queue, bool again)
{
	const char *host = door->host ? door->host : "127.0.0.1";
	const char *credentials = keys_credentials();
	int fd = connect_to(host, door->port), status;
	BIO *server;

	if (fd < 0) {
		fprintf(stderr, "lambda-server: there is no server at %s, port %d\n", host,
			door->port);
		return 1;
	}
	server = speak(fd, door->cert_file);
	BIO_printf(server, "%s %s%s%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n",
		   again ? "POST" : "GET", PATH, queue, again ? AGAIN : "");
	if (credentials)
		BIO_printf(server, "Authorization: %s\r\n", credentials);
	BIO_puts(server, "Connection: close\r\n\r\n");
	(void)BIO_flush(server);
	status = print_answer(server);
	BIO_free_all(server);
	if (!status)
		fprintf(stderr, "lambda-server: no answer from %s, port %d, by %s\n", host,
			door->port, door->cert_file ? "https with that --cert" : "http");
	return status == 200 ? 0 : 1;
}
