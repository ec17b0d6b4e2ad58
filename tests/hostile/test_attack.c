/* SPDX-License-Identifier: MIT */
/* A function that turns against the host itself (H34 to H37, H40 to H46). */
#include <string.h>
#include <unistd.h>

#include "attacks.h"
#include "cases.h"

/* Denied, or stopped in the act. */
static void fill_row(struct hostile *row, const struct attack *attack)
{
	*row = (struct hostile){
		.sentence = attack->denied, .handler = attack->handler,
		.verdicts = ANSWERED | (attack->stopped ? CRASHED : 0), .answer = "\"denied\"",
		.cause = attack->stopped, .needs = attack->layers, .timeout_ms = 1000,
	};
}

TEST(no_forbidden_system_call_reaches_the_kernel)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_SECCOMP))
		skip();
	hostile_begin();
	harness_function(
		FAAS_FUNCTION(.name = "victim", .handler = "syscalls.make_forbidden_calls"));
	harness_invoke(DIRECTLY, "victim", "{}", &out);
	assert_string_equal(out.payload, "[]");
	harness_delete("victim");
	hostile_end();
}

/* As an ordinary user several are missing. */
TEST(the_report_names_each_missing_layer_and_what_it_lets_through)
{
	static const char *const lost[] = {
		NULL, /* nobody is without it */
		"user namespace: MISSING", "root inside is root outside",
		"pid namespace: MISSING", "it sees other processes",
		"mount namespace: MISSING", "it sees the host's files",
		"ipc namespace: MISSING", "System V IPC is shared",
		"uts namespace: MISSING", "the host name is shared",
		"no new privileges: MISSING", "setuid programs work",
		"capabilities dropped: MISSING", "it keeps the rights of this user",
		"seccomp: MISSING", "the whole kernel interface is open to it",
		"landlock: MISSING", "no second lock on files, signals and abstract sockets",
		"rlimits: MISSING", "memory, descriptors and processes are unlimited",
		"own uid: MISSING", "limits per user are shared",
		"no network: MISSING", "it may open sockets",
		"memory cgroup: MISSING", "memory is bounded per process only",
		"pids cgroup: MISSING", "processes are bounded per user only",
		"cpu cgroup: MISSING", "CPU is shared evenly",
	};
	struct faas_isolation *report;

	assert_int_equal(faas_isolation_report(harness_runtime(), &report, NULL), 0);
	for (size_t i = 1; i < sizeof(lost) / sizeof(*lost); i += 2) {
		const char *line = strstr(report->text, lost[i]), *end;

		assert_int_equal(!line, !(report->missing & 1u << (i + 1) / 2));
		if (!line)
			continue;
		end = strchr(line, '\n');
		assert_true(strstr(line, lost[i + 1]) && strstr(line, lost[i + 1]) < end);
	}
	if (geteuid())
		assert_true(report->missing & FAAS_LAYER_OWN_UID);
	faas_free(report);
}

int main(void)
{
	static struct hostile rows[ATTACKS];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(no_forbidden_system_call_reaches_the_kernel),
		cmocka_unit_test(the_report_names_each_missing_layer_and_what_it_lets_through),
	};

	for (size_t i = 0; i < ATTACKS; i++)
		fill_row(&rows[i], &attacks[i]);
	return run_hostile_group("attack", rows, ATTACKS, others, COUNT(others));
}
