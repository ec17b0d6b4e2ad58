/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_H
#define FA_MODEL_PACKAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <base/digest.h>
#include <base/list.h>
#include <base/map.h>
#include <model/package/image.h>
#include <model/package/reader.h>

#define FA_ZIP_UPLOAD 52428800u       /* of a ZIP in a request; it must be smaller (1.2) */
#define FA_CODE_STORAGE 80530636800LL /* of all ZIPs together: Lambda's 75 GB */
#define FA_PACKAGE_SWEEP 1024         /* names that one fa_packages_sweep() takes away */

#define FA_PACKAGE_LAYERS 5           /* that are merged */

struct fa_clock;
struct fa_package_kind;

/*
 * Code, by what it is: the same ZIP or image is on the disk once, whoever uses it. It is taken
 * at once and made, that is unpacked or merged, when somebody has the time; then it
 * never changes, and goes when nobody refers to it any more.
 */
struct fa_package {
	struct fa_packages *store;
	const struct fa_package_kind *kind;
	uint32_t refs;               /* under the store's lock */
	char id[FA_DIGEST_HEX + 8];  /* its directory's name in the store */
	char sha256[FA_DIGEST_HEX];  /* of the ZIP in base64, of an image's manifest in hexadecimal,
					as Lambda has it */
	const char *directory;       /* absolute: the tree, once it is made */
	_Atomic bool made;
	struct fa_package *layers[FA_PACKAGE_LAYERS]; /* that it is to be merged of */
	size_t layer_count;
	int makers;                  /* under the store's lock: threads that make it now */
	const char *zip;             /* absolute: the ZIP itself; NULL: it is of another kind */
	struct fa_image *image;      /* NULL: it is of another kind */
	int64_t zipped, unzipped;    /* bytes */
	bool bootstrap;              /* it has, or will have, a program of that name */
	bool extensions;             /* the same of a folder; of what is merged */
	bool kept;                   /* stays in its state_dir when nobody refers to it */
	bool gone;                   /* it is under a name that means nothing */
	struct fa_list link;         /* in the store's `unused` */
};

/*
 * The store: state_dir/code, which stays, or without a state_dir a directory of
 * our own below $TMPDIR that goes with the runtime; one that a killed program
 * left behind goes with the next. It is made for the first package.
 */
struct fa_packages {
	const struct fa_mem *mem;
	const char *state_dir; /* NULL: none; borrowed */
	struct fa_readers readers; /* of ZIPs; whoever makes the store says how */
	pthread_mutex_t lock;
	int dir, guard; /* the store's directory, and the lock on it; -1 */
	char *path;
	struct fa_map packages; /* id -> struct fa_package */
	struct fa_list unused;
	int64_t zipped, zipped_max;
	int64_t image_max;             /* bytes of an image, unpacked */
	int image_nodes;               /* files, directories and links of it */
	uint64_t serial;               /* of names that mean nothing */
	char base[64];                 /* see fa_packages_place(), as are the next two; "": none */
	uint8_t key[FA_SHA256];
	const struct fa_clock *clock;
	void (*on_unused)(void *data); /* any thread, no lock: there is something to sweep */
	/* Nothing that lasts names what nobody refers to; NULL: nothing ever does. */
	bool (*may_remove)(void *data);
	void *data;
};

int fa_packages_init(struct fa_packages *store, const struct fa_mem *mem, const char *state_dir);
/*
 * Nobody refers to any package. With a state_dir those stay for the next program
 * that fa_package_keep() was called for, and no others.
 */
void fa_packages_finish(struct fa_packages *store);
/* Bytes of the ZIPs that somebody refers to, each once; and how many they may be. */
int64_t fa_packages_used(struct fa_packages *store, int64_t *most);
/* Remove a part of what nobody refers to, if it may. Whether there is more to remove now. */
bool fa_packages_sweep(struct fa_packages *store);
bool fa_packages_are_unused(struct fa_packages *store); /* there is something to sweep */

/*
 * A reference to the code in a ZIP, given as bytes or as a file: its directory of entries
 * is judged and its bytes are on the disk. NULL with what is wrong with it in the words of
 * Lambda (FAAS_EINVAL, FAAS_ETOOLARGE), or FAAS_ENOMEM, FAAS_ESYSTEM. A failure leaves
 * nothing behind.
 */
struct fa_package *fa_packages_take(struct fa_packages *store, const void *zip, size_t len,
				    struct faas_error *err);
struct fa_package *fa_packages_take_file(struct fa_packages *store, const char *path,
					 struct faas_error *err);
/*
 * The same of a container image in an OCI layout, see fa_image_open(); its layers are unpacked
 * when it is made, and the layout must be there until then.
 */
struct fa_package *fa_packages_take_image(struct fa_packages *store, const char *path,
					  const char *reference, struct faas_error *err);
/* The same image, by its digest, if it is in the state_dir still; else FAAS_ENOTFOUND. */
struct fa_package *fa_packages_recall_image(struct fa_packages *store, const char *digest,
					    struct faas_error *err);
/* One tree of several, what comes later over what came before. They are made. */
struct fa_package *fa_packages_merge(struct fa_packages *store, struct fa_package *const *layers,
				     size_t count, struct faas_error *err);
/* The same tree, by its own sha256, if it is in the state_dir still; else FAAS_ENOTFOUND. */
struct fa_package *fa_packages_merged(struct fa_packages *store, const char *sha256,
				      int64_t unzipped, struct faas_error *err);
/*
 * Any thread, for as long as it takes: the tree is there when this returns 0, and no part
 * of it if not. Errors as above. NULL is fine.
 */
int fa_package_make(struct fa_package *package, struct faas_error *err);
/* Taken and made, or neither. */
struct fa_package *fa_packages_add(struct fa_packages *store, const void *zip, size_t len,
				   struct faas_error *err);
/* Only judge it. *sha256 is filled in. */
int fa_packages_check(struct fa_packages *store, const void *zip, size_t len,
		      char sha256[FA_DIGEST_TEXT], struct faas_error *err);

struct fa_package *fa_package_ref(struct fa_package *package); /* NULL is fine */
/* Who lets go of it from now on does so because the program ends. NULL is fine. */
void fa_package_keep(struct fa_package *package);
void fa_package_unref(struct fa_package *package);             /* NULL is fine */

#endif
