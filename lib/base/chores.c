/* SPDX-License-Identifier: MIT */
/* One queue, in order, and threads that wait for it. */
#include <base/chores.h>

#include <signal.h>

#include <base/list.h>

void fa_chores_init(struct fa_chores *chores, struct fa_loop *loop)
{
	chores->loop = loop;
	pthread_mutex_init(&chores->lock, NULL);
	pthread_cond_init(&chores->wanted, NULL);
	chores->last = &chores->first;
}

static struct fa_chore *take(struct fa_chores *chores)
{
	struct fa_chore *chore;

	pthread_mutex_lock(&chores->lock);
	chores->idle++;
	while (!chores->first && !chores->ending)
		pthread_cond_wait(&chores->wanted, &chores->lock);
	chores->idle--;
	chore = chores->first;
	if (chore)
		chores->first = chore->next;
	if (!chores->first)
		chores->last = &chores->first;
	pthread_mutex_unlock(&chores->lock);
	return chore;
}

static void on_done(struct fa_call *call)
{
	struct fa_chore *chore = fa_container(call, struct fa_chore, call);

	chore->done(chore);
}

static void perform(struct fa_chores *chores, struct fa_chore *chore)
{
	chore->run(chore);
	chore->call.run = on_done;
	fa_loop_call(chores->loop, &chore->call);
}

static void *work(void *data)
{
	struct fa_chores *chores = data;
	struct fa_chore *chore;

	while ((chore = take(chores)))
		perform(chores, chore);
	return NULL;
}

/* Signals are the host's. */
static void start_thread(struct fa_chores *chores)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (!pthread_create(&chores->threads[chores->count], NULL, work, chores))
		chores->count++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void fa_chores_add(struct fa_chores *chores, struct fa_chore *chore)
{
	chore->next = NULL;
	pthread_mutex_lock(&chores->lock);
	if ((!chores->idle || chores->first) && chores->count < FA_CHORE_THREADS)
		start_thread(chores);
	if (chores->count) {
		*chores->last = chore;
		chores->last = &chore->next;
		pthread_cond_signal(&chores->wanted);
		chore = NULL;
	}
	pthread_mutex_unlock(&chores->lock);
	if (chore)
		perform(chores, chore);
}

void fa_chores_finish(struct fa_chores *chores)
{
	pthread_mutex_lock(&chores->lock);
	chores->ending = true;
	pthread_cond_broadcast(&chores->wanted);
	pthread_mutex_unlock(&chores->lock);
	for (int i = 0; i < chores->count; i++)
		pthread_join(chores->threads[i], NULL);
	pthread_cond_destroy(&chores->wanted);
	pthread_mutex_destroy(&chores->lock);
}
