/* SPDX-License-Identifier: MIT */
/* A directory wakes a function, as a bucket of S3 does. Files are real, and so is the time. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/stores.h"

#define MANY 600

static struct flow flow;
static struct faas_error err;
static char folder[64], inbox[64], source[80], id[37], event[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char told[1 << 16]; /* "Put a.jpg\n" ... */
static int calls;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* Longer than what file times are exact to. */
static void let_time_pass(void)
{
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
}

/* What stands behind `name` in the last event, up to the next quote. */
static const char *member(const char *name)
{
	static char value[1100];
	const char *at = strstr(event, name);

	assert_non_null(at);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(name), "\""),
		 at + strlen(name));
	return value;
}

static int handler(struct faas_context *ctx, struct faas_bytes bytes)
{
	bool bad;

	pthread_mutex_lock(&lock);
	snprintf(event, sizeof(event), "%.*s", (int)bytes.len, (const char *)bytes.data);
	strcat(strcat(told, strchr(member("\"eventName\":\""), ':') + 1), " ");
	strcat(strcat(told, member("\"object\":{\"key\":\"")), "\n");
	calls++;
	bad = !strncmp(member("\"object\":{\"key\":\""), "bad", 3);
	pthread_mutex_unlock(&lock);
	return bad ? faas_fail(ctx, "Test.Failed", "as planned") : faas_puts(ctx, "");
}

static void open_runtime(void)
{
	memset(&err, 0, sizeof(err));
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
}

static void forget_told(void)
{
	pthread_mutex_lock(&lock);
	*told = '\0';
	calls = 0;
	pthread_mutex_unlock(&lock);
}

static int open_it(void **state)
{
	(void)state;
	stores_folder(folder);
	stores_folder(inbox);
	snprintf(source, sizeof(source), "dir:%s", inbox);
	forget_told();
	open_runtime();
	return 0;
}

static int close_it(void **state)
{
	char command[100];

	(void)state;
	flow_close(&flow);
	stores_remove(folder);
	snprintf(command, sizeof(command), "rm -rf %s", inbox);
	return system(command);
}

static void restart(void)
{
	flow_close(&flow);
	forget_told();
	open_runtime();
}

/* ---- files -------------------------------------------------------------- */

static const char *path(const char *name)
{
	static char text[2][1300];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", inbox, name);
	return text[turn];
}

static int begin_file(const char *name, const char *content)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	return fd;
}

static void put(const char *name, const char *content)
{
	close(begin_file(name, content));
}

static void make_folder(const char *name)
{
	assert_int_equal(mkdir(path(name), 0755), 0);
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(path(from), path(to)), 0);
}

/* ---- what is told --------------------------------------------------------- */

static void map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	c.function = "f";
	c.source = source;
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

static void await(int n)
{
	int now = 0;

	for (int i = 0; now < n && i < 20000; i++) {
		tick();
		pthread_mutex_lock(&lock);
		now = calls;
		pthread_mutex_unlock(&lock);
	}
	if (now != n)
		fail_msg("told %d times, not %d:\n%s", now, n, told);
}

/* Nothing more: what comes later is behind a file that is told of. */
static void only(const char *what)
{
	static int serial;
	char want[4200], last[32];
	int n = 1;

	for (const char *at = what; (at = strchr(at, '\n')); at++)
		n++;
	await(n - 1);
	snprintf(last, sizeof(last), "last%d", serial++);
	put(last, "");
	await(n);
	snprintf(want, sizeof(want), "%sPut %s\n", what, last);
	assert_string_equal(told, want);
	forget_told();
}

static int count(const char *line)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	for (const char *at = told; (at = strstr(at, line)); at++)
		n++;
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---- tests ------------------------------------------------------------------- */

TEST(a_file_is_told_of_when_it_is_whole)
{
	int fd;

	map(FAAS_MAPPING(.source = source));
	fd = begin_file("a.jpg", "half");
	only("");
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	await(1);
	assert_non_null(strstr(event, "\"size\":8,"));
	only("Put a.jpg\n");
}

