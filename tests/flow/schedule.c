/* SPDX-License-Identifier: MIT */
/* Schedules wake functions, on a clock of the test's. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define INVALID "InvalidParameterValueException"
#define MINUTE 60000
#define FIRST_MS 1700006400000 /* a midnight */

static struct flow flow;
static struct faas_error err;
static char folder[64], id[37], event[1024];
static _Atomic int calls;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int handler(struct faas_context *ctx, struct faas_bytes bytes)
{
	snprintf(event, sizeof(event), "%.*s", (int)bytes.len, (const char *)bytes.data);
	calls++;
	return faas_puts(ctx, "");
}

static void open_at(int64_t unix_ms)
{
	calls = 0;
	*event = '\0';
	memset(&err, 0, sizeof(err));
	flow_open_at(&flow, &(struct faas_config){ .state_dir = folder }, unix_ms);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
}

static int open_it(void **state)
{
	(void)state;
	stores_folder(folder);
	open_at(FIRST_MS);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	stores_remove(folder);
	return 0;
}

static int64_t now_ms(void)
{
	return flow.clock.clock.unix_ms(&flow.clock.clock);
}

static void map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	c.function = "f";
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

static void becomes(const char *state)
{
	char request[64], want[32], *reply = NULL;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	snprintf(want, sizeof(want), "\"State\":\"%s\"", state);
	for (int i = 0; i < 10000 && !(reply && strstr(reply, want)); i++) {
		faas_free(reply);
		assert_int_equal(faas_control(flow.rt, "GetEventSourceMapping", request, &reply,
					      &err), 0);
		tick();
	}
	assert_non_null(strstr(reply, want));
	faas_free(reply);
}

static void await(int n)
{
	flow_await_count(&flow, &calls, n);
}

static void stays(int n)
{
	for (int i = 0; i < 20; i++)
		tick();
	assert_int_equal(calls, n);
}

/* "schedule:at(...)" so many ms from now, in UTC. */
static const char *at_in(int64_t ms)
{
	static char text[64];
	time_t t = (now_ms() + ms) / 1000;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "schedule:at(%Y-%m-%dT%H:%M:%S)", &tm);
	return text;
}

TEST(a_rate_is_due_at_once_and_then_every_so_often)
{
	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)"));
	await(1);
	flow_advance(&flow, 5 * MINUTE - 1);
	stays(1);
	flow_advance(&flow, 1);
	await(2);
	flow_advance(&flow, 5 * MINUTE);
	await(3);
}

/* The loop opens it when another second has begun. */
TEST(a_rate_is_due_at_once_also_if_it_is_opened_later)
{
	loop_stand_still(flow.rt);
	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)"));
	flow.clock.ns += 1000000000;
	loop_go_on();
	await(1);
	flow_advance(&flow, 5 * MINUTE - 1000);
	await(2);
}

TEST(the_event_is_that_of_eventbridge)
{
	char want[512], time[32];
	time_t t;
	struct tm tm;

	map(FAAS_MAPPING(.source = "schedule:cron(* * * * ? *)"));
	becomes("Enabled");
	await(1); /* the minute that has just begun */
	flow_advance(&flow, MINUTE);
	await(2);
	t = now_ms() / 1000;
	gmtime_r(&t, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
	assert_memory_equal(event, "{\"version\":\"0\",\"id\":\"", 21);
	snprintf(want, sizeof(want),
		 "\",\"detail-type\":\"Scheduled Event\",\"source\":\"aws.events\",\"account\":"
		 "\"000000000000\",\"time\":\"%s\",\"region\":\"local-1\",\"resources\":"
		 "[\"arn:aws:events:local-1:000000000000:rule/%s\"],\"detail\":{}}",
		 time, id);
	assert_string_equal(event + 21 + 36, want);
}

TEST(an_input_is_sent_as_it_is)
{
	map(FAAS_MAPPING(.source = "schedule:rate(1 day)", .input = "{ \"a\" : 1.0 }"));
	await(1);
	assert_string_equal(event, "{ \"a\" : 1.0 }");
}

TEST(a_time_comes_once_and_then_the_mapping_is_disabled)
{
	map(FAAS_MAPPING(.source = at_in(10 * MINUTE)));
	becomes("Enabled");
	flow_advance(&flow, 10 * MINUTE - 1);
	stays(0);
	flow_advance(&flow, 1);
	await(1);
	becomes("Disabled");
	flow_close(&flow);
	open_at(FIRST_MS);
	becomes("Disabled");
	stays(0);
}

TEST(a_time_that_came_while_the_program_was_not_there_is_made_up_for)
{
	int64_t later = now_ms() + 3 * 86400000LL;

	map(FAAS_MAPPING(.source = at_in(MINUTE)));
	becomes("Enabled");
	flow_close(&flow);
	open_at(later);
	for (int i = 0; i < 10000 && !calls; i++)
		flow_pass(&flow, 1000); /* the function was not there at once */
	await(1);
	becomes("Disabled");
}

TEST(a_rate_goes_on_after_a_restart_and_leaves_out_what_it_missed)
{
	int64_t made = now_ms();

	map(FAAS_MAPPING(.source = "schedule:rate(2 hours)"));
	await(1);
	flow_close(&flow);
	open_at(made + 7 * 3600000LL);
	becomes("Enabled");
	stays(0);
	flow_advance(&flow, 3600000);
	await(1);
}

TEST(what_fell_due_just_before_a_restart_is_left_out_and_with_it_is_not)
{
	int64_t made = now_ms();

	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)"));
	await(1);
	flow_close(&flow);
	open_at(made + 5 * MINUTE + 30000);
	becomes("Enabled");
	flow_advance(&flow, 4 * MINUTE);
	stays(0);
	flow_close(&flow);
	open_at(made + 10 * MINUTE);
	flow_advance(&flow, 4 * MINUTE); /* the function was not there at once */
	await(1);
}

