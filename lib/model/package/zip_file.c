/* SPDX-License-Identifier: MIT */
#include <model/package/zip_file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/archive_entry.h>
#include <base/error.h>

int fa_zip_check_size(size_t len, size_t most, struct faas_error *err)
{
	if (len < most)
		return 0;
	return fa_error_typed(err, FAAS_ETOOLARGE, "RequestEntityTooLargeException",
			      "Zipped size must be smaller than %zu bytes", most);
}

/* The file as it is now: it may change while it is read, and is not mapped. */
static char *read_file(const struct fa_mem *mem, int fd, size_t *len, struct faas_error *err)
{
	struct stat st;
	char *data;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fa_error(err, FAAS_EINVAL, "the code is not a regular file");
		return NULL;
	}
	if (fa_zip_check_size((size_t)st.st_size, FA_ARCHIVE_UNPACKED, err) < 0)
		return NULL;
	data = fa_alloc_dirty(mem, (size_t)st.st_size + 1);
	if (!data) {
		fa_error_nomem(err);
		return NULL;
	}
	for (*len = 0; *len < (size_t)st.st_size; *len += (size_t)n) {
		n = read(fd, data + *len, (size_t)st.st_size - *len);
		if (n <= 0)
			break;
	}
	return data;
}

char *fa_zip_file_read(const struct fa_mem *mem, const char *path, size_t *len,
		       struct faas_error *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char *data;

	*len = 0;
	if (fd < 0) {
		fa_error(err, FAAS_EINVAL, "code '%.100s': %s", path, strerrordesc_np(errno));
		return NULL;
	}
	data = read_file(mem, fd, len, err);
	close(fd);
	if (!data || *len)
		return data;
	fa_free(data);
	fa_error(err, FAAS_EINVAL, "Uploaded file must be a non-empty zip");
	return NULL;
}
