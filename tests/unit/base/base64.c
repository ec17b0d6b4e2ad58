/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <support/failing_mem.h>
#include <base/base64.h>

static struct faas_error err;

static void decodes(const char *text, const char *expected)
{
	size_t len = 99;
	char *data = fa_base64_decode(&fa_mem_libc, text, "It", &len, &err);

	assert_non_null(data);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
	fa_free(data);
}

TEST(the_vectors_of_rfc_4648_are_decoded)
{
	decodes("", "");
	decodes("Zg==", "f");
	decodes("Zm8=", "fo");
	decodes("Zm9v", "foo");
	decodes("Zm9vYg==", "foob");
	decodes("Zm9vYmE=", "fooba");
	decodes("Zm9vYmFy", "foobar");
}

TEST(anything_else_is_refused)
{
	static const char *const bad[] = { "Z",	   "Zg",   "Zg=",   "Zg==Zg==", "Z=g=", "====",
					   " Zg==", "Zg==\n", "Zm9v!", "Zm9_", "Zm-v" };
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(fa_base64_decode(&fa_mem_libc, bad[i], "It", &len, &err));
		assert_int_equal(err.code, FAAS_EINVAL);
		assert_string_equal(err.message, "It must be base64");
	}
}

TEST(memory_that_runs_out_is_said)
{
	struct failing_mem mem;
	size_t len;

	failing_mem_init(&mem);
	mem.fail_at = 1;
	assert_null(fa_base64_decode(&mem.mem, "Zg==", "It", &len, &err));
	assert_int_equal(err.code, FAAS_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_4648_are_decoded),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
