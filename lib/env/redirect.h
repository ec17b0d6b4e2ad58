/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_REDIRECT_H
#define FA_ENV_REDIRECT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a plugin inside this program takes from malloc() and friends, counted
 * and limited without asking its author: after dlopen() the entries by which
 * the plugin itself calls them are pointed at counting functions of ours. These
 * call the C library's (or the program's own) in turn, so a pointer may be
 * freed by anybody, and the other way round. Sizes are malloc_usable_size().
 *
 * Not counted:
 *  - what its constructors take: they run inside dlopen(), before;
 *  - what libraries take on its behalf: libgd's pictures, the C library's
 *    getline() and asprintf(), and operator new of C++, which is libstdc++'s
 *    (a delete of it, too: neither side sees it);
 *  - what it takes from mmap();
 *  - what threads take that it started itself.
 * Where it frees what was not counted, the count stops at zero.
 */
struct fa_account {
	int64_t used, peak; /* bytes */
	int64_t limit;      /* more than this fails with ENOMEM */
};

/*
 * Redirect the calls of a dlopen()ed object. Returns how many entries now lead
 * to us (again, if it was done before), or -errno, and then none was changed by
 * this call. Machines other than x86-64 and AArch64: -ENOTSUP.
 */
int fa_redirect(void *handle);

/*
 * From now on this thread allocates for `account` (NULL: nobody counts).
 * Returns what it was before, to be put back: calls may be nested. An account
 * is used by one thread at a time.
 */
struct fa_account *fa_account_use(struct fa_account *account);

/* Memory that is taken on its behalf elsewhere. 0, or -1 if it is over the limit. */
int fa_account_add(struct fa_account *account, size_t size);
void fa_account_sub(struct fa_account *account, size_t size);

#endif
