/* SPDX-License-Identifier: MIT */
#include <images.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/error.h>

#define FILE_SCHEME "file://"

static int no_image(struct faas_error *err, const char *uri)
{
	return fa_error(err, FAAS_EINVAL,
			"Source image %.150s does not exist. Provide a valid source image.", uri);
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Behind the path: '@' and a digest, or ':' and a tag, unless the name itself has it. */
static char *split(char *path)
{
	char *at;

	if (is_there(path))
		return NULL;
	at = strrchr(path, '@');
	if (!at || strchr(at, '/'))
		at = strrchr(path, ':');
	if (!at || strchr(at, '/'))
		return NULL;
	*at = '\0';
	return at + 1;
}

struct fa_package *fa_images_take(struct faas *rt, const char *uri, bool paths,
				  struct faas_error *err)
{
	char path[PATH_MAX];
	const char *reference;
	size_t scheme = strncmp(uri, FILE_SCHEME, strlen(FILE_SCHEME)) ? 0 : strlen(FILE_SCHEME);

	if (!paths || uri[scheme] != '/' || strlen(uri) >= sizeof(path)) {
		no_image(err, uri);
		return NULL;
	}
	strcpy(path, uri + scheme);
	reference = split(path);
	if (is_there(path))
		return fa_packages_take_image(&rt->packages, path, reference, err);
	no_image(err, uri);
	return NULL;
}
