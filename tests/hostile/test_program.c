/* SPDX-License-Identifier: MIT */
/* Programs that turn against their Runtime API, against process 1, and against the machine. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <testing.h>
#include <support/invariants.h>

#include "cases.h"

static void make(const struct faas_function_config *config)
{
	struct faas_function_config c = *config;

	c.name = "victim";
	c.code = TEST_PROGRAMS;
	c.runtime = "provided";
	c.handler = "h";
	c.memory_mb = SANITIZED ? 1024 : 0; /* process 1 is among those that are counted */
	c.timeout_ms = c.timeout_ms ? c.timeout_ms : 20000;
	harness_function(&c);
}

static void says(const char *event, const char *answer)
{
	struct outcome out;

	harness_invoke(DIRECTLY, "victim", event, &out);
	if (verdict_of(&out) != ANSWERED || strcmp(out.payload, answer) != 0)
		fail_msg("%s: %s: %s %s, not %s", event, verdict_name(verdict_of(&out)), out.type,
			 out.payload, answer);
}

/* It may only hurt itself: here not even that, and the next event finds all in order. */
static void harmless(const char *event, const char *answer)
{
	hostile_begin();
	make(FAAS_FUNCTION());
	says("count", "1");
	says(event, answer);
	says("count", "2");
	harness_delete("victim");
	hostile_end();
}

TEST(pings_whose_answers_nobody_reads_do_not_stop_the_api)
{
	harmless("flood 20", "flooded");
}

TEST(garbage_is_no_request)
{
	harmless("garbage 400", "said");
}

TEST(half_requests_on_all_connections_leave_room_for_a_whole_one)
{
	hostile_begin();
	make(FAAS_FUNCTION());
	says("count", "1");
	says("halves 50", "50");
	says("count", "2");
	harness_delete("victim");
	hostile_end();
}

TEST(ten_thousand_connections_are_served_one_after_the_other)
{
	harmless("connections 10000", "10000");
}

TEST(a_head_and_a_body_without_end_are_cut)
{
	harmless("endless 64", "sent");
}

TEST(bodies_that_are_held_take_no_more_than_their_bound)
{
	harmless("hold 40", "held");
}

/* ---- a response in parts ------------------------------------------------- */

/* In parts and whole; after it, and after what it may have cost, the next event is served. */
static void streams(const char *event, unsigned verdicts, const char *answer)
{
	static const enum way ways[] = { IN_PARTS, DIRECTLY };

	hostile_begin();
	make(FAAS_FUNCTION());
	for (int i = 0; i < 2; i++) {
		struct outcome out;

		harness_invoke(ways[i], "victim", event, &out);
		if (!(verdict_of(&out) & verdicts))
			fail_msg("%s: %s: %s %s", event, verdict_name(verdict_of(&out)), out.type,
				 out.payload);
		if (answer && ways[i] == DIRECTLY)
			assert_string_equal(out.payload, answer);
		says("echo fine", "fine");
	}
	harness_delete("victim");
	hostile_end();
}

TEST(chunks_of_one_byte_each_are_an_answer)
{
	streams("drip 100000", ANSWERED, NULL);
}

TEST(of_many_who_answer_one_event_at_once_one_does)
{
	streams("often 50", ANSWERED, "first, and 50 are refused");
}

TEST(while_an_answer_is_under_way_the_api_serves_others)
{
	streams("besides x", ANSWERED, NULL);
}

TEST(lengths_that_no_answer_has_are_an_error_of_the_function)
{
	streams("lie 0", UNLOADED, NULL);
	streams("lie 1", UNLOADED, NULL);
	streams("lie 2", UNLOADED | TIMED_OUT, NULL);
	streams("lie 3", UNLOADED, NULL);
}

TEST(trailers_without_end_are_an_error_of_the_function)
{
	streams("trail 10000", UNLOADED, NULL);
}

/* ---- process 1 ----------------------------------------------------------- */

TEST(no_signal_reaches_process_1)
{
	harmless("signal 1", "alive");
}

/* The control: of these signals others die. */
TEST(the_same_signals_end_a_child)
{
	harmless("signal child", "dead");
}

TEST(process_1_cannot_be_traced_read_or_changed)
{
	if (!(harness_layers() & FAAS_LAYER_SECCOMP))
		skip();
	harmless("touch 1", "nothing");
	harmless("look x", "nothing");
}

/* What the filter leaves undone the kernel refuses still: it is not dumpable. */
TEST(without_the_filter_a_child_can_be_touched_and_process_1_cannot_be_read)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_SECCOMP) || !(harness_layers() & FAAS_LAYER_LANDLOCK))
		skip();
	fa_testing_weaken(harness_runtime(), FAAS_LAYER_SECCOMP, 0);
	make(FAAS_FUNCTION());
	harness_invoke(DIRECTLY, "victim", "touch child", &out);
	print_message("# of a child: %s\n", out.payload);
	assert_non_null(strstr(out.payload, "ptrace"));
	assert_non_null(strstr(out.payload, "process_vm_readv"));
	harness_invoke(DIRECTLY, "victim", "touch 1", &out);
	print_message("# of process 1: %s\n", out.payload);
	assert_null(strstr(out.payload, "ptrace"));
	assert_null(strstr(out.payload, "process_vm_readv"));
	harness_delete("victim");
	fa_testing_weaken(harness_runtime(), 0, 0);
}

