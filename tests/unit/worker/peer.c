/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <support/test.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <worker/run.h>

#define PATIENCE_S 10

static void *map_area(int fd, size_t size)
{
	void *area;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	return area;
}

static size_t add_string(char *to, const char *text)
{
	strcpy(to, text ? text : "");
	return strlen(to) + 1;
}

static uint32_t write_strings(char *to, const struct peer_setup *setup)
{
	const char *const strings[] = {
		TEST_PLUGINS, "", "", "", setup->file, setup->method, setup->prototype, "name",
		"$LATEST", "arn:aws:lambda:local-1:000000000000:function:name", "000000000000",
		"local-1",
		"/aws/lambda/name", "Text", "",
	};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		len += add_string(to + len, strings[i]);
	if (setup->variable)
		len += add_string(to + len, setup->variable);
	return (uint32_t)(len + add_string(to + len, ""));
}

static _Noreturn void be_worker(const struct peer *peer, const struct peer_setup *setup,
				int request_fd, int response_fd, int bell_fd, int log_fd)
{
	static char strings[4096];
	struct fa_run run = {
		.request_fd = request_fd,
		.response_fd = response_fd,
		.bell_fd = bell_fd,
		.log_fd = log_fd,
		.page = peer->page,
		.strings = strings,
		.strings_len = write_strings(strings, setup),
		.memory_mb = setup->memory_mb ? setup->memory_mb : 128,
		.timeout_ms = 3000,
	};

	if (chdir(TEST_PLUGINS) < 0 || !fa_run_prepare(&run))
		_exit(99);
	fa_run(&run);
}

