/* SPDX-License-Identifier: MIT */
/*
 * Keep-alive. Three rules behind one interface; the first two are one line each.
 *
 * Greedy-Dual, the third, keeps what returns most for its memory: cold cost saved per
 * MB and second. What one will return is read off the histogram of how long its place
 * used to stay empty: of all times that it could stay from now on, the one with the
 * best ratio of "needed by then" to "held until then" counts (the index of Gittins). So
 * one whose event comes every five minutes is worth little after one minute and much
 * after four, which frequency alone cannot say.
 *
 * The histograms are those of ranks, not of functions: the second environment serves
 * only while the first is busy, so a burst's worth falls from rank to rank and its
 * floor stays. Because idle ones form a stack, the deepest is the highest rank. Ranks
 * of about the same height share a histogram, for each alone has few gaps to tell of; but
 * when each ended is its own, or a long gap would begin at its neighbour's last event.
 *
 * A bucket that nothing fell into counts a little, and buckets grow with the time they
 * stand for. That is the rule for who is unknown: what was idle for long will be idle
 * for as long again, and its worth is its cost by memory and by age. A gap counts a
 * little for the buckets beside its own, too: where one ends is no habit of anybody's.
 *
 * Memory that is not taken back now is held until somebody wants memory again. How far
 * apart that is, is measured, and nothing that is held is thought of as held for less:
 * where memory is wanted every minute, who returns something within a second is no better.
 */
#include <env/policy.h>

#define UNIT_NS 250000000LL
#define DOUBT 0.05        /* events that every bucket is given, seen or not */
#define NEVER (3 * DOUBT) /* and "not again" */
#define MEMORY 200        /* events in a histogram before all count half */
#define NEIGHBOUR 0.1     /* of an event, for each bucket beside its own */
#define AN_END_S 1.0      /* memory is not lent for shorter: to end and start takes as long */
#define CALM_S 300.0      /* nor is a night in which nobody wanted any thought of as longer */
#define RICH 4            /* times the price: who is warmed ahead, stays until its event */
#define LIKELY 0.5        /* for each that is warmed in vain, one was of use */
#define FIXED_NS 300000000000LL
#define STAY_NS 7200000000000LL /* at least: an hourly event is met, known or not */

/* ---- histograms ------------------------------------------------------ */

static int bucket(int64_t gap_ns)
{
	uint64_t units = gap_ns < 0 ? 0 : (uint64_t)(gap_ns / UNIT_NS);
	int log, n;

	if (units < 4)
		return (int)units;
	log = 63 - __builtin_clzll(units);
	n = (log - 1) * 4 + (int)(units >> (log - 2) & 3);
	return n < FA_GAPS ? n : FA_GAPS - 1;
}

/* Where a bucket begins; FA_GAPS: where the last one ends. */
static int64_t edge_ns(int n)
{
	return n < 4 ? n * UNIT_NS : ((int64_t)(4 + n % 4) << (n / 4 - 1)) * UNIT_NS;
}

/* Halves are rounded up: what is rare is not forgotten for something else being frequent. */
static void count(struct fa_rank *rank, int64_t gap_ns)
{
	rank->gaps[bucket(gap_ns)]++;
	if (++rank->total < MEMORY)
		return;
	rank->total = 0;
	for (int i = 0; i < FA_GAPS; i++)
		rank->total += rank->gaps[i] = (uint8_t)((rank->gaps[i] + 1) / 2);
}

/* One rank up to four, then two per doubling. */
static int place(int rank)
{
	int log, n;

	if (rank <= 3)
		return rank < 1 ? 0 : rank - 1;
	rank--;
	log = 31 - __builtin_clz((unsigned)rank);
	n = 2 * log + (rank >> (log - 1) & 1);
	return n < FA_RANKS ? n : FA_RANKS - 1;
}

static int64_t *since(struct fa_habit *habit, int rank)
{
	return &habit->since_ns[(rank < FA_RESTS ? rank : FA_RESTS) - 1];
}

/* ---- what the future returns ----------------------------------------- */

/* A look ahead from an age, bucket by bucket: what may come, and how long that is held. */
struct outlook {
	double all;     /* events, with doubt, that are still to be expected */
	double index;   /* best ratio of chance to seconds */
	double chance;  /* of an event by the time of the best ratio, doubt aside */
};

static double share(int n, int64_t age_ns)
{
	int64_t begin = edge_ns(n), end = edge_ns(n + 1);

	if (age_ns <= begin)
		return 1;
	return age_ns >= end ? 0 : (double)(end - age_ns) / (double)(end - begin);
}

static double seen(const struct fa_rank *rank, int n)
{
	int beside = (n ? rank->gaps[n - 1] : 0) + (n < FA_GAPS - 1 ? rank->gaps[n + 1] : 0);

	return (1 - 2 * NEIGHBOUR) * rank->gaps[n] + NEIGHBOUR * beside;
}

static double expected(const struct fa_rank *rank, int n, int64_t age_ns)
{
	return (seen(rank, n) + DOUBT) * share(n, age_ns);
}

static double seconds(int n, int64_t age_ns)
{
	int64_t begin = edge_ns(n);

	return (double)(edge_ns(n + 1) - (age_ns > begin ? age_ns : begin)) * 1e-9;
}

