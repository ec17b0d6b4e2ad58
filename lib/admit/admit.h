/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_ADMIT_H
#define FA_ADMIT_ADMIT_H

#include <admit/gate.h>
#include <faas/faas.h>

/*
 * May it run, and now? NULL, or Lambda's reason for the throttle (semantics
 * 5.5). After NULL both gates are held until fa_admit_leave().
 */
const char *fa_admit_enter(struct fa_gate *account, struct fa_gate *function);
void fa_admit_leave(struct fa_gate *account, struct fa_gate *function);

/* The parameters of a request: sizes and mode. 0, FAAS_EINVAL or FAAS_ETOOLARGE. */
int fa_admit_check(const struct faas_request *request, struct faas_error *err);

/* 429, with its reason in the message. */
int fa_admit_throttled(const char *reason, struct faas_error *err);

#endif
