/* SPDX-License-Identifier: MIT */
/*
 * A hostile worker without a process: jobs are posted, the input is written
 * over the head and the slots of the response area through a mapping of its
 * own, and the host looks. Its own mapping lies between gigabytes that fault,
 * so a load outside of the area is caught. Nothing here can block: either the
 * environment's fate is sealed or the jobs' time is over.
 */
#include "fuzz.h"

#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

const char fuzz_promise[] = "any_bytes_in_the_response_area_end_in_a_verdict_within_bounds";

/*
 * Flags, jobs, time, first sequence number; then what the worker does: (A)nswer,
 * (S)equence, (T)oken, s(U)ccess, (L)ength, (O)ffset, (C)lear, (W)rite; see act().
 */
/* clang-format off */
const char *const fuzz_corpus[] = {
	"@@@@A@S@",                     /* an honest answer, waited for */
	"A@@@A@S@",                     /* the same on the loop */
	"AO@@A@A@ABACADAESF",           /* several at once */
	"AO@CA@AAABACADAESF",           /* past the end of the sequence numbers */
	"C@A@A@U@BW\001\010\010ab\"c\\d\ne", /* the handler's own error */
	"AA@@A@T@AS@L@FO@BS@",          /* lengths and offsets that lie */
	"A@@@CFS@", "AACC", "BOD@",     /* nothing sensible, nothing at all */
	"B@@`A@S@",                     /* by a host that spins */
	"\001O@@A@AAS@", "\002@@@S@", /* called off with and without a last deed */
	"\004@A@W@@\177", "\005CA@A@S@", "!@A@A@S@", /* dead */
	"Q@@@A@U@ES@", "P@@@A@S@",      /* a start */
	"I@@@A@S@L@C", "H@@@A@S@S@O@D", "KOA@A@AAABSAS@SB", /* while another thread writes */
	"a@@@A@S@",                     /* pristine */
	NULL,
};
/* clang-format on */

#define GUARD (UINT64_C(1) << 32) /* what an offset of 32 bits can reach */
#define TIMEOUT_NS 10000000
#define INIT_LIMIT_NS 50000000
#define START_NS 1000000000

enum flags {
	ON_LOOP = 1 << 0,
	OLD = 1 << 1, /* it has answered before */
	DEAD = 1 << 2,
	BUSY_WRITER = 1 << 3,
	IS_START = 1 << 4,
	PRISTINE = 1 << 5,
	ALIVE = 1 << 6,
};

struct input {
	const uint8_t *at, *end;
};

static struct fa_clock_virtual virtual;
static struct fa_envs envs = { .clock = &virtual.clock, .init_limit_ns = INIT_LIMIT_NS };
static struct fa_version version = { .config = { .memory_mb = 128 } };
static struct fa_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
			       .envs = &envs,
			       .version = &version,
			       .kind = &fa_env_process };
static struct fa_kit *kit;
static unsigned char *hostile; /* the worker's mapping of the response area */
static struct fa_env env;
static struct fa_job jobs[FA_DEPTH];
static uint32_t first; /* done before the first job */
static bool alone;     /* nobody writes while the host looks */

/* ---- the areas ------------------------------------------------------- */

static void *map_response(void *at, int flags)
{
	void *area = mmap(at, FA_RESPONSE_AREA, PROT_READ | PROT_WRITE, MAP_SHARED | flags,
			  kit->response_fd, 0);

	PROPERTY(area != MAP_FAILED);
	return area;
}

static void prepare(void)
{
	char *guard;

	if (kit)
		return;
	fa_clock_virtual_init(&virtual, 0);
	kit = fa_kit_create(&fa_mem_libc);
	PROPERTY(kit);
	hostile = map_response(NULL, 0);
	guard = mmap(NULL, 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0);
	PROPERTY(guard != MAP_FAILED);
	munmap((void *)kit->response, FA_RESPONSE_AREA);
	kit->response = map_response(guard + (1 << 20), MAP_FIXED);
}

