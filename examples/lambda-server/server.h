/* SPDX-License-Identifier: MIT */
#ifndef LAMBDA_SERVER_H
#define LAMBDA_SERVER_H

#include <jansson.h>
#include <stdio.h>
#include <uv.h>

#include <faas/faas.h>
#include <faas/http.h>

/* All of the program runs on one loop, that of libfaas's callbacks. */

/* options.c: what the command line says; the texts are its own. Ends the program if it is wrong. */
void options_read(int argc, char **argv, struct faas_config *runtime,
		  struct faas_http_config *door, bool *json);
int options_route(struct faas_http *http, struct faas_error *err); /* as faas_http_route() */

/* log.c: lines for the terminal, and the last ones for the page. */
void log_open(bool json);
void log_line(const struct faas_log *log);
/* Those after the line of this number, which becomes that of the last one. */
json_t *log_since(uint64_t *number);
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

/* page.c: "/", "/events" and "/metrics". */
void page_open(uv_loop_t *loop, struct faas *rt);
bool page_show(void *data, struct faas_http_page *page, const struct faas_http_message *request);
void page_close(void); /* who still listens is told that it is over */

#endif
