/* SPDX-License-Identifier: MIT */
/* A peer that knows the protocol and breaks it: one false word per handler. */
#include <sys/wait.h>

#include "raw.h"

/* The control of the controls: this one lies about nothing and must be believed. */
RAW(answer_by_hand)
{
	raw_prepare(raw, "\"by hand\"");
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

/* {"xor":N}: the token with some bits of it changed. */
RAW(answer_with_a_wrong_token)
{
	raw_prepare(raw, "\"forged\"");
	raw->answer->token ^= (uint64_t)number_in(event, "xor");
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

/* {"len":N,"off":N}: where the payload is said to be; an absent one stays right. */
RAW(answer_from_elsewhere)
{
	const long long len = number_in(event, "len"), off = number_in(event, "off");

	raw_prepare(raw, "\"forged\"");
	if (len >= 0)
		raw->answer->len = (uint32_t)len;
	if (off >= 0)
		raw->answer->off = (uint32_t)off;
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

/* {"status":N} */
RAW(answer_with_a_status)
{
	raw_prepare(raw, "\"forged\"");
	raw->answer->status = (uint32_t)number_in(event, "status");
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

/* An error type without an end. */
RAW(fail_with_an_endless_type)
{
	raw_prepare(raw, "{\"errorType\":\"X\"}");
	raw->answer->status = FA_FAILED;
	memset(raw->answer->error_type, 'T', sizeof(raw->answer->error_type));
	memset(raw->answer->spare, 'T', sizeof(raw->answer->spare));
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

/* {"by":N}: the sequence number so much too far. */
RAW(jump_ahead)
{
	raw_prepare(raw, "\"forged\"");
	raw_publish(raw, raw->seq + (uint32_t)number_in(event, "by"));
	wait_for_ever();
}

/* An old answer, given again as the new one: everything as it was, token included. */
HOSTILE(replay_the_previous_answer)
{
	static struct fa_response_slot before;
	static bool saved;
	struct raw raw;

	if (!raw_find(&raw, ctx))
		return faas_fail(ctx, "Test.NoAreas", "cannot find the areas");
	if (!saved) {
		raw_prepare(&raw, "\"first\"");
		memcpy(&before, raw.answer, sizeof(before));
		saved = true;
		return faas_puts(ctx, "\"first\"");
	}
	memcpy(raw.answer, &before, sizeof(before));
	raw_publish(&raw, raw.seq);
	wait_for_ever();
}

RAW(answer_twice)
{
	raw_prepare(raw, "\"once\"");
	raw_publish(raw, raw->seq);
	return faas_puts(ctx, "\"again\"");
}

static void answer_what_was_not_asked(struct raw *raw)
{
	sleep_ms(5);
	for (unsigned i = 0; i < FA_DEPTH; i++) {
		struct fa_response_slot *slot = (void *)((char *)raw->response + FA_SLOTS_OFF +
							 i * FA_SLOT_SIZE);

		slot->token = 0;
		slot->status = FA_DONE;
		slot->len = 8;
		slot->off = (uint32_t)((char *)slot->data - (char *)raw->response);
		memcpy(slot->data, "\"forged\"", 8);
	}
	raw_publish(raw, raw->seq + 1);
}

/*
 * A good answer now, and the next one before anybody asks. It comes from a child that was made
 * behind the worker's back, for what the worker knows of is stopped between events; and the
 * next event is answered when the forger is done, so that it cannot tear that answer.
 */
RAW(answer_before_the_request)
{
	static pid_t forger;
	int status;

	if (forger) {
		waitpid(forger, &status, 0);
		return faas_puts(ctx, status ? "\"it could not forge\"" : "\"fine\"");
	}
	madvise(raw->response, FA_RESPONSE_AREA, MADV_DOFORK);
	forger = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (forger < 0)
		return faas_fail(ctx, "Test.NoForger", "cannot fork");
	if (!forger) {
		answer_what_was_not_asked(raw);
		_exit(0);
	}
	return faas_puts(ctx, "\"done\"");
}

static void *answer_for_the_next(void *arg)
{
	struct raw *raw = arg;
	const uint32_t mine = raw->seq;
	struct fa_response_slot *slots = (void *)((char *)raw->response + FA_SLOTS_OFF);
	struct fa_request_slot *asked = (void *)((char *)raw->request + FA_SLOTS_OFF);

	while (atomic_load(&raw->request->seq) == mine)
		;
	for (unsigned i = 0; i < FA_DEPTH; i++) {
		slots[i].token = asked[i].token;
		slots[i].status = FA_DONE;
		slots[i].len = 8;
		slots[i].off = FA_SLOTS_OFF + i * FA_SLOT_SIZE +
			       offsetof(struct fa_response_slot, data);
		memcpy(slots[i].data, "\"thread\"", 8);
	}
	raw_publish(raw, mine + 1);
	return NULL;
}

/* The next event is this thread's to answer alone, unless it is asked to behave. */
RAW(answer_the_next_from_a_thread)
{
	static struct raw first; /* the next event looks for the areas once more */
	pthread_t thread;

	if (first.request)
		wait_for_ever();
	first = *raw;
	pthread_create(&thread, NULL, answer_for_the_next, &first);
	return faas_puts(ctx, "\"done\"");
}

/* The token of this request, for a test that wants them all different. */
RAW(tell_the_token)
{
	char text[32];

	snprintf(text, sizeof(text), "\"%016" PRIx64 "\"", raw->question->token);
	return faas_puts(ctx, text);
}

FAAS_PLUGIN("ipc", "1", FAAS_HANDLER(answer_by_hand), FAAS_HANDLER(answer_with_a_wrong_token),
	    FAAS_HANDLER(answer_from_elsewhere), FAAS_HANDLER(answer_with_a_status),
	    FAAS_HANDLER(fail_with_an_endless_type), FAAS_HANDLER(jump_ahead),
	    FAAS_HANDLER(replay_the_previous_answer), FAAS_HANDLER(answer_twice),
	    FAAS_HANDLER(answer_before_the_request), FAAS_HANDLER(answer_the_next_from_a_thread),
	    FAAS_HANDLER(tell_the_token));
