/* SPDX-License-Identifier: MIT */
/*
 * Crash consistency. A child works with the queue on a disk that fails as its seed
 * says, and tells over a pipe what it tries and what it was answered; it ends with the
 * fault. A second one may be hit while it recovers. Then the parent opens what is left
 * and compares: nothing accepted is lost, nothing refused is there, nothing ended is
 * back, the counts add up to the rows, and who died has left one message and no event.
 *
 * FAAS_FAULT_RUNS and FAAS_FAULT_FIRST say how many, and from which seed: see tests/crash.
 */
#include <support/test.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <support/fault_vfs.h>
#include <support/stores.h>

#define EVENTS 40
#define GROUP 3 /* so many are accepted together, then one alone */

/* What the child knows of an event, in the order in which it learns it. */
enum fate { NEVER, TRIED, REFUSED, UNSURE, ACCEPTED, ENDING, ENDED };

struct report {
	int16_t event;
	int16_t fate;
};

struct verdict {
	int lost, refused_but_there, back, damaged, miscounted, unsaid;
};

static char folder[64];
static uint8_t payload[EVENTS][6000];
static int to_parent;
static bool apart;    /* the control of messages: told of in a commit of its own */
static int log_pages; /* few: much is brought home while faults happen */

static size_t length(int event)
{
	return 100 + (size_t)event * 733 % 5900;
}

static void tell(int event, enum fate fate)
{
	struct report report = { (int16_t)event, (int16_t)fate };

	if (write(to_parent, &report, sizeof(report)) != sizeof(report))
		_exit(3);
}

/* ---- the child ------------------------------------------------------- */

static void accept_group(struct fa_store *store, int first, int size, int64_t id[EVENTS])
{
	static const enum fate fates[] = { [FA_STORE_DONE] = ACCEPTED,
					   [FA_STORE_REFUSED] = REFUSED,
					   [FA_STORE_UNKNOWN] = UNSURE };
	static struct stores_many many;

	for (many.count = 0; many.count < size && first + many.count < EVENTS; many.count++) {
		int n = first + many.count;

		many.ops[many.count] =
			(struct fa_store_op){ .verb = FA_STORE_ACCEPT,
					      .in_hand = n % 2 == 0,
					      .event = stores_event(payload[n], length(n), 1) };
		tell(n, TRIED);
	}
	stores_submit_all(store, &many);
	for (int i = 0; i < many.count; i++) {
		id[first + i] = many.ops[i].event.id;
		tell(first + i, fates[many.ops[i].outcome]);
		if (many.ops[i].outcome != FA_STORE_DONE)
			id[first + i] = 0;
	}
}

static enum fa_store_end end_of(int event)
{
	return (enum fa_store_end)(event % FA_STORE_ENDS);
}

/* A dead one leaves itself as its message. */
static void end_one(struct fa_store *store, int n, int64_t id)
{
	struct fa_message message = stores_message("queue:dead", "", 1);
	bool dead = end_of(n) == FA_STORE_DEAD;

	if (!id)
		return;
	message.body = (struct faas_bytes){ payload[n], length(n) };
	tell(n, ENDING);
	if (stores_complete_with(store, id, end_of(n), dead && !apart ? &message : NULL) !=
	    FA_STORE_DONE)
		return;
	if (dead && apart)
		fa_store_perform(store, &(struct fa_store_op){ .verb = FA_STORE_SEND,
							       .messages = &message,
							       .message_count = 1 });
	tell(n, ENDED);
}

static void work(bool weak)
{
	struct fa_store *store = stores_open_as(folder, log_pages, weak);
	int64_t id[EVENTS] = { 0 };

	if (!store)
		return;
	fa_store_hurry(store); /* a disk that stays full would be waited for */
	for (int n = 0, size; n < EVENTS; n += size) {
		size = n % 2 ? 1 : GROUP;
		accept_group(store, n, size, id);
		if (n >= GROUP)
			end_one(store, n / 2, id[n / 2]);
		if (id[n])
			stores_reschedule(store, id[n], 2, 1);
	}
}

/* What it does ends by the fault, or by a loss of power at the end. */
static void run_child(const struct fault_plan *plan, bool weak, int pipe_end, void (*what)(bool))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		to_parent = pipe_end;
		fault_vfs_install(plan);
		what(weak);
		fault_vfs_power_off();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void only_recover(bool weak)
{
	stores_open_as(folder, log_pages, weak);
}

/* ---- the parent ------------------------------------------------------ */

