/* SPDX-License-Identifier: MIT */
#ifndef TEST_CONSUMER_H
#define TEST_CONSUMER_H

/*
 * A function that notes which records of a stream or a table, or messages of a queue, it was
 * given, and answers as the test wants: for tests of mappings.
 */
#include "control.h"

#include <faas/source.h>

struct faas_context;

extern char id[37]; /* of the mapping that was made last */

extern _Atomic int calls, records, running, most_running;
extern _Atomic int hold;            /* it waits while this is not 0 */
extern _Atomic int failures_left;   /* so many calls fail */
extern const char *_Atomic answer;
/* A batch with this among its data fails; NULL: none. */
extern const char *_Atomic poison;
/* Its answer, if it is not NULL; `event` is what it was given. */
extern const char *(*_Atomic answer_to)(const char *event);
extern char events[1 << 20];        /* the last event */

/* The function itself, and the callback of who sends it an event: `data` is an _Atomic int. */
int consumer_handler(struct faas_context *ctx, struct faas_bytes event);
void consumer_accepted(void *data, const struct faas_result *result);

/* A runtime with the function "f" and, with `folder`, what lasts. */
void consumer_open(const char *folder);
void consumer_make_function(void);
void consumer_make(const char *name, int concurrency); /* another one; 0: without a limit */
void consumer_close(void);

/* Defaults: function "f". Fails the test if it is refused. */
void consumer_map(const struct faas_mapping_config *config);
/* `operation` on the mapping, whose id is %s in `format`; borrowed until the next one. */
const char *consumer_control(const char *operation, const char *format);
void consumer_await_state(const char *state);

bool consumer_event_has(const char *text); /* the last event; others may come meanwhile */

void consumer_tick(void);
/* Real time, bounded; unless held, the function is through by then: see flow_await_count(). */
void consumer_await(_Atomic int *value, int n);
/* It stays so for a while. */
void consumer_stays(_Atomic int *value, int n);
/* The data of the records, "a,b,|c,|": a "|" behind each call. */
void consumer_saw(const char *what);
const char *consumer_seen(void);
/* A metric reaches that sum. */
void consumer_counted(const char *metric, int n);
/* Sequence number of the n-th record of the last event, from 0; until the next call. */
const char *consumer_sequence(int n);
/* Lets pauses go by until so many calls, or until there is a letter: faas_free() it. */
void consumer_await_calls(int n);
struct faas_message *consumer_await_letter(const char *queue);

/* ---- a runtime with "f" and the stream "stream:s" ---- */

extern char consumer_folder[64]; /* where it lasts, or "" */
int stream_in_memory(void **state);
int stream_on_disk(void **state);
int stream_close(void **state);
void stream_reopen(void); /* without "f" */
void stream_make(const char *options);
void stream_put(const char *key, const char *body);
void stream_put_all(const char *bodies); /* each character a record, all of one key */
void stream_map(const struct faas_mapping_config *config);

/* ---- a runtime with "f" and the queue "queue:q"; stream_close() is its teardown ---- */

int queue_in_memory(void **state);
int queue_on_disk(void **state);
void queue_map(const struct faas_mapping_config *config); /* "queue:q" unless it says another */
void queue_put(const char *body);
void queue_put_many(int n); /* "0", "1", ... */
struct faas_queue_stats queue_stats(const char *queue);
/*
 * Wait (real time, bounded) until so many lie there, and so many of them hidden: and until the
 * loop, which takes them, has those that it took, so that the clock may go on.
 */
void queue_await(const char *queue, uint64_t visible, uint64_t hidden);

#endif
