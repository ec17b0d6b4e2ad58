/* SPDX-License-Identifier: MIT */
/*
 * Where groups may be made is read from /proc/self/cgroup (our path in each
 * hierarchy) and /proc/self/mountinfo (where that hierarchy is visible, and
 * from which of its directories on). A group is only ever made below our own,
 * so the host's own limits go on binding everything.
 */
#include <worker/cgroup.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define PIDS_MAX 4096
#define SPARE_MB 64        /* the nest itself and what the kernel counts besides */
#define MB_PER_CPU 1769    /* Lambda's: hard limit, if wanted */
#define MB_PER_PROCESS 128 /* the smallest environment weighs as much as any process */
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000
#define PERIOD_US 100000

static const struct {
	const char *name;
	uint32_t layer;
	const char *v2_file; /* there if the controller is on for a group */
} controllers[] = {
	{ "memory", FAAS_LAYER_CGROUP_MEMORY, "memory.max" },
	{ "pids", FAAS_LAYER_CGROUP_PIDS, "pids.max" },
	{ "cpu", FAAS_LAYER_CGROUP_CPU, "cpu.max" },
};
#define CONTROLLERS (sizeof(controllers) / sizeof(*controllers))

/* Is `word` in a comma separated list? */
static bool lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, word, len) && (!p[len] || p[len] == ',' || p[len] == '\n'))
			return true;
	}
	return false;
}

/* Our path in the hierarchy of a controller; "" names version 2. */
static bool own_path(const char *controller, char path[PATH_SIZE])
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_SIZE];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *names = strchr(line, ':'), *at;

		if (!names || !(at = strchr(++names, ':')))
			continue;
		*at++ = '\0';
		at[strcspn(at, "\n")] = '\0';
		if (*controller ? !lists(names, controller) : *names)
			continue;
		snprintf(path, PATH_SIZE, "%s", at);
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

/* Open our own directory through a line of mountinfo, if it shows this hierarchy. */
static int open_through(char *line, const char *controller, const char *own)
{
	char root[PATH_SIZE], point[PATH_SIZE], path[2 * PATH_SIZE], type[32], options[256];
	char *tail = strstr(line, " - ");
	size_t len;

	if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2 ||
	    sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
		return -1;
	if (*controller ? strcmp(type, "cgroup") || !lists(options, controller) :
			  strcmp(type, "cgroup2"))
		return -1;
	len = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(own, root, len))
		return -1;
	snprintf(path, sizeof(path), "%s%s", point, own + len);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_own(const char *controller)
{
	char own[PATH_SIZE], line[3 * PATH_SIZE];
	FILE *file;
	int fd = -1;

	if (!own_path(controller, own))
		return -ENOENT;
	file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return -errno;
	while (fd < 0 && fgets(line, sizeof(line), file))
		fd = open_through(line, controller, own);
	fclose(file);
	return fd < 0 ? -ENOENT : fd;
}

static int write_at(int dir, const char *group, const char *file, const char *text)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? (int)n : 0;
}

static void write_number(int dir, const char *group, const char *file, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	write_at(dir, group, file, text);
}

