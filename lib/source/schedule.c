/* SPDX-License-Identifier: MIT */
/*
 * A schedule as a source: a timer for the next time it is due. What fell due while the
 * program was not there, or longer than a minute ago, is left out, but for a time that comes
 * once: that one is made up for, and when its event is accepted the mapping is disabled.
 * Between StartDate and EndDate it is due, but for a time that comes once, as in AWS; a rate
 * counts from its StartDate. One that is to be deleted after its last time is complete when that
 * was accepted, and goes when it is delivered.
 */
#include <source/cron.h>
#include <source/fan.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <control/control.h>

#define LATE_S 60
#define AGAIN_NS 1000000000 /* after memory was out */
#define FLEXIBLE_MOST 1440
#define RETRIES 185
#define AGE_S 86400

struct schedule {
	struct faas_source *source;
	struct fa_schedule when;
	int64_t made_s, last_s; /* Unix time; last_s: what was delivered last, or does not count */
	int64_t due_s, due_ms;  /* the next time, and when it is delivered */
	int64_t begin_s, end_s; /* it is due from then on, and not after */
	int flexible_min;
	bool goes;              /* it is deleted when it is not due any more */
	int credit, in_hand;    /* in_hand: delivered, and not accepted yet */
	int64_t serial;
	struct fa_timer due;
};

static struct faas *runtime_of(const struct schedule *s)
{
	return s->source->mapping->all->rt;
}

static int64_t unix_ms(const struct schedule *s)
{
	return runtime_of(s)->clock->unix_ms(runtime_of(s)->clock);
}

static int read_flexible(const struct fa_document *document, int *minutes, struct faas_error *err)
{
	const struct fa_document *window = fa_document_get(document, "FlexibleTimeWindow");
	const char *mode = fa_control_text(window, "Mode");
	int64_t most = 0;

	*minutes = 0;
	if (!window || (mode && !strcmp(mode, "OFF")))
		return 0;
	fa_document_integer(fa_document_get(window, "MaximumWindowInMinutes"), &most);
	if (!mode || strcmp(mode, "FLEXIBLE") != 0 || most < 1 || most > FLEXIBLE_MOST)
		return fa_error(err, FAAS_EINVAL,
				"FlexibleTimeWindow must have Mode OFF, or FLEXIBLE and "
				"MaximumWindowInMinutes from 1 to %d",
				FLEXIBLE_MOST);
	*minutes = (int)most;
	return 0;
}

static int read_date(const struct fa_document *document, const char *name, int64_t *unix_s,
		     struct faas_error *err)
{
	const char *text = fa_control_text(document, name);

	if (!text || fa_text_read_time(text, unix_s))
		return 0;
	return fa_error(err, FAAS_EINVAL, "%s must be a time as in 2026-11-27T12:00:00Z", name);
}

static int read_dates(const struct fa_document *document, int64_t *begin_s, int64_t *end_s,
		      struct faas_error *err)
{
	int rc;

	*begin_s = INT64_MIN / 2;
	*end_s = INT64_MAX;
	rc = read_date(document, "StartDate", begin_s, err);
	if (!rc)
		rc = read_date(document, "EndDate", end_s, err);
	if (!rc && *end_s <= *begin_s)
		rc = fa_error(err, FAAS_EINVAL, "The EndDate must come after the StartDate.");
	return rc;
}

static int read_when(const struct fa_mem *mem, const struct fa_mapping_config *c,
		     struct fa_schedule *when, struct faas_error *err)
{
	const char *name = fa_control_text(c->document, "ScheduleExpressionTimezone");
	struct fa_zone *zone = NULL;
	int rc = name ? fa_zone_open(mem, name, &zone, err) : 0;

	if (rc)
		return rc;
	rc = fa_schedule_parse(when, c->source + strlen("schedule:"), zone, err);
	if (!rc && when->kind == FA_SCHEDULE_AT &&
	    fa_schedule_next(when, 0, INT64_MIN / 2) == INT64_MAX)
		rc = fa_error(err, FAAS_EINVAL, "that time is left out by a change of the clocks");
	if (rc)
		fa_zone_close(zone);
	return rc;
}

static int check(const struct fa_mem *mem, const struct fa_mapping_config *c,
		 struct faas_error *err)
{
	const char *input = fa_control_text(c->document, "Input");
	struct fa_schedule when;
	int64_t begin_s, end_s;
	int minutes, rc = read_when(mem, c, &when, err);

