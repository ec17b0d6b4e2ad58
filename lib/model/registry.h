/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_REGISTRY_H
#define FA_MODEL_REGISTRY_H

#include <pthread.h>
#include <base/document.h>
#include <base/map.h>
#include <model/function.h>

#define FA_UNTOUCHED (-2)

/*
 * One function: what its name stands for, what its numbers stand for, and its
 * aliases. A deleted one that was ever published stays as a name and its last
 * number, for numbers are never given twice.
 */
struct fa_function {
	struct fa_version *latest; /* NULL: deleted */
	const char *name;
	struct fa_map versions;    /* number -> struct fa_version, one reference each */
	struct fa_map aliases;     /* name -> struct fa_alias, see model/alias.h */
	int last_number;
	bool updating;             /* LastUpdateStatus InProgress: no other change begins */
	struct fa_version *next;   /* what `latest` is about to become, if that is to be remembered;
				      one reference */
	struct fa_trouble trouble; /* LastUpdateStatus Failed */
	struct fa_trouble judged;  /* what that becomes, with `updating`, when it is remembered */
	bool unwritten;            /* it is otherwise than what was last remembered of it */
	bool writing;              /* what it is now is about to be remembered */
	int reserved;              /* of a draft: its concurrency before, or FA_UNTOUCHED */
	bool moved;                /* of a draft: what is provisioned may be elsewhere */
	struct fa_function *following; /* of the drafts of a change, see model/change.h */
	bool recalled;             /* came from the state_dir, and nobody created it since */
	bool may_recur;            /* RecursiveLoop is Allow */
	struct fa_map event_configs; /* qualifier -> struct fa_event_config, see there */
	char *dead_letter, *role;  /* of a deleted one, for the events it has left; NULL: none */
	struct fa_map provisioned; /* qualifier -> what is to be, see model/provisioned.h */
	struct fa_map urls;        /* alias or "" -> struct fa_url, see model/url.h */
	struct fa_document *attached; /* other plain data of it, see model/attached.h */
	struct fa_document *tags;  /* key -> text; NULL: none, see model/tags.h */
	struct fa_map policies;    /* qualifier -> what was compiled, see model/permission.h */
};

/* What is of the account and of no function in it: documents by a key, see model/account.h. */
enum fa_account_kind {
	FA_ACCOUNT_SIGNING,        /* ARN -> code signing configuration */
	FA_ACCOUNT_LAYER_POLICIES, /* ARN of a layer's version -> resource policy */
	FA_ACCOUNT_ROLES,          /* name -> role, see model/role.h */
	FA_ACCOUNT_POLICIES,       /* ARN -> managed policy of our own, see model/role.h */
	FA_ACCOUNT_KINDS
};

/*
 * Names to versions. Readers take a reference under a read lock; writers swap. `changing` is
 * held, and comes before `lock`, by who changes anything, or reads what it puts back changed;
 * by the same thread more than once.
 */
struct fa_registry {
	pthread_rwlock_t lock;
	pthread_mutex_t changing;
	bool writing;            /* fa_registry_open() was to write */
	struct fa_map functions; /* name -> struct fa_function */
	const char *region, *account;
	_Atomic uint64_t draws;  /* of the aliases that lead to two versions */
	bool remembers;          /* functions that are gone stay until they are forgotten */
	bool ending;             /* see fa_registry_end() */
	_Atomic bool unwritten;  /* one of the functions is, or is being written */
	_Atomic uint32_t changes; /* of functions, ever: what a name leads to may be another now */
	struct fa_map urls;      /* id -> struct fa_url, which its function has */
	char url_base[64];       /* see fa_url_place() */
	struct fa_account_part {
		struct fa_document *all; /* key -> value; NULL: nothing yet */
		_Atomic uint32_t epoch;  /* another one after each change */
	} parts[FA_ACCOUNT_KINDS];
	struct {                 /* see model/change.h */
		bool open;
		pthread_t thread;
		struct fa_function *drafts;
		struct fa_document *parts[FA_ACCOUNT_KINDS];
	} change;
	struct fa_map rights;    /* role -> what it may do, compiled, see model/role.h */
	uint32_t rights_epoch;   /* of the roles that it was compiled from */
};

