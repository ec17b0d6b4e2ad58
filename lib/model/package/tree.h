/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_TREE_H
#define FA_MODEL_PACKAGE_TREE_H

#include <stdbool.h>
#include <model/package/reader.h>

/*
 * Directories of packages on the disk. What is in them was made by somebody who
 * is not trusted, so no name of theirs is ever followed through a link.
 */

/*
 * Write all entries that a reader has into an empty directory, readable for all and
 * writable for its owner. Other modes, owners and times are not taken over.
 */
int fa_tree_unpack(int dir, struct fa_reader *reader, struct faas_error *err);
/*
 * Let `to` have everything that `from` has, too: files as hard links. What `to`
 * has under the same name gives way, but a directory stays one if both have it.
 * 0 or -errno.
 */
int fa_tree_merge(int from, int to);
/*
 * The same of a layer of an image: its names that begin with ".wh." (whiteouts) take away what
 * other layers left, that one name, or all of their directory if it is ".wh..wh..opq".
 * -EBADMSG: one of them is of nothing that could be there.
 */
int fa_tree_stack(int layer, int root);
/* Everything below it, and the directory, is on the disk. 0 or -errno. */
int fa_tree_sync(int dir);
/*
 * Remove parent/name with everything in it; `budget` (NULL: any) is how many names
 * it may take away. Returns whether it is gone.
 */
bool fa_tree_remove(int parent, const char *name, int *budget);

#endif
