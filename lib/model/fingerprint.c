/* SPDX-License-Identifier: MIT */
/*
 * Whether two versions are the same is asked of their fingerprints: one of the
 * code, one of the configuration. The code's file is hostile: its bytes are
 * read here, and nothing is made of them. What else lies in its directory is
 * not read; it may be all of /usr/lib.
 */
#include <model/fingerprint.h>

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 32768

/* O_NONBLOCK: it may be a pipe, whose other end nobody ever opens. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FA_CODE_MAX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* "image.method" means image.so, "libm.so.6.pow" libm.so.6. */
static int open_code(const struct fa_version *v)
{
	static const char *const endings[] = { "", ".so" };
	const char *file = v->program ? "bootstrap" : v->file;
	char path[PATH_MAX];
	int fd = -1;

	for (unsigned i = 0; i < 2 && fd < 0; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s%s", v->directory, file,
				   endings[i]);

		if (len < (int)sizeof(path))
			fd = open_regular(path);
	}
	return fd;
}

int fa_fingerprint_code(const struct fa_version *v, char out[FA_DIGEST_HEX])
{
	struct fa_digest digest;
	char piece[PIECE];
	ssize_t n, total = 0;
	int fd, rc;

	if (v->code.package) {
		strcpy(out, v->code.package->sha256);
		return 0;
	}
	out[0] = '\0';
	fd = v->file ? open_code(v) : -1;
	if (fd < 0)
		return 0;
	fa_digest_begin(&digest);
	while (total <= FA_CODE_MAX && (n = read(fd, piece, sizeof(piece))) > 0) {
		fa_digest_add(&digest, piece, (size_t)n);
		total += n;
	}
	close(fd);
	rc = fa_digest_end(&digest, out);
	if (n < 0 || total > FA_CODE_MAX)
		out[0] = '\0';
	return rc;
}

/* With its NUL, so that no two rows of texts run together to the same bytes. */
static void add_text(struct fa_digest *digest, const char *text)
{
	text = text ? text : "";
	fa_digest_add(digest, text, strlen(text) + 1);
}

static void add_texts(struct fa_digest *digest, const char *const *texts)
{
	for (; texts && *texts; texts++)
		add_text(digest, *texts);
	add_text(digest, NULL);
}

/* Not in it: what is of the function and not of a version (semantics 2), limits and retries. */
int fa_fingerprint_config(const struct fa_version *v, char out[FA_DIGEST_TEXT])
{
	const struct faas_function_config *c = &v->config;
	const int32_t numbers[] = { (int32_t)c->isolation, c->memory_mb, c->timeout_ms,
				    c->tmp_mb, c->network, c->pristine, c->snapshot };
	struct faas_function_config config = *c;
	struct fa_digest digest;
	const char **text;

	fa_digest_begin(&digest);
	fa_digest_add(&digest, numbers, sizeof(numbers));
	fa_digest_add(&digest, &c->native, sizeof(c->native));
	if (v->code.package)
		config.code = config.image = NULL; /* where it lay is no matter */
	else
		add_text(&digest, v->directory);
	for (size_t i = 0; (text = fa_config_text(&config, i)); i++)
		add_text(&digest, *text);
	for (size_t i = 0; i < v->environment_count; i++)
		add_text(&digest, c->environment[i]);
	add_text(&digest, NULL);
	for (size_t i = 0; i < v->layer_count; i++)
		add_text(&digest, c->layers[i]);
	add_texts(&digest, c->entry_point);
	add_texts(&digest, c->command);
	return fa_digest_end(&digest, out);
}
