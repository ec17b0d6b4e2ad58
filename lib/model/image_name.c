/* SPDX-License-Identifier: MIT */
#include <model/image_name.h>

#include <string.h>

#include <base/error.h>

#define NAME_MAX_BYTES 1024 /* of an ImageUri */

static const struct fa_image_name *find(const struct fa_image_names *all, const char *name,
					size_t len)
{
	for (size_t i = 0; i < all->count; i++)
		if (strlen(all->list[i].name) == len && !memcmp(all->list[i].name, name, len))
			return &all->list[i];
	return NULL;
}

static int add(struct fa_image_names *all, const struct fa_mem *mem, const struct faas_image *from,
	       struct faas_error *err)
{
	struct fa_image_name *name = &all->list[all->count];
	size_t len = strlen(from->name);

	if (!len || len > NAME_MAX_BYTES)
		return fa_error(err, FAAS_EINVAL, "images: a name has 1 to %d bytes, not %zu",
				NAME_MAX_BYTES, len);
	if (find(all, from->name, len))
		return fa_error(err, FAAS_EINVAL, "images: '%.150s' is there twice", from->name);
	if (!from->path || *from->path != '/')
		return fa_error(err, FAAS_EINVAL,
				"images: the path of '%.100s' must be absolute: '%.100s'",
				from->name, from->path ? from->path : "");
	name->name = fa_strdup(mem, from->name);
	name->path = fa_strdup(mem, from->path);
	all->count++;
	return name->name && name->path ? 0 : fa_error_nomem(err);
}

int fa_image_names_init(struct fa_image_names *all, const struct fa_mem *mem,
			const struct faas_image *from, struct faas_error *err)
{
	size_t count = 0;
	int rc = 0;

	*all = (struct fa_image_names){ NULL, 0 };
	while (from && from[count].name)
		count++;
	if (!count)
		return 0;
	all->list = fa_alloc(mem, count * sizeof(*all->list));
	if (!all->list)
		return fa_error_nomem(err);
	while (all->count < count && !rc)
		rc = add(all, mem, &from[all->count], err);
	if (rc)
		fa_image_names_finish(all);
	return rc;
}

void fa_image_names_finish(struct fa_image_names *all)
{
	for (size_t i = 0; i < all->count; i++) {
		fa_free(all->list[i].name);
		fa_free(all->list[i].path);
	}
	fa_free(all->list);
	*all = (struct fa_image_names){ NULL, 0 };
}

/* Where a tag or a digest begins, or the end: a ':' before a '/' is of a port. */
static size_t name_len(const char *uri)
{
	const char *slash = strrchr(uri, '/');
	const char *last = slash ? slash : uri;

	return (size_t)(last - uri) + strcspn(last, ":@");
}

const char *fa_image_name_find(const struct fa_image_names *all, const char *uri,
			       const char **reference)
{
	const struct fa_image_name *name = find(all, uri, strlen(uri));
	size_t len = name_len(uri);

	*reference = NULL;
	if (name || !uri[len])
		return name ? name->path : NULL;
	name = find(all, uri, len);
	*reference = name ? uri + len + 1 : NULL;
	return name ? name->path : NULL;
}
