/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kills.h"
#include "processes.h"

#define ARN "arn:aws:elasticfilesystem:local-1:000000000000:access-point/fsap-0123456789abcdef0"
#define MOST_ENVIRONMENTS 64
#define PATIENCE_MS 600000 /* for what many kills have slowed down */

/* ---- who kills workers ----------------------------------------------------- */

static struct killed_workers *shared;
static pthread_t killer;
static _Atomic bool closing;

/* Every other time one, else all. */
static void kill_environments(int round)
{
	struct process list[MOST_ENVIRONMENTS];
	int count = processes_of_environments(getpid(), list, MOST_ENVIRONMENTS);
	int victims = round % 2 && count ? 1 : count;

	for (int i = 0; i < victims; i++)
		shared->killed += processes_kill(&list[(round + i) % count]);
}

static void *kill_now_and_then(void *data)
{
	int asked = shared->asked;

	while (!closing) {
		if (shared->asked == asked) {
			kills_tick();
			continue;
		}
		asked = shared->asked;
		kill_environments(shared->rounds);
		shared->rounds++;
	}
	return data;
}

void workers_open(struct flow *flow, struct killed_workers *workers)
{
	const struct faas_file_system list[] = { { ARN, kills_memory, false },
						 { NULL, NULL, false } };

	shared = workers;
	closing = false;
	flow_open(flow, FAAS_CONFIG(.state_dir = kills_folder, .file_systems = list), false);
	assert_int_equal(pthread_create(&killer, NULL, kill_now_and_then, NULL), 0);
}

void workers_function(struct flow *flow, const char *name)
{
	char handler[32];

	snprintf(handler, sizeof(handler), "killed.%s", name);
	flow_function(flow, FAAS_FUNCTION(.name = name, .handler = handler, .timeout_ms = 1000,
					  .file_system = ARN, .mount_path = KILLED_MOUNT));
}

void workers_close(struct flow *flow)
{
	closing = true;
	pthread_join(killer, NULL);
	flow_close(flow);
}

/* Its orphans become ours, and end: who does not is waited for until the test's time is over. */
void workers_kill_programs(void (*program)(void), int times, const _Atomic int *count, int all)
{
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < times; i++) {
		kills_one(program, count, (all - *count) / (times + 1 - i),
			  (unsigned)(i + 1) * 137 % 500);
		while (wait(NULL) > 0)
			;
	}
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

void workers_check(const struct killed_workers *w, int programs, const char *what, int count)
{
	assert_int_equal(w->out_of_order, 0);
	assert_int_equal(w->at_once, 0);
	assert_true(w->begun > w->ended);
	print_message("# %d programs and %d workers killed, %d %s, %d batches, of which %d were "
		      "cut short, %d processed more than once\n",
		      programs, w->killed, count, what, w->begun, w->begun - w->ended, w->twice);
}

/* ---- keys that stay in order ------------------------------------------ */

static struct killed_keys *seen;
static const struct workers_keys *keys;
static struct flow *writes_to;
static int killed, each;
static pthread_t threads[KILLED_KEYS];

int workers_begin_keys(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	if (seen)
		seen->workers.each = 20;
	return seen ? 0 : -1;
}

static void *write_key(void *data)
{
	struct killed_key *k = data;

	for (; k->next < each; k->next++) {
		if (!keys->write(writes_to, (int)(k - seen->keys), k->next))
			return NULL;
		seen->accepted++;
	}
	return NULL;
}

static void open_and_write(void)
{
	workers_open(writes_to, &seen->workers);
	keys->open(writes_to);
	for (int i = 0; i < keys->keys; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_key, &seen->keys[i]), 0);
}

static int processed(void)
{
	int n = 0;

	for (int i = 0; i < keys->keys; i++)
		n += seen->keys[i].done;
	return n;
}

void workers_write_keys(struct flow *flow, const struct workers_keys *k)
{
	keys = k;
	writes_to = flow;
	killed = kills_setting("FAAS_KILLS", 4);
	each = kills_setting("FAAS_RECORDS", k->keys * k->each) / k->keys;
	workers_kill_programs(open_and_write, killed, &seen->accepted, k->keys * each);
	open_and_write();
	for (int i = 0; i < k->keys; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; processed() < k->keys * each && i < PATIENCE_MS; i++)
		kills_tick();
}

void workers_check_keys(const char *what)
{
	assert_int_equal(processed(), keys->keys * each);
	workers_check(&seen->workers, killed, what, keys->keys * each);
}
