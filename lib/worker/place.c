/* SPDX-License-Identifier: MIT */
/*
 * Caller and worker on one CPU cost two switches per event, and that is where
 * the scheduler likes to put two that wake each other. Awake on two CPUs they
 * need no system call at all, but only as long as events follow each other
 * closely: asleep on two CPUs they cost more than everything else together.
 *
 * Nobody can tell us whether another CPU is free. So what an event takes is
 * timed where the two are, in stretches, and remembered for both sides. Where
 * nothing is known of being apart the worker tries it; it goes back when that was
 * no faster twice in a row, or has lost more than it gained, and the next trial is put
 * off. What is known to be faster needs no trial: who finds himself on the caller's
 * CPU again leaves when staying has cost as much as moving. A pause between
 * events is no part of what they take, however long it is.
 *
 * Who falls asleep is put on the caller's CPU, and has to move again; so it pays
 * to wait awake for longer than a wake-up takes when something held the caller up.
 * That may cost what it has saved before, and no more: where events come
 * with pauses it soon has saved nothing.
 *
 * A move is a nudge and no binding: threads and children of the function inherit
 * nothing from it.
 */
#include <worker/place.h>
#include <worker/warm.h>

#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STRETCH_MIN 64     /* events, and */
#define STRETCH_NS 500000  /* time, to tell what one takes: several batches, too */
#define IDLE_NS 500000     /* who posts so late did something else */
#define FEW 8              /* events tell nothing: one wake-up weighs too much */
#define MOVE_NS 100000     /* what a move costs both sides */
#define LOST_NS 1000000    /* what a trial may lose; two slow wake-ups are no reason */
#define GAINED_NS 10000000 /* is remembered: two others' slices on a CPU that is shared */
#define UNKNOWN_NS 20000   /* on one CPU no event takes longer, until it is known */
#define PAUSE_MIN_NS 4000000
#define PAUSE_MAX_NS 1000000000
#define LOOK_NS 100000000 /* a look at the other side costs about a hundredth of that */
#define LONG_NS 200000    /* to be woken up, put on the caller's CPU, and move again */
#define SAVED_NS 1600000  /* is remembered */

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
	return value < min ? min : value > max ? max : value;
}

static void begin_stretch(struct fa_place *place)
{
	place->count = 0;
	place->spent_ns = 0;
}

static bool is_over(const struct fa_place *place)
{
	return place->count >= STRETCH_MIN && place->spent_ns >= STRETCH_NS;
}

/* What an event took in it; the next one begins. */
static int64_t end_stretch(struct fa_place *place)
{
	int64_t cost = place->spent_ns / place->count;

	begin_stretch(place);
	return cost;
}

static void put_off(struct fa_place *place, int64_t now_ns)
{
	place->pause_ns = clamp(2 * place->pause_ns, PAUSE_MIN_NS, PAUSE_MAX_NS);
	place->again_ns = now_ns + place->pause_ns;
}

/* By a move of ours, or because the scheduler thought better of it. */
static void arrive(struct fa_place *place, int64_t now_ns, bool apart)
{
	if (place->apart && !place->judged)
		put_off(place, now_ns); /* too short to pay */
	place->apart = apart;
	place->judged = false;
	place->slow = place->strange = 0;
	place->gained_ns = 0;
	place->last_ns = 0;
	begin_stretch(place);
}

/* ---- on the caller's CPU ----------------------------------------------- */

/* It has cost as much already as a move would have in the beginning. */
static bool has_stayed_too_long(const struct fa_place *place)
{
	return place->apart_ns && place->count >= FEW &&
	       place->spent_ns / 4 * 3 - place->count * place->apart_ns > MOVE_NS;
}

static enum fa_place_move while_together(struct fa_place *place, int64_t now_ns)
{
	bool over = is_over(place), late = has_stayed_too_long(place);

	if (over)
		place->together_ns = end_stretch(place);
	if (now_ns < place->again_ns || !(over || late))
		return FA_PLACE_STAY;
	begin_stretch(place);
	place->saved_ns = clamp(place->saved_ns, LONG_NS, SAVED_NS); /* both may sleep once more */
	return FA_PLACE_LEAVE;
}

