/* SPDX-License-Identifier: MIT */
/* The kernel's list of mappings, taken apart; the texts are as kernels write them. */
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <worker/maps.h>

static struct fa_maps maps, other;

static void put(const char *text)
{
	maps.len = strlen(text);
	memcpy(maps.text, text, maps.len);
}

TEST(each_line_becomes_a_mapping)
{
	put("55d0a7f5e000-55d0a7f60000 r-xp 00002000 fe:01 1234                  /usr/bin/a b\n"
	    "7f0000000000-7f0000001000 rw-s 00000000 00:01 9 /memfd:x (deleted)\n"
	    "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n"
	    "7ffd00031000-7ffd00033000 r--p 00000000 00:00 0                          [vvar]\n"
	    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0             [vsyscall]\n");
	assert_true(fa_maps_parse(&maps));
	assert_int_equal(maps.count, 5);
	assert_int_equal(maps.list[0].start, 0x55d0a7f5e000);
	assert_int_equal(maps.list[0].end, 0x55d0a7f60000);
	assert_int_equal(maps.list[0].protection, PROT_READ | PROT_EXEC);
	assert_int_equal(maps.list[0].offset, 0x2000);
	assert_int_equal(maps.list[0].device, (uint64_t)0xfe << 32 | 1);
	assert_int_equal(maps.list[0].inode, 1234);
	assert_false(maps.list[0].shared || maps.list[0].stack || maps.list[0].kernel);
	assert_true(maps.list[1].shared);
	assert_true(maps.list[2].stack);
	assert_true(maps.list[3].kernel && maps.list[4].kernel);
	assert_int_equal(maps.list[4].start, 0xffffffffff600000);
}

TEST(a_line_that_is_cut_is_refused)
{
	put("55d0a7f5e000-55d0a7f60000 r-xp 00002000 fe:01 1234");
	assert_false(fa_maps_parse(&maps));
}

TEST(too_many_lines_are_refused)
{
	maps.len = 0;
	for (int i = 0; i <= FA_MAPS_MAX; i++)
		maps.len += (size_t)sprintf(maps.text + maps.len,
					    "%d000-%d000 r--p 00000000 00:00 0 \n", i, i + 1);
	assert_false(fa_maps_parse(&maps));
}

TEST(a_new_mapping_of_this_process_shows)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	void *map;

	assert_true(fa_maps_read(&maps, fd));
	assert_true(fa_maps_read(&other, fd));
	assert_true(fa_maps_same(&maps, &other));
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fa_maps_read(&other, fd));
	assert_false(fa_maps_same(&maps, &other));
	assert_true(fa_maps_parse(&other));
	munmap(map, 8192);
	close(fd);
}

TEST(what_is_no_file_cannot_be_read)
{
	assert_false(fa_maps_read(&maps, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_becomes_a_mapping),
		cmocka_unit_test(a_line_that_is_cut_is_refused),
		cmocka_unit_test(too_many_lines_are_refused),
		cmocka_unit_test(a_new_mapping_of_this_process_shows),
		cmocka_unit_test(what_is_no_file_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