TEST(a_zone_tells_when_it_is_nine)
{
	struct tm tm;
	time_t t;

	setenv("TZ", "America/New_York", 1);
	tzset();
	map(FAAS_MAPPING(.source = "schedule:cron(0 9 * * ? *)",
			 .time_zone = "America/New_York"));
	becomes("Enabled");
	for (int i = 0; i < 24 * 60 && !calls; i += 30) {
		flow_advance(&flow, 30 * MINUTE);
		for (int j = 0; j < 5; j++)
			tick();
	}
	await(1);
	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(strstr(event, "\"time\":\"") + 8, "%Y-%m-%dT%H:%M:%SZ", &tm));
	t = timegm(&tm);
	localtime_r(&t, &tm);
	assert_int_equal(tm.tm_hour * 60 + tm.tm_min, 9 * 60);
	unsetenv("TZ");
	tzset();
}

TEST(a_flexible_schedule_comes_within_its_window)
{
	map(FAAS_MAPPING(.source = at_in(10 * MINUTE), .flexible_min = 5));
	becomes("Enabled");
	flow_advance(&flow, 10 * MINUTE - 1);
	stays(0);
	flow_advance(&flow, 1);
	stays(0); /* but once in 300,000 times */
	flow_advance(&flow, 5 * MINUTE);
	await(1);
}

TEST(a_deleted_schedule_is_not_due_any_more)
{
	map(FAAS_MAPPING(.source = "schedule:rate(1 minute)"));
	await(1);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	for (int i = 0; i < 10; i++)
		flow_advance(&flow, MINUTE);
	stays(1);
}

TEST(what_fell_due_long_ago_is_left_out)
{
	map(FAAS_MAPPING(.source = "schedule:rate(1 minute)"));
	await(1);
	flow_advance(&flow, 60 * MINUTE); /* a machine that slept */
	await(2); /* of that minute, not of the first one that was missed */
	stays(2);
}

/* ---- where its event does not get at once ------------------------------------------------- */

static uint64_t waiting(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.messages_waiting;
}

static void await_sent(void)
{
	for (int i = 0; i < 10000 && !waiting(); i++)
		tick();
	assert_int_equal(waiting(), 1);
}

TEST(an_event_waits_for_its_function)
{
	map(FAAS_MAPPING(.source = at_in(MINUTE)));
	becomes("Enabled");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	flow_advance(&flow, MINUTE);
	await_sent();
	becomes("Disabled");
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
	for (int i = 0; i < 10000 && !calls; i++)
		flow_pass(&flow, 1000);
	await(1);
	assert_int_equal(waiting(), 0);
}

/* The dead letter of an event whose function went: what says why, behind that. */
static struct faas_message *dead_letter_of(const struct faas_mapping_config *config)
{
	struct faas_message *m = NULL;
	char want[256];

