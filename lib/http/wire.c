/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL would read and write the socket itself, and its write() may end the host by
 * SIGPIPE; so it gets a BIO of ours, which is recv() and send(). Everything is
 * edge-triggered above: whatever OpenSSL waits for, any event makes it go on.
 */
#include <http/wire.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <base/error.h>
#include <base/mem.h>

struct fa_tls {
	SSL_CTX *context;
	BIO_METHOD *method;
};

/* ---- the socket, as OpenSSL sees it ---------------------------------- */

static int bio_read(BIO *bio, char *data, int size)
{
	struct fa_wire *wire = BIO_get_data(bio);
	ssize_t n = recv(wire->fd, data, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct fa_wire *wire = BIO_get_data(bio);
	ssize_t n = send(wire->fd, data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "faas");

	if (!method)
		return NULL;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
	return method;
}

/* ---- TLS ------------------------------------------------------------- */

static int refuse(const char *what, const char *file, struct faas_error *err)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(error) ? strerrordesc_np(ERR_GET_REASON(error)) :
						       ERR_reason_error_string(error);

	fa_error(err, FAAS_EINVAL, "%s '%.120s' cannot be used: %s", what, file,
		 reason ? reason : "OpenSSL does not say why");
	ERR_clear_error();
	return FAAS_EINVAL;
}

static int load(struct fa_tls *tls, const char *cert_file, const char *key_file,
		struct faas_error *err)
{
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_use_certificate_chain_file(tls->context, cert_file) != 1)
		return refuse("the certificate", cert_file, err);
	if (SSL_CTX_use_PrivateKey_file(tls->context, key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls->context) != 1)
		return refuse("the key", key_file, err);
	return 0;
}

struct fa_tls *fa_tls_create(const char *cert_file, const char *key_file, struct faas_error *err)
{
	struct fa_tls *tls = fa_alloc(&fa_mem_libc, sizeof(*tls));

	if (!tls) {
		fa_error_nomem(err);
		return NULL;
	}
	ERR_clear_error();
	tls->context = SSL_CTX_new(TLS_server_method());
	tls->method = make_method();
	if (!tls->context || !tls->method)
		fa_error_nomem(err);
	else if (!load(tls, cert_file, key_file, err))
		return tls;
	fa_tls_destroy(tls);
	return NULL;
}

void fa_tls_destroy(struct fa_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->method);
	fa_free(tls);
}

/* ---- the wire -------------------------------------------------------- */

int fa_wire_init(struct fa_wire *wire, int fd, struct fa_tls *tls)
{
	BIO *bio;

	wire->fd = fd;
	wire->ssl = NULL;
	if (!tls)
		return 0;
	wire->ssl = SSL_new(tls->context);
	bio = wire->ssl ? BIO_new(tls->method) : NULL;
	if (!bio) {
		fa_wire_finish(wire);
		return -ENOMEM;
	}
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	SSL_set_bio(wire->ssl, bio, bio);
	SSL_set_accept_state(wire->ssl);
	return 0;
}

void fa_wire_finish(struct fa_wire *wire)
{
	if (wire->ssl)
		SSL_free(wire->ssl);
	if (wire->fd >= 0)
		close(wire->fd);
	wire->ssl = NULL;
	wire->fd = -1;
}

/* What a call that did not succeed means: 0, -EAGAIN or -EPROTO. */
static ssize_t judge_tls(struct fa_wire *wire, int rc)
{
	int why = SSL_get_error(wire->ssl, rc);

	ERR_clear_error(); /* the queue is the thread's, and the host may use it */
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -EPROTO;
}

ssize_t fa_wire_read(struct fa_wire *wire, void *data, size_t size)
{
	size_t n;
	ssize_t rc;
	int ok;

	if (wire->ssl) {
		ERR_clear_error();
		ok = SSL_read_ex(wire->ssl, data, size, &n);
		return ok ? (ssize_t)n : judge_tls(wire, ok);
	}
	do
		rc = recv(wire->fd, data, size, 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

ssize_t fa_wire_write(struct fa_wire *wire, const void *data, size_t len, bool more)
{
	size_t n;
	ssize_t rc;
	int ok;

	if (!len)
		return 0;
	if (wire->ssl) {
		ERR_clear_error();
		ok = SSL_write_ex(wire->ssl, data, len, &n);
		rc = ok ? (ssize_t)n : judge_tls(wire, ok);
		return rc == -EAGAIN ? 0 : !ok && !rc ? -EPIPE : rc;
	}
	do
		rc = send(wire->fd, data, len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	while (rc < 0 && errno == EINTR);
	return rc >= 0 ? rc : errno == EAGAIN ? 0 : -errno;
}

void fa_wire_shutdown(struct fa_wire *wire)
{
	if (wire->ssl)
		SSL_shutdown(wire->ssl);
	ERR_clear_error();
	shutdown(wire->fd, SHUT_WR);
}
