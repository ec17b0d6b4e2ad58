/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_FAN_H
#define FA_SOURCE_FAN_H

/*
 * Sources that nobody takes from: what is sent to a topic or a bus is handed to every mapping
 * of it, which sends its target a message of its own, or nothing. That is one commit of the
 * store, so each of them gets it once, and all do. A schedule, too, sends its target a message;
 * how long a target is tried, and the dead letter then, are the same.
 */
#include <source/mapping.h>

/* What a kind of such a source has. All of it on the loop. */
struct fa_fan_kind {
	int retries, age_s;       /* where nothing else is said */
	/* Write the JSON that filters look at, and what the target gets. Not of a schedule. */
	void (*show)(struct fa_text *out, const struct fa_mapping *mapping,
		     const struct fa_message *message);
	void (*write)(struct fa_text *out, const struct fa_mapping *mapping,
		      const struct fa_message *message);
	/* Attributes that go on with it; NULL: none. */
	struct faas_bytes (*attributes)(const struct fa_mapping *mapping,
					const struct fa_message *message);
	/* What AWS would call the mapping. */
	void (*arn)(char out[FA_ADDRESS_ARN + 40], const struct fa_mapping *mapping);
	/*
	 * The attributes of a dead letter: members of an object, without its braces. `exhausted`
	 * is "MaximumRetryAttempts" or "MaximumEventAgeInSeconds"; NULL: it was in vain.
	 */
	void (*explain)(struct fa_text *out, const struct fa_mapping *mapping,
			const struct fa_message *message, const char *exhausted,
			const struct faas_error *why);
};

void fa_fan_init(struct fa_sources *all);

/* open, want, settle and close of such a source. */
#define FA_FAN_IMPL(name) \
	{ .size = sizeof(struct faas_source_impl), .scheme = name, .open = fa_fan_open, \
	  .want = fa_fan_want, .settle = fa_fan_settle, .close = fa_fan_close }
int fa_fan_open(struct faas_source *source, const char *address, void **state,
		struct faas_error *err);
void fa_fan_want(void *state, int n);
void fa_fan_settle(void *state, const struct faas_settled *settled, int count);
void fa_fan_close(void *state);

/*
 * Not on the loop. Whether anything that a mapping of this ARN pushed has not reached its target,
 * nor was given up; of "", nothing was.
 */
bool fa_fan_has_sent(struct faas *rt, const char *arn);

/* As EventBridge has it: an `explain`. */
void fa_fan_explain_rule(struct fa_text *out, const struct fa_mapping *mapping,
			 const struct fa_message *message, const char *exhausted,
			 const struct faas_error *why);
/* "NAME":{"StringValue":"...","DataType":"TYPE"}, behind a comma unless it is the first. */
void fa_fan_attribute(struct fa_text *out, const char *name, const char *type, const char *value);

#endif
