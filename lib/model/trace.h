/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_TRACE_H
#define FA_MODEL_TRACE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The trace header, X-Amzn-Trace-Id:
 *   Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
 *   and perhaps ;Lineage=a87bd80c:1|68fd508a:5
 * Lineage counts the visits of a chain of invocations to each function, by a hash of
 * its ARN: so a loop is seen (semantics 1.2, RecursiveLoop). A header is somebody
 * else's text: what is not understood in it is passed on as it is.
 */
#define FA_TRACE_MAX 1024       /* of a header, as it is handed on */
#define FA_TRACE_VISITS_MAX 16  /* of one chain to one function */

struct fa_trace_change {
	uint32_t visits;     /* one more visit to the function of this hash; 0: none */
	const char *root;    /* where the header has none */
	const char *parent;  /* instead of what the header has; NULL: as it is */
	const char *sampled; /* "0" or "1", where the header has neither; NULL: as it is */
};

uint32_t fa_trace_hash(const char *arn); /* never 0 */
/* How often the chain has been to that function. `header` may be NULL. */
unsigned fa_trace_visits(const char *header, uint32_t hash);
/*
 * The header (NULL: none) as changed; returns its length. One that would become longer
 * than FA_TRACE_MAX loses the oldest of its lineage first, then whole fields.
 */
size_t fa_trace_write(char out[FA_TRACE_MAX + 1], const char *header,
		      const struct fa_trace_change *change);
/* The value of a field, "" if there is none; cut at `size` - 1. */
void fa_trace_field(char *out, size_t size, const char *header, const char *name);

/* From random bits: "1-<time>-<24 hex>" and "<16 hex>". */
void fa_trace_root(char out[36], int64_t unix_ms, const uint8_t random[12]);
void fa_trace_id(char out[17], const uint8_t random[8]);

#endif