	map(config);
	becomes("Enabled");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	flow_advance(&flow, MINUTE);
	await_sent();
	for (int i = 0; i < 10000 && !m; i++) {
		flow_pass(&flow, 1000);
		assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &m, &err), 0);
	}
	assert_non_null(m);
	snprintf(want, sizeof(want), "\"RULE_ARN\":{\"StringValue\":\"arn:aws:events:local-1:"
		 "000000000000:rule/%s\",\"DataType\":\"String\"}", id);
	assert_non_null(strstr(m->attributes, want));
	assert_non_null(strstr(m->attributes, "\"TARGET_ARN\":{\"StringValue\":\"arn:aws:lambda:"
					      "local-1:000000000000:function:f\""));
	return m;
}

TEST(what_was_tried_too_often_is_a_dead_letter)
{
	struct faas_message *m =
		dead_letter_of(FAAS_MAPPING(.source = at_in(MINUTE), .input = "{\"n\":1}",
					    .max_retries = 2, .dead_letter = "queue:dead"));

	assert_string_equal(m->body.data, "{\"n\":1}");
	assert_non_null(strstr(m->attributes, "\"EXHAUSTED_RETRY_CONDITION\":{\"StringValue\":"
					      "\"MaximumRetryAttempts\""));
	assert_non_null(strstr(m->attributes, "\"RETRY_ATTEMPTS\":{\"StringValue\":\"2\""));
	faas_free(m);
}

TEST(what_became_too_old_is_a_dead_letter)
{
	struct faas_message *m =
		dead_letter_of(FAAS_MAPPING(.source = at_in(MINUTE), .max_age_s = 60,
					    .dead_letter = "queue:dead"));

	assert_non_null(strstr(m->attributes, "\"EXHAUSTED_RETRY_CONDITION\":{\"StringValue\":"
					      "\"MaximumEventAgeInSeconds\""));
	faas_free(m);
}

TEST(a_queue_may_be_its_target)
{
	struct faas_message *m = NULL;

	if (faas_mapping_create(flow.rt,
				FAAS_MAPPING(.source = at_in(MINUTE), .target = "queue:t",
					     .input = "{\"n\":1}"), id, &err))
		fail_msg("%s", err.message);
	becomes("Enabled");
	flow_advance(&flow, MINUTE);
	becomes("Disabled");
	assert_int_equal(faas_take(flow.rt, "queue:t", 0, &m, &err), 0);
	assert_non_null(m);
	assert_string_equal(m->body.data, "{\"n\":1}");
	faas_free(m);
}

static void refused(struct faas_mapping_config c, const char *message)
{
	c.size = sizeof(c);
	if (!c.target)
		c.function = "f";
	assert_int_equal(faas_mapping_create(flow.rt, &c, id, &err), FAAS_EINVAL);
	assert_string_equal(err.type, INVALID);
	assert_string_equal(err.message, message);
}

/* "2026-...Z" so many ms from now. */
static const char *date_in(int64_t ms, char text[32])
{
	time_t t = (now_ms() + ms) / 1000;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

TEST(a_rate_counts_from_its_start_date_and_ends_with_its_end_date)
{
	char begin[32], end[32];

	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)",
			 .start_date = date_in(7 * MINUTE, begin),
			 .end_date = date_in(17 * MINUTE, end)));
	becomes("Enabled");
	flow_advance(&flow, 7 * MINUTE - 1);
	stays(0);
	flow_advance(&flow, 1);
	await(1);
	flow_advance(&flow, 5 * MINUTE);
	await(2);
	flow_advance(&flow, 5 * MINUTE); /* the last moment */
	await(3);
	for (int i = 0; i < 4; i++) {
		flow_advance(&flow, 5 * MINUTE);
		stays(3);
	}
}

TEST(a_cron_is_due_between_its_dates)
{
	char begin[32], end[32];

	map(FAAS_MAPPING(.source = "schedule:cron(* * * * ? *)",
			 .start_date = date_in(2 * MINUTE, begin),
			 .end_date = date_in(3 * MINUTE, end)));
	becomes("Enabled");
	flow_advance(&flow, 2 * MINUTE - 1);
	stays(0);
	flow_advance(&flow, 1);
	await(1);
	flow_advance(&flow, MINUTE);
	await(2);
	flow_advance(&flow, MINUTE);
	stays(2);
}

TEST(dates_mean_nothing_to_a_time_that_comes_once)
{
	char begin[32], end[32];

	map(FAAS_MAPPING(.source = at_in(10 * MINUTE), .start_date = date_in(20 * MINUTE, begin),
			 .end_date = date_in(30 * MINUTE, end)));
	becomes("Enabled");
	flow_advance(&flow, 10 * MINUTE);
	await(1);
}