static uint8_t next(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static uint32_t pick(struct input *input, const uint32_t *values, uint32_t count)
{
	return values[next(input) % count];
}

/* ---- the worker ------------------------------------------------------ */

static struct fa_response_slot *slot_of(uint32_t job)
{
	uint32_t index = (first + 1 + job) & (kit->request->depth - 1);

	return (void *)(hostile + FA_SLOTS_OFF + index * FA_SLOT_SIZE);
}

static uint64_t token_of(uint32_t job)
{
	return fa_request_slot(kit->request, (first + 1 + job) & (kit->request->depth - 1))->token;
}

static uint32_t inline_off(const struct fa_response_slot *slot)
{
	return (uint32_t)((const unsigned char *)slot->data - hostile);
}

static void answer(struct fa_response_slot *slot, uint32_t job)
{
	slot->token = token_of(job);
	slot->status = FA_DONE;
	slot->off = inline_off(slot);
	slot->len = 7;
}

static uint32_t lying_length(struct input *input)
{
	static const uint32_t values[] = {
		0,
		1,
		FA_INLINE,
		FA_INLINE + 1,
		FA_RESPONSE_MAX,
		FA_RESPONSE_MAX + 1,
		FA_RESPONSE_AREA,
		INT32_MAX,
		UINT32_MAX,
		UINT32_MAX - FA_BIG_OFF,
	};

	return pick(input, values, sizeof(values) / sizeof(*values));
}

static uint32_t lying_offset(struct input *input, const struct fa_response_slot *slot)
{
	const uint32_t values[] = {
		inline_off(slot),     FA_BIG_OFF,
		inline_off(slot) + 1, inline_off(slot) + FA_SLOT_SIZE,
		FA_RESPONSE_AREA - 1, FA_RESPONSE_AREA,
		UINT32_MAX,           0,
		FA_BIG_OFF + 1,       FA_GIVEN_OFF,
		FA_GIVEN_OFF + 1,     FA_GIVEN_OFF + FA_INLINE,
	};

	return pick(input, values, sizeof(values) / sizeof(*values));
}

static void write_raw(struct input *input)
{
	size_t at = next(input) * 80u + next(input), n = next(input);

	while (n-- && at < FA_BIG_OFF && input->at < input->end)
		hostile[at++] = next(input);
}

/* One deed: a letter, the job it is about, and what else it needs. */
static void act(struct input *input)
{
	struct fa_response_head *head = (void *)hostile;
	uint8_t deed = next(input);
	uint32_t job = deed == 'W' || deed == 'C' ? 0 : next(input) & (FA_DEPTH - 1);
	struct fa_response_slot *slot = slot_of(job);

	switch (deed) {
	case 'A':
		answer(slot, job);
		break;
	case 'S':
		atomic_store(&head->seq, first + 1 + job);
		break;
	case 'T':
		slot->token = token_of(next(input) & (FA_DEPTH - 1));
		break;
	case 'U':
		slot->status = next(input) & 15;
		break;
	case 'L':
		slot->len = lying_length(input);
		break;
	case 'O':
		slot->off = lying_offset(input, slot);
		break;
	case 'C':
		memset(hostile + 4, next(input), FA_BIG_OFF - 4);
		break;
	case 'W':
		write_raw(input);
		break;
	}
}

static void work(struct input input)
{
	while (input.at < input.end)
		act(&input);
}

struct writer {
	pthread_t thread;
	_Atomic bool stop;
	struct input input;
};

/* Time passes meanwhile: what is seen to begin only now has its timeout from then on. */
static void *keep_writing(void *data)
{
	struct writer *writer = data;

	while (!atomic_load(&writer->stop)) {
		work(writer->input);
		atomic_fetch_add(&virtual.ns, TIMEOUT_NS / 100);
	}
	return NULL;
}

/* ---- the host -------------------------------------------------------- */

static void set_up(unsigned flags, uint32_t depth)
{
	memset(hostile, 0, FA_BIG_OFF);
	memset(&env, 0, sizeof(env));
	memset(jobs, 0, sizeof(jobs));
	atomic_store(&virtual.ns, START_NS);
	version.config.pristine = flags & PRISTINE;
	kit->request->depth = depth;
	env.pool = &pool;
	env.kind = &fa_env_process;
	env.kit = kit;
	env.state = FA_BUSY;
	env.pidfd = env.mount_ns = -1;
	env.random[0] = 1;
	env.fresh = !(flags & OLD);
	env.birth_ns = START_NS;
	env.want = env.rung = env.done = env.seen = first;
	atomic_store(&((struct fa_response_head *)hostile)->seq, first);
}

static void post(uint32_t count, unsigned flags, struct input input)
{
	size_t len = (size_t)(input.end - input.at);

	for (uint32_t i = 0; i < count; i++) {
		struct fa_job *job = flags & IS_START ? &env.start_job : &jobs[i];

		*job = (struct fa_job){ .timeout_ns = TIMEOUT_NS };
		job->payload = (struct faas_bytes){ input.at, len < FA_INLINE ? len : FA_INLINE };
		env.jobs[(env.want + 1) & (FA_DEPTH - 1)] = job;
		env.kind->post(&env, job, flags & ON_LOOP ? FA_REQ_ASYNC : 0);
	}
	if (flags & ON_LOOP)
		env.kind->ring(&env, fa_now(&virtual.clock));
}

static bool answered(const struct fa_job *job)
{
	return job->verdict == FA_REPLIED || job->verdict == FA_ERRED ||
	       job->verdict == FA_INIT_ERRED || job->verdict == FA_OVERSIZE;
}

/* It may be a part of what was given, all of it inside. */
static bool is_given(const struct fa_job *job)
{
	const unsigned char *from = job->payload.data, *data = job->answer.data;

	return data >= from && data < from + job->payload.len &&
	       job->answer.len <= (size_t)(from + job->payload.len - data);
}

static void check_answer(const struct fa_job *job, uint32_t nth)
{
	const unsigned char *area = (const unsigned char *)kit->response, *data = job->answer.data;
	const struct fa_response_slot *slot = slot_of(nth);
	uint32_t claimed = atomic_load(&((struct fa_response_head *)hostile)->seq) - first;
	size_t off = (size_t)(data - area);

	if (!is_given(job))
		PROPERTY(off == FA_BIG_OFF ?
				 job->answer.len <= FA_RESPONSE_MAX :
				 off == inline_off(slot) && job->answer.len <= FA_INLINE);
	if (job->answer.len)
		PROPERTY(data[0] + data[job->answer.len - 1] >= 0);
	PROPERTY(job->init_ns >= 0 && job->start_ns >= START_NS && job->end_ns >= job->start_ns);
	if (!alone)
		return;
	PROPERTY(slot->token == token_of(nth));
	PROPERTY(claimed > nth && claimed <= env.want - first);
}

static void check_verdict(const struct fa_job *job, uint32_t nth)
{
	PROPERTY(job->verdict > FA_OPEN && job->verdict <= FA_UNSTARTED);
	PROPERTY(memchr(job->why, 0, sizeof(job->why)));
	PROPERTY(memchr(job->error_type, 0, sizeof(job->error_type)));
	for (const char *c = job->error_type; *c; c++)
		PROPERTY(*c > ' ' && *c < 127 && *c != '"' && *c != '\\');
	if (job->verdict == FA_VIOLATED)
		PROPERTY(job->why[0]);
	if (job == &env.start_job)
		PROPERTY(job->verdict != FA_ERRED && job->verdict != FA_OVERSIZE);
	if (answered(job))
		check_answer(job, nth);
}

/* It stays silent: whatever it claims of its init, both limits are all it gets. */
static void run_out(struct fa_job *job, int64_t now_ns)
{
	int64_t init_ns = START_NS + INIT_LIMIT_NS;
	int64_t last_ns = (now_ns > init_ns ? now_ns : init_ns) + TIMEOUT_NS;

	while (!job->verdict) {
		int64_t next_ns = env.kind->check(&env, job, now_ns);

		PROPERTY(job->verdict || (next_ns > now_ns && next_ns <= last_ns));
		now_ns = next_ns;
	}
}

/* As the scan of the loop does it; returns how many jobs have a verdict. */
static uint32_t look_on_loop(uint32_t count)
{
	int64_t now_ns = fa_now(&virtual.clock);
	uint32_t nth = 0;

	for (; nth < count; nth++) {
		struct fa_job *job = env.jobs[(env.done + 1) & (FA_DEPTH - 1)];
		uint32_t fate = atomic_load(&env.fate);

		if (!env.kind->poll(&env, job, now_ns)) {
			PROPERTY(job->verdict == FA_OPEN && fate == FA_ALIVE);
			run_out(job, now_ns);
			check_verdict(job, nth);
			break;
		}
		check_verdict(job, nth);
		if (!answered(job) || job->verdict == FA_INIT_ERRED)
			break;
		env.done++;
		env.kind->taken(&env, job);
		if (env.done != env.want)
			env.jobs[(env.done + 1) & (FA_DEPTH - 1)]->start_ns = now_ns;
	}
	return nth;
}

static void look_and_wait(void)
{
	env.kind->wait(&env, env.jobs[(first + 1) & (FA_DEPTH - 1)]);
	PROPERTY(env.done == env.want && fa_env_open_jobs(&env) == 0);
	check_verdict(env.jobs[(first + 1) & (FA_DEPTH - 1)], 0);
	PROPERTY(answered(env.jobs[(first + 1) & (FA_DEPTH - 1)]) || env.doomed);
}

static void look(unsigned flags, uint32_t count)
{
	if (flags & ON_LOOP)
		PROPERTY(look_on_loop(count) <= count);
	else
		look_and_wait();
}

static void look_while_writing(unsigned flags, uint32_t count, struct input input)
{
	struct writer writer = { .input = input };

	PROPERTY(!pthread_create(&writer.thread, NULL, keep_writing, &writer));
	look(flags, count);
	atomic_store(&writer.stop, true);
	pthread_join(writer.thread, NULL);
}

/* Who is alive and waited for is late: else the wait would be one. */
static void seal(unsigned flags, uint8_t time, uint8_t status)
{
	static const int64_t later_ns[] = { 0, 1000000, TIMEOUT_NS, INIT_LIMIT_NS,
					    INIT_LIMIT_NS + TIMEOUT_NS };
	if (!(flags & ALIVE))
		atomic_store(&env.fate, flags & DEAD ? FA_DEAD : FA_CALLED_OFF);
	env.exit_status = status << 8;
	time = flags & ALIVE && !(flags & ON_LOOP) ? 4 : time % 5;
	atomic_store(&virtual.ns, START_NS + later_ns[time]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	unsigned flags = next(&input);
	uint32_t count = flags & ON_LOOP && !(flags & (PRISTINE | IS_START)) ? FA_DEPTH : 1;
	uint8_t jobs_wanted = next(&input), time = next(&input), begin = next(&input);

	prepare();
	first = 0u - (begin & 31);
	envs.multiprocessor = begin & 32;
	set_up(flags, count);
	post(1 + jobs_wanted % count, flags, input);
	seal(flags, time, begin);
	work(input);
	alone = !(flags & BUSY_WRITER);
	if (alone)
		look(flags, env.want - first);
	else
		look_while_writing(flags, env.want - first, input);
	return 0;
}
