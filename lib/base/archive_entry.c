/* SPDX-License-Identifier: MIT */
#include <base/archive_entry.h>

#include <string.h>

#include <base/error.h>

int fa_zip_refuse(struct faas_error *err, const char *name, const char *why)
{
	return fa_error(err, FAAS_EINVAL,
			"Could not unzip uploaded file. Please check your file, then try to upload "
			"again. (%s%.80s%s%s)",
			name ? "'" : "", name ? name : "", name ? "' " : "", why);
}

int fa_tarball_refuse(struct faas_error *err, const char *name, const char *why)
{
	return fa_error(err, FAAS_EINVAL,
			"The source image is not valid: a layer of it cannot be unpacked. "
			"(%s%.80s%s%s)",
			name ? "'" : "", name ? name : "", name ? "' " : "", why);
}

const char *fa_archive_judge_parts(const char *name)
{
	int depth = 0;

	for (;; depth++) {
		size_t len = strcspn(name, "/");

		if (!len || (len == 1 && name[0] == '.'))
			return "has an empty part in its name";
		if (len == 2 && !memcmp(name, "..", 2))
			return "leads out of the package";
		if (len > FA_ARCHIVE_PART)
			return "has a part in its name that is longer than 255 bytes";
		if (!name[len])
			break;
		name += len + 1;
	}
	return depth > FA_ARCHIVE_DEPTH ? "is in more than 64 directories" : NULL;
}

const char *fa_tarball_judge_name(const char *name, size_t len)
{
	if (!len)
		return "has no name";
	if (len > FA_ARCHIVE_NAME)
		return "has a name longer than 1024 bytes";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return "has a backslash or a control character in its name";
	return name[0] == '/' ? "has an absolute name" : NULL;
}

const char *fa_archive_judge_name(const char *name, size_t len)
{
	if (len <= FA_ARCHIVE_NAME && memchr(name, '\\', len))
		return "has a backslash or a control character in its name";
	return fa_tarball_judge_name(name, len);
}

/*
 * First up, then down, never up again: up from a real directory leads to a real
 * one, while up behind another link may lead anywhere.
 */
bool fa_archive_stays_inside(const char *name, const char *target)
{
	int depth = 0, up = 0;

	for (; *name; name++)
		depth += *name == '/';
	for (; !strncmp(target, "../", 3); target += 3)
		up++;
	if (!strcmp(target, ".."))
		return up < depth;
	return *target && *target != '/' && up <= depth && !strstr(target, "../") &&
	       !(strlen(target) >= 3 && !strcmp(target + strlen(target) - 3, "/.."));
}
