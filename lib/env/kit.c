/* SPDX-License-Identifier: MIT */
/*
 * A kit costs about 30 microseconds, a seventh of a cold start, so a few are
 * made ahead (pool.c). Its first pages are touched here for the same reason.
 */
#include <env/kit.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/list.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define TOUCHED 8192 /* the slots of the first events, too */

static int make_memfd(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && ftruncate(fd, (off_t)size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *map(int fd, size_t size, int prot, int touch)
{
	void *area = mmap(NULL, size, prot, MAP_SHARED, fd, 0);

	if (area == MAP_FAILED)
		return NULL;
	madvise(area, size, MADV_DONTFORK);
	madvise(area, TOUCHED, touch);
	return area;
}

static int make_areas(struct fa_kit *kit)
{
	const int fixed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	kit->request_fd = make_memfd("faas-request", FA_REQUEST_AREA);
	kit->response_fd = make_memfd("faas-response", FA_RESPONSE_AREA);
	if (kit->request_fd < 0 || kit->response_fd < 0)
		return -1;
	kit->request = map(kit->request_fd, FA_REQUEST_AREA, PROT_READ | PROT_WRITE,
			   MADV_POPULATE_WRITE);
	kit->response = map(kit->response_fd, FA_RESPONSE_AREA, PROT_READ | PROT_WRITE,
			    MADV_POPULATE_READ);
	if (!kit->request || !kit->response)
		return -1;
	if (fcntl(kit->request_fd, F_ADD_SEALS, fixed | F_SEAL_FUTURE_WRITE) < 0)
		return -1;
	return fcntl(kit->response_fd, F_ADD_SEALS, fixed);
}

/* Nobody may send us descriptors; where the kernel cannot refuse, recv() drops them. */
static int make_bell(struct fa_kit *kit)
{
	int pair[2], off = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	kit->bell = pair[0];
	kit->bell_worker = pair[1];
	setsockopt(kit->bell, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	return 0;
}

static int make_log(struct fa_kit *kit)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	kit->log = pair[0];
	kit->log_worker = pair[1];
	return fcntl(kit->log, F_SETFL, O_NONBLOCK);
}

struct fa_kit *fa_kit_create(const struct fa_mem *mem)
{
	struct fa_kit *kit = fa_alloc(mem, sizeof(*kit));

	if (!kit) {
		errno = ENOMEM;
		return NULL;
	}
	kit->request_fd = kit->response_fd = kit->bell = kit->bell_worker = -1;
	kit->log = kit->log_worker = -1;
	if (make_areas(kit) < 0 || make_bell(kit) < 0 || make_log(kit) < 0)
		goto fail;
	kit->request->depth = 1;
	return kit;

fail:
	fa_kit_destroy(kit);
	return NULL;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fa_kit_sent(struct fa_kit *kit)
{
	close_one(&kit->request_fd);
	close_one(&kit->response_fd);
	close_one(&kit->bell_worker);
	close_one(&kit->log_worker);
}

void fa_kit_destroy(struct fa_kit *kit)
{
	int saved = errno;

	if (!kit)
		return;
	fa_kit_sent(kit);
	close_one(&kit->bell);
	close_one(&kit->log);
	if (kit->request)
		munmap(kit->request, FA_REQUEST_AREA);
	if (kit->response)
		munmap(kit->response, FA_RESPONSE_AREA);
	fa_free(kit);
	errno = saved;
}

static void destroy_buried(struct fa_call *call)
{
	fa_kit_destroy(fa_container(call, struct fa_kit, buried));
}

/* It costs as much as a fifth of a cold start, and the next one waits for the pool's lock. */
void fa_kit_bury(struct fa_kit *kit, struct fa_loop *loop)
{
	if (!kit)
		return;
	kit->buried.run = destroy_buried;
	fa_loop_call(loop, &kit->buried);
}