int fa_registry_init(struct fa_registry *registry, const struct fa_mem *mem,
		     const char *region, const char *account);
void fa_registry_finish(struct fa_registry *registry);

/* Find what `text` names and take a reference. NULL with FAAS_EINVAL, ENOTFOUND or EDENIED. */
struct fa_version *fa_registry_find(struct fa_registry *registry, const char *text,
				    struct faas_error *err);
/* The same, for what is done to a function as a whole: a qualifier but $LATEST is refused. */
struct fa_version *fa_registry_latest(struct fa_registry *registry, const char *text,
				      struct faas_error *err);
/* The version of this function that was published last and still exists, referenced, or NULL. */
struct fa_version *fa_registry_last(struct fa_registry *registry,
				    const struct fa_version *latest);
/* The number of the next one to be published. */
int fa_registry_next_number(struct fa_registry *registry, const struct fa_version *latest);

/* Takes the reference on success. FAAS_EEXIST, FAAS_ENOMEM. */
int fa_registry_add(struct fa_registry *registry, struct fa_version *version,
		    struct faas_error *err);
/* Put `version` beside `latest`, under its number. Takes the reference on success. */
int fa_registry_publish(struct fa_registry *registry, const struct fa_version *latest,
			struct fa_version *version, struct faas_error *err);
/*
 * A change of $LATEST begins, and ends with a swap or with this. FAAS_EEXIST if
 * it is not $LATEST any more or another change is under way.
 */
int fa_registry_begin(struct fa_registry *registry, const struct fa_version *latest,
		      struct faas_error *err);
void fa_registry_abandon(struct fa_registry *registry, const struct fa_version *latest);
/* The same, for a change that did not come about. FAAS_ENOMEM. */
int fa_registry_fail(struct fa_registry *registry, const struct fa_version *latest,
		     const struct fa_trouble *trouble);
/*
 * A change of `latest` is under way, to this: should the program end before, the next goes on.
 * FAAS_ENOMEM.
 */
int fa_registry_expect(struct fa_registry *registry, const struct fa_version *latest,
		       struct fa_version *next);
/* How the last change of what this was made for stands. A number is what it ever was. */
enum fa_update {
	FA_UPDATED = 0,
	FA_UPDATING,
	FA_UPDATE_FAILED,
};
const char *fa_update_name(enum fa_update update); /* LastUpdateStatus */
/* Its state, and in the words of the API, why it is not active. */
enum fa_state fa_registry_state(struct fa_registry *registry, const struct fa_version *version,
				struct fa_trouble *why);
/* It was RESTORING; NULL: and is ACTIVE, else INACTIVE again, for this reason. */
void fa_registry_restored(struct fa_registry *registry, struct fa_version *version,
			  const struct fa_trouble *trouble);
enum fa_update fa_registry_update(struct fa_registry *registry, const struct fa_version *version,
				  struct fa_trouble *trouble);
/* Exchange `old` for `next` of the same name; takes `next`, hands out the reference of `old`. */
int fa_registry_swap(struct fa_registry *registry, struct fa_version *old,
		     struct fa_version *next, struct faas_error *err);
/*
 * Remove the function whose $LATEST this is, and hand out the registry's
 * reference, or NULL if it is not that any more. Its aliases end, and what was
 * published of it hangs on `also`, one reference each. In a change these are the draft's
 * references, here and below: what is removed runs on until that is adopted.
 */
struct fa_version *fa_registry_remove(struct fa_registry *registry, struct fa_version *version);
/* Take out one that was published. Hands out the reference, or NULL. */
struct fa_version *fa_registry_unpublish(struct fa_registry *registry, struct fa_version *version,
					 struct faas_error *err);
/*
 * The version of this number, 0: $LATEST, or the next one of its function, whose number then
 * is in *number; a reference. NULL: there is none from there on. Nothing is allocated.
 */
