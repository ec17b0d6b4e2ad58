/* SPDX-License-Identifier: MIT */
#include <base/proc.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t fa_proc_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

int64_t fa_proc_number(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? strtoll(at + strlen(word), NULL, 10) : 0;
}

bool fa_usage_add(struct fa_usage *usage, int pid)
{
	char path[40], text[2048];
	int64_t files, peak;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!fa_proc_read(path, text, sizeof(text)))
		return false;
	files = fa_proc_number(text, "RssFile:") + fa_proc_number(text, "RssShmem:");
	peak = fa_proc_number(text, "VmHWM:");
	usage->processes++;
	usage->own_kb += fa_proc_number(text, "RssAnon:");
	usage->files_kb = files > usage->files_kb ? files : usage->files_kb;
	usage->peak_kb = peak > usage->peak_kb ? peak : usage->peak_kb;
	return true;
}

int64_t fa_usage_kb(const struct fa_usage *usage)
{
	int64_t now_kb = usage->own_kb + usage->files_kb;

	return now_kb > usage->peak_kb ? now_kb : usage->peak_kb;
}
