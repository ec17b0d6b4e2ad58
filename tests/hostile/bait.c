/* SPDX-License-Identifier: MIT */
/* See bait.h. If the sandbox does not protect these, nothing does: they are mode 0666. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <support/test.h>

#include "bait.h"

#define INNOCENCE "as it was in the beginning"

struct watched {
	char path[600];
	struct stat was;
};

static struct {
	char directory[64], event[2500], name[64];
	struct watched canary, secret, plugin, worker;
	int socket, shm;
	key_t key;
} the = { .socket = -1, .shm = -1 };

static char victim[64];

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void watch(struct watched *file)
{
	assert_int_equal(stat(file->path, &file->was), 0);
}

static void place_files(const char *plugins, const char *worker)
{
	snprintf(the.directory, sizeof(the.directory), "/var/tmp/faas-canary-XXXXXX");
	assert_non_null(mkdtemp(the.directory));
	assert_int_equal(chmod(the.directory, 0777), 0);
	snprintf(the.canary.path, sizeof(the.canary.path), "%s/canary", the.directory);
	snprintf(the.secret.path, sizeof(the.secret.path), "%s/secret", the.directory);
	snprintf(the.plugin.path, sizeof(the.plugin.path), "%s/attack.so", plugins);
	snprintf(the.worker.path, sizeof(the.worker.path), "%s", worker);
	write_file(the.canary.path, "sing\n", 0666);
	write_file(the.secret.path, "hush\n", 0644);
	watch(&the.canary);
	watch(&the.secret);
	watch(&the.plugin);
	watch(&the.worker);
}

static void listen_in_the_abstract(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len;

	snprintf(the.name, sizeof(the.name), "faas-hostile-%d", (int)getpid());
	memcpy(at.sun_path + 1, the.name, strlen(the.name));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(the.name));
	the.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(the.socket, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(the.socket, 16), 0);
}

static void share_memory(void)
{
	the.key = (key_t)(0x66610000 | (getpid() & 0xffff));
	the.shm = shmget(the.key, 4096, IPC_CREAT | 0666);
	assert_true(the.shm >= 0);
}

void bait_place(const char *plugins, const char *worker)
{
	strcpy(victim, INNOCENCE);
	place_files(plugins, worker);
	listen_in_the_abstract();
	share_memory();
	snprintf(the.event, sizeof(the.event),
		 "{\"host\":%d,\"victim\":%llu,\"path\":\"%s\",\"secret\":\"%s\",\"own\":\"%s\","
		 "\"abstract\":\"%s\",\"shm\":%lld}",
		 (int)getpid(), (unsigned long long)(uintptr_t)victim, the.canary.path,
		 the.secret.path, the.plugin.path, the.name, (long long)the.key);
}

void bait_remove(void)
{
	if (the.directory[0]) {
		unlink(the.canary.path);
		unlink(the.secret.path);
		rmdir(the.directory);
	}
	if (the.socket >= 0)
		close(the.socket);
	if (the.shm >= 0)
		shmctl(the.shm, IPC_RMID, NULL);
	the.socket = the.shm = -1;
}

static void check_file(const struct watched *file, struct report *report)
{
	const struct stat *was = &file->was;
	struct stat now;

	if (stat(file->path, &now) < 0)
		report_line(report, "%s is gone", file->path);
	else if (now.st_size != was->st_size || now.st_mode != was->st_mode ||
		 now.st_ino != was->st_ino || now.st_uid != was->st_uid ||
		 now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		 now.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		report_line(report, "%s was changed", file->path);
}

void bait_check(struct report *report)
{
	check_file(&the.canary, report);
	check_file(&the.secret, report);
	check_file(&the.plugin, report);
	check_file(&the.worker, report);
	if (strcmp(victim, INNOCENCE) != 0)
		report_line(report, "memory of the host was written: %.63s", victim);
}

const char *bait_event(void)
{
	return the.event;
}