TEST(the_event_is_that_of_s3)
{
	char want[2048], bucket[300];

	map(FAAS_MAPPING(.source = source));
	put("red flower.jpg", "x");
	await(1);
	snprintf(bucket, sizeof(bucket),
		 "\"bucket\":{\"name\":\"%s\",\"ownerIdentity\":{\"principalId\":\"000000000000\"},"
		 "\"arn\":\"arn:aws:s3:::%s\"}",
		 inbox, inbox);
	assert_memory_equal(event,
			    "{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":"
			    "\"aws:s3\",\"awsRegion\":\"local-1\",\"eventTime\":\"20",
			    92);
	snprintf(want, sizeof(want),
		 "Z\",\"eventName\":\"ObjectCreated:Put\",\"userIdentity\":{\"principalId\":"
		 "\"000000000000\"},\"requestParameters\":{\"sourceIPAddress\":\"127.0.0.1\"},"
		 "\"responseElements\":{\"x-amz-request-id\":\"%.16s\",\"x-amz-id-2\":\"%.64s\"},"
		 "\"s3\":{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"%s\",%s,"
		 "\"object\":{\"key\":\"red+flower.jpg\",\"size\":1,\"eTag\":\"%.32s\","
		 "\"sequencer\":\"%.16s\"}}}]}",
		 strstr(event, "request-id\":\"") + 13, strstr(event, "id-2\":\"") + 7, id, bucket,
		 strstr(event, "eTag\":\"") + 7, strstr(event, "sequencer\":\"") + 12);
	assert_string_equal(strstr(event, "Z\",\"eventName\""), want);
}

TEST(what_is_written_anew_with_its_old_size_and_time_is_told_of)
{
	struct timespec times[2];
	struct stat st;
	int fd;

	map(FAAS_MAPPING(.source = source));
	put("a", "1");
	await(1);
	forget_told();
	assert_int_equal(stat(path("a"), &st), 0);
	times[0] = times[1] = st.st_mtim;
	tick();
	fd = open(path("a"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "2", 1), 1);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	only("Put a\n");
}

TEST(one_that_is_moved_there_is_a_copy_and_one_that_goes_is_removed)
{
	map(FAAS_MAPPING(.removals = true));
	put("a", "1");
	await(1);
	move("a", "b");
	await(3);
	assert_non_null(strstr(told, "Delete a\n"));
	assert_non_null(strstr(told, "Copy b\n"));
	unlink(path("b"));
	await(4);
	assert_null(strstr(event, "\"size\""));
	assert_null(strstr(event, "\"eTag\""));
	assert_non_null(strstr(event, "\"eventName\":\"ObjectRemoved:Delete\","));
	assert_non_null(strstr(told, "Delete b\n"));
}

TEST(removals_are_told_only_on_request)
{
	map(FAAS_MAPPING(.source = source));
	put("a", "1");
	await(1);
	unlink(path("a"));
	only("Put a\n");
}

TEST(folders_below_are_prefixes_of_keys)
{
	map(FAAS_MAPPING(.removals = true));
	make_folder("2026");
	make_folder("2026/11");
	put("2026/11/a.jpg", "1");
	only("Put 2026/11/a.jpg\n");
	put("2026/11/b.jpg", "1");
	only("Put 2026/11/b.jpg\n");
}

TEST(a_folder_that_is_moved_takes_its_files_along)
{
	map(FAAS_MAPPING(.removals = true));
	make_folder("x");
	put("x/a", "1");
	await(1);
	forget_told();
	let_time_pass();
	move("x", "y");
	await(2);
	assert_non_null(strstr(told, "Delete x/a\n"));
	assert_non_null(strstr(told, "Put y/a\n"));
	forget_told();
	put("y/b", "1");
	only("Put y/b\n");
}

TEST(only_keys_with_that_prefix_and_suffix_count)
{
	map(FAAS_MAPPING(.prefix = "in/", .suffix = ".jpg"));
	make_folder("in");
	put("a.jpg", "1");
	put("in/a.png", "1");
	put("in/.jpg", "1");
	put("in/a.jpg", "1");
	await(2);
	assert_non_null(strstr(told, "Put in/.jpg\n"));
	assert_non_null(strstr(told, "Put in/a.jpg\n"));
}

