/* SPDX-License-Identifier: MIT */
/*
 * One minute before the second attempt, two before the third; a throttled event
 * waits one second, doubling to five minutes. The age check looks ahead: an
 * event that would be too old at its next turn is dropped now.
 */
#include <queue/retry.h>

#define SECOND 1000000000LL
#define THROTTLE_MAX (300 * SECOND)

static enum fa_retry_end within_age(const struct fa_retry *retry, int max_age_s, int64_t now_ns,
				    int64_t delay_ns)
{
	return now_ns - retry->accepted_ns + delay_ns > max_age_s * SECOND ? FA_RETRY_EXPIRED :
									     FA_RETRY_AGAIN;
}

enum fa_retry_end fa_retry_after_error(struct fa_retry *retry, int max_retries, int max_age_s,
				       int64_t now_ns, int64_t *delay_ns)
{
	retry->throttles = 0;
	if (++retry->attempts > max_retries)
		return FA_RETRY_EXHAUSTED;
	*delay_ns = retry->attempts * 60 * SECOND;
	return within_age(retry, max_age_s, now_ns, *delay_ns);
}

enum fa_retry_end fa_retry_after_throttle(struct fa_retry *retry, int max_age_s, int64_t now_ns,
					  int64_t *delay_ns)
{
	int64_t delay = SECOND;

	for (int i = 0; i < retry->throttles && delay < THROTTLE_MAX; i++)
		delay *= 2;
	*delay_ns = delay < THROTTLE_MAX ? delay : THROTTLE_MAX;
	retry->throttles++;
	return within_age(retry, max_age_s, now_ns, *delay_ns);
}
