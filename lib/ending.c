/* SPDX-License-Identifier: MIT */
/*
 * How an asynchronous event goes on after an attempt: again later, or it has ended, and
 * then those hear of it that its qualifier's configuration names. Decided while the answer
 * still lies in the environment, carried out when that is free for others.
 */
#include <invocation.h>

#include <stdio.h>
#include <string.h>

#include <admit/admit.h>
#include <model/event_config.h>
#include <model/trace.h>
#include <outcome/letter.h>
#include <roles.h>

#define AGAIN_NS 1000000000 /* where memory is out for a letter */

static const struct {
	enum fa_store_end end;
	const char *condition, *refusal;
} ends[] = {
	[FA_RETRY_EXHAUSTED] = { FA_STORE_DEAD, "RetriesExhausted", "" },
	[FA_RETRY_EXPIRED] = { FA_STORE_EXPIRED, "EventAgeExceeded", "Rate Exceeded." },
	[FA_RETRY_OFF] = { FA_STORE_DEAD, "ZeroReservedConcurrency",
			   "Function not invoked. Function is configured with zero reserved "
			   "concurrent executions" },
	[FA_RETRY_SUCCEEDED] = { FA_STORE_SUCCEEDED, "Success", "" },
};

/* What the caller wrote behind the name: the ARN that the handler sees has it. */
static const char *qualifier_of(const struct fa_invocation *inv)
{
	size_t len = strlen(inv->runner->version->arn);

	if (!inv->job.meta_len || strlen(inv->job.meta) <= len)
		return "$LATEST";
	return inv->job.meta + len + 1;
}

bool fa_ending_is_off(const struct fa_invocation *inv)
{
	return !fa_quota_reserved(inv->runner->quota);
}

int64_t fa_ending_left_ms(const struct fa_invocation *inv)
{
	struct fa_event_config config;
	int64_t left_ms;

	fa_event_config_find(&inv->rt->registry, inv->runner->version, qualifier_of(inv), &config);
	left_ms = config.max_age_s * INT64_C(1000) -
		  (fa_now(inv->rt->clock) - inv->retry.accepted_ns) / 1000000;
	return left_ms > 0 ? left_ms : 0;
}

static enum fa_retry_end next_attempt(struct fa_invocation *inv, const struct fa_event_config *c,
				      const struct fa_outcome *outcome, int64_t *delay_ns)
{
	int64_t now = fa_now(inv->rt->clock);

	if (!outcome && fa_ending_is_off(inv))
		return FA_RETRY_OFF;
	if (!outcome)
		return fa_retry_after_throttle(&inv->retry, c->max_age_s, now, delay_ns);
	if (outcome->code != FAAS_OK)
		return fa_retry_after_error(&inv->retry, c->max_retries, c->max_age_s, now,
					    delay_ns);
	inv->retry.attempts++;
	return FA_RETRY_SUCCEEDED;
}

/* An address that was checked when it was set, or NULL. */
static struct fa_address *read_address(struct fa_address *address, const char *text)
{
	return text && *text && !fa_address_parse(address, text, NULL) ? address : NULL;
}

/* Who is nobody for a function whose role does not let it send there. FAAS_ENOMEM. */
static int let_send(const struct fa_invocation *inv, struct fa_address **to, const char *metric)
{
	int rc = *to ? fa_role_let_send(inv->rt, inv->runner->version, *to, metric,
					inv->job.request_id) :
		       0;

	if (rc == FAAS_EDENIED)
		*to = NULL;
	return rc == FAAS_EDENIED ? 0 : rc;
}

/* Whoever is to hear of it; false: memory is out. */
static bool write_letters(struct fa_ending *ending, const struct fa_invocation *inv,
			  const struct fa_event_config *config, const struct fa_outcome *outcome)
{
	const struct fa_version *v = inv->runner->version;
	bool ok = ending->end == FA_RETRY_SUCCEEDED;
	struct fa_address one, other, *destination, *dead_letter;
	char trace[FA_TRACE_MAX + 1];
	struct fa_ended ended = { .request_id = inv->job.request_id,
				  .arn = v->arn,
				  .qualifier = qualifier_of(inv),
				  .version = v->qualifier,
				  .region = inv->rt->config.region,
				  .account = inv->rt->config.account,
				  .condition = ends[ending->end].condition,
				  .refusal = ends[ending->end].refusal,
				  .attempts = inv->retry.attempts,
				  .now_ms = fa_unix_ms(inv->rt, fa_now(inv->rt->clock)),
				  .event = inv->job.payload,
				  .ran = outcome != NULL,
				  .failed = !ok };

	destination = read_address(&one, ok ? config->on_success : config->on_failure);
	dead_letter = ok ? NULL : read_address(&other, v->config.dead_letter);
	if (let_send(inv, &destination, "DestinationDeliveryFailures") ||
	    let_send(inv, &dead_letter, "DeadLetterErrors"))
		return false;
	if (!destination && !dead_letter)
		return true;
	if (outcome)
		ended.answer = outcome->payload;
	fa_trace_forward(v, fa_trace_of(&inv->job), trace);
	ended.trace = trace;
	ending->letters = fa_letters_create(&inv->rt->mem, &ended, destination, dead_letter);
	return ending->letters;
}

