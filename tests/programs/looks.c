/* SPDX-License-Identifier: MIT */
/* What a program sees of its files, and what was given to it. */
#include "acts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is in a file, or why it cannot be read. */
static void read_file(const char *path)
{
	char text[2048];
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (!file || ferror(file)) {
		say(strerror(errno));
		return;
	}
	text[len] = '\0';
	fclose(file);
	say(text);
}

static void write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	say(file ? "written" : strerror(errno));
	if (file)
		fclose(file);
}

/* The type and the mode, as ls has the first and chmod the second. */
static void what(const char *path)
{
	struct stat st;
	char text[32];

	if (lstat(path, &st) < 0) {
		say(strerror(errno));
		return;
	}
	snprintf(text, sizeof(text), "%c%o %d",
		 S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : '-',
		 (unsigned)st.st_mode & 07777, S_ISDIR(st.st_mode) ? 0 : (int)st.st_nlink);
	say(text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted. */
static void list(const char *path)
{
	char *names[256], text[4096] = "";
	DIR *stream = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	while (stream && count < 256 && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[count++] = strdup(entry->d_name);
	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; i < count; i++) {
		strncat(text, i ? " " : "", sizeof(text) - strlen(text) - 1);
		strncat(text, names[i], sizeof(text) - strlen(text) - 1);
	}
	say(stream ? text : strerror(errno));
}

/* Its command line, with a comma behind each. */
static void arguments(const char *text)
{
	FILE *file = fopen("/proc/self/cmdline", "r");
	char line[512];
	size_t len = file ? fread(line, 1, sizeof(line) - 1, file) : 0;

	(void)text;
	for (size_t i = 0; i < len; i++)
		if (!line[i])
			line[i] = ',';
	line[len] = '\0';
	say(line);
}

const struct act looks[] = {
	{ "read", read_file }, { "write", write_file },      { "what", what },
	{ "list", list },      { "arguments", arguments }, { NULL, NULL },
};
