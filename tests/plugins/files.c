/* SPDX-License-Identifier: MIT */
/* Reads and writes files as it is told; says what the kernel says. */
#include <faas/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say_errno(struct faas_context *ctx)
{
	return faas_puts(ctx, strerrorname_np(errno));
}

static void copy(char path[256], struct faas_bytes text)
{
	size_t len = text.len < 255 ? text.len : 255;

	memcpy(path, text.data, len);
	path[len] = '\0';
}

/* The event is a path. */
static int get(struct faas_context *ctx, struct faas_bytes event)
{
	char path[256], text[256];
	ssize_t n = -1;
	int fd;

	copy(path, event);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		say_errno(ctx);
	else
		text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return n < 0 ? 0 : faas_puts(ctx, text);
}

/* "path=text": what is there goes on with the text. */
static int add(struct faas_context *ctx, struct faas_bytes event)
{
	char path[256], *text;
	int fd;

	copy(path, event);
	text = strchr(path, '=');
	*text++ = '\0';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return say_errno(ctx);
	close(fd);
	return faas_puts(ctx, "done");
}

/* A file of a gigabyte, with nothing in it. */
static int grow(struct faas_context *ctx, struct faas_bytes event)
{
	char path[256];
	int fd;

	copy(path, event);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, 1 << 30) < 0)
		return say_errno(ctx);
	close(fd);
	return faas_puts(ctx, "done");
}

/* "path=target": what is there makes room for a link. */
static int lead(struct faas_context *ctx, struct faas_bytes event)
{
	char path[256], *target, away[260];

	copy(path, event);
	target = strchr(path, '=');
	*target++ = '\0';
	snprintf(away, sizeof(away), "%s.old", path);
	if (rename(path, away) < 0 || symlink(target, path) < 0)
		return say_errno(ctx);
	return faas_puts(ctx, "done");
}

FAAS_PLUGIN("files", "1", FAAS_HANDLER(get), FAAS_HANDLER(add), FAAS_HANDLER(grow),
	    FAAS_HANDLER(lead));