TEST(what_is_there_already_is_told_on_request_only)
{
	put("old", "1");
	make_folder("x");
	put("x/old", "1");
	let_time_pass();
	map(FAAS_MAPPING(.source = source));
	only("");
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	map(FAAS_MAPPING(.existing = true, .removals = true));
	await(3); /* with the last one of only() */
	assert_non_null(strstr(told, "Put old\n"));
	assert_non_null(strstr(told, "Put x/old\n"));
}

TEST(a_file_that_is_put_right_behind_the_mapping_is_told_of)
{
	map(FAAS_MAPPING(.source = source));
	put("a", "1");
	only("Put a\n");
}

TEST(after_a_restart_what_changed_is_told_and_nothing_twice)
{
	put("old", "1");
	let_time_pass();
	map(FAAS_MAPPING(.removals = true));
	put("same", "1");
	put("goes", "1");
	put("changes", "1");
	await(3);
	flow_close(&flow);
	unlink(path("goes"));
	put("changes", "22");
	put("new", "1");
	forget_told();
	open_runtime();
	await(3);
	assert_non_null(strstr(told, "Put new\n"));
	assert_non_null(strstr(told, "Put changes\n"));
	assert_non_null(strstr(told, "Delete goes\n"));
	restart();
	only("");
}

TEST(a_file_that_is_written_during_a_restart_is_told_of_when_it_is_whole)
{
	int fd;

	map(FAAS_MAPPING(.source = source));
	only("");
	flow_close(&flow);
	fd = begin_file("a", "half");
	open_runtime();
	only("");
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	await(1);
	assert_non_null(strstr(event, "\"size\":8,"));
}

TEST(links_and_fifos_are_not_there)
{
	char outside[80];

	map(FAAS_MAPPING(.removals = true));
	snprintf(outside, sizeof(outside), "%s.out", inbox);
	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(symlink("/etc/passwd", path("passwd")), 0);
	assert_int_equal(symlink(outside, path("out")), 0);
	assert_int_equal(mkfifo(path("fifo"), 0644), 0);
	put("out/secret", "1");
	only("");
	restart();
	only("");
	unlink(path("out/secret"));
	assert_int_equal(rmdir(outside), 0);
}

/* The same name as a file and as a link: what was told of goes. */
static void expect_replaced_file_gone(void)
{
	assert_int_equal(symlink("/etc/passwd", path("link")), 0);
	move("link", "a");
	only("Delete a\n");
}

TEST(a_file_that_a_link_takes_the_place_of_is_gone)
{
	map(FAAS_MAPPING(.removals = true));
	put("a", "1");
	await(1);
	forget_told();
	expect_replaced_file_gone();
}

TEST(a_folder_that_a_link_takes_the_place_of_is_gone)
{
	map(FAAS_MAPPING(.removals = true));
	make_folder("d");
	put("d/a", "1");
	await(1);
	flow_close(&flow);
	forget_told();
	move("d", "e");
	assert_int_equal(symlink("e", path("d")), 0);
	open_runtime();
	await(2);
	assert_int_equal(count("Delete d/a\n"), 1);
	assert_int_equal(count("Put e/a\n"), 1);
}

TEST(a_hard_link_is_a_file_that_is_whole)
{
	map(FAAS_MAPPING(.source = source));
	put("a", "1");
	await(1);
	assert_int_equal(link(path("a"), path("b")), 0);
	only("Put a\nPut b\n");
}

TEST(a_name_that_is_no_utf8_arrives_byte_for_byte)
{
	map(FAAS_MAPPING(.source = source));
	put("\xff\xfe +%\n\"\xc3\xa4.jpg", "1");
	only("Put %FF%FE+%2B%25%0A%22%C3%A4.jpg\n");
	restart();
	only("");
}

TEST(what_vanishes_before_the_look_was_not_there)
{
	map(FAAS_MAPPING(.removals = true));
	only("");
	for (int i = 0; i < 100; i++) {
		put("a", "1");
		unlink(path("a"));
	}
	put("b", "1");
	while (!count("Put b\n"))
		tick();
	for (int i = 0; i < 10000 && count("Put a\n") && !count("Delete a\n"); i++)
		tick();
	assert_true(count("Delete a\n") || !count("Put a\n"));
	assert_int_equal(count("Put b\n"), 1);
}

