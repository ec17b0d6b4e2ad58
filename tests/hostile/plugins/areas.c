/* SPDX-License-Identifier: MIT */
/* A peer that attacks the areas and the bell themselves rather than the words on them. */
#include "raw.h"

static uint64_t noise(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Random bytes all over the response area, for ever. */
RAW(scribble_over_the_response)
{
	uint64_t state = 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&raw;
	uint64_t *words = (uint64_t *)raw->response;

	while (for_ever) {
		for (size_t i = 0; i < (FA_SLOTS_OFF + FA_DEPTH * FA_SLOT_SIZE) / 8; i++)
			words[i] = noise(&state);
		raw_wake(raw);
		raw_ring(raw);
	}
	return 0;
}

/* Right sequence number, right token, and everything else random. */
RAW(scribble_over_the_slot)
{
	uint64_t state = 0x2545f4914f6cdd1du ^ (uint64_t)raw->question->token;
	uint32_t *words = (uint32_t *)raw->answer;

	for (size_t i = 2; i < FA_SLOT_SIZE / 4; i++)
		words[i] = (uint32_t)noise(&state);
	raw->answer->token = raw->question->token;
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

struct rewriter {
	struct raw *raw;
	char letter;
	uint32_t len;
};

/* Head and payload flip between two versions while the host reads. */
static void *rewrite(void *arg)
{
	struct rewriter *me = arg;
	char *big = (char *)me->raw->response + FA_BIG_OFF;

	while (for_ever) {
		me->raw->answer->len = me->len;
		memset(big, me->letter, 4096);
		me->raw->answer->len = 0xffffffffu;
		me->raw->answer->off = 0xfffff000u;
		me->raw->answer->off = FA_BIG_OFF;
	}
	return NULL;
}

RAW(rewrite_the_answer_while_it_is_read)
{
	static struct rewriter writers[2];
	pthread_t thread;

	raw_prepare(raw, "");
	raw->answer->off = FA_BIG_OFF;
	raw->answer->len = 1000;
	for (int i = 0; i < 2; i++) {
		writers[i] = (struct rewriter){ raw, (char)('a' + i), 1000u + (uint32_t)i * 1000 };
		pthread_create(&thread, NULL, rewrite, &writers[i]);
	}
	for (int i = 0; i < 1000; i++)
		raw->answer->token = raw->question->token;
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

RAW(write_to_the_request)
{
	*(volatile uint32_t *)&raw->request->depth = 16;
	return faas_puts(ctx, "\"allowed\"");
}

/* mprotect, remap, reopen: every way to a writable view of the request area. */
RAW(make_the_request_writable)
{
	char path[64];
	bool through = mprotect(raw->request, 4096, PROT_READ | PROT_WRITE) == 0;

	for (int fd = 0; fd < 256; fd++) {
		void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		const off_t size = lseek(fd, 0, SEEK_END);

		if (size != (off_t)FA_REQUEST_AREA)
			continue;
		through |= map != MAP_FAILED;
		through |= pwrite(fd, "x", 1, 0) == 1;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		fd = open(path, O_RDWR);
		through |= fd >= 0 && pwrite(fd, "x", 1, 0) == 1;
	}
	return report(ctx, through);
}

static void punch(int fd, off_t size)
{
	IGNORE(ftruncate(fd, 0) < 0);
	IGNORE(ftruncate(fd, size * 2) < 0);
	IGNORE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size) < 0);
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
}

/* Shrink, grow and punch holes into both areas; a host that then faults is lost. */
RAW(take_the_areas_away)
{
	for (int fd = 3; fd < 256; fd++) {
		const off_t size = lseek(fd, 0, SEEK_END);

		if (size == (off_t)FA_REQUEST_AREA || size == (off_t)FA_RESPONSE_AREA)
			punch(fd, size);
	}
	madvise(raw->request, FA_REQUEST_AREA, MADV_REMOVE);
	madvise(raw->response, FA_RESPONSE_AREA, MADV_REMOVE);
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

RAW(unmap_the_areas_and_hang)
{
	munmap(raw->request, FA_REQUEST_AREA);
	munmap(raw->response, FA_RESPONSE_AREA);
	wait_for_ever();
}

/* Everything under the worker's feet is gone; its own code faults next. */
RAW(unmap_the_areas_and_return)
{
	munmap(raw->response, FA_RESPONSE_AREA);
	munmap(raw->request, FA_REQUEST_AREA);
	return faas_puts(ctx, "\"done\"");
}

/* ---- bell and futex -------------------------------------------------- */

RAW(ring_for_ever)
{
	while (for_ever)
		raw_ring(raw);
	return 0;
}

static void ask(const struct raw *raw, uint32_t kind, uint32_t len, const char *name)
{
	const struct fa_question head = { .serial = 1, .kind = kind, .len = len };
	char message[100];

	memcpy(message, &head, sizeof(head));
	strcpy(message + sizeof(head), name);
	IGNORE(send(raw->bell, message, sizeof(head) + strlen(name), MSG_DONTWAIT | MSG_NOSIGNAL) <
	       0);
}

/* For secrets, of which it never takes one. */
RAW(ask_for_ever)
{
	while (for_ever)
		ask(raw, FA_ASK_SECRET, 0, "name");
	return 0;
}

/* Each is refused while the one before is open, and none of the answers is read. */
RAW(call_for_ever)
{
	while (for_ever)
		ask(raw, FA_ASK_INVOKE, 2, "victim");
	return 0;
}

/* The same, one after the other, as a handler would that knows no limit. */
RAW(call_and_listen_for_ever)
{
	struct fa_gift gift;

	while (for_ever) {
		ask(raw, FA_ASK_INVOKE, 2, "none");
		IGNORE(recv(raw->bell, &gift, sizeof(gift), 0) < 0);
	}
	return 0;
}

/* Lengths, kinds and names that are none. */
RAW(call_with_false_words)
{
	static const uint32_t lengths[] = { 0, FA_REQUEST_MAX, FA_REQUEST_MAX + 1, 0x7fffffff,
					    0x80000000, 0xffffffff };
	static const char *const names[] = { "none", "function:none", "callback:c", "function:",
					     ":", "queue:", "stream:", " ", "table:a/b", "" };
	struct fa_gift gift;

	for (uint32_t kind = 0; kind < 5; kind++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
			ask(raw, kind ? kind : 0xffffffff, lengths[i], names[(kind + i) % 10]);
	while (recv(raw->bell, &gift, sizeof(gift), MSG_DONTWAIT) > 0)
		;
	return faas_puts(ctx, "\"done\"");
}

/* Messages of the wrong size: none, and as much as fits. */
RAW(ring_with_odd_messages)
{
	static char much[60000];

	for (int i = 0; i < 64; i++) {
		IGNORE(send(raw->bell, much, 0, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
		IGNORE(send(raw->bell, much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
		IGNORE(send(raw->bell, much, 1, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB) < 0);
	}
	return faas_puts(ctx, "\"done\"");
}

RAW(wake_for_ever)
{
	while (for_ever) {
		raw_wake(raw);
		atomic_fetch_xor(&raw->response->seq, 0x80000000u);
		syscall(SYS_futex, &raw->response->seq, FUTEX_REQUEUE, 0, (void *)64L,
			&raw->response->cpu, 0);
	}
	return 0;
}

/* The same storm at an honest sequence number: nothing changes but the host's sleep. */
RAW(wake_without_a_change)
{
	while (for_ever)
		raw_wake(raw);
	return 0;
}

/* Move the waiting host to another word, so that its wake-up is lost. */
RAW(requeue_the_host)
{
	for (int i = 0; i < 100000; i++)
		syscall(SYS_futex, &raw->response->seq, FUTEX_REQUEUE, 0, (void *)64L,
			&raw->response->service_ns, 0);
	wait_for_ever();
}

RAW(shut_the_bell_down)
{
	shutdown(raw->bell, SHUT_RDWR);
	return faas_puts(ctx, "\"done\"");
}

RAW(shut_half_of_the_bell_and_hang)
{
	shutdown(raw->bell, SHUT_WR);
	wait_for_ever();
}

RAW(close_the_bell)
{
	close(raw->bell);
	return faas_puts(ctx, "\"done\"");
}

static void send_descriptors(int to, int count, int type)
{
	static char control[CMSG_SPACE(253 * sizeof(int))];
	struct iovec part = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *head;

	message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	for (int i = 0; i < count; i++)
		memcpy((int *)CMSG_DATA(head) + i, &(int){ type == SCM_RIGHTS ? 1 : 0 },
		       sizeof(int));
	IGNORE(sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
}

/* 253 descriptors a message, fifty messages: the host must not come to own them. */
RAW(send_descriptors_to_the_host)
{
	for (int i = 0; i < 50; i++)
		send_descriptors(raw->bell, 253, SCM_RIGHTS);
	return faas_puts(ctx, "\"done\"");
}

/* Claims to be process 0 of user 0. */
RAW(send_forged_credentials)
{
	for (int i = 0; i < 50; i++)
		send_descriptors(raw->bell, 3, SCM_CREDENTIALS);
	return faas_puts(ctx, "\"done\"");
}

/* Hints that are lies: about processors, service time, sleep and last words. */
RAW(lie_in_every_hint)
{
	atomic_store(&raw->response->cpu, 0xfffffff0u);
	atomic_store(&raw->response->service_ns, 0xffffffffu);
	atomic_store(&raw->response->has_shutdown, 0xffffffffu);
	atomic_store(&raw->response->init_start_ns, 0xfffffffffffffff0u);
	atomic_store(&raw->response->init_done_ns, 1);
	atomic_store(&raw->response->last_words, 0x7fffffffu);
	atomic_store(&raw->response->sleeping, 0xffffffffu);
	raw->answer->logged = 0xffffffffu;
	return faas_puts(ctx, "\"done\"");
}

/* Last words of a signal that does not exist, then a plain death. */
RAW(lie_about_its_death)
{
	atomic_store(&raw->response->last_words, 0xffffff0bu);
	_exit(4);
}

FAAS_PLUGIN("areas", "1", FAAS_HANDLER(scribble_over_the_response),
	    FAAS_HANDLER(scribble_over_the_slot), FAAS_HANDLER(rewrite_the_answer_while_it_is_read),
	    FAAS_HANDLER(write_to_the_request), FAAS_HANDLER(make_the_request_writable),
	    FAAS_HANDLER(take_the_areas_away), FAAS_HANDLER(unmap_the_areas_and_hang),
	    FAAS_HANDLER(unmap_the_areas_and_return), FAAS_HANDLER(ring_for_ever),
	    FAAS_HANDLER(ask_for_ever), FAAS_HANDLER(call_for_ever),
	    FAAS_HANDLER(call_and_listen_for_ever), FAAS_HANDLER(call_with_false_words),
	    FAAS_HANDLER(ring_with_odd_messages),
	    FAAS_HANDLER(wake_for_ever), FAAS_HANDLER(wake_without_a_change),
	    FAAS_HANDLER(requeue_the_host), FAAS_HANDLER(shut_the_bell_down),
	    FAAS_HANDLER(shut_half_of_the_bell_and_hang), FAAS_HANDLER(close_the_bell),
	    FAAS_HANDLER(send_descriptors_to_the_host), FAAS_HANDLER(send_forged_credentials),
	    FAAS_HANDLER(lie_in_every_hint), FAAS_HANDLER(lie_about_its_death));
