/* SPDX-License-Identifier: MIT */
#ifndef LAMBDA_SERVER_H
#define LAMBDA_SERVER_H

#include <jansson.h>
#include <stdio.h>
#include <uv.h>

#include <faas/faas.h>
#include <faas/http.h>

/* All of the program runs on one loop, that of libfaas's callbacks. */

/*
 * options.c: what the command line says; the texts are its own. Ends the program if it is
 * wrong, or if it only asks for a queue of a server that runs.
 */
void options_read(int argc, char **argv, struct faas_config *runtime,
		  struct faas_http_config *door, bool *json);
int options_resources(struct faas *rt, struct faas_error *err); /* as faas_resource_create() */
int options_route(struct faas_http *http, struct faas_error *err); /* as faas_http_route() */
void options_refuse(const char *what, const char *value); /* ends the program */
/* Behind the first '=', where the text ends; refused with `what` if there is none. */
char *options_split(char *text, const char *what);

/* networks.c: subnets and security groups. */
void networks_subnet(char *text, struct faas_config *runtime);
void networks_egress(char *text, struct faas_config *runtime);

/* keys.c: access keys, and what they are good for. */
void keys_read(const char *path, struct faas_http_config *door);
bool keys_allow(const struct faas_http_message *request); /* a page; all, without --keys */
const char *keys_credentials(void); /* "Basic ..." of the first that may do all, or NULL */

/* queues.c: dead letters. */
bool queues_know(const struct faas_http_message *request); /* whether it is one for here */
void queues_show(struct faas *rt, struct faas_http_page *page,
		 const struct faas_http_message *request);
/* The exit status of a program that was started for this. */
int queues_ask(const struct faas_http_config *door, const char *queue, bool again);

/* log.c: lines for the terminal, and the last ones for the page. */
void log_open(bool json);
void log_line(const struct faas_log *log);
/* Those after the line of this number, which becomes that of the last one. */
json_t *log_since(uint64_t *number);
const char *time_of(int64_t unix_ms); /* valid until the next call */
/* Bytes that a function chose: what is not UTF-8 is replaced. */
json_t *text_of(const void *data, size_t len);

/* counts.c: metrics, added up per version. */
struct totals {
	double invocations, errors, throttles;
	double mean_ms, longest_ms, peak; /* of the last minute; peak: most at a time */
};

void count_metric(const struct faas_metric *metric);
struct totals count_of(const char *function, const char *version);
/* All of it in the text format of Prometheus. */
void count_print(FILE *out, struct faas *rt);

/* page.c: "/", "/events", "/metrics" and "/queues/...". */
void page_open(uv_loop_t *loop, struct faas *rt);
bool page_show(void *data, struct faas_http_page *page, const struct faas_http_message *request);
void page_close(void); /* who still listens is told that it is over */

#endif