struct fa_version *fa_registry_from(struct fa_registry *registry, const char *function,
				    int *number);
/* From now on nothing that is gone was deleted, and nothing is written any more. */
void fa_registry_end(struct fa_registry *registry);
/* Any one version, removed, until there is none: to take the registry down. Nothing is noted. */
struct fa_version *fa_registry_take_any(struct fa_registry *registry);
/* References to all, by name and number, in a fa_alloc()ed NULL-terminated array. */
struct fa_version **fa_registry_all(struct fa_registry *registry, const struct fa_mem *mem);

/* ---- unwritten.c: what comes to be without a change, for who remembers it -- */

/*
 * The name of a function that changed outside of a change (model/change.h) and is not
 * remembered like that; it is about to be, as it is from now on. False: there is no other.
 */
bool fa_registry_unwritten(struct fa_registry *registry, char name[FA_NAME_MAX + 1]);
/* All that were named are remembered, and what was judged of them is true; or none is. */
void fa_registry_written(struct fa_registry *registry, bool done);
/* It changed in something that does not lie here. */
void fa_registry_touch(struct fa_registry *registry, const char *name);
/*
 * Any thread: this became of a version that is pending, NULL: nothing bad. It becomes that with
 * fa_version_settle(), or when it is remembered.
 */
void fa_registry_judge(struct fa_registry *registry, struct fa_version *version,
		       const struct fa_trouble *trouble);
/* The same of the update of `latest`, which has failed. */
void fa_registry_judge_update(struct fa_registry *registry, const struct fa_version *latest,
			      const struct fa_trouble *trouble);
/* All of it is remembered, but for what was judged. */
void fa_registry_settle(struct fa_registry *registry);
/* Remove what stands for a function that is gone and has no number. */
void fa_registry_forget(struct fa_registry *registry, const char *name);
/* A reference to the $LATEST of one that was recalled, or NULL. */
struct fa_version *fa_registry_recalled(struct fa_registry *registry, const char *name);
/* Whether it was recalled, and how far its numbers have come; NULL: as it is. FAAS_ENOMEM. */
int fa_registry_mark(struct fa_registry *registry, const char *name, bool recalled,
		     const int *last_number);

/* ---- for what else is of a function: state.c, alias.c, attached.c, tags.c -- */

/* To change something that is not opened with fa_registry_open(). */
void fa_registry_lock(struct fa_registry *registry);
void fa_registry_unlock(struct fa_registry *registry);
/*
 * Parse a name and find its function; the lock is held on success, to read or to write. Within
 * a change (model/change.h) what is opened to write is the change's draft of it.
 */
struct fa_function *fa_registry_open(struct fa_registry *registry, const char *text, bool write,
				     int *rc, struct faas_error *err);
void fa_registry_close(struct fa_registry *registry);

/* An entry of this name that is not in the registry, and its end. NULL: no memory. */
struct fa_function *fa_registry_new_function(const struct fa_registry *registry, const char *name);
void fa_registry_free_function(struct fa_function *function);

/* Under the lock. */

/* Something was judged of it or its versions, and is not true yet; and now it is. */
bool fa_registry_has_verdict(const struct fa_function *function);
void fa_registry_settle_verdicts(struct fa_function *function);
struct fa_function *fa_registry_function(const struct fa_registry *registry, const char *name,
					 size_t len);
void fa_registry_note(struct fa_registry *registry, struct fa_function *function);
void fa_registry_end_update(struct fa_function *function); /* whatever came of it */
/* Nothing is under way: `latest` is that still, and is neither being made nor changed. */
bool fa_registry_is_settled(const struct fa_function *function, const struct fa_version *latest);
int fa_registry_in_progress(const struct fa_version *version, struct faas_error *err);
int fa_registry_no_function(const struct fa_registry *registry, const struct fa_name *name,
			    struct faas_error *err);
int fa_registry_check_place(const struct fa_registry *registry, const struct fa_name *name,
			    struct faas_error *err);

#endif
