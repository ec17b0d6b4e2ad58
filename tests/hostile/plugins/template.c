/* SPDX-License-Identifier: MIT */
/* Templates that lie about their snapshot, or want more than one; clones that want to spoil it. */
#include "hostile.h"

#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <worker/snapshot.h>

#define FILE_FD 7 /* where a template has the file of its snapshot */
#define DONE 124  /* what it exits with when that is filled */

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

static _Noreturn void leave(const void *data, size_t len)
{
	if (pwrite(FILE_FD, data, len, 0) != (ssize_t)len)
		_exit(1);
	_exit(DONE);
}

static int garbage(UNUSED struct faas_context *ctx)
{
	static unsigned char bytes[FA_SNAPSHOT_PAGES];
	struct fa_snapshot_head *head = (void *)bytes;

	memset(bytes, 0xa5, sizeof(bytes));
	head->magic = FA_SNAPSHOT_MAGIC;
	leave(bytes, sizeof(bytes));
}

struct forged {
	struct fa_snapshot_head head;
	struct fa_snapshot_note notes[2];
};

/* Counts that fit, notes that do not. */
static int wild_notes(UNUSED struct faas_context *ctx)
{
	struct forged forged = {
		.head = { .magic = FA_SNAPSHOT_MAGIC, .notes = 2, .brk = 1 },
		.notes = { { .start = 1, .len = UINT64_MAX, .offset = 3, .protection = ~0ull } },
	};

	leave(&forged, sizeof(forged));
}

/* The clone's own stack, and the code it is in the middle of. */
static int cover_all(UNUSED struct faas_context *ctx)
{
	const uintptr_t stack = (uintptr_t)&ctx & ~(uintptr_t)0xfffff;
	struct forged forged = {
		.head = { .magic = FA_SNAPSHOT_MAGIC, .notes = 2 },
		.notes = { { .start = 0x10000, .len = stack - 0x10000, .protection = PROT_READ },
			   { .start = stack, .len = 0x200000, .protection = PROT_NONE } },
	};

	leave(&forged, sizeof(forged));
}

static int too_many(UNUSED struct faas_context *ctx)
{
	struct fa_snapshot_head head = { .magic = FA_SNAPSHOT_MAGIC, .notes = UINT32_MAX,
					 .signals = UINT32_MAX };

	leave(&head, sizeof(head));
}

static _Noreturn void scribble(void)
{
	for (;;)
		if (pwrite(FILE_FD, "x", 1, rand() % 4096) < 0)
			_exit(0);
}

static void make_scribblers(void)
{
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			setsid();
			scribble();
		}
}

/* They cannot outlive it, or what they write would be met by others. */
static int leave_scribblers(UNUSED struct faas_context *ctx)
{
	make_scribblers();
	_exit(DONE);
}

static int keep_scribblers(UNUSED struct faas_context *ctx)
{
	make_scribblers();
	return 0;
}

/* A snapshot that may be as large as /tmp, and no larger. */
static int bloat(UNUSED struct faas_context *ctx)
{
	static char block[1 << 16];

	signal(SIGXFSZ, SIG_IGN);
	for (off_t at = 0; at < (off_t)8 << 30; at += sizeof(block))
		if (pwrite(FILE_FD, block, sizeof(block), at) < 0)
			break;
	return 0;
}

/* ---- what a template may do -------------------------------------------- */

static bool got_through;

static bool has_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	syscall(SYS_capget, &head, data);
	return data[0].permitted || data[0].effective || data[1].permitted;
}

/* An ordinary user's environments are called 0, and are nobody all the same. */
static int grab(UNUSED struct faas_context *ctx)
{
	got_through = has_capabilities() || unshare(CLONE_NEWNS) == 0 ||
		      unshare(CLONE_NEWPID) == 0 || (getuid() && setuid(0) == 0) ||
		      mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
	return 0;
}

HOSTILE(tell)
{
	return report(ctx, got_through || has_capabilities());
}

/* Any descriptor of a snapshot's file, and any way to write to what is mapped of it. */
HOSTILE(spoil)
{
	bool spoilt = false;

	for (int fd = 0; fd < 256; fd++) {
		char path[40], name[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, name, sizeof(name) - 1) < 0 || !strstr(name, "snapshot"))
			continue;
		spoilt |= pwrite(fd, "x", 1, 0) == 1 || ftruncate(fd, 0) == 0 ||
			  open(path, O_RDWR) >= 0;
	}
	return report(ctx, spoilt);
}

#define TEMPLATE(init_) \
	&(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = #init_, \
				      .invoke = invoke, .init = init_ }

FAAS_PLUGIN("template", "1", TEMPLATE(garbage), TEMPLATE(wild_notes), TEMPLATE(cover_all),
	    TEMPLATE(too_many), TEMPLATE(leave_scribblers), TEMPLATE(keep_scribblers),
	    TEMPLATE(bloat), FAAS_HANDLER(tell, .init = grab), FAAS_HANDLER(spoil));
