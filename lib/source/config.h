/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_CONFIG_H
#define FA_SOURCE_CONFIG_H

#include <base/document.h>
#include <source/pattern.h>
#include <source/source.h>

#define FA_FILTERS_MAX 10

/* Where a mapping sends what nobody takes, and how it goes on where that cannot be reached. */
struct fa_push {
	struct fa_address target;
	int retries;                      /* INT_MAX: any number */
	int64_t age_ms;
	char dead_letter[FA_ADDRESS_MAX]; /* "": dropped */
};
struct fa_shard_config;

/*
 * What a mapping is to do, read from a document with the members of the API. The document is
 * what is kept and shown; the others are read from it once.
 */
struct fa_mapping_config {
	struct fa_document *document;
	const struct fa_source_kind *kind;
	const char *source, *function;  /* in the document; function NULL: see push->target */
	const char *target;             /* the function, or another address; in the document */
	char arn[FA_ADDRESS_ARN];       /* of the source, as events have it */
	struct fa_push *push;           /* NULL: it is polled */
	int batch_size, window_s;
	int most;                       /* batches at a time; so many it begins with, and never */
	int first, least;               /* has fewer than those, however it is throttled */
	int growth_ms;                  /* until there may be one more */
	bool partial, enabled;
	bool counted;                   /* MetricsConfig has EventCount */
	bool recalled;                  /* it was written by an earlier program */
	int64_t made_ms, modified_ms;
	struct fa_pattern *filters[FA_FILTERS_MAX]; /* what none of them matches is done */
	int filter_count;
	struct fa_shard_config *sharded;            /* of a kind with shards */
};

/* Takes the document, also on failure. FAAS_EINVAL, FAAS_ENOTFOUND, FAAS_ENOMEM. */
struct fa_mapping_config *fa_mapping_config_read(struct fa_sources *all,
						 struct fa_document *document,
						 struct faas_error *err);
void fa_mapping_config_free(struct fa_mapping_config *config);
/* The function that is to be invoked is there, and fits the source. */
int fa_mapping_config_check(struct fa_sources *all, const struct fa_mapping_config *config,
			    struct faas_error *err);
/* How long a queue hides what is taken from it for this mapping. */
int64_t fa_mapping_hidden_ms(struct fa_sources *all, const struct fa_mapping_config *config,
			     const struct fa_queue *queue);

/* The one form that a source has here, whatever was written: an address. False: it is none. */
bool fa_source_address(char out[FA_ADDRESS_MAX], const char *text);

#endif
