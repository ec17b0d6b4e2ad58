/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_VIEW_H
#define FA_WORKER_VIEW_H

#include <worker/layers.h>

/*
 * The files that functions see: /usr, /etc and the like read-only, a few
 * devices, /proc of their own, the code at /var/task, layers at /opt, and a private /tmp.
 * The supervisor builds what is the same for all once; a nest clones it.
 */
#define FA_VIEW_TASK "/var/task"
#define FA_VIEW_OPT "/opt"
#define FA_VIEW_TMP_PARENT "/mnt" /* Landlock's rule for /tmp is on it, see landlock.c */
#define FA_VIEW_TMP "/mnt/tmp"    /* /tmp is a link to it */

/* [supervisor, once] Returns a directory of the view or -errno. */
int fa_view_open(void);

/* [supervisor] Detached, read-only copies, to be given to a nest; -errno. */
int fa_view_clone(int view);
int fa_view_code(const char *path);

/*
 * [nest] Make a clone the root directory and let go of the host's files.
 * `proc_error` becomes the errno of a /proc that could not be had.
 */
int fa_view_enter(int clone, int *proc_error);
int fa_view_enter_code(int code); /* 0 or -errno */
int fa_view_enter_layers(int opt);

#endif
