/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_LIST_H
#define FA_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A ring of members of other structs. An unlinked member points at itself. */
struct fa_list {
	struct fa_list *prev, *next;
};

#define fa_container(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define fa_list_for(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)

/* The body may remove `pos`. */
#define fa_list_for_safe(pos, tmp, head) \
	for (pos = (head)->next, tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)

static inline void fa_list_init(struct fa_list *list)
{
	list->prev = list->next = list;
}

static inline bool fa_list_empty(const struct fa_list *list)
{
	return list->next == list;
}

static inline void fa_list_insert_after(struct fa_list *pos, struct fa_list *elm)
{
	elm->prev = pos;
	elm->next = pos->next;
	pos->next->prev = elm;
	pos->next = elm;
}

static inline void fa_list_push(struct fa_list *head, struct fa_list *elm)
{
	fa_list_insert_after(head, elm);
}

static inline void fa_list_append(struct fa_list *head, struct fa_list *elm)
{
	fa_list_insert_after(head->prev, elm);
}

static inline void fa_list_remove(struct fa_list *elm)
{
	elm->prev->next = elm->next;
	elm->next->prev = elm->prev;
	fa_list_init(elm);
}

static inline struct fa_list *fa_list_pop(struct fa_list *head)
{
	struct fa_list *elm = head->next;

	if (elm == head)
		return NULL;
	fa_list_remove(elm);
	return elm;
}

#endif
