/* SPDX-License-Identifier: MIT */
#include <worker/ffi.h> /* before cmocka makes a macro of `fail` */

#include <support/test.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <base/error.h>

/* A context that collects what is written. */
struct fake {
	struct faas_context context;
	char out[65536], type[64], message[256];
	size_t len;
	void *memory[64];
	int count, limit;
};

static int fake_write(struct faas_context *context, const void *data, size_t len)
{
	struct fake *fake = (struct fake *)context;

	assert_true(fake->len + len < sizeof(fake->out));
	memcpy(fake->out + fake->len, data, len);
	fake->len += len;
	fake->out[fake->len] = '\0';
	return 0;
}

static int fake_fail(struct faas_context *context, const char *type, const char *message)
{
	struct fake *fake = (struct fake *)context;

	snprintf(fake->type, sizeof(fake->type), "%s", type);
	snprintf(fake->message, sizeof(fake->message), "%s", message);
	return -1;
}

static void *fake_alloc(struct faas_context *context, size_t size)
{
	struct fake *fake = (struct fake *)context;

	if (fake->count == fake->limit)
		return NULL;
	return fake->memory[fake->count++] = malloc(size); /* exactly: a sanitizer looks on */
}

static const struct faas_api fake_api = {
	.size = sizeof(fake_api),
	.write = fake_write,
	.fail = fake_fail,
	.alloc = fake_alloc,
};

static struct fake fake;

static void *library(const char *name)
{
	static void *cfuncs, *libm;
	void **handle = name[0] == 'c' ? &cfuncs : &libm;

	if (!*handle)
		*handle = dlopen(name[0] == 'c' ? TEST_PLUGINS "/cfuncs.so" : name, RTLD_NOW);
	if (!*handle)
		fail_msg("%s", dlerror());
	return *handle;
}