/* ---- what is deleted when it is over --------------------------------------------------------- */

static bool is_there(void)
{
	char request[64];
	int rc;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	rc = faas_control(flow.rt, "GetEventSourceMapping", request, NULL, &err);
	assert_true(!rc || rc == FAAS_ENOTFOUND);
	return !rc;
}

static void goes(void)
{
	for (int i = 0; i < 60000 && is_there(); i++)
		tick();
	assert_false(is_there());
}

static void reopen(void)
{
	int64_t now = now_ms();

	flow_close(&flow);
	open_at(now);
}

TEST(a_time_that_comes_once_may_take_its_mapping_along)
{
	map(FAAS_MAPPING(.source = at_in(MINUTE), .delete_after = true));
	becomes("Enabled");
	stays(0);
	assert_true(is_there());
	flow_advance(&flow, MINUTE);
	await(1);
	goes();
	reopen();
	assert_false(is_there());
	stays(0);
}

TEST(so_may_a_rate_with_its_last_time)
{
	char end[32];

	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)", .delete_after = true,
			 .end_date = date_in(7 * MINUTE, end)));
	await(1);
	assert_true(is_there());
	flow_advance(&flow, 5 * MINUTE);
	await(2);
	goes();
}

TEST(without_being_told_to_a_mapping_stays_when_it_is_over)
{
	char end[32];

	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)",
			 .end_date = date_in(2 * MINUTE, end)));
	await(1);
	flow_advance(&flow, 5 * MINUTE);
	stays(1);
	becomes("Enabled");
}

TEST(one_that_was_switched_off_stays_though_it_is_to_go_when_it_is_over)
{
	map(FAAS_MAPPING(.source = at_in(MINUTE), .delete_after = true));
	becomes("Enabled");
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.disabled = true), &err), 0);
	becomes("Disabled");
	flow_advance(&flow, 10 * MINUTE);
	reopen();
	becomes("Disabled");
	stays(0);
}

TEST(it_goes_behind_its_event_in_spite_of_a_restart)
{
	map(FAAS_MAPPING(.source = at_in(MINUTE), .delete_after = true));
	becomes("Enabled");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	flow_advance(&flow, MINUTE);
	await_sent();
	becomes("Disabled");
	reopen(); /* with the function */
	for (int i = 0; i < 10000 && !calls; i++)
		flow_pass(&flow, 1000);
	await(1);
	goes();
}

TEST(its_dead_letter_is_written_before_it_goes)
{
	struct faas_message *m = dead_letter_of(FAAS_MAPPING(.source = at_in(MINUTE),
							     .delete_after = true, .max_retries = 1,
							     .dead_letter = "queue:dead"));

	faas_free(m);
	goes();
}

/* ---- changes ------------------------------------------------------------------------------ */

TEST(what_is_changed_holds_from_then_on)
{
	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)", .input = "1"));
	await(1);
	assert_string_equal(event, "1");
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.input = "2"), &err), 0);
	becomes("Enabled");
	flow_advance(&flow, 5 * MINUTE);
	await(2);
	assert_string_equal(event, "2");
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.disabled = true), &err), 0);
	becomes("Disabled");
	flow_advance(&flow, 5 * MINUTE);
	stays(2);
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.input = NULL), &err), 0);
	becomes("Enabled");
	await(3); /* of a rate the first time is at once */
	assert_string_equal(event, "2");
}

TEST(when_it_is_due_may_change)
{
	char end[32];

	map(FAAS_MAPPING(.source = "schedule:cron(0 * * * ? *)"));
	await(1); /* the hour that has just begun */
	flow_advance(&flow, 60 * MINUTE);
	await(2);
	assert_int_equal(faas_mapping_update(flow.rt, id,
					     FAAS_MAPPING(.time_zone = "Asia/Kathmandu"), &err), 0);
	becomes("Enabled");
	flow_advance(&flow, 15 * MINUTE); /* a full hour there */
	await(3);
	assert_int_equal(faas_mapping_update(flow.rt, id,
					     FAAS_MAPPING(.end_date = date_in(30 * MINUTE, end)),
					     &err), 0);
	becomes("Enabled");
	flow_advance(&flow, 60 * MINUTE);
	stays(3);
}