TEST(a_key_has_at_most_1024_bytes)
{
	char name[1300] = "";

	map(FAAS_MAPPING(.source = source));
	for (int i = 0; i < 4; i++) {
		memset(name + strlen(name), 'd', 204);
		make_folder(name);
		strcat(name, "/");
	}
	memset(name + strlen(name), 'f', 1024 - strlen(name));
	put(name, "1"); /* 4 x 205 + 204 */
	await(1);
	assert_int_equal(strlen(member("\"object\":{\"key\":\"")), 1024);
	forget_told();
	strcat(name, "f");
	put(name, "1");
	only("");
}

TEST(many_at_once_are_told_of_once_each)
{
	char name[32];

	map(FAAS_MAPPING(.removals = true));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(name, "1");
	}
	await(MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "Put %d\n", i);
		assert_non_null(strstr(told, name));
	}
	forget_told();
	restart();
	only("");
}

TEST(a_directory_that_is_removed_and_made_again_goes_on)
{
	map(FAAS_MAPPING(.removals = true));
	put("a", "1");
	await(1);
	unlink(path("a"));
	assert_int_equal(rmdir(inbox), 0);
	await(2);
	assert_non_null(strstr(told, "Delete a\n"));
	assert_int_equal(mkdir(inbox, 0755), 0);
	put("b", "1");
	await(3);
	assert_non_null(strstr(told, "Put b\n"));
}

TEST(of_a_directory_that_is_away_nothing_is_told_until_it_is_back)
{
	char away[80];

	map(FAAS_MAPPING(.removals = true));
	put("a", "1");
	put("b", "1");
	await(2);
	forget_told();
	snprintf(away, sizeof(away), "%s.away", inbox);
	assert_int_equal(rename(inbox, away), 0);
	for (int i = 0; i < 100; i++)
		tick();
	await(0);
	assert_int_equal(rename(away, inbox), 0);
	unlink(path("b"));
	await(1);
	assert_non_null(strstr(told, "Delete b\n"));
}

static void refuse(const struct faas_mapping_config *config, const char *why)
{
	struct faas_mapping_config c = *config;

	c.function = "f";
	assert_int_equal(faas_mapping_create(flow.rt, &c, id, &err), FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
}

TEST(what_is_no_directory_is_refused_with_the_reason)
{
	char name[100];

	refuse(FAAS_MAPPING(.source = "dir:inbox"), "expected dir:/ABSOLUTE/PATH");
	refuse(FAAS_MAPPING(.source = "dir:/tmp/"), "without '/' at its end");
	refuse(FAAS_MAPPING(.source = "dir:/nowhere/at/all"), "No such file or directory");
	put("file", "1");
	snprintf(name, sizeof(name), "dir:%s/file", inbox);
	refuse(FAAS_MAPPING(.source = name), "Not a directory");
	refuse(FAAS_MAPPING(.source = source, .input = "{}"), "does nothing with 'Input'");
	refuse(FAAS_MAPPING(.source = "queue:q", .prefix = "a"), "does nothing with 'Filter'");
}

static void control(const char *more, int code, const char *says)
{
	char request[600], *reply = NULL;

	snprintf(request, sizeof(request),
		 "{\"EventSourceArn\":\"%s\",\"FunctionName\":\"f\"%s}", source, more);
	assert_int_equal(faas_control(flow.rt, "CreateEventSourceMapping", request, &reply, &err),
			 code);
	if (!strstr(code ? err.message : reply, says))
		fail_msg("%s", code ? err.message : reply);
	faas_free(reply);
}

TEST(it_is_configured_in_the_words_of_a_notification)
{
	control(",\"Events\":[\"s3:ObjectRestore:Post\"]", FAAS_EINVAL,
		"'s3:ObjectRestore:Post' is no event of a directory");
	control(",\"Filter\":{}", FAAS_EINVAL, "Filter must be");
	control(",\"Filter\":{\"Key\":{\"FilterRules\":[{\"Name\":\"infix\",\"Value\":\"x\"}]}}",
		FAAS_EINVAL, "must be either prefix or suffix");
	control(",\"Filter\":{\"Key\":{\"FilterRules\":[{\"Name\":\"Prefix\",\"Value\":\"x\"},"
		"{\"Name\":\"prefix\",\"Value\":\"y\"}]}}",
		FAAS_EINVAL, "more than one prefix rule");
	control(",\"Events\":[\"s3:ObjectCreated:Copy\"],\"Filter\":{\"Key\":{\"FilterRules\":"
		"[{\"Name\":\"Suffix\",\"Value\":\"b\"}]}}",
		0, "\"Events\":[\"s3:ObjectCreated:Copy\"],\"Filter\":{\"Key\"");
	put("0.b", "1");
	move("0.b", "1.b"); /* met by the first scan, or heard of: told of in either case */
	await(1);
	let_time_pass();
	forget_told();
	put("a", "1");
	put("bb", "1");
	move("a", "b");
	await(1);
	assert_string_equal(told, "Copy b\n");
}

static bool is_told_of(void *data, const struct faas_message *m)
{
	snprintf(data, 4096, "%.*s", (int)m->body.len, (const char *)m->body.data);
	return true;
}

TEST(its_events_are_asynchronous_and_end_as_those_do)
{
	char letter[4096] = "";

	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_retries = FAAS_NONE,
							    .on_failure = "queue:dead"),
					      &err), 0);
	map(FAAS_MAPPING(.source = source));
	put("bad", "1");
	for (int i = 0; i < 20000 && !*letter; i++) {
		tick();
		assert_int_equal(faas_peek(flow.rt, "queue:dead", is_told_of, letter, &err), 0);
	}
	assert_non_null(strstr(letter, "\"condition\":\"RetriesExhausted\","
				       "\"approximateInvokeCount\":1}"));
	assert_non_null(strstr(letter, "\"requestPayload\":{\"Records\":[{"));
	assert_non_null(strstr(letter, "\"key\":\"bad\""));
}