/* As it was when it was deleted; nobody is left to be told that it may not. */
static int let_gone_send(struct faas *rt, struct faas_bytes name, const char *role,
			 struct fa_address **to)
{
	char function[FA_NAME_MAX + 1];
	int rc;

	snprintf(function, sizeof(function), "%.*s", (int)name.len, (const char *)name.data);
	rc = *to ? fa_role_may_tell(rt, function, *role ? role : NULL, *to) : 0;
	if (rc == FAAS_EDENIED)
		*to = NULL;
	return rc == FAAS_EDENIED ? 0 : rc;
}

bool fa_ending_farewell(struct faas *rt, const struct fa_stored *event, struct faas_bytes name,
			const char *qualifier, const struct fa_farewell *farewell,
			struct fa_letters **letters)
{
	struct fa_address one, other;
	struct fa_address *destination = read_address(&one, farewell->config.on_failure);
	struct fa_address *dead_letter = read_address(&other, farewell->dead_letter);
	char arn[FA_ARN_MAX];
	struct fa_ended ended = { .request_id = event->request_id,
				  .arn = arn,
				  .qualifier = qualifier,
				  .version = "$LATEST",
				  .condition = ends[FA_RETRY_EXPIRED].condition,
				  .refusal = "Function not found",
				  .attempts = event->attempts,
				  .now_ms = fa_unix_ms(rt, fa_now(rt->clock)),
				  .event = event->payload,
				  .trace = "",
				  .failed = true };

	if (let_gone_send(rt, name, farewell->role, &destination) ||
	    let_gone_send(rt, name, farewell->role, &dead_letter))
		return false;
	if (!destination && !dead_letter)
		return true;
	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%.*s", rt->registry.region,
		 rt->registry.account, (int)name.len, (const char *)name.data);
	*letters = fa_letters_create(&rt->mem, &ended, destination, dead_letter);
	return *letters;
}

/* An event in memory ends with the runtime; one in the store goes on until the last moment. */
static bool is_given_up(const struct fa_invocation *inv)
{
	return inv->kept ? inv->rt->finishing : inv->canceled || fa_is_closing(inv->rt);
}

void fa_ending_decide(struct fa_ending *ending, struct fa_invocation *inv,
		      const struct fa_outcome *outcome)
{
	struct fa_event_config config;

	*ending = (struct fa_ending){ .end = FA_RETRY_AGAIN };
	fa_event_config_find(&inv->rt->registry, inv->runner->version, qualifier_of(inv), &config);
	ending->end = next_attempt(inv, &config, outcome, &ending->delay_ns);
	if (is_given_up(inv) && ending->end != FA_RETRY_SUCCEEDED) {
		ending->given_up = true;
	} else if (ending->end != FA_RETRY_AGAIN && !write_letters(ending, inv, &config, outcome)) {
		ending->end = FA_RETRY_AGAIN;
		ending->delay_ns = AGAIN_NS;
	}
}

static void end(struct fa_ending *ending, struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct fa_version *v = inv->runner->version;

	if (ending->end != FA_RETRY_SUCCEEDED)
		fa_tell_metric(&rt->tell, v, "AsyncEventsDropped", "Count", 1,
			       fa_unix_ms(rt, fa_now(rt->clock)));
	if (inv->kept)
		fa_kept_end(inv->kept, ends[ending->end].end, ending->letters);
	else if (ending->letters)
		fa_deliver_letters(rt, v, ending->letters);
	fa_invocation_free(inv);
}

void fa_ending_apply(struct fa_ending *ending, struct fa_invocation *inv)
{
	if (ending->given_up) {
		fa_invocation_free(inv);
	} else if (ending->end != FA_RETRY_AGAIN) {
		end(ending, inv);
	} else if (inv->kept) {
		fa_kept_again(inv->kept, &inv->retry, ending->delay_ns);
		fa_invocation_free(inv);
	} else {
		fa_invocation_pause(inv, ending->delay_ns);
	}
}