	if (rc)
		return rc;
	fa_zone_close(when.zone);
	if (input && !fa_json_valid(input, strlen(input), NULL))
		return fa_error(err, FAAS_EINVAL, "Input must be JSON");
	if (c->push->target.kind == FA_TO_BUS)
		return fa_error(err, FAAS_EINVAL,
				"the target of a schedule is a function, a queue, a topic, a "
				"directory or a callback, not %.80s",
				c->push->target.text);
	rc = read_dates(c->document, &begin_s, &end_s, err);
	return rc ? rc : read_flexible(c->document, &minutes, err);
}

/* ---- due ------------------------------------------------------------------ */

static void plan(struct schedule *s);

/* False: out of memory, and it is due still. */
static bool deliver(struct schedule *s)
{
	int64_t due_s = s->due_s, last_s = s->last_s;

	s->credit--;
	s->in_hand++;
	s->last_s = s->due_s;
	s->due_s = INT64_MAX;
	if (!faas_source_deliver(s->source, FAAS_MESSAGE(.id = ++s->serial,
							 .sent_ms = s->last_s * 1000)))
		return true;
	s->credit++;
	s->in_hand--;
	s->last_s = last_s;
	s->due_s = due_s;
	return false;
}

static void choose(struct schedule *s, int64_t now_ms)
{
	int64_t after_s = now_ms / 1000 - LATE_S;
	uint32_t bits;

	if (after_s < s->last_s || s->when.kind == FA_SCHEDULE_AT)
		after_s = s->last_s;
	if (after_s < s->begin_s - 1)
		after_s = s->begin_s - 1;
	s->due_s = fa_schedule_next(&s->when, s->made_s, after_s);
	if (s->due_s > s->end_s)
		s->due_s = INT64_MAX;
	if (s->due_s == INT64_MAX)
		return;
	s->due_ms = s->due_s * 1000;
	if (!s->flexible_min)
		return;
	fa_random_bytes(&bits, sizeof(bits));
	s->due_ms += bits % ((unsigned)s->flexible_min * 60000u);
}

/* The clock on the wall may have been set back since the timer was armed. */
static void plan(struct schedule *s)
{
	struct faas *rt = runtime_of(s);
	int64_t now_ms = unix_ms(s), wait_ms;

	if (s->due_s == INT64_MAX)
		choose(s, now_ms);
	if (s->due_s == INT64_MAX && s->goes && !s->in_hand)
		fa_mapping_complete(s->source->mapping);
	if (s->due_s == INT64_MAX || s->credit <= 0)
		return;
	wait_ms = s->due_ms - now_ms;
	if (wait_ms > 0) {
		fa_loop_timer_sure(&rt->loop, &s->due, fa_now(rt->clock) + wait_ms * 1000000);
		return;
	}
	if (s->when.kind != FA_SCHEDULE_AT && wait_ms < -LATE_S * 1000) {
		s->due_s = INT64_MAX; /* too late: the next one */
		plan(s);
		return;
	}
	if (deliver(s))
		plan(s);
	else
		fa_loop_timer_sure(&rt->loop, &s->due, fa_now(rt->clock) + AGAIN_NS);
}

static void on_due(struct fa_timer *timer)
{
	plan(fa_container(timer, struct schedule, due));
}

/* ---- the source ------------------------------------------------------------- */

/* All of it or nothing. */
static int read_config(struct schedule *s, struct faas_error *err)
{
	const struct fa_mapping_config *c = s->source->mapping->config;
	const char *then = fa_control_text(c->document, "ActionAfterCompletion");
	struct fa_schedule when;
	int rc = read_when(&runtime_of(s)->mem, c, &when, err);

	if (rc)
		return rc;
	fa_zone_close(s->when.zone);
	s->when = when;
	read_flexible(c->document, &s->flexible_min, err);
	read_dates(c->document, &s->begin_s, &s->end_s, err);
	if (when.kind == FA_SCHEDULE_AT) {
		s->begin_s = INT64_MIN / 2;
		s->end_s = INT64_MAX;
	}
	if (s->begin_s > INT64_MIN / 2)
		s->made_s = s->begin_s;
	s->due_s = INT64_MAX;
	s->goes = then && !strcmp(then, "DELETE");
	return 0;
}

