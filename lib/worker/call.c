/* SPDX-License-Identifier: MIT */
/*
 * What a handler wants of others: the body goes into the response area, the question over
 * the bell, and what comes of it is in the request area when the answer says so.
 */
#include <worker/call.h>

#include <string.h>
#include <sys/socket.h>

#include <worker/context.h>

static int refuse(int code, const char *text, struct faas_bytes *answer)
{
	if (answer)
		*answer = (struct faas_bytes){ text, strlen(text) };
	return code;
}

/* The answer to the last question; false: none by the deadline. */
static bool receive(const struct fa_asker *asker, int64_t deadline_ns, struct fa_gift *gift)
{
	while (fa_ask_await(asker, deadline_ns) > 0)
		if (recv(asker->fd, gift, sizeof(*gift), MSG_DONTWAIT) == sizeof(*gift) &&
		    gift->serial == asker->serial)
			return true;
	return false;
}

static int take(struct fa_context *call, const struct fa_gift *gift, struct faas_bytes *answer)
{
	char *copy;

	if (!answer)
		return gift->code;
	copy = gift->len ? faas_alloc(&call->context, gift->len) : NULL;
	if (gift->len && !copy)
		return refuse(FAAS_ENOMEM, FA_CALL_NO_ROOM, answer);
	if (copy)
		memcpy(copy, (const char *)call->request + FA_REPLY_OFF, gift->len);
	*answer = (struct faas_bytes){ copy, gift->len };
	return gift->code;
}

static int ask(struct faas_context *context, enum fa_question_kind kind, const char *name,
	       const char *group, struct faas_bytes body, struct faas_bytes *answer)
{
	struct fa_context *call = (struct fa_context *)context;
	struct fa_asker *asker = &call->asker;
	struct fa_gift gift;

	if (body.len > FA_REQUEST_MAX)
		return refuse(FAAS_ETOOLARGE, FA_CALL_TOO_LARGE, answer);
	if (asker->calls == FA_CALLS_MAX)
		return refuse(FAAS_ETHROTTLED, FA_CALL_TOO_MANY, answer);
	if (asker->fd < 0)
		return refuse(FAAS_ECANCELED, FA_CALL_UNANSWERED, answer);
	if (body.len)
		memcpy((char *)call->response + FA_ASKED_OFF, body.data, body.len);
	if (!fa_ask(asker, kind, name, group, (uint32_t)body.len))
		return refuse(FAAS_EINVAL, FA_CALL_NO_NAME, answer);
	asker->calls++;
	if (!receive(asker, call->deadline_ns, &gift))
		return refuse(FAAS_ECANCELED, FA_CALL_UNANSWERED, answer);
	return take(call, &gift, answer);
}

int fa_call_invoke(struct faas_context *context, const char *function, struct faas_bytes event,
		   struct faas_bytes *answer)
{
	return ask(context, FA_ASK_INVOKE, function, NULL, event, answer);
}

int fa_call_publish(struct faas_context *context, const char *address, const char *group,
		    struct faas_bytes body, struct faas_bytes *answer)
{
	return ask(context, FA_ASK_PUBLISH, address, group, body, answer);
}
