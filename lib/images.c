/* SPDX-License-Identifier: MIT */
#include <images.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/error.h>

#define FILE_SCHEME "file://"

static struct fa_package *no_image(struct faas_error *err, const char *uri)
{
	fa_error(err, FAAS_EINVAL,
		 "Source image %.150s does not exist. Provide a valid source image.", uri);
	return NULL;
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Behind a path: '@' and a digest, or ':' and a tag, unless its own name has that. */
static const char *split(char *path)
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

/* The path in a URI, or NULL. */
static const char *path_in(const char *uri)
{
	if (!strncmp(uri, FILE_SCHEME, strlen(FILE_SCHEME)))
		uri += strlen(FILE_SCHEME);
	return *uri == '/' ? uri : NULL;
}

struct fa_package *fa_images_take(struct faas *rt, const char *uri, bool paths,
				  struct faas_error *err)
{
	const char *reference, *own, *from = fa_image_name_find(&rt->images, uri, &reference);
	char path[PATH_MAX];

	if (!from && paths)
		from = path_in(uri);
	if (!from || strlen(from) >= sizeof(path))
		return no_image(err, uri);
	strcpy(path, from);
	own = split(path);
	if (!is_there(path))
		return no_image(err, uri);
	return fa_packages_take_image(&rt->packages, path, reference ? reference : own, err);
}
