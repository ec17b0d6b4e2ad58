/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_READER_H
#define FA_MODEL_PACKAGE_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <base/archive_entry.h>
#include <base/mem.h>
#include <base/unpacked.h>

/*
 * ZIPs and layers of images are read in processes of their own, which are as little trusted:
 * one that dies, hangs, says too much or says what cannot be is an error of what it reads.
 */
struct fa_readers {
	/*
	 * Any thread: start one that says what is in `file`, or only judges it, into `out`
	 * (base/unpacked.h); both stay the caller's. An id, or an error.
	 */
	int (*start)(void *data, int file, int out, enum fa_unpack_what what,
		     struct faas_error *err);
	/* It is wanted no more: whatever it does, it ends. False: its like have all died. */
	bool (*stop)(void *data, int id);
	void *data;
	int64_t silence_ms;  /* after which it is said to hang */
	int64_t patience_ms; /* for all the time that it is waited for */
};

#define FA_READER_SILENCE_MS 30000
#define FA_READER_PATIENCE_MS 300000

struct fa_reader;

#define FA_TREE_NODES 131072 /* files, directories and links of one package */

/* What may still be written: bytes of files, and files, directories and links. */
struct fa_room {
	int64_t bytes;
	int nodes;
};

/* What the directory of entries says, before any is unpacked. */
struct fa_judgement {
	int64_t unpacked; /* bytes of all files */
	bool bootstrap;   /* there is a file or link of that name */
};

/* `zip` may be closed then. NULL with FAAS_EINVAL in the words of Lambda, or another error. */
struct fa_reader *fa_reader_open(const struct fa_readers *readers, const struct fa_mem *mem,
				 int zip, bool judge, struct faas_error *err);
/* The same of a tar, of as much as there is room for, which becomes less. `room` is borrowed. */
struct fa_reader *fa_reader_open_tar(const struct fa_readers *readers, const struct fa_mem *mem,
				     int tar, struct fa_room *room, struct faas_error *err);
void fa_reader_close(struct fa_reader *reader); /* NULL is fine */
struct fa_room *fa_reader_room(struct fa_reader *reader);
/* FAAS_EINVAL: an entry (or NULL), and what is wrong with it. */
int fa_reader_refuse(const struct fa_reader *reader, struct faas_error *err, const char *name,
		     const char *why);

const struct fa_judgement *fa_reader_judgement(const struct fa_reader *reader);
/* Only that, of a ZIP in memory. 0 or an error as above. */
int fa_reader_judge(const struct fa_readers *readers, const struct fa_mem *mem, const void *zip,
		    size_t len, struct fa_judgement *judgement, struct faas_error *err);

/* 1: there is another entry, borrowed until the next call; 0: that was all; else an error. */
int fa_reader_next(struct fa_reader *reader, struct fa_archive_entry *entry,
		   struct faas_error *err);
/* Bytes of the entry's file; 0 at its end, which came where it was announced; else an error. */
ssize_t fa_reader_read(struct fa_reader *reader, void *to, size_t len, struct faas_error *err);

#endif