/* ---- on another ---------------------------------------------------------- */

/* What the other side costs is as unknown by now as what has changed here. */
static bool has_changed(struct fa_place *place, int64_t now_ns)
{
	bool alike =
		place->apart_ns <= 2 * place->judged_ns && place->judged_ns <= 2 * place->apart_ns;

	place->strange = alike ? 0 : place->strange + 1;
	if (place->strange < 2 || now_ns < place->look_ns)
		return false;
	place->look_ns = now_ns + LOOK_NS;
	return true;
}

static enum fa_place_move join(struct fa_place *place)
{
	place->judged = true;
	place->slow = place->strange = 0;
	place->gained_ns = 0;
	begin_stretch(place);
	return FA_PLACE_JOIN;
}

static enum fa_place_move fail(struct fa_place *place, int64_t now_ns)
{
	put_off(place, now_ns);
	return join(place);
}

static enum fa_place_move while_apart(struct fa_place *place, int64_t took_ns, int64_t now_ns)
{
	int64_t together_ns = place->together_ns ? place->together_ns : UNKNOWN_NS;
	bool lost;

	place->gained_ns = clamp(place->gained_ns + together_ns - took_ns, -2 * LOST_NS, GAINED_NS);
	lost = place->gained_ns < -LOST_NS;
	if (!lost && !is_over(place))
		return FA_PLACE_STAY;
	place->apart_ns = end_stretch(place);
	if (lost)
		return fail(place, now_ns);
	if (place->apart_ns >= together_ns / 4 * 3)
		return ++place->slow > 1 ? fail(place, now_ns) : FA_PLACE_STAY;
	if (!place->judged)
		place->judged_ns = place->apart_ns;
	place->judged = true;
	place->slow = 0;
	place->pause_ns = 0;
	return has_changed(place, now_ns) ? join(place) : FA_PLACE_STAY;
}

/* ---- what the worker asks -------------------------------------------------- */

FA_WARM enum fa_place_move fa_place_turn(struct fa_place *place, int64_t posted_ns, int64_t now_ns,
					 bool close, bool apart)
{
	int64_t last_ns;

	if (apart != place->apart)
		arrive(place, now_ns, apart);
	last_ns = place->last_ns;
	place->last_ns = close ? now_ns : 0;
	if (!close || !last_ns || posted_ns - last_ns > IDLE_NS)
		return FA_PLACE_STAY;
	place->count++;
	place->spent_ns += now_ns - last_ns;
	return apart ? while_apart(place, now_ns - last_ns, now_ns) : while_together(place, now_ns);
}

int64_t fa_place_patience(const struct fa_place *place, int64_t wake_ns)
{
	return place->saved_ns >= LONG_NS ? LONG_NS : wake_ns;
}

void fa_place_waited(struct fa_place *place, bool came, int64_t ns)
{
	place->saved_ns = clamp(place->saved_ns + (came ? ns : -ns), 0, SAVED_NS);
}

/* ---- moves ------------------------------------------------------------------ */

static bool allowed(cpu_set_t *all, uint32_t cpu)
{
	CPU_ZERO(all);
	return syscall(SYS_sched_getaffinity, 0, sizeof(*all), all) >= 0 && cpu < CPU_SETSIZE;
}

/* To one of `there`, and then free again to be anywhere we were allowed to be before. */
static void nudge(const cpu_set_t *all, const cpu_set_t *there)
{
	if (CPU_COUNT(there) && syscall(SYS_sched_setaffinity, 0, sizeof(*there), there) == 0)
		syscall(SYS_sched_setaffinity, 0, sizeof(*all), all);
}

void fa_place_leave(uint32_t cpu)
{
	cpu_set_t all, others;

	if (!allowed(&all, cpu))
		return;
	others = all;
	CPU_CLR(cpu, &others);
	nudge(&all, &others);
}

void fa_place_join(uint32_t cpu)
{
	cpu_set_t all, there;

	if (!allowed(&all, cpu))
		return;
	CPU_ZERO(&there);
	CPU_SET(cpu, &there);
	CPU_AND(&there, &there, &all);
	nudge(&all, &there);
}
