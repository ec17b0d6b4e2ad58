/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_VIEW_H
#define FA_WORKER_VIEW_H

#include <env/wire.h>
#include <worker/layers.h>

/*
 * The files that functions see: /usr, /etc and the like read-only, a few
 * devices, /proc of their own, the code at /var/task, layers at /opt, a runtime at
 * /var/runtime, and a private /tmp.
 * The supervisor builds what is the same for all once; a nest clones it.
 */
extern const char *const fa_view_directories[FA_DIRECTORIES]; /* of wire.h, in its order; the
								 last one's place varies */
#define FA_VIEW_TMP_PARENT "/mnt" /* Landlock's rule for /tmp is on it, see landlock.c */
#define FA_VIEW_TMP "/mnt/tmp"    /* /tmp is a link to it */

/* [supervisor, once] Returns a directory of the view or -errno. */
int fa_view_open(void);

/* [supervisor] Detached, read-only copies, to be given to a nest; -errno. */
int fa_view_clone(int view);
int fa_view_code(const char *path);
int fa_view_files(const char *path, bool read_only); /* may be written otherwise */
/* The same of a resolv.conf with these name servers, up to one that is 0. */
int fa_view_resolvers(const uint32_t *addresses, size_t count);

/*
 * [nest] Make a clone the root directory and let go of the host's files.
 * `proc_error` becomes the errno of a /proc that could not be had.
 */
int fa_view_enter(int clone, int *proc_error);
int fa_view_enter_tree(int tree, const char *path); /* 0 or -errno */
/* Names of this machine where it has a network of its own, if the host has any. 0 or -errno. */
int fa_view_enter_hosts(void);
/*
 * Instead of the view an image's tree is the root directory from now on, with the view's devices
 * and /proc in it, and FA_VIEW_TMP_PARENT as fa_view_enter_files() has it; with `names` those are
 * asked for names whom the host asks, if it has a resolv.conf. No filter must be there yet.
 * 0 or -errno.
 */
int fa_view_enter_image(int tree, bool names);
/* Who is asked for names, instead of whom the host asks, if it has a resolv.conf. 0 or -errno. */
int fa_view_enter_resolvers(int tree);
/* The same as fa_view_enter_tree() for a path below FA_VIEW_TMP_PARENT, before there is a /tmp. */
int fa_view_enter_files(int tree, const char *path);

#endif