/* Groups of supervisors that were killed before they could tidy up. */
static void remove_stale(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int pid, number;

		if (sscanf(entry->d_name, "libfaas-%d-%d", &pid, &number) == 2 &&
		    kill(pid, 0) < 0 && errno == ESRCH)
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

/* Whoever makes it: a nest may be process 1 of its namespace. */
static void group_name(char name[64], const struct fa_cgroups *groups, uint32_t number)
{
	snprintf(name, 64, "libfaas-%d-%u", (int)groups->owner, number);
}

/* Can a group be made here? Fails as that would. */
static int try_group(const struct fa_cgroups *groups, int parent)
{
	char name[64];

	group_name(name, groups, 0);
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static void add(struct fa_cgroups *groups, int parent, bool v2, uint32_t layers)
{
	groups->at[groups->count].parent = parent;
	groups->at[groups->count].v2 = v2;
	groups->at[groups->count++].layers = layers;
	remove_stale(parent);
}

/* Version 2, as far as its controllers are (or can be) switched on for our groups. */
static uint32_t open_v2(struct fa_cgroups *groups)
{
	int parent = open_own("");
	uint32_t have = 0;
	char name[64], path[96];

	if (parent < 0)
		return 0;
	for (size_t i = 0; i < CONTROLLERS; i++) {
		snprintf(path, sizeof(path), "+%s", controllers[i].name);
		write_at(parent, ".", "cgroup.subtree_control", path);
	}
	group_name(name, groups, 0);
	if (!try_group(groups, parent)) {
		for (size_t i = 0; i < CONTROLLERS; i++) {
			snprintf(path, sizeof(path), "%s/%s", name, controllers[i].v2_file);
			if (!faccessat(parent, path, W_OK, AT_EACCESS))
				have |= controllers[i].layer;
		}
		unlinkat(parent, name, AT_REMOVEDIR);
	}
	if (have)
		add(groups, parent, true, have);
	else
		close(parent);
	return have;
}

static int open_v1(struct fa_cgroups *groups, size_t i)
{
	int parent = open_own(controllers[i].name), rc;
	char name[64];

	if (parent < 0)
		return parent;
	rc = try_group(groups, parent);
	if (rc < 0) {
		close(parent);
		return rc;
	}
	group_name(name, groups, 0);
	unlinkat(parent, name, AT_REMOVEDIR);
	add(groups, parent, false, controllers[i].layer);
	return 0;
}

void fa_cgroups_open(struct fa_cgroups *groups, struct fa_layers *layers)
{
	uint32_t have;

	groups->count = 0;
	groups->owner = getpid();
	have = open_v2(groups);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		int rc = have & controllers[i].layer ? 0 : open_v1(groups, i);

		if (rc < 0)
			fa_layers_lose(layers, controllers[i].layer, rc);
	}
}

/* Of the machine, in MB; without knowing it, no limit. */
static uint64_t half(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? INT64_MAX >> 20 : (uint64_t)info.totalram * info.mem_unit >> 21;
}

static uint64_t memory_limit(const struct fa_cgroup_limits *limits)
{
	uint64_t each = (uint64_t)limits->memory_mb + limits->tmp_mb;
	uint64_t all = each * limits->environments + SPARE_MB, most = half();

	return (all < most ? all : most) << 20;
}

static uint64_t between(uint64_t low, uint64_t value, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* `unit`: what one ordinary process weighs. */
static uint64_t weight(const struct fa_cgroup_limits *limits, uint64_t unit, uint64_t high)
{
	return between(2, limits->environments * unit * limits->memory_mb / MB_PER_PROCESS, high);
}

static uint64_t quota_us(const struct fa_cgroup_limits *limits)
{
	uint64_t us = (uint64_t)limits->environments * PERIOD_US * limits->memory_mb / MB_PER_CPU;

	return between(1000, us, INT64_MAX);
}

static void limit_v1(int parent, const char *name, uint32_t layers,
		     const struct fa_cgroup_limits *limits)
{
	if (layers & FAAS_LAYER_CGROUP_MEMORY)
		write_number(parent, name, "memory.limit_in_bytes", memory_limit(limits));
	if (!(layers & FAAS_LAYER_CGROUP_CPU))
		return;
	write_number(parent, name, "cpu.shares", weight(limits, 1024, SHARES_MAX));
	if (limits->cpu_cap)
		write_number(parent, name, "cpu.cfs_quota_us", quota_us(limits));
}

static void limit_v2(int parent, const char *name, uint32_t layers,
		     const struct fa_cgroup_limits *limits)
{
	if (layers & FAAS_LAYER_CGROUP_MEMORY)
		write_number(parent, name, "memory.max", memory_limit(limits));
	if (!(layers & FAAS_LAYER_CGROUP_CPU))
		return;
	write_number(parent, name, "cpu.weight", weight(limits, 100, WEIGHT_MAX));
	if (limits->cpu_cap)
		write_number(parent, name, "cpu.max", quota_us(limits));
}

/* Whatever the function will be: it finds these, and less memory once it is known. */
static void limit_first(int parent, bool v2, const char *name, uint32_t layers)
{
	if (layers & FAAS_LAYER_CGROUP_MEMORY)
		write_number(parent, name, v2 ? "memory.max" : "memory.limit_in_bytes",
			     half() << 20);
	if (layers & FAAS_LAYER_CGROUP_PIDS)
		write_number(parent, name, "pids.max", PIDS_MAX);
}

/*
 * Version 1 lets a thread that moves itself pass at once. For a whole process it first
 * waits until nobody on the machine is in the middle of a fork or an end, which takes
 * up to 20 ms, and nobody may make or remove any group meanwhile.
 */
static int move_to(int parent, bool v2, const char *name)
{
	return write_at(parent, name, v2 ? "cgroup.procs" : "tasks", "0");
}

bool fa_cgroup_make(const struct fa_cgroups *groups, uint32_t number, struct fa_layers *layers)
{
	uint32_t wanted = layers->applied;
	char name[64];

	group_name(name, groups, number);
	for (int i = 0; i < groups->count; i++) {
		int parent = groups->at[i].parent;

		if (!(wanted & groups->at[i].layers))
			continue;
		if (mkdirat(parent, name, 0755) == 0 || errno == EEXIST)
			limit_first(parent, groups->at[i].v2, name, groups->at[i].layers);
		else
			fa_layers_lose(layers, groups->at[i].layers, errno);
	}
	return layers->applied == wanted;
}

void fa_cgroup_enter(const struct fa_cgroups *groups, uint32_t number, struct fa_layers *layers)
{
	char name[64];

	group_name(name, groups, number);
	for (int i = 0; i < groups->count; i++) {
		int rc = 0;

		if (layers->applied & groups->at[i].layers)
			rc = move_to(groups->at[i].parent, groups->at[i].v2, name);
		if (rc < 0)
			fa_layers_lose(layers, groups->at[i].layers, rc);
	}
}

void fa_cgroup_limit(const struct fa_cgroups *groups, uint32_t number,
		     const struct fa_cgroup_limits *limits)
{
	char name[64];

	group_name(name, groups, number);
	for (int i = 0; i < groups->count; i++)
		(groups->at[i].v2 ? limit_v2 : limit_v1)(groups->at[i].parent, name,
							 groups->at[i].layers, limits);
}

bool fa_cgroup_remove(const struct fa_cgroups *groups, uint32_t number)
{
	char name[64];
	bool gone = true;

	group_name(name, groups, number);
	for (int i = 0; i < groups->count; i++)
		if (unlinkat(groups->at[i].parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			gone = false;
	return gone;
}