static int call_limited(const char *from, const char *prototype, const char *event, int limit)
{
	struct faas_error err = { .code = 0 };
	struct fa_ffi ffi;
	int rc;

	memset(&fake, 0, sizeof(fake));
	fake.context.api = &fake_api;
	fake.limit = limit;
	if (fa_prototype_parse(&ffi.prototype, prototype, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(fa_ffi_init(&ffi, dlsym(library(from), ffi.prototype.name), &err), 0);
	assert_non_null(ffi.function);
	rc = fa_ffi_invoke(&ffi, &fake.context, (struct faas_bytes){ event, strlen(event) });
	for (int i = 0; i < fake.count; i++)
		free(fake.memory[i]);
	return rc;
}

static void assert_result(const char *prototype, const char *event, const char *result)
{
	if (call_limited("cfuncs", prototype, event, 64) != 0)
		fail_msg("%s: %s", prototype, fake.message);
	assert_string_equal(fake.out, result);
}

/* Refused as a bad argument, with these words in the message. */
static void assert_refused(const char *prototype, const char *event, const char *why)
{
	assert_int_not_equal(call_limited("cfuncs", prototype, event, 64), 0);
	assert_string_equal(fake.type, "Runtime.BadArgument");
	if (!strstr(fake.message, why))
		fail_msg("%s of %s: the message is \"%s\"", prototype, event, fake.message);
	assert_int_equal(fake.len, 0);
}

TEST(arguments_are_given_by_position_or_by_name)
{
	assert_result("int64_t add(int64_t a, int64_t b)", "[1, 2]", "3");
	assert_result("int64_t add(int64_t a, int64_t b)", " {\"b\": 2, \"a\": 1} ", "3");
	assert_result("int64_t add(int64_t, int64_t)", "{\"arg1\":1,\"arg2\":2}", "3");
}

TEST(one_parameter_may_be_its_value_alone)
{
	assert_result("double half(double x)", "3", "1.5");
	assert_result("double half(double x)", "[3]", "1.5");
	assert_result("double half(double x)", "{\"x\":3}", "1.5");
	assert_result("free char *greet(const char *name)", "\"you\"", "\"hello you\"");
}

TEST(no_parameters_are_said_by_nothing)
{
	static const char *const events[] = { "", "[]", "{}", "null", " [ ] " };

	for (size_t i = 0; i < 5; i++)
		assert_result("void touch(void)", events[i], "null");
}

TEST(every_width_keeps_its_limits)
{
	assert_result("int8_t neg8(int8_t x)", "[127]", "-127");
	assert_result("int8_t neg8(int8_t x)", "[-128]", "-128");
	assert_result("uint8_t inc8(uint8_t x)", "[255]", "0");
	assert_result("int16_t neg16(int16_t x)", "[-32767]", "32767");
	assert_result("uint16_t inc16(uint16_t x)", "[65534]", "65535");
	assert_result("int32_t neg32(int32_t x)", "[2147483647]", "-2147483647");
	assert_result("uint32_t inc32(uint32_t x)", "[4294967294]", "4294967295");
	assert_result("int64_t add(int64_t a, int64_t b)", "[9223372036854775807, 0]",
		      "9223372036854775807");
	assert_result("int64_t add(int64_t a, int64_t b)", "[-9223372036854775808, 0]",
		      "-9223372036854775808");
	assert_result("uint64_t inc64(uint64_t x)", "[18446744073709551614]",
		      "18446744073709551615");
	assert_result("int64_t add(int64_t a, int64_t b)", "[9007199254740993, 0]",
		      "9007199254740993");
}

TEST(numbers_out_of_range_are_refused)
{
	assert_refused("int8_t neg8(int8_t x)", "[128]", "'x' must be an integer from -128 to 127");
	assert_refused("int8_t neg8(int8_t x)", "[-129]", "not -129");
	assert_refused("uint8_t inc8(uint8_t x)", "[256]", "from 0 to 255");
	assert_refused("uint8_t inc8(uint8_t x)", "[-1]", "from 0 to 255");
	assert_refused("uint32_t inc32(uint32_t x)", "[4294967296]", "from 0 to 4294967295");
	assert_refused("int64_t add(int64_t a, int64_t b)", "[0, 9223372036854775808]",
		       "'b' must be an integer from -9223372036854775808 to 9223372036854775807");
	assert_refused("uint64_t inc64(uint64_t x)", "[18446744073709551616]",
		       "from 0 to 18446744073709551615");
	assert_refused("float halff(float x)", "[1e39]", "fits a float");
	assert_refused("double half(double x)", "[1e309]", "fits a double");
}

TEST(an_integer_is_written_as_one)
{
	assert_refused("int32_t neg32(int32_t x)", "[3.0]", "an integer");
	assert_refused("int32_t neg32(int32_t x)", "[1e3]", "an integer");
	assert_refused("int32_t neg32(int32_t x)", "[\"3\"]", "an integer");
	assert_refused("int32_t neg32(int32_t x)", "[true]", "an integer");
	assert_refused("int32_t neg32(int32_t x)", "[null]", "an integer");
}

TEST(reals_take_any_number_and_come_back_short)
{
	assert_result("double half(double x)", "[1]", "0.5");
	assert_result("double half(double x)", "[0.2]", "0.1");
	assert_result("float halff(float x)", "[0.2]", "0.1");
	assert_refused("double half(double x)", "[\"1\"]", "'x' must be a number");
}

TEST(what_json_cannot_say_comes_back_as_null)
{
	assert_result("double infinity(int sign)", "1", "null");
	assert_result("double infinity(int sign)", "-1", "null");
	assert_result("double infinity(int sign)", "0", "null");
}

TEST(booleans_are_true_and_false_only)
{
	assert_result("bool negate(bool x)", "true", "false");
	assert_result("_Bool negate(_Bool x)", "[false]", "true");
	assert_refused("bool negate(bool x)", "[1]", "'x' must be true or false, not 1");
}

TEST(strings_are_decoded_and_encoded)
{
	assert_result("free char *greet(const char *name)", "[\"a\\u00e4\\n\\\"\"]",
		      "\"hello a\xc3\xa4\\n\\\"\"");
	assert_result("const char *borrowed(const char *name)", "[\"\"]", "\"<>\"");
	assert_result("const char *nothing(void)", "[]", "null");
	assert_result("free char *nothing(void)", "[]", "null");
	assert_result("const char *broken_text(void)", "[]", "\"a\\\"\xef\xbf\xbd\\n\"");
}

TEST(a_long_string_comes_back_whole)
{
	static char event[6000], want[7000];
	size_t n = 0;

	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(event + n, "%s", i % 3 ? "x" : "\xe2\x82\xac");
	snprintf(want, sizeof(want), "\"hello %s\"", event);
	memmove(event + 1, event, n + 1);
	event[0] = event[n + 1] = '"';
	event[n + 2] = '\0';
	assert_result("free char *greet(const char *name)", event, want);
}

TEST(a_string_with_a_nul_inside_is_no_c_string)
{
	assert_refused("free char *greet(const char *name)", "[\"a\\u0000b\"]", "without \\u0000");
	assert_refused("free char *greet(const char *name)", "[1]",
		       "'name' must be a string, not 1");
	assert_refused("free char *greet(const char *name)", "[null]", "must be a string");
}

TEST(bytes_are_the_text_of_a_string_or_base64)
{
	assert_result("uint32_t checksum(const void *data, size_t len)", "[\"ab\"]", "3105");
	assert_result("uint32_t checksum(const void *data, size_t len)", "{\"data\":\"ab\"}",
		      "3105");
	assert_result("uint32_t checksum(const void *data, size_t len)", "[\"\"]", "0");
	assert_result("uint32_t checksum(const void *data, size_t len)", "[{\"base64\":\"YWI=\"}]",
		      "3105");
	assert_result("uint32_t checksum(const void *data, size_t len)", "[{\"base64\":\"/w==\"}]",
		      "255");
	assert_result("uint32_t checksum(const void *data, size_t len)", "[{\"base64\":\"AAAB\"}]",
		      "1");
	assert_result("uint32_t checksum(const void *data, size_t len)", "[\"\\u0000\\u0001\"]",
		      "1");
}

TEST(bad_bytes_are_refused)
{
	static const char prototype[] = "uint32_t checksum(const void *data, size_t len)";

	assert_refused(prototype, "[{\"base64\":\"YWI\"}]", "not valid base64");
	assert_refused(prototype, "[{\"base64\":\"Y=I=\"}]", "not valid base64");
	assert_refused(prototype, "[{\"base64\":\"====\"}]", "not valid base64");
	assert_refused(prototype, "[{\"base64\":\"YW-_\"}]", "not valid base64");
	assert_refused(prototype, "[{\"base64\":\"YWI=\",\"x\":1}]", "a string or {");
	assert_refused(prototype, "[{}]", "a string or {");
	assert_refused(prototype, "[[1,2]]", "a string or {");
	assert_refused(prototype, "{\"data\":\"x\",\"len\":1}", "no parameter \"len\"");
}

TEST(a_length_that_its_type_cannot_say_is_refused)
{
	char event[300] = "[\"";

	memset(event + 2, 'a', 256);
	memcpy(event + 2 + 255, "\"]", 3);
	assert_result("uint8_t short_length(const unsigned char *data, uint8_t len)", event, "255");
	memcpy(event + 2 + 255, "a\"]", 4);
	assert_refused("uint8_t short_length(const unsigned char *data, uint8_t len)", event,
		       "'data' is longer than 'len' can say");
}

TEST(arrays_have_exactly_their_length)
{
	assert_result("double sum3(const double v[3])", "[[1, 2.5, -1]]", "2.5");
	assert_result("double sum3(double v[3])", "{\"v\":[1,2,3]}", "6");
	assert_refused("double sum3(double v[3])", "[[1,2]]", "'v' must be an array of 3 elements");
	assert_refused("double sum3(double v[3])", "[[1,2,3,4]]", "an array of 3 elements");
	assert_refused("double sum3(double v[3])", "[1]", "an array of 3 elements");
	assert_refused("double sum3(double v[3])", "[[1,\"2\",3]]", "'v' must be a number");
}

TEST(out_parameters_are_members_of_the_result)
{
	assert_result("double split(double x, out double *whole)", "[2.5]",
		      "{\"result\":0.5,\"whole\":2}");
	assert_result("void square4(const int v[4], out int squares[4])", "[[1,2,3,-4]]",
		      "{\"squares\":[1,4,9,16]}");
	assert_result("void fill_text(int n, out char text[16])", "[3]", "{\"text\":\"zzz\"}");
	assert_result("void fill_text(int n, out char text[16])", "[99]",
		      "{\"text\":\"zzzzzzzzzzzzzzzz\"}");
	assert_refused("double split(double x, out double *whole)", "{\"x\":1,\"whole\":2}",
		       "no parameter \"whole\"");
}

TEST(sixteen_parameters_in_registers_and_on_the_stack_arrive)
{
	assert_result("int many(int a, int b, int c, int d, int e, int f, int g, int h, double i, "
		      "double j, double k, double l, double m, double n, double o, const char *p)",
		      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,\"sixteen character\"]", "137");
}

TEST(a_wrong_count_or_name_is_refused)
{
	static const char prototype[] = "int64_t add(int64_t a, int64_t b)";

	assert_refused(prototype, "[1]", "add takes 2 arguments, not 1");
	assert_refused(prototype, "[1,2,3]", "add takes 2 arguments, not 3");
	assert_refused(prototype, "{\"a\":1}", "parameter 'b' is missing");
	assert_refused(prototype, "", "parameter 'a' is missing");
	assert_refused(prototype, "{\"a\":1,\"b\":2,\"c\":3}", "add has no parameter \"c\"");
	assert_refused(prototype, "{\"a\":1,\"b\":2,\"a\":3}", "parameter 'a' is given twice");
	assert_refused(prototype, "7", "add takes 2 arguments: an array");
	assert_refused(prototype, "[1,2", "the event is not JSON");
	assert_refused("void touch(void)", "[1]", "touch takes 0 arguments, not 1");
	assert_refused("void touch(void)", "1", "touch takes 0 arguments");
}

TEST(nothing_is_called_when_an_argument_is_refused)
{
	char before[16];

	call_limited("cfuncs", "int touched(void)", "", 64);
	strcpy(before, fake.out);
	assert_refused("void touch(int8_t x)", "[300]", "'x'");
	assert_refused("void touch(int8_t x, out int *y)", "[1, 2]", "takes 1 argument");
	assert_result("int touched(void)", "", before);
}

TEST(a_huge_value_is_not_repeated_in_the_message)
{
	static char event[4000];

	memset(event, '7', sizeof(event) - 1);
	assert_refused("int8_t neg8(int8_t x)", event, "777...");
	assert_true(strlen(fake.message) < 200);
}

TEST(no_memory_for_the_arguments_is_told_apart)
{
	assert_int_not_equal(
		call_limited("cfuncs", "free char *greet(const char *name)", "\"x\"", 0), 0);
	assert_string_equal(fake.type, "Runtime.OutOfMemory");
	assert_int_not_equal(call_limited("cfuncs", "void fill_text(int n, out char text[16])", "1",
					  0), 0);
	assert_string_equal(fake.type, "Runtime.OutOfMemory");
}

TEST(functions_of_the_c_library_work_from_their_manual_page)
{
	assert_int_equal(call_limited("libm.so.6", "double pow(double x, double y);", "[2, 10]", 9),
			 0);
	assert_string_equal(fake.out, "1024");
	assert_int_equal(
		call_limited("libm.so.6", "double frexp(double x, out int *exp)", "[8]", 9), 0);
	assert_string_equal(fake.out, "{\"result\":0.5,\"exp\":4}");
	assert_int_equal(call_limited("libm.so.6", "float sqrtf(float x)", "2", 9), 0);
	assert_string_equal(fake.out, "1.4142135");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_given_by_position_or_by_name),
		cmocka_unit_test(one_parameter_may_be_its_value_alone),
		cmocka_unit_test(no_parameters_are_said_by_nothing),
		cmocka_unit_test(every_width_keeps_its_limits),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(an_integer_is_written_as_one),
		cmocka_unit_test(reals_take_any_number_and_come_back_short),
		cmocka_unit_test(what_json_cannot_say_comes_back_as_null),
		cmocka_unit_test(booleans_are_true_and_false_only),
		cmocka_unit_test(strings_are_decoded_and_encoded),
		cmocka_unit_test(a_long_string_comes_back_whole),
		cmocka_unit_test(a_string_with_a_nul_inside_is_no_c_string),
		cmocka_unit_test(bytes_are_the_text_of_a_string_or_base64),
		cmocka_unit_test(bad_bytes_are_refused),
		cmocka_unit_test(a_length_that_its_type_cannot_say_is_refused),
		cmocka_unit_test(arrays_have_exactly_their_length),
		cmocka_unit_test(out_parameters_are_members_of_the_result),
		cmocka_unit_test(sixteen_parameters_in_registers_and_on_the_stack_arrive),
		cmocka_unit_test(a_wrong_count_or_name_is_refused),
		cmocka_unit_test(nothing_is_called_when_an_argument_is_refused),
		cmocka_unit_test(a_huge_value_is_not_repeated_in_the_message),
		cmocka_unit_test(no_memory_for_the_arguments_is_told_apart),
		cmocka_unit_test(functions_of_the_c_library_work_from_their_manual_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