void peer_start(struct peer *peer, const struct peer_setup *setup)
{
	int request_fd = memfd_create("request", MFD_CLOEXEC), bell[2], log[2];
	int response_fd = memfd_create("response", MFD_CLOEXEC);

	memset(peer, 0, sizeof(*peer));
	peer->request = map_area(request_fd, FA_REQUEST_AREA);
	peer->response = map_area(response_fd, FA_RESPONSE_AREA);
	peer->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(peer->page, MAP_FAILED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, bell), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	peer->request->depth = setup->depth ? setup->depth : 1;
	atomic_store(&peer->request->host_cpu, UINT32_MAX);
	fflush(NULL);
	peer->pid = fork();
	if (!peer->pid)
		be_worker(peer, setup, request_fd, response_fd, bell[1], log[1]);
	assert_true(peer->pid > 0);
	peer->bell = bell[0];
	peer->log = log[0];
	close(request_fd);
	close(response_fd);
	close(bell[1]);
	close(log[1]);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t token_of(uint32_t seq)
{
	return UINT64_C(0x9e3779b97f4a7c15) * seq;
}

static struct fa_request_slot *fill_slot(struct peer *peer, uint32_t seq, const void *data,
					 size_t len, const char *meta, size_t meta_len)
{
	char *area = (char *)peer->request;
	struct fa_request_slot *slot =
		(void *)(area + FA_SLOTS_OFF + (seq & (peer->request->depth - 1)) * FA_SLOT_SIZE);

	slot->token = token_of(seq);
	slot->len = (uint32_t)len;
	slot->meta_len = (uint32_t)meta_len;
	slot->off = len + meta_len > FA_INLINE ? FA_BIG_OFF :
						 (uint32_t)((char *)slot->data - area);
	slot->deadline_ns = now_ns() + 3000000000;
	slot->deadline_ms = 1700000003000;
	strcpy(slot->request_id, "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
	memcpy(area + slot->off, data, len);
	if (meta_len)
		memcpy(area + slot->off + len, meta, meta_len);
	return slot;
}

static void rouse(struct peer *peer, uint32_t reason)
{
	_Atomic uint32_t *sleeping = &peer->response->sleeping;

	if (atomic_load(sleeping) != reason)
		return;
	atomic_store(sleeping, 0);
	syscall(SYS_futex, sleeping, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static uint32_t post(struct peer *peer, const void *data, size_t len, const char *meta,
		     size_t meta_len, uint32_t flags)
{
	uint32_t seq = ++peer->want;

	fill_slot(peer, seq, data, len, meta, meta_len)->flags = flags;
	atomic_store(&peer->request->posted_ns, (uint64_t)now_ns());
	atomic_store(&peer->request->seq, seq);
	rouse(peer, 1);
	return seq;
}

uint32_t peer_post(struct peer *peer, const void *data, size_t len, uint32_t flags)
{
	return post(peer, data, len, NULL, 0, flags);
}

uint32_t peer_post_meta(struct peer *peer, const char *text, const char *meta, size_t meta_len)
{
	return post(peer, text, strlen(text), meta, meta_len, 0);
}

static void await_seq(struct peer *peer, uint32_t seq)
{
	int64_t until = now_ns() + PATIENCE_S * INT64_C(1000000000);
	uint32_t seen;

	atomic_store(&peer->request->sleeping, 1);
	while ((int32_t)((seen = atomic_load(&peer->response->seq)) - seq) < 0) {
		struct timespec slice = { 0, 1000000 }; /* an asynchronous answer wakes nobody */

		if (now_ns() > until)
			fail_msg("no answer to request %u, the last was to %u", seq, seen);
		syscall(SYS_futex, &peer->response->seq, FUTEX_WAIT, seen, &slice, NULL, 0);
	}
	atomic_store(&peer->request->sleeping, 0);
}

const struct fa_response_slot *peer_await(struct peer *peer, uint32_t seq)
{
	const struct fa_response_slot *slot;
	uint32_t index = seq & (peer->request->depth - 1);

	await_seq(peer, seq);
	slot = (const void *)((char *)peer->response + FA_SLOTS_OFF + index * FA_SLOT_SIZE);
	assert_true(slot->token == token_of(seq));
	assert_true(slot->off == FA_BIG_OFF || slot->off >= FA_GIVEN_OFF ||
		    slot->off == (uint32_t)((char *)slot->data - (char *)peer->response));
	return slot;
}

const char *peer_payload(const struct peer *peer, const struct fa_response_slot *slot)
{
	size_t at = (size_t)((const char *)slot - (const char *)peer->response);
	const struct fa_request_slot *asked = (const void *)((const char *)peer->request + at);

	if (slot->off >= FA_GIVEN_OFF)
		return (const char *)peer->request + asked->off + (slot->off - FA_GIVEN_OFF);
	return (const char *)peer->response + slot->off;
}

const struct fa_response_slot *peer_ask(struct peer *peer, const char *text)
{
	return peer_await(peer, peer_post(peer, text, strlen(text), 0));
}

void peer_consumed(struct peer *peer, uint32_t seq)
{
	atomic_store(&peer->request->consumed, seq);
	rouse(peer, 2);
}

int peer_rings(struct peer *peer)
{
	char byte[8];
	int count = 0;

	while (recv(peer->bell, byte, sizeof(byte), MSG_DONTWAIT) == 1)
		count++;
	return count;
}

const char *peer_log(struct peer *peer, bool more)
{
	struct pollfd poller = { .fd = peer->log, .events = POLLIN };

	while (poll(&poller, 1, more ? PATIENCE_S * 1000 : 0) == 1) {
		ssize_t n = read(peer->log, peer->logged + peer->logged_len,
				 sizeof(peer->logged) - 1 - peer->logged_len);

		if (n <= 0)
			break;
		peer->logged_len += (size_t)n;
		more = false;
	}
	return peer->logged;
}

int peer_exit(struct peer *peer)
{
	int status = 0;

	assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
	peer->pid = 0;
	return status;
}

void peer_finish(struct peer *peer)
{
	if (peer->pid) {
		kill(peer->pid, SIGKILL);
		peer_exit(peer);
	}
	munmap(peer->request, FA_REQUEST_AREA);
	munmap(peer->response, FA_RESPONSE_AREA);
	munmap(peer->page, 4096);
	close(peer->bell);
	close(peer->log);
}
