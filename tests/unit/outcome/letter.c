/* SPDX-License-Identifier: MIT */
/* The edges of letters; their common forms are in flow/destinations. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>

#include <outcome/letter.h>

static const struct fa_address queue = { .kind = FA_TO_QUEUE, .text = "queue:q" };

static struct fa_ended ended(const char *event)
{
	return (struct fa_ended){ .request_id = "id",
				  .arn = "arn:f",
				  .qualifier = "q",
				  .version = "3",
				  .condition = "RetriesExhausted",
				  .attempts = 1,
				  .now_ms = 1700000000007,
				  .event = { event, strlen(event) },
				  .refusal = "Rate Exceeded.",
				  .trace = "Root=1" };
}

static struct fa_letters *letters_of(const struct fa_ended *e)
{
	struct fa_letters *letters = fa_letters_create(&fa_mem_libc, e, &queue, &queue);

	assert_non_null(letters);
	assert_int_equal(letters->count, 2);
	return letters;
}

static void says(struct faas_bytes bytes, const char *text)
{
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
}

TEST(an_event_that_did_not_run_has_no_response)
{
	struct fa_ended e = ended("{}");
	struct fa_letters *letters = letters_of(&e);

	says(letters->messages[0].body,
	     "{\"version\":\"1.0\",\"timestamp\":\"2023-11-14T22:13:20.007Z\","
	     "\"requestContext\":{\"requestId\":\"id\",\"functionArn\":\"arn:f:q\","
	     "\"condition\":\"RetriesExhausted\",\"approximateInvokeCount\":1},"
	     "\"requestPayload\":{}}");
	says(letters->messages[1].attributes,
	     "{\"RequestID\":{\"StringValue\":\"id\",\"DataType\":\"String\"},"
	     "\"ErrorCode\":{\"StringValue\":\"429\",\"DataType\":\"Number\"},"
	     "\"ErrorMessage\":{\"StringValue\":\"Rate Exceeded.\",\"DataType\":\"String\"}}");
	says(letters->messages[1].source, "arn:f:q");
	says(letters->messages[0].trace, "Root=1");
	fa_free(letters);
}

#define VALUE "\"ErrorMessage\":{\"StringValue\":\""

/* The message of an error of `len` characters, the last one of two bytes. */
static size_t told_of(size_t len)
{
	char *error = malloc(len + 100), *at = error;
	struct fa_ended e = ended("{}");
	struct fa_letters *letters;
	const char *begin, *end;
	size_t told;

	at += sprintf(at, "{\"errorMessage\":\"");
	memset(at, 'x', len);
	at += len - 2;
	at += sprintf(at, "\xc3\xa9\"}");
	e.ran = e.failed = true;
	e.answer = (struct faas_bytes){ error, (size_t)(at - error) };
	letters = letters_of(&e);
	begin = strstr(letters->messages[1].attributes.data, VALUE) + strlen(VALUE);
	end = strchr(begin, '"');
	told = (size_t)(end - begin);
	fa_free(letters);
	free(error);
	return told;
}

TEST(the_first_kilobyte_of_an_error_is_told_and_no_half_character)
{
	assert_int_equal(told_of(1024), 1024);
	assert_int_equal(told_of(1025), 1023);
	assert_int_equal(told_of(1026), 1024);
	assert_int_equal(told_of(5000), 1024);
}

TEST(an_error_without_a_message_is_told_without_one)
{
	struct fa_ended e = ended("{}");
	struct fa_letters *letters;

	e.ran = true;
	e.answer = (struct faas_bytes){ "[1]", 3 };
	letters = letters_of(&e);
	assert_non_null(strstr(letters->messages[1].attributes.data,
			       "\"ErrorMessage\":{\"StringValue\":\"\","));
	fa_free(letters);
}

/* Six bytes for one is the most that escaping takes. */
TEST(a_large_event_of_nothing_but_control_characters_is_told_whole)
{
	size_t len = 1048576;
	char *event = malloc(len + 1);
	struct fa_ended e;
	struct fa_letters *letters;

	memset(event, '\1', len);
	event[len] = '\0';
	e = ended(event);
	letters = letters_of(&e);
	assert_true(letters->messages[0].body.len > 6 * len);
	assert_memory_equal((const char *)letters->messages[0].body.data +
				    letters->messages[0].body.len - 8,
			    "\\u0001\"}", 8);
	assert_int_equal(letters->messages[1].body.len, len);
	fa_free(letters);
	free(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_that_did_not_run_has_no_response),
		cmocka_unit_test(the_first_kilobyte_of_an_error_is_told_and_no_half_character),
		cmocka_unit_test(an_error_without_a_message_is_told_without_one),
		cmocka_unit_test(a_large_event_of_nothing_but_control_characters_is_told_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