TEST(nothing_that_process_1_holds_is_open_in_the_program)
{
	harmless("descriptors x", "2"); /* its own connection to the API, and its log */
}

/* ---- the rest of the machine --------------------------------------------- */

static int listen_somewhere(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

TEST(a_server_of_the_host_is_out_of_reach_without_network_and_in_reach_with_it)
{
	int port, fd = listen_somewhere(&port);
	char event[64];

	snprintf(event, sizeof(event), "connect 127.0.0.1 %d", port);
	if (harness_layers() & FAAS_LAYER_NO_NETWORK) {
		make(FAAS_FUNCTION());
		says(event, "refused");
		harness_delete("victim");
	}
	make(FAAS_FUNCTION(.network = true));
	says(event, "connected");
	harness_delete("victim");
	close(fd);
}

TEST(the_only_port_in_its_network_is_that_of_its_own_api)
{
	if (!(harness_layers() & FAAS_LAYER_NO_NETWORK))
		skip();
	harness_function(FAAS_FUNCTION(.name = "other", .code = TEST_PROGRAMS,
				       .runtime = "provided", .handler = "h"));
	make(FAAS_FUNCTION());
	says("scan x", "1");
	harness_delete("victim");
	harness_delete("other");
}

/* With the host's network an API lies somewhere in sixteen million addresses. */
TEST(in_the_hosts_network_the_api_is_not_where_one_would_look)
{
	struct outcome first, second;

	make(FAAS_FUNCTION(.network = true));
	harness_invoke(DIRECTLY, "victim", "env AWS_LAMBDA_RUNTIME_API", &first);
	harness_delete("victim");
	make(FAAS_FUNCTION(.network = true));
	harness_invoke(DIRECTLY, "victim", "env AWS_LAMBDA_RUNTIME_API", &second);
	harness_delete("victim");
	assert_true(!strncmp(first.payload, "127.", 4) && !strncmp(second.payload, "127.", 4));
	assert_string_not_equal(first.payload, second.payload);
}

TEST(a_daemon_ends_with_its_environment)
{
	harmless("daemon x", "left");
}

TEST(a_bomb_ends_at_its_deadline)
{
	struct outcome out;

	if (getuid() == 0 && !(harness_layers() & FAAS_LAYER_CGROUP_PIDS))
		skip();
	hostile_begin();
	make(FAAS_FUNCTION(.timeout_ms = 1000));
	harness_invoke(DIRECTLY, "victim", "bomb x", &out);
	assert_true(verdict_of(&out) & (TIMED_OUT | STARVED));
	/* until all of them are gone they take the function's CPU */
	for (int i = 0; i < 20 && verdict_of(&out) != ANSWERED; i++)
		harness_invoke(DIRECTLY, "victim", "count", &out);
	assert_int_equal(verdict_of(&out), ANSWERED);
	harness_delete("victim");
	hostile_end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pings_whose_answers_nobody_reads_do_not_stop_the_api),
		cmocka_unit_test(garbage_is_no_request),
		cmocka_unit_test(half_requests_on_all_connections_leave_room_for_a_whole_one),
		cmocka_unit_test(ten_thousand_connections_are_served_one_after_the_other),
		cmocka_unit_test(a_head_and_a_body_without_end_are_cut),
		cmocka_unit_test(bodies_that_are_held_take_no_more_than_their_bound),
		cmocka_unit_test(chunks_of_one_byte_each_are_an_answer),
		cmocka_unit_test(of_many_who_answer_one_event_at_once_one_does),
		cmocka_unit_test(while_an_answer_is_under_way_the_api_serves_others),
		cmocka_unit_test(lengths_that_no_answer_has_are_an_error_of_the_function),
		cmocka_unit_test(trailers_without_end_are_an_error_of_the_function),
		cmocka_unit_test(no_signal_reaches_process_1),
		cmocka_unit_test(the_same_signals_end_a_child),
		cmocka_unit_test(process_1_cannot_be_traced_read_or_changed),
		cmocka_unit_test(
			without_the_filter_a_child_can_be_touched_and_process_1_cannot_be_read),
		cmocka_unit_test(nothing_that_process_1_holds_is_open_in_the_program),
		cmocka_unit_test(
			a_server_of_the_host_is_out_of_reach_without_network_and_in_reach_with_it),
		cmocka_unit_test(the_only_port_in_its_network_is_that_of_its_own_api),
		cmocka_unit_test(in_the_hosts_network_the_api_is_not_where_one_would_look),
		cmocka_unit_test(a_daemon_ends_with_its_environment),
		cmocka_unit_test(a_bomb_ends_at_its_deadline),
	};

	return run_hostile_group("program", NULL, 0, tests, COUNT(tests));
}
