/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_TREE_H
#define FA_SOURCE_TREE_H

/*
 * A folder and all that is below it, as keys: "a.jpg", "2026/b.jpg". It is told by inotify
 * where something may have changed, and looks what is there. What is below is hostile: no
 * symbolic link is followed, no mount is entered, nothing but regular files is a file, and
 * what has a longer key than FA_KEY_MAX is not there. All of it is the loop's.
 */
#include <base/list.h>
#include <base/loop.h>
#include <base/map.h>

#define FA_KEY_MAX 1024 /* bytes, as S3 has it */

/* Why a key is to be looked at; of two the greater one counts. */
enum fa_hint {
	FA_HINT_OLD,  /* its owner's: it may have been there all the time */
	FA_HINT_SCAN, /* it was met on a walk */
	FA_HINT_LINK, /* a name came to be */
	FA_HINT_PUT,  /* it was written and closed, or has gone */
	FA_HINT_MOVE, /* it was moved there */
};

/* What a file was like. Nanoseconds of Unix time. */
struct fa_stamp {
	int64_t inode, size, mtime_ns, ctime_ns;
	int64_t looked_ns; /* by the clock that the others are of */
};

enum fa_found {
	FA_FOUND_FILE,
	FA_FOUND_NONE,    /* nothing, or no file */
	FA_FOUND_UNKNOWN, /* it cannot be told, or it is being written, which will be told of */
};

enum fa_tree_state {
	FA_TREE_AWAY,    /* nothing can be said of what is in it */
	FA_TREE_OPEN,
	FA_TREE_DELETED, /* nothing is in it any more */
};

struct fa_tree {
	const struct fa_mem *mem;
	struct fa_loop *loop;
	const char *path;
	enum fa_tree_state state;
	struct fa_watch watch;  /* inotify's; on_ready is the owner's: something can be read */
	bool more;              /* it was not read to its end */
	bool blind;             /* not all folders could be watched */
	int64_t device, inode;  /* of the folder */
	int root;               /* open between begin and end of a visit; or -1 */
	struct fa_map places;   /* of struct place, by watch descriptor */
	struct fa_list folders; /* of struct folder: still to be walked */
	void *dir;              /* DIR of the one that is walked now */
	char *dir_path;
	/* A key may have changed; all below a prefix, "": everything. */
	void (*on_key)(struct fa_tree *tree, const char *key, enum fa_hint hint);
	void (*on_folder)(struct fa_tree *tree, const char *prefix);
};

void fa_tree_init(struct fa_tree *tree, const struct fa_mem *mem, struct fa_loop *loop,
		  const char *path);
/* Watch the folder itself; what is in it is watched by a walk. 0 or -errno. */
int fa_tree_open(struct fa_tree *tree);
void fa_tree_close(struct fa_tree *tree, enum fa_tree_state state);
void fa_tree_finish(struct fa_tree *tree);

/* Read some of what inotify has to say. */
void fa_tree_read(struct fa_tree *tree);

/* Between them the others may be called. False: the folder is not where it was. */
bool fa_tree_begin(struct fa_tree *tree);
void fa_tree_end(struct fa_tree *tree);
enum fa_found fa_tree_look(const struct fa_tree *tree, const char *key, enum fa_hint hint,
			   struct fa_stamp *stamp);
/* Watch what is below `prefix`, "": everything, and tell of each name; then walk on. */
void fa_tree_walk(struct fa_tree *tree, const char *prefix);
/* So many names; false: the walk is over. */
bool fa_tree_walk_on(struct fa_tree *tree, int most);

#endif