static struct outlook look(const struct fa_policy *policy, const struct fa_rank *rank,
			   int64_t age_ns)
{
	struct outlook out = { .all = NEVER };
	double left = 1, held = policy->lent_s > AN_END_S ? policy->lent_s : AN_END_S, known = 0;

	if (age_ns < 0)
		age_ns = 0;
	for (int n = bucket(age_ns); n < FA_GAPS; n++)
		out.all += expected(rank, n, age_ns);
	for (int n = bucket(age_ns); n < FA_GAPS && age_ns < edge_ns(n + 1); n++) {
		double p = expected(rank, n, age_ns) / out.all;

		held += seconds(n, age_ns) * (left - p / 2);
		left -= p;
		known += rank->gaps[n] * share(n, age_ns) / out.all;
		if ((1 - left) / held > out.index) {
			out.index = (1 - left) / held;
			out.chance = known;
		}
	}
	return out;
}

/* Seconds of cold start that a second of a megabyte saves. */
static double rate(const struct fa_habit *habit, double index)
{
	int64_t cold_ns = habit->cold_ns > 0 ? habit->cold_ns : 1;
	int memory_mb = habit->memory_mb > 0 ? habit->memory_mb : 1;

	return index * (double)cold_ns * 1e-9 / memory_mb;
}

/* ---- told ------------------------------------------------------------ */

void fa_policy_begin(struct fa_habit *habit, struct fa_turn *turn)
{
	turn->rank = ++habit->busy;
	turn->since_ns = *since(habit, turn->rank);
}

void fa_policy_end(struct fa_habit *habit, struct fa_turn *turn, int64_t began_ns,
		   int64_t ended_ns)
{
	int64_t *left;

	if (!turn->rank)
		return;
	if (began_ns && turn->since_ns)
		count(&habit->ranks[place(turn->rank)], began_ns - turn->since_ns);
	left = since(habit, habit->busy--);
	if (*left < ended_ns)
		*left = ended_ns;
	turn->rank = 0;
}

void fa_policy_cold(struct fa_habit *habit, int64_t cold_ns)
{
	habit->cold_ns = habit->cold_ns ? (habit->cold_ns * 3 + cold_ns) / 4 : cold_ns;
}

/* ---- asked ----------------------------------------------------------- */

static const struct fa_rank *deepest(const struct fa_habit *habit, int idle)
{
	return &habit->ranks[place(habit->busy + idle)];
}

double fa_policy_worth(const struct fa_policy *policy, const struct fa_habit *habit, int idle,
		       int64_t since_ns, int64_t now_ns)
{
	if (policy->keep != FAAS_KEEP_GREEDY)
		return (double)since_ns;
	return rate(habit, look(policy, deepest(habit, idle), now_ns - since_ns).index);
}

static void follow(double *mean, double latest)
{
	*mean += (latest - *mean) / 10;
}

/* Who reads the clock first is not always told first. */
static void note_when(struct fa_policy *policy, int64_t now_ns)
{
	double apart_s = (double)(now_ns - policy->evicted_ns) * 1e-9;

	if (policy->evicted_ns && apart_s >= 0)
		follow(&policy->lent_s, apart_s < CALM_S ? apart_s : CALM_S);
	if (policy->evicted_ns < now_ns)
		policy->evicted_ns = now_ns;
}

void fa_policy_evicted(struct fa_policy *policy, double worth, int64_t now_ns)
{
	note_when(policy, now_ns);
	if (worth <= 0) /* it was of no use to anybody: that says nothing of the memory's */
		return;
	if (policy->price > 0)
		follow(&policy->price, worth);
	else
		policy->price = worth;
}

int64_t fa_policy_soonest_ns(const struct fa_policy *policy)
{
	if (policy->idle_ns)
		return policy->idle_ns;
	switch (policy->keep) {
	case FAAS_KEEP_FIXED:
		return FIXED_NS;
	case FAAS_KEEP_LRU:
		return INT64_MAX;
	default:
		return STAY_NS;
	}
}

static int64_t longest_ns(const struct fa_rank *rank)
{
	int n = FA_GAPS;

	while (n > 0 && !rank->gaps[n - 1])
		n--;
	return n ? edge_ns(n) : 0;
}

/*
 * Where memory has a price, who will still be worth more does not end before the cheaper
 * ones. Beyond the histogram nobody is worth anything.
 */
static int64_t while_dear_ns(const struct fa_policy *policy, const struct fa_habit *habit, int idle,
			     int64_t stay_ns)
{
	while (policy->price > 0 &&
	       rate(habit, look(policy, deepest(habit, idle), stay_ns).index) > policy->price)
		stay_ns *= 2;
	return stay_ns;
}

int64_t fa_policy_until(const struct fa_policy *policy, const struct fa_habit *habit, int idle,
			int64_t since_ns)
{
	int64_t stay = fa_policy_soonest_ns(policy), longest;

	if (stay == INT64_MAX)
		return stay;
	if (policy->keep == FAAS_KEEP_GREEDY && !policy->idle_ns) {
		longest = 2 * longest_ns(deepest(habit, idle));
		stay = while_dear_ns(policy, habit, idle, longest > stay ? longest : stay);
	}
	return since_ns + stay;
}

int64_t fa_policy_ahead(const struct fa_policy *policy, const struct fa_habit *habit,
			int64_t now_ns)
{
	const struct fa_rank *rank = &habit->ranks[0];
	int64_t age_ns = now_ns - habit->since_ns[0];

	if (policy->keep != FAAS_KEEP_GREEDY || !habit->since_ns[0] || rank->total < 2)
		return INT64_MAX;
	for (int n = bucket(age_ns); n < FA_GAPS; n++) {
		int64_t at_ns = edge_ns(n) > age_ns ? edge_ns(n) : age_ns;
		struct outlook out = look(policy, rank, at_ns);

		if (rate(habit, out.index) > RICH * policy->price && out.chance >= LIKELY)
			return habit->since_ns[0] + at_ns;
	}
	return INT64_MAX;
}
