/* SPDX-License-Identifier: MIT */
/*
 * An answer lies in its slot, in the one large place, or it is a part of the event: then nothing
 * of it is in the area, and it is taken from what the host itself handed over.
 */
#include <env/answer.h>

#include <env/pool.h>
#include <model/checks.h>

static bool is_part(const struct fa_job *job, uint32_t at, uint32_t len)
{
	return at < job->payload.len && len <= job->payload.len - at;
}

static bool is_place(uint32_t index, uint32_t off, uint32_t len)
{
	uint32_t inline_off = FA_SLOTS_OFF + index * FA_SLOT_SIZE +
			      (uint32_t)offsetof(struct fa_response_slot, data);

	if (off == inline_off)
		return len <= FA_INLINE;
	return off == FA_BIG_OFF && len <= FA_RESPONSE_MAX;
}

const void *fa_answer_find(const struct fa_env *env, const struct fa_job *job, uint32_t index,
			   uint32_t off, uint32_t len)
{
	bool weak = env->pool->envs->weak_checks & FA_CHECK_LENGTH;
	uint32_t at = off - FA_GIVEN_OFF;

	if (off >= FA_GIVEN_OFF)
		return weak || is_part(job, at, len) ? (const char *)job->payload.data + at : NULL;
	if (weak ? off <= FA_RESPONSE_AREA && len <= FA_RESPONSE_AREA - off :
		   is_place(index, off, len))
		return (const char *)env->kit->response + off;
	return NULL;
}

void fa_answer_type(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1; i++) {
		char c = ((const volatile char *)from)[i];

		if (!c)
			break;
		to[i] = c > ' ' && c < 127 && c != '"' && c != '\\' ? c : '_';
	}
	to[i] = '\0';
}