static void read_reports(int fd, enum fate fates[EVENTS])
{
	struct report report;

	memset(fates, 0, EVENTS * sizeof(*fates));
	while (read(fd, &report, sizeof(report)) == sizeof(report))
		fates[report.event] = (enum fate)report.fate;
}

static int number_of(struct faas_bytes bytes)
{
	for (int n = 0; n < EVENTS; n++)
		if (bytes.len == length(n) && !memcmp(bytes.data, payload[n], length(n)))
			return n;
	return -1;
}

/* How often each event is there. Claims in small bites, as the library does. */
static bool look(struct fa_store *store, int there[EVENTS])
{
	struct fa_claimed *claimed[8];
	bool sound = true;
	int got;

	memset(there, 0, EVENTS * sizeof(*there));
	while ((got = stores_claim(store, 99, 8, claimed, NULL)) > 0)
		for (int i = 0; i < got; i++) {
			int n = number_of(claimed[i]->event.payload);

			sound &= n >= 0;
			there[n >= 0 ? n : 0]++;
			fa_free(claimed[i]);
		}
	return sound && !got;
}

static bool look_at_messages(struct fa_store *store, int left[EVENTS])
{
	struct fa_store_op op = { .verb = FA_STORE_PEEK,
				  .message = stores_message("queue:dead", "", 0),
				  .max = EVENTS + 1 };
	struct fa_fetched *fetched[EVENTS + 1];
	bool sound = fa_store_perform(store, &op) == FA_STORE_DONE;
	int got = stores_reap(&op, fetched);

	memset(left, 0, EVENTS * sizeof(*left));
	for (int i = 0; i < got; i++) {
		int n = number_of(fetched[i]->message.body);

		sound &= n >= 0;
		left[n >= 0 ? n : 0]++;
		fa_free(fetched[i]);
	}
	return sound;
}

static void compare_messages(struct verdict *v, const enum fate fates[EVENTS],
			     const int there[EVENTS], const int left[EVENTS])
{
	for (int n = 0; n < EVENTS; n++) {
		v->unsaid += fates[n] == ENDED && end_of(n) == FA_STORE_DEAD && !left[n];
		v->unsaid += left[n] > 1 || (left[n] && (there[n] || fates[n] < ENDING));
	}
}

static void compare(struct verdict *v, const enum fate fates[EVENTS], const int there[EVENTS])
{
	for (int n = 0; n < EVENTS; n++) {
		v->lost += fates[n] == ACCEPTED && !there[n];
		v->refused_but_there += (fates[n] == REFUSED || fates[n] == NEVER) && there[n];
		v->back += fates[n] == ENDED && there[n];
		v->damaged += there[n] > 1;
	}
}

/* One for each that was told of, at most one for each that was tried. */
static void check_counts(struct verdict *v, struct fa_store *store, const enum fate fates[EVENTS])
{
	struct fa_store_counts c;
	int64_t ended = 0, told = 0, tried = 0, told_accepted = 0, tried_to_accept = 0;

	fa_store_count(store, &c);
	for (int i = 0; i < FA_STORE_ENDS; i++)
		ended += c.ended[i];
	for (int n = 0; n < EVENTS; n++) {
		told += fates[n] == ENDED;
		tried += fates[n] >= ENDING;
		told_accepted += fates[n] >= ACCEPTED;
		tried_to_accept += fates[n] >= TRIED && fates[n] != REFUSED;
	}
	v->miscounted += c.accepted != ended + c.waiting || ended < told || ended > tried ||
			 c.accepted < told_accepted || c.accepted > tried_to_accept ||
			 c.sent != c.lying || c.sent != c.ended[FA_STORE_DEAD];
}

static void judge(struct verdict *v, const enum fate fates[EVENTS])
{
	struct fa_store *store;
	int there[EVENTS], left[EVENTS];

	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	store = stores_open(folder, NULL);
	if (!store) {
		v->damaged++;
		return;
	}
	check_counts(v, store, fates);
	v->damaged += !look(store, there) || !look_at_messages(store, left);
	compare(v, fates, there);
	compare_messages(v, fates, there, left);
	fa_store_close(store);
	v->damaged += stores_rows(folder, "event") < 0;
}

static void run_plan(const struct fault_plan *plan, const struct fault_plan *again, bool weak,
		     struct verdict *v)
{
	enum fate fates[EVENTS];
	int ends[2];

	stores_folder(folder);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	run_child(plan, weak, ends[1], work);
	close(ends[1]);
	if (again)
		run_child(again, weak, -1, only_recover);
	read_reports(ends[0], fates);
	close(ends[0]);
	judge(v, fates);
	stores_remove(folder);
}

