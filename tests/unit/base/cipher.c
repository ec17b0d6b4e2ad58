/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/cipher.h>
#include <faas/types.h>

static const unsigned char key[FA_KEY_SIZE] = "a key of thirty-two bytes, about";
static const unsigned char other[FA_KEY_SIZE] = "a key of thirty-two bytes, absut";
static const char text[] = "the secret";

#define LEN sizeof(text)

static unsigned char sealed[LEN + FA_SEAL_MORE];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(fa_seal(sealed, key, "f", text, LEN), 0);
	return 0;
}

static int open_it(const unsigned char *with, const char *bound, size_t len, char out[LEN])
{
	memset(out, 'x', LEN);
	return fa_unseal(out, with, bound, sealed, len);
}

TEST(what_was_sealed_opens_with_its_key)
{
	char out[LEN];

	assert_null(memmem(sealed, sizeof(sealed), "secret", 6));
	assert_int_equal(open_it(key, "f", sizeof(sealed), out), 0);
	assert_string_equal(out, text);
}

TEST(another_key_or_another_place_opens_nothing_and_shows_nothing)
{
	char out[LEN], zero[LEN] = "";

	assert_int_equal(open_it(other, "f", sizeof(sealed), out), FAAS_EDENIED);
	assert_memory_equal(out, zero, LEN);
	assert_int_equal(open_it(key, "g", sizeof(sealed), out), FAAS_EDENIED);
	assert_memory_equal(out, zero, LEN);
}

TEST(no_bit_of_it_can_be_changed)
{
	char out[LEN];

	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(open_it(key, "f", sizeof(sealed), out), FAAS_EDENIED);
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(open_it(key, "f", sizeof(sealed), out), 0);
}

TEST(a_part_of_it_is_not_it)
{
	char out[LEN];

	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(open_it(key, "f", len, out), FAAS_EDENIED);
}

TEST(no_two_seals_are_the_same)
{
	unsigned char again[sizeof(sealed)];

	assert_int_equal(fa_seal(again, key, "f", text, LEN), 0);
	assert_memory_not_equal(again, sealed, sizeof(sealed));
}

TEST(nothing_can_be_sealed_too)
{
	unsigned char empty[FA_SEAL_MORE];
	char out[1];

	assert_int_equal(fa_seal(empty, key, "", "", 0), 0);
	assert_int_equal(fa_unseal(out, key, "", empty, sizeof(empty)), 0);
	empty[0] ^= 1;
	assert_int_equal(fa_unseal(out, key, "", empty, sizeof(empty)), FAAS_EDENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup(name, setup)
		ROW(what_was_sealed_opens_with_its_key),
		ROW(another_key_or_another_place_opens_nothing_and_shows_nothing),
		ROW(no_bit_of_it_can_be_changed),
		ROW(a_part_of_it_is_not_it),
		ROW(no_two_seals_are_the_same),
		ROW(nothing_can_be_sealed_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
