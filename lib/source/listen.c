/* SPDX-License-Identifier: MIT */
/* The store says on any thread where something came to lie; who reads there is on the loop. */
#include <source/source.h>

#include <string.h>

void fa_sources_lying(void *data, struct faas_bytes address)
{
	struct faas *rt = data;
	struct fa_sources *all = rt->sources;
	struct fa_spot *spot;
	struct fa_list *pos;

	if (!atomic_load(&all->listeners))
		return;
	pthread_mutex_lock(&all->lock);
	spot = fa_map_get(&all->spots, address.data, address.len);
	if (spot)
		fa_list_for(pos, &spot->listeners) {
			struct fa_listener *l = fa_container(pos, struct fa_listener, link);

			if (!atomic_exchange(&l->called, true))
				fa_loop_call(&rt->loop, &l->kick);
		}
	pthread_mutex_unlock(&all->lock);
}

static struct fa_spot *find_place(struct fa_sources *all, const char *address)
{
	struct fa_spot *spot = fa_map_get(&all->spots, address, strlen(address));

	if (spot)
		return spot;
	spot = fa_alloc(&all->rt->mem, sizeof(*spot));
	if (!spot)
		return NULL;
	fa_list_init(&spot->listeners);
	memcpy(spot->address, address, strlen(address));
	if (!fa_map_add(&all->spots, spot->address, spot))
		return spot;
	fa_free(spot);
	return NULL;
}

int fa_listen(struct fa_sources *all, struct fa_listener *listener, const char *address)
{
	pthread_mutex_lock(&all->lock);
	listener->spot = find_place(all, address);
	if (listener->spot)
		fa_list_append(&listener->spot->listeners, &listener->link);
	pthread_mutex_unlock(&all->lock);
	if (!listener->spot)
		return FAAS_ENOMEM;
	atomic_fetch_add(&all->listeners, 1);
	return 0;
}

void fa_listen_no_more(struct fa_sources *all, struct fa_listener *listener)
{
	pthread_mutex_lock(&all->lock);
	fa_list_remove(&listener->link);
	pthread_mutex_unlock(&all->lock);
	atomic_fetch_sub(&all->listeners, 1);
}

void fa_listener_heard(struct fa_listener *listener)
{
	atomic_store(&listener->called, false);
}

bool fa_listener_is_called(struct fa_listener *listener)
{
	return atomic_load(&listener->called);
}

void fa_spots_free(struct fa_sources *all)
{
	struct fa_spot *spot;
	uint32_t pos = 0;

	while ((spot = fa_map_next(&all->spots, &pos)))
		fa_free(spot);
	fa_map_finish(&all->spots);
}