TEST(a_filter_looks_at_the_record)
{
	map(FAAS_MAPPING(.filter = "[{\"s3\":{\"object\":{\"size\":[{\"numeric\":[\">\",3]}]}}}]"));
	put("small", "123");
	put("large", "1234");
	await(1);
	assert_string_equal(told, "Put large\n");
}

TEST(a_mapping_that_is_deleted_tells_nothing_and_a_new_one_begins_anew)
{
	map(FAAS_MAPPING(.source = source));
	put("a", "1");
	await(1);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	let_time_pass();
	forget_told();
	map(FAAS_MAPPING(.existing = true));
	await(1);
	assert_string_equal(told, "Put a\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(a_file_is_told_of_when_it_is_whole),
		CASE(the_event_is_that_of_s3),
		CASE(what_is_written_anew_with_its_old_size_and_time_is_told_of),
		CASE(one_that_is_moved_there_is_a_copy_and_one_that_goes_is_removed),
		CASE(removals_are_told_only_on_request),
		CASE(folders_below_are_prefixes_of_keys),
		CASE(a_folder_that_is_moved_takes_its_files_along),
		CASE(only_keys_with_that_prefix_and_suffix_count),
		CASE(what_is_there_already_is_told_on_request_only),
		CASE(a_file_that_is_put_right_behind_the_mapping_is_told_of),
		CASE(after_a_restart_what_changed_is_told_and_nothing_twice),
		CASE(a_file_that_is_written_during_a_restart_is_told_of_when_it_is_whole),
		CASE(links_and_fifos_are_not_there),
		CASE(a_file_that_a_link_takes_the_place_of_is_gone),
		CASE(a_folder_that_a_link_takes_the_place_of_is_gone),
		CASE(a_hard_link_is_a_file_that_is_whole),
		CASE(a_name_that_is_no_utf8_arrives_byte_for_byte),
		CASE(what_vanishes_before_the_look_was_not_there),
		CASE(a_key_has_at_most_1024_bytes),
		CASE(many_at_once_are_told_of_once_each),
		CASE(a_directory_that_is_removed_and_made_again_goes_on),
		CASE(of_a_directory_that_is_away_nothing_is_told_until_it_is_back),
		CASE(what_is_no_directory_is_refused_with_the_reason),
		CASE(it_is_configured_in_the_words_of_a_notification),
		CASE(its_events_are_asynchronous_and_end_as_those_do),
		CASE(a_filter_looks_at_the_record),
		CASE(a_mapping_that_is_deleted_tells_nothing_and_a_new_one_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
