/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_URL_H
#define FA_MODEL_URL_H

#include <model/registry.h>

#define FA_URL_ID 32
#define FA_URL_MAX 256     /* a whole one */
#define FA_URL_BASE_MAX 62 /* of it before "/url/": one has at most 100 characters */
#define FA_URL_KEEP (-1)

/*
 * A function URL (semantics 5.6): an immutable value. The function itself has one or none,
 * and so has each of its aliases. Who serves a request by it holds a reference; an
 * update makes the next one.
 */
struct fa_url {
	_Atomic uint32_t refs;
	char id[FA_URL_ID + 1];              /* [a-z0-9], drawn once */
	char function[FA_NAME_MAX + 1];
	char qualifier[FA_QUALIFIER_MAX + 1]; /* an alias, or "" */
	int iam;                              /* AuthType: 0 NONE, 1 AWS_IAM */
	int streams;                          /* InvokeMode: 0 BUFFERED, 1 RESPONSE_STREAM */
	struct fa_document *cors;             /* as the API has it; NULL: none */
	int64_t created_ms, modified_ms;      /* Unix time */
};

struct fa_url_change {
	const char *function, *qualifier; /* any name of it; "" or NULL: the function itself */
	bool create;                      /* else there must be one */
	int iam, streams;                 /* FA_URL_KEEP: as it was, or 0 */
	const struct fa_document *cors;   /* NULL: as it was */
	int64_t now_ms;
	const char *id;                   /* of one that is created again; NULL: draw one */
	int64_t created_ms;               /* of that one */
};

/* `out` gets a reference, and may be NULL. FAAS_EEXIST, FAAS_ENOTFOUND, FAAS_ENOMEM. */
int fa_url_set(struct fa_registry *registry, const struct fa_url_change *change,
	       struct fa_url **out, struct faas_error *err);
/* References: of one, and of all of a function, by qualifier, in a fa_alloc()ed array. */
struct fa_url *fa_url_get(struct fa_registry *registry, const char *function,
			  const char *qualifier, struct faas_error *err);
int fa_url_list(struct fa_registry *registry, const char *function, struct fa_url ***all,
		size_t *count, struct faas_error *err);
int fa_url_delete(struct fa_registry *registry, const char *function, const char *qualifier,
		  struct faas_error *err);
/* By its id; a reference, or NULL. */
struct fa_url *fa_url_find(struct fa_registry *registry, const char *id, size_t len);
void fa_url_unref(struct fa_url *url); /* NULL is fine */

/* Where clients reach the door that serves them, "http://127.0.0.1:9001"; "": nowhere yet. */
void fa_url_place(struct fa_registry *registry, const char *base);
/* What a client calls. */
void fa_url_write(struct fa_registry *registry, const struct fa_url *url, char out[FA_URL_MAX]);

/* ---- for model/registry.c and model/alias.c, under the lock ------------- */

void fa_url_drop(struct fa_registry *registry, struct fa_function *function,
		 const char *qualifier);
void fa_urls_drop(struct fa_registry *registry, struct fa_function *function);
void fa_urls_free(struct fa_map *urls);
/* For a draft, which is in no list of all. FAAS_ENOMEM. */
int fa_urls_copy(struct fa_map *out, const struct fa_map *urls);
/* Into the list of all, where there is room, and out of it. */
void fa_urls_list(struct fa_registry *registry, const struct fa_map *urls);
void fa_urls_unlist(struct fa_registry *registry, const struct fa_map *urls);

#endif