/* ---- plans ----------------------------------------------------------- */

static uint32_t mix(uint32_t n)
{
	n = (n ^ (n >> 16)) * 0x45d9f3bu;
	n = (n ^ (n >> 16)) * 0x45d9f3bu;
	return n ^ (n >> 16);
}

/* About how many operations the whole work is: faults beyond are a loss of power at its end. */
#define WORK_OPS 1000
#define RECOVERY_OPS 12

static void run_seed(uint32_t seed, struct verdict *v)
{
	struct fault_plan plan = { .fault = (enum fault)(1 + seed % (FAULTS - 1)),
				   .at = 1 + mix(seed) % WORK_OPS,
				   .once = mix(seed + 1) & 1,
				   .seed = seed };
	struct fault_plan again = { .fault = (enum fault)(1 + mix(seed + 2) % (FAULTS - 1)),
				    .at = 1 + mix(seed + 3) % RECOVERY_OPS,
				    .seed = seed };
	struct verdict before = *v;

	log_pages = 8 << seed % 4 * 2;
	run_plan(&plan, seed % 3 ? NULL : &again, false, v);
	if (memcmp(&before, v, sizeof(before)))
		print_message("seed %u: fault %d at %ld%s%s\n", seed, plan.fault, plan.at,
			      plan.once ? " once" : "", seed % 3 ? "" : ", and in recovery");
}

static uint32_t asked(const char *variable, uint32_t otherwise)
{
	const char *text = getenv(variable);

	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static int fill_payloads(void **state)
{
	(void)state;
	for (int n = 0; n < EVENTS; n++)
		for (size_t i = 0; i < sizeof(payload[n]); i++)
			payload[n][i] = (uint8_t)mix((uint32_t)(n * 8192 + (int)i));
	return 0;
}

TEST(no_fault_and_no_crash_loses_or_doubles_an_accepted_event)
{
	uint32_t first = asked("FAAS_FAULT_FIRST", 1), runs = asked("FAAS_FAULT_RUNS", 500);
	struct verdict v = { 0 };

	for (uint32_t seed = first; seed < first + runs; seed++)
		run_seed(seed, &v);
	assert_int_equal(v.lost, 0);
	assert_int_equal(v.refused_but_there, 0);
	assert_int_equal(v.back, 0);
	assert_int_equal(v.damaged, 0);
	assert_int_equal(v.miscounted, 0);
	assert_int_equal(v.unsaid, 0);
}

/* The control: the method finds a queue that answers before the disk has the event. */
TEST(a_queue_that_does_not_sync_its_commits_is_caught_losing_events)
{
	struct verdict v = { 0 };

	log_pages = 4000;
	for (uint32_t seed = 1; seed <= 60 && !v.lost; seed++)
		run_plan(&(struct fault_plan){ .fault = FAULT_POWER,
					       .at = 40 + mix(seed) % 100,
					       .seed = seed },
			 NULL, true, &v);
	assert_true(v.lost > 0);
}

/* And it finds a queue that tells of an end in another commit than the end's. */
TEST(an_end_that_is_told_in_a_commit_of_its_own_is_caught_untold)
{
	struct verdict v = { 0 };

	log_pages = 4000;
	apart = true;
	for (uint32_t seed = 1; seed <= 200 && !v.miscounted; seed++)
		run_plan(&(struct fault_plan){ .fault = FAULT_KILL,
					       .at = 40 + mix(seed) % 300,
					       .seed = seed },
			 NULL, false, &v);
	apart = false;
	assert_true(v.miscounted > 0); /* a death without its message */
}

/* Where there is no fault at all, all of it is checked as well. */
TEST(without_a_fault_every_event_is_accounted_for)
{
	struct verdict v = { 0 };

	run_plan(&(struct fault_plan){ .fault = FAULT_NONE }, NULL, false, &v);
	assert_int_equal(v.lost + v.refused_but_there + v.back + v.damaged + v.miscounted +
				 v.unsaid,
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_fault_every_event_is_accounted_for),
		cmocka_unit_test(a_queue_that_does_not_sync_its_commits_is_caught_losing_events),
		cmocka_unit_test(an_end_that_is_told_in_a_commit_of_its_own_is_caught_untold),
		cmocka_unit_test(no_fault_and_no_crash_loses_or_doubles_an_accepted_event),
	};

	return cmocka_run_group_tests(tests, fill_payloads, NULL);
}
