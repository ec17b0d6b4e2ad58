/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_WIRE_H
#define FA_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <faas/types.h>

/*
 * A connected socket, plain or with TLS: bytes in, bytes out, never waiting,
 * never a SIGPIPE.
 */
struct fa_tls;

struct fa_wire {
	int fd;
	void *ssl; /* NULL: plain */
};

/* A certificate and its key, in PEM files. NULL on failure. */
struct fa_tls *fa_tls_create(const char *cert_file, const char *key_file, struct faas_error *err);
void fa_tls_destroy(struct fa_tls *tls);

/* Takes `fd`. 0 or -errno. */
int fa_wire_init(struct fa_wire *wire, int fd, struct fa_tls *tls);
void fa_wire_finish(struct fa_wire *wire);
/* Bytes read, 0: the other side has ended, -EAGAIN: not now, -errno: over. */
ssize_t fa_wire_read(struct fa_wire *wire, void *data, size_t size);
/* Bytes written, 0 or more; -errno: over. `more`: there is more to come at once. */
ssize_t fa_wire_write(struct fa_wire *wire, const void *data, size_t len, bool more);
/* Say that nothing more will be written. */
void fa_wire_shutdown(struct fa_wire *wire);

#endif
