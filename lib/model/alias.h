/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ALIAS_H
#define FA_MODEL_ALIAS_H

#include <model/registry.h>

#define FA_DESCRIPTION_MAX 256 /* characters */
#define FA_KEEP (-1)

/* A name for a version, or for two of which each event gets one. */
struct fa_alias {
	char name[FA_QUALIFIER_MAX + 1];
	char description[4 * FA_DESCRIPTION_MAX + 1];
	char revision[37];
	struct fa_version *version; /* NULL: $LATEST; exists as long as the alias leads there */
	struct fa_version *second;  /* NULL: all events go to the first */
	double weight;              /* the part of the second */
};

/* What is asked for. */
struct fa_alias_change {
	const char *function, *name;
	const char *description;         /* NULL: as it was */
	const char *revision;            /* that it must still have; NULL: any */
	int version;                     /* 0: $LATEST; FA_KEEP */
	int second;                      /* 0: none; FA_KEEP */
	double weight;
	bool may_create, may_update;
	const char *becomes;             /* its revision; NULL: a new one */
};

/* What an alias was at some moment: copies, and numbers instead of versions. */
struct fa_alias_view {
	struct fa_alias alias; /* its pointers mean nothing */
	char arn[FA_ARN_MAX + FA_QUALIFIER_MAX];
	int version, second;
};

/* `view` may be NULL. */
int fa_alias_set(struct fa_registry *registry, const struct fa_alias_change *change,
		 struct fa_alias_view *view, struct faas_error *err);
int fa_alias_get(struct fa_registry *registry, const char *function, const char *name,
		 struct fa_alias_view *view, struct faas_error *err);
int fa_alias_delete(struct fa_registry *registry, const char *function, const char *name,
		    struct faas_error *err);
/*
 * Those of a function, by name, that lead to this version (FA_KEEP: to any), in
 * a fa_alloc()ed array.
 */
int fa_alias_list(struct fa_registry *registry, const char *function, int version,
		  struct fa_alias_view **views, size_t *count, struct faas_error *err);
/* Whether an alias of its function leads to this version. Under the lock. */
bool fa_aliases_hold(const struct fa_map *aliases, const struct fa_version *version);
void fa_aliases_free(struct fa_map *aliases);

#endif
