/* SPDX-License-Identifier: MIT */
/*
 * A reading of the kernel's clock and of the counter beside it is the anchor; from
 * there the time goes by the counter. The rate is measured over longer spans, and
 * then taken a little too slow: so what is told is never ahead of the kernel, and the
 * next anchor is ahead of what was told. Where a jitter makes it fall behind, what was
 * told before is the anchor.
 */
#include <base/counter.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t kernel_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

#if defined(__x86_64__)

#include <cpuid.h>

#define SPAN_NS 1000000       /* an anchor is good for so long */
#define BASE_NS 16000000      /* the rate is measured over at least so long */
#define BASE_MAX_NS 500000000 /* and at most; the machine may have slept */
#define NARROW 1024           /* ticks; two readings that lie further apart were interrupted */
#define JITTER_NS 1000
#define TRIES 100
#define SLOWER 14             /* by the 2^14th part: above all errors of the measurement */

#define LOAD(member) atomic_load_explicit(&(member), memory_order_relaxed)
#define STORE(member, value) atomic_store_explicit(&(member), value, memory_order_relaxed)

static struct {
	_Atomic bool enabled;
	_Atomic uint32_t seq;   /* odd: somebody writes what follows */
	_Atomic uint64_t ticks; /* the anchor */
	_Atomic int64_t ns;
	_Atomic uint64_t rate;  /* ns per tick, with 32 bits behind the point */
	_Atomic uint64_t span;  /* ticks that the anchor is good for; 0: the rate is not known */
	uint64_t base_ticks;    /* the writer's: where the rate is measured from; 0: nowhere yet */
	int64_t base_ns;
} the;

static uint64_t read_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static void measure_rate(uint64_t ticks, int64_t ns)
{
	int64_t took_ns = ns - the.base_ns;
	uint64_t rate;

	if (the.base_ticks && took_ns < BASE_NS)
		return;
	if (the.base_ticks && took_ns <= BASE_MAX_NS && ticks > the.base_ticks) {
		rate = (uint64_t)(((unsigned __int128)took_ns << 32) / (ticks - the.base_ticks));
		rate -= rate >> SLOWER;
		STORE(the.rate, rate);
		STORE(the.span, ((uint64_t)SPAN_NS << 32) / rate);
	}
	the.base_ticks = ticks;
	the.base_ns = ns;
}

/* What it would be by the anchor that there is. */
static int64_t extrapolate(uint64_t passed)
{
	return LOAD(the.ns) + (int64_t)(passed * LOAD(the.rate) >> 32);
}

static int64_t move_anchor(uint64_t ticks, int64_t ns)
{
	uint64_t passed = ticks - LOAD(the.ticks);
	int64_t told = passed < 2 * LOAD(the.span) ? extrapolate(passed) : 0;

	measure_rate(ticks, ns);
	if (told > ns && told - ns < JITTER_NS)
		ns = told;
	STORE(the.ticks, ticks);
	STORE(the.ns, ns);
	return ns;
}

/* It is told by the anchor, if that is still good. */
static bool tell(int64_t *ns)
{
	uint32_t seq = atomic_load_explicit(&the.seq, memory_order_acquire);
	uint64_t passed = read_ticks() - LOAD(the.ticks);

	if (seq & 1 || passed >= LOAD(the.span))
		return false;
	*ns = extrapolate(passed);
	atomic_thread_fence(memory_order_acquire);
	return LOAD(the.seq) == seq;
}

/*
 * Both are read; what the kernel said was true before the second look at the counter,
 * so the anchor is never ahead of the kernel. False: we were interrupted, or somebody
 * else is at it.
 */
static bool look_up(int64_t *ns)
{
	uint32_t seq = LOAD(the.seq);
	uint64_t before = read_ticks(), after;

	*ns = kernel_ns();
	after = read_ticks();
	if (after - before > NARROW || seq & 1 ||
	    !atomic_compare_exchange_strong_explicit(&the.seq, &seq, seq + 1, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	atomic_thread_fence(memory_order_release); /* who sees what follows sees it is odd */
	*ns = move_anchor(after, *ns);
	atomic_store_explicit(&the.seq, seq + 2, memory_order_release);
	return true;
}

int64_t fa_counter_now_ns(void)
{
	int64_t ns;

	if (!LOAD(the.enabled))
		return kernel_ns();
	for (int i = 0; i < TRIES; i++) {
		if (tell(&ns) || look_up(&ns))
			return ns;
		__builtin_ia32_pause();
	}
	return kernel_ns();
}

bool fa_counter_is_running(void)
{
	return LOAD(the.enabled) && LOAD(the.span);
}

/* Where the hypervisor wants to see each look at the counter, it gains nothing. */
static bool is_quick(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = read_ticks(), took;

		kernel_ns();
		took = read_ticks() - before;
		least = took < least ? took : least;
	}
	return least < NARROW / 2;
}

static bool is_invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1 << 8;
}

static bool is_the_kernels(void)
{
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);
	char name[8] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && !strcmp(name, "tsc\n");
}

void fa_counter_enable(void)
{
	if (!LOAD(the.enabled) && is_invariant() && is_the_kernels() && is_quick())
		STORE(the.enabled, true);
}

#else

int64_t fa_counter_now_ns(void)
{
	return kernel_ns();
}

bool fa_counter_is_running(void)
{
	return false;
}

void fa_counter_enable(void)
{
}

#endif
