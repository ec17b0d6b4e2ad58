/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_EVENT_CONFIG_H
#define FA_MODEL_EVENT_CONFIG_H

#include <model/address.h>
#include <model/registry.h>

#define FA_MAX_RETRIES 2
#define FA_MAX_AGE_S 21600
#define FA_UNSAID (-1)

/*
 * What becomes of asynchronous events that fail, and who is told how they ended (semantics
 * 7.5-7). Each qualifier of a function has its own or none, and an event goes by that of the
 * qualifier it was sent to: not by that of the version which an alias leads to.
 */
struct fa_event_config {
	char qualifier[FA_QUALIFIER_MAX + 1]; /* "$LATEST", a number or an alias */
	int max_retries, max_age_s;           /* FA_UNSAID: as if there were none */
	char on_success[FA_ADDRESS_MAX], on_failure[FA_ADDRESS_MAX]; /* as written; "": nobody */
	int64_t modified_ms;
};

struct fa_event_change {
	const char *function; /* any name of it; the qualifier is told apart */
	const char *qualifier;
	bool whole;           /* replaces what is there, or makes it; else there must be one */
	int max_retries, max_age_s;           /* FA_UNSAID: as it was */
	const char *on_success, *on_failure;  /* NULL: as it was; "": nobody */
	int64_t now_ms;
};

/* `view` may be NULL. FAAS_ENOTFOUND, FAAS_EINVAL. */
int fa_event_config_set(struct fa_registry *registry, const struct fa_event_change *change,
			struct fa_event_config *view, struct faas_error *err);
int fa_event_config_get(struct fa_registry *registry, const char *function,
			const char *qualifier, struct fa_event_config *view,
			struct faas_error *err);
int fa_event_config_delete(struct fa_registry *registry, const char *function,
			   const char *qualifier, struct faas_error *err);
/* All of a function, by qualifier, in a fa_alloc()ed array. */
int fa_event_config_list(struct fa_registry *registry, const char *function,
			 struct fa_event_config **views, size_t *count, struct faas_error *err);

/* What counts for an event that was sent to this qualifier; nothing is FA_UNSAID in it. */
void fa_event_config_find(struct fa_registry *registry, const struct fa_version *version,
			  const char *qualifier, struct fa_event_config *out);

/*
 * Events may still wait when their function is deleted. Whoever was to hear of them does: what a
 * function said of that outlives it, until there is another of its name. So does its role, which
 * has to let it tell them still (what AWS does then is nowhere said).
 */
#define FA_FAREWELL_ROLE 1024 /* a longer one is nobody's */
struct fa_farewell {
	struct fa_event_config config; /* as from fa_event_config_find() */
	char dead_letter[FA_ADDRESS_MAX];
	char role[FA_FAREWELL_ROLE]; /* "": it had none */
};

/* False: there is a function of that name, or none that said anything. */
bool fa_event_config_left(struct fa_registry *registry, struct faas_bytes function,
			  const char *qualifier, struct fa_farewell *out);

/*
 * What the typed doors say of $LATEST: members that are not at their default, over what there
 * is. 0 or FAAS_ENOMEM; nothing if the function is gone.
 */
int fa_event_config_say(struct fa_registry *registry, const char *function,
			const struct faas_function_config *config, int64_t now_ms,
			struct faas_error *err);
/* FAAS_EINVAL: it is no address, or one of the function itself. NULL and "" are nobody's. */
int fa_event_config_check(const char *function, const char *destination, struct faas_error *err);

/* ---- for model/registry.c and model/alias.c, under the lock ------------ */

/* Before a function goes: keep what is said of its events. And when that is over. */
void fa_event_config_farewell(struct fa_function *function);
void fa_event_config_farewell_over(struct fa_function *function);
bool fa_event_config_says_farewell(const struct fa_function *function);
void fa_event_config_drop(struct fa_function *function, const char *qualifier);
void fa_event_configs_free(struct fa_map *configs);

#endif