TEST(what_cannot_be_changed_is_refused)
{
	static const char nobody[] = "00000000-0000-4000-8000-000000000000";

	map(FAAS_MAPPING(.source = "schedule:rate(5 minutes)"));
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.source = "queue:q"), &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "a mapping stays with its source");
	assert_int_equal(faas_mapping_update(flow.rt, nobody, FAAS_MAPPING(.input = "1"), &err),
			 FAAS_ENOTFOUND);
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.raw = true), &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message,
			    "schedule:rate(5 minutes) does nothing with 'RawMessageDelivery'");
	assert_int_equal(faas_mapping_update(NULL, id, FAAS_MAPPING(.input = "1"), &err),
			 FAAS_EINVAL);
}

TEST(what_is_no_schedule_is_refused)
{
	refused((struct faas_mapping_config){ .source = "schedule:hourly" },
		"'hourly' is no schedule: expected rate(...), cron(...) or at(...)");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .time_zone = "Mars/Base" },
		"'Mars/Base' is no time zone that this system knows");
	refused((struct faas_mapping_config){ .source = "schedule:at(2026-03-29T02:30:00)",
					      .time_zone = "Europe/Berlin" },
		"that time is left out by a change of the clocks");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)", .input = "{" },
		"Input must be JSON");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .flexible_min = 1441 },
		"FlexibleTimeWindow must have Mode OFF, or FLEXIBLE and MaximumWindowInMinutes "
		"from 1 to 1440");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .start_date = "tomorrow" },
		"StartDate must be a time as in 2026-11-27T12:00:00Z");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .start_date = "2026-11-27T12:00:00Z",
					      .end_date = "2026-11-27T13:00:00+01:00" },
		"The EndDate must come after the StartDate.");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .target = "bus:b" },
		"the target of a schedule is a function, a queue, a topic, a directory or a "
		"callback, not bus:b");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .max_retries = 186 },
		"RetryPolicy: MaximumRetryAttempts must be from 0 to 185");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)", .max_age_s = 59 },
		"RetryPolicy: MaximumEventAgeInSeconds must be from 60 to 86400");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)",
					      .dead_letter = "queue:q.fifo" },
		"'queue:q.fifo' is a FIFO queue, and what is sent there has no group: expected a "
		"queue that is none");
	refused((struct faas_mapping_config){ .source = "queue:q", .input = "1" },
		"queue:q does nothing with 'Input'");
	refused((struct faas_mapping_config){ .source = "queue:q", .delete_after = true },
		"queue:q does nothing with 'ActionAfterCompletion'");
	refused((struct faas_mapping_config){ .source = "schedule:rate(1 day)", .batch_size = 2 },
		"Maximum batch size for this event source is 1, not 2");
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HERE(a_rate_is_due_at_once_and_then_every_so_often),
		HERE(a_rate_is_due_at_once_also_if_it_is_opened_later),
		HERE(the_event_is_that_of_eventbridge),
		HERE(an_input_is_sent_as_it_is),
		HERE(a_time_comes_once_and_then_the_mapping_is_disabled),
		HERE(a_time_that_came_while_the_program_was_not_there_is_made_up_for),
		HERE(a_rate_goes_on_after_a_restart_and_leaves_out_what_it_missed),
		HERE(what_fell_due_just_before_a_restart_is_left_out_and_with_it_is_not),
		HERE(a_zone_tells_when_it_is_nine),
		HERE(a_flexible_schedule_comes_within_its_window),
		HERE(a_deleted_schedule_is_not_due_any_more),
		HERE(what_fell_due_long_ago_is_left_out),
		HERE(a_rate_counts_from_its_start_date_and_ends_with_its_end_date),
		HERE(a_cron_is_due_between_its_dates),
		HERE(dates_mean_nothing_to_a_time_that_comes_once),
		HERE(an_event_waits_for_its_function),
		HERE(what_was_tried_too_often_is_a_dead_letter),
		HERE(what_became_too_old_is_a_dead_letter),
		HERE(a_queue_may_be_its_target),
		HERE(a_time_that_comes_once_may_take_its_mapping_along),
		HERE(so_may_a_rate_with_its_last_time),
		HERE(without_being_told_to_a_mapping_stays_when_it_is_over),
		HERE(one_that_was_switched_off_stays_though_it_is_to_go_when_it_is_over),
		HERE(it_goes_behind_its_event_in_spite_of_a_restart),
		HERE(its_dead_letter_is_written_before_it_goes),
		HERE(what_is_changed_holds_from_then_on),
		HERE(when_it_is_due_may_change),
		HERE(what_cannot_be_changed_is_refused),
		HERE(what_is_no_schedule_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
