/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_FUNCTION_H
#define FA_MODEL_FUNCTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <base/digest.h>
#include <base/mem.h>
#include <faas/faas.h>
#include <model/logging.h>
#include <model/name.h>
#include <model/package/package.h>

#define FA_LAYERS_MAX 5

/* What of a version's files the store of packages has. */
struct fa_code {
	struct fa_package *package; /* NULL: config->code is run from where it lies */
	struct fa_package *opt;     /* its layers, merged; NULL: none */
	int64_t layer_sizes[FA_LAYERS_MAX]; /* bytes zipped, in the order of config->layers */
	const char *runtimes;               /* where those of languages are; the host's */
	const struct fa_file_systems *file_systems; /* the host's */
	const struct fa_vpcs *vpcs;                 /* the host's */
};

/* Why the variables of a version cannot be read; see sealed.h. */
enum fa_kms_trouble {
	FA_KMS_FINE = 0,
	FA_KMS_NOT_FOUND,
	FA_KMS_DISABLED,
	FA_KMS_DENIED,
	FA_KMS_INVALID,
};

/*
 * Whether it can run: PENDING becomes ACTIVE or FAILED, once. From ACTIVE one with a snapshot
 * may become INACTIVE, RESTORING from there, which is called Pending, too, and then ACTIVE, or
 * INACTIVE again. That is not written anywhere: for the next program it is active.
 */
enum fa_state {
	FA_STATE_ACTIVE = 0,
	FA_STATE_PENDING,
	FA_STATE_FAILED,
	FA_STATE_INACTIVE,
	FA_STATE_RESTORING,
};

/* Why something failed, as the API tells it. */
struct fa_trouble {
	char code[48];    /* one of StateReasonCode; "": nothing failed */
	char reason[256];
};

struct fa_keys;
struct fa_file_system;
struct fa_file_systems;
struct fa_vpcs;

/*
 * One version of a function: an immutable value, but for its state. Whoever runs
 * something on it holds a reference; an update makes the next version and swaps. What
 * runs it (leases, pool) hangs off `runner`, which belongs to the conductor.
 */
struct fa_version {
	const struct fa_mem *mem;
	struct faas_function_config config; /* strings owned; defaults filled in */
	struct fa_code code;
	const char *directory;              /* absolute; holds the file of the handler */
	const char *file, *method;          /* NULL for a native handler */
	bool program;                       /* it speaks the Runtime API; `method` is the handler */
	const char *runtime_directory;      /* of a language; NULL: the code is all there is */
	bool embedded;                      /* which runs in the worker; `method` is the handler */
	int number;                         /* 0: not published */
	const char *qualifier;              /* "$LATEST" or the number */
	char number_text[12];
	const char *arn;                    /* unqualified */
	struct fa_logging logging;
	uint32_t trace_hash;                /* of the function in a lineage */
	bool traced;                        /* tracing is Active */
	bool snapshot;                      /* of this version, see fa_config_snapshot() */
	size_t environment_count, layer_count;
	void *sealed;                       /* the variables, where keys were given; see sealed.h */
	size_t sealed_len;
	const struct fa_keys *keys;
	enum fa_kms_trouble unreadable;     /* why they cannot be opened */
	bool resealed;                      /* since it was read: the state_dir has it otherwise */
	const struct fa_file_system *file_system; /* the host's */
	bool unmounted;                     /* it names one that the host does not have */
	bool unconnected;                   /* the same of subnets and groups */
	char code_sha256[FA_DIGEST_HEX];    /* of an image, as its package has it; else base64 */
	char config_sha256[FA_DIGEST_TEXT];
	char revision[37];                  /* RevisionId */
	int64_t modified_ms;                /* Unix time; the conductor's to fill in */
	struct fa_version *also;            /* removed together with it */
	_Atomic int state;                  /* enum fa_state */
	_Atomic int verdict;                /* what that is to become, and is written as */
	struct fa_trouble trouble;          /* of FAILED, for good; see fa_registry_state() */
	uint32_t logs_asked;                /* [loop] the conductor's: see roles.h */
	bool logs_refused;                  /* [loop] */
	void *runner;
	void (*on_unused)(struct fa_version *version); /* the last reference is gone */
	void *owner;
	char apart[64];                     /* other CPUs read what is above all the time */
	_Atomic uint32_t refs;
};

/* Its environments begin with memory of a template: a program's own cannot be copied. */
static inline bool fa_version_is_copied(const struct fa_version *v)
{
	return v->snapshot && !v->program;
}

/*
 * Whether its memory is bounded by what it uses, which has to be looked at: languages ask for
 * more than they use.
 */
static inline bool fa_version_is_spacious(const struct fa_version *v)
{
	return v->program || v->embedded;
}

/* Wipe and free config.environment. */
void fa_version_forget_variables(struct fa_version *version);
/* Some versions of it have a snapshot: all, or those with a number. */
bool fa_config_snapshot(const struct faas_function_config *config);
/* The text members of a configuration, from 0; NULL at the end. */
const char **fa_config_text(struct faas_function_config *config, size_t index);
/* Check a complete configuration and make a version of it, with one reference. */
struct fa_version *fa_version_create(const struct fa_mem *mem,
				     const struct faas_function_config *config,
				     const char *region, const char *account,
				     struct faas_error *err);
/* The same, of what is in the store; the version takes references of its own. */
struct fa_version *fa_version_create_of(const struct fa_mem *mem,
					const struct faas_function_config *config,
					const struct fa_code *code, const char *region,
					const char *account, struct faas_error *err);
/* Make a version of `latest` as it is now, to be published under this number. */
struct fa_version *fa_version_freeze(const struct fa_version *latest, int number,
				     const char *description, const char *region,
				     const char *account, struct faas_error *err);
/* Before anybody else knows it: it is published under this number. */
void fa_version_number(struct fa_version *version, int number);
/* The members of `change` that are not at their default, over those of `base`. */
void fa_version_merge(struct faas_function_config *out, const struct faas_function_config *base,
		      const struct faas_function_config *change);

/* FAAS_EEXIST unless it is active. */
int fa_version_check_active(const struct fa_version *version, struct faas_error *err);
void fa_version_begin(struct fa_version *version, enum fa_state state);
/* What it is to become, NULL: active; then that is written, and then it becomes that. */
void fa_version_judge(struct fa_version *version, const struct fa_trouble *trouble);
void fa_version_settle(struct fa_version *version);
/* INACTIVE or RESTORING: an event waits for it. */
bool fa_version_is_inactive(const struct fa_version *version);
bool fa_version_takes_events(const struct fa_version *version); /* or ACTIVE */
/* From ACTIVE; from INACTIVE. False: it was something else. */
bool fa_version_rest(struct fa_version *version);
bool fa_version_rouse(struct fa_version *version);
/* Why a ZIP, or an image, could not be unpacked, in the words of the API. */
void fa_trouble_of(struct fa_trouble *trouble, bool image, const struct faas_error *err);
const char *fa_state_name(enum fa_state state);

static inline void fa_version_ref(struct fa_version *version)
{
	atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
}

/* False: the last reference is gone, and it is only not freed yet. */
static inline bool fa_version_ref_alive(struct fa_version *version)
{
	uint32_t refs = atomic_load_explicit(&version->refs, memory_order_relaxed);

	while (refs && !atomic_compare_exchange_weak_explicit(&version->refs, &refs, refs + 1,
							      memory_order_relaxed,
							      memory_order_relaxed))
		;
	return refs;
}

void fa_version_unref(struct fa_version *version); /* NULL is fine */
void fa_version_free(struct fa_version *version);  /* for on_unused */

#endif