/* It is due from when it was made, or by a program that finds it from then on. */
static int64_t none_before_s(const struct schedule *s)
{
	const struct fa_mapping_config *c = s->source->mapping->config;

	if (s->when.kind == FA_SCHEDULE_AT)
		return INT64_MIN / 2;
	return (c->recalled ? unix_ms(s) : c->modified_ms) / 1000 - 1;
}

static int open_schedule(struct faas_source *source, const char *address, void **state,
			 struct faas_error *err)
{
	struct faas *rt = source->mapping->all->rt;
	struct schedule *s = fa_alloc(&rt->mem, sizeof(*s));
	int rc;

	(void)address;
	if (!s)
		return fa_error_nomem(err);
	s->source = source;
	s->due.on_due = on_due;
	s->made_s = source->mapping->config->modified_ms / 1000;
	rc = read_config(s, err);
	if (rc) {
		fa_free(s);
		return rc;
	}
	s->last_s = none_before_s(s);
	*state = s;
	return 0;
}

static int change(void *state)
{
	struct schedule *s = state;
	int rc = read_config(s, NULL);

	if (rc)
		return rc;
	fa_loop_timer_stop(&runtime_of(s)->loop, &s->due);
	plan(s);
	return 0;
}

static void want(void *state, int n)
{
	struct schedule *s = state;

	s->credit += n;
	plan(s);
}

static void settle(void *state, const struct faas_settled *settled, int count)
{
	struct schedule *s = state;

	s->in_hand -= count;
	if (s->when.kind == FA_SCHEDULE_AT && count && settled[0].done)
		fa_mapping_complete(s->source->mapping);
}

static void close_schedule(void *state)
{
	struct schedule *s = state;

	fa_loop_timer_stop(&runtime_of(s)->loop, &s->due);
	fa_zone_close(s->when.zone);
	fa_free(s);
}

static void write_arn(char out[FA_ADDRESS_ARN + 40], const struct fa_mapping *m)
{
	const struct faas_config *config = &m->all->rt->config;

	snprintf(out, FA_ADDRESS_ARN + 40, "arn:aws:events:%s:%s:rule/%s", config->region,
		 config->account, m->uuid);
}

/* What is to be sent, or what EventBridge sends. */
static int write_event(struct fa_text *out, const struct fa_mapping *m,
		       const struct fa_message *message)
{
	const char *input = fa_control_text(m->config->document, "Input");
	const struct faas_config *config = &m->all->rt->config;
	char id[37], arn[FA_ADDRESS_ARN + 40];
	uint8_t bits[16];

	if (input) {
		fa_text_add(out, input);
		return 0;
	}
	fa_random_bytes(bits, sizeof(bits));
	fa_uuid(id, bits);
	fa_text_add(out, "{\"version\":\"0\",\"id\":\"");
	fa_text_add(out, id);
	fa_text_add(out, "\",\"detail-type\":\"Scheduled Event\",\"source\":\"aws.events\","
			 "\"account\":\"");
	fa_text_add(out, config->account);
	fa_text_add(out, "\",\"time\":\"");
	fa_text_second(out, message->sent_ms);
	fa_text_add(out, "\",\"region\":\"");
	fa_text_add(out, config->region);
	write_arn(arn, m);
	fa_text_add(out, "\",\"resources\":[\"");
	fa_text_add(out, arn);
	fa_text_add(out, "\"],\"detail\":{}}");
	return 0;
}

const struct fa_source_kind fa_schedule_source = {
	.impl = { .size = sizeof(struct faas_source_impl), .scheme = "schedule",
		  .open = open_schedule, .want = want, .settle = settle,
		  .close = close_schedule },
	.name = "aws.events",
	.service = "EventBridge",
	.batch_size = 1,
	.batch_most = 1,
	.pushes = true,
	.change = change,
	.check = check,
	.write = write_event,
	.members = (const char *const[]){ "Input", "ScheduleExpressionTimezone",
					  "FlexibleTimeWindow", "StartDate", "EndDate",
					  "ActionAfterCompletion", "Target", "RetryPolicy",
					  "DeadLetterConfig", NULL },
	.fan = &(const struct fa_fan_kind){ .retries = RETRIES, .age_s = AGE_S, .arn = write_arn,
					    .explain = fa_fan_explain_rule },
};
