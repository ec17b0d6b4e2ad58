/* SPDX-License-Identifier: MIT */
/* What a function finds where its code is: files by the path in the event. */
#include <faas/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_named(struct faas_bytes event, int flags)
{
	char path[256];

	if (event.len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, event.data, event.len);
	path[event.len] = '\0';
	return open(path, flags | O_CLOEXEC, 0600);
}

static int answer_errno(struct faas_context *ctx)
{
	return faas_puts(ctx, strerrorname_np(errno));
}

/* The content of the file, or the name of the error. */
static int content(struct faas_context *ctx, struct faas_bytes event)
{
	int fd = open_named(event, O_RDONLY), rc = 0;
	char piece[256];
	ssize_t n;

	if (fd < 0)
		return answer_errno(ctx);
	while (!rc && (n = read(fd, piece, sizeof(piece))) > 0)
		rc = faas_write(ctx, piece, (size_t)n);
	close(fd);
	return rc;
}

/* "made", or the name of the error. */
static int make(struct faas_context *ctx, struct faas_bytes event)
{
	int fd = open_named(event, O_CREAT | O_WRONLY);

	if (fd < 0)
		return answer_errno(ctx);
	close(fd);
	return faas_puts(ctx, "made");
}

/* The value of a variable. */
static int variable(struct faas_context *ctx, struct faas_bytes event)
{
	char name[64] = "";
	const char *value;

	memcpy(name, event.data, event.len < sizeof(name) ? event.len : sizeof(name) - 1);
	value = faas_getenv(ctx, name);
	return faas_puts(ctx, value ? value : "");
}

FAAS_PLUGIN("package", "1", FAAS_HANDLER(content), FAAS_HANDLER(make), FAAS_HANDLER(variable));
