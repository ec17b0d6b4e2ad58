/* SPDX-License-Identifier: MIT */
/* See invariants.h. Everything is read from the kernel, nothing from the library. */
#include <dirent.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "invariants.h"
#include "processes.h"

extern char **environ;

void report_line(struct report *report, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(report->text + report->len, sizeof(report->text) - report->len, format, args);
	va_end(args);
	if (n > 0)
		report->len += (size_t)n;
	if (report->len > sizeof(report->text) - 2)
		report->len = sizeof(report->text) - 2;
	report->text[report->len++] = '\n';
	report->text[report->len] = '\0';
}

/* ---- manners --------------------------------------------------------- */

static _Atomic uint64_t signals_taken;
static _Atomic int last_signal, last_sender;

static void count(int number, siginfo_t *info, void *context)
{
	(void)context;
	atomic_store(&last_signal, number);
	atomic_store(&last_sender, info->si_code <= 0 || number == SIGCHLD ? info->si_pid : 0);
	atomic_fetch_add(&signals_taken, 1);
}

/* Not those of a crash of our own, nor those by which somebody ends the test. */
static bool is_counted(int number)
{
	const int ours[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS,
			     SIGTRAP, SIGTERM, SIGINT, SIGQUIT, 32, 33 };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (number == ours[i])
			return false;
	return true;
}

void count_signals(void)
{
	struct sigaction act = { .sa_sigaction = count, .sa_flags = SA_RESTART | SA_SIGINFO };

	for (int number = 1; number <= 64; number++)
		if (is_counted(number))
			sigaction(number, &act, NULL);
}

static int number_in_file(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	char line[256];
	int value = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			break;
	if (file)
		fclose(file);
	return value;
}

static uint64_t checksum_of_environment(void)
{
	uint64_t sum = 14695981039346656037u;

	for (char **at = environ; *at; at++)
		for (const char *c = *at; *c; c++)
			sum = (sum ^ (unsigned char)*c) * 1099511628211u;
	return sum;
}

void manners_note(struct manners *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = getpid();
	out->signals_taken = atomic_load(&signals_taken);
	sigprocmask(SIG_SETMASK, NULL, &out->mask);
	for (int number = 1; number <= 64; number++) {
		struct sigaction act;

		/* cmocka exchanges these around each test. */
		if (is_counted(number) && sigaction(number, NULL, &act) == 0)
			out->handlers[number] = (uintptr_t)act.sa_handler;
	}
	for (int i = 0; i < RLIM_NLIMITS; i++)
		getrlimit((__rlimit_resource_t)i, &out->limits[i]);
	out->nice = getpriority(PRIO_PROCESS, 0);
	out->oom_score_adj = number_in_file("/proc/self/oom_score_adj", "%d");
	out->dumpable = prctl(PR_GET_DUMPABLE);
	sched_getaffinity(0, sizeof(out->cpus), &out->cpus);
	out->umask = (mode_t)number_in_file("/proc/self/status", "Umask: %o");
	if (!getcwd(out->cwd, sizeof(out->cwd)))
		out->cwd[0] = '\0';
	out->environment = checksum_of_environment();
	snprintf(out->locale, sizeof(out->locale), "%s", setlocale(LC_ALL, NULL));
}

bool manners_kept(const struct manners *before, struct report *report)
{
	const size_t start = report->len;
	struct manners now;

	manners_note(&now);
	if (now.pid != before->pid)
		report_line(report, "the process is another one");
	if (now.signals_taken != before->signals_taken)
		report_line(report, "%lu signals arrived, the last was %d, from %d",
			    (unsigned long)(now.signals_taken - before->signals_taken),
			    atomic_load(&last_signal), atomic_load(&last_sender));
	if (memcmp(&now.mask, &before->mask, sizeof(now.mask)) != 0)
		report_line(report, "the signal mask has changed");
	for (int i = 1; i <= 64; i++)
		if (now.handlers[i] != before->handlers[i])
			report_line(report, "the disposition of signal %d has changed", i);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (memcmp(&now.limits[i], &before->limits[i], sizeof(struct rlimit)) != 0)
			report_line(report, "resource limit %d has changed", i);
	if (now.nice != before->nice || !CPU_EQUAL(&now.cpus, &before->cpus))
		report_line(report, "nice value or affinity have changed");
	if (now.oom_score_adj != before->oom_score_adj || now.dumpable != before->dumpable)
		report_line(report, "oom_score_adj or dumpable have changed");
	if (now.umask != before->umask || strcmp(now.cwd, before->cwd) != 0)
		report_line(report, "umask or working directory have changed");
	if (now.environment != before->environment || strcmp(now.locale, before->locale) != 0)
		report_line(report, "environment or locale have changed");
	return report->len == start;
}

/* ---- holdings -------------------------------------------------------- */

static int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static int lines_of(const char *path, const char *with)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	int n = 0;

	while (file && fgets(line, sizeof(line), file))
		n += !with || strstr(line, with) != NULL;
	if (file)
		fclose(file);
	return n;
}

/* Groups of our supervisors, in every hierarchy: they are named by its pid. */
static int count_cgroups(const char *path, int depth, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char child[1024];
	int n = 0;

	while (dir && depth > 0 && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		n += strncmp(entry->d_name, name, strlen(name)) == 0;
		snprintf(child, sizeof(child), "%.700s/%.255s", path, entry->d_name);
		n += count_cgroups(child, depth - 1, name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void note_processes(struct holdings *out)
{
	static _Thread_local struct process below[2048];
	char name[64];

	out->processes = processes_below(getpid(), below, 2048);
	out->cgroups = 0;
	for (int i = 0; i < out->processes && below[i].parent == getpid(); i++) {
		snprintf(name, sizeof(name), "libfaas-%d-", below[i].pid);
		out->cgroups += count_cgroups("/sys/fs/cgroup", 4, name);
	}
	out->processes += processes_named("left-behind", below, 2048);
}

void holdings_note(struct holdings *out)
{
	long pages = 0;
	FILE *statm;

	malloc_trim(0);
	out->descriptors = entries_of("/proc/self/fd") - 1; /* the one that lists them */
	out->threads = entries_of("/proc/self/task");
	out->mappings = lines_of("/proc/self/maps", NULL);
	out->shared_mappings = lines_of("/proc/self/maps", "memfd:");
	out->mounts = lines_of("/proc/self/mountinfo", NULL);
	note_processes(out);
	statm = fopen("/proc/self/statm", "re");
	if (statm && fscanf(statm, "%*d %ld", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	out->rss_kb = pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static bool same(const struct holdings *a, const struct holdings *b)
{
	return a->descriptors == b->descriptors && a->threads == b->threads &&
	       a->shared_mappings == b->shared_mappings && a->processes == b->processes;
}

void holdings_settle(struct holdings *out)
{
	struct holdings last;

	holdings_note(&last);
	for (int tries = 0, steady = 0; tries < 200 && steady < 5; tries++) {
		pause_ms(20);
		holdings_note(out);
		steady = same(&last, out) ? steady + 1 : 0;
		last = *out;
	}
}

/* The allocator may keep a mapping or two; memory is measured on its own. */
#define SPARE_MAPPINGS 8

static bool is_back(const struct holdings *before, const struct holdings *now, long rss_kb)
{
	return now->descriptors <= before->descriptors && now->threads <= before->threads &&
	       now->shared_mappings <= before->shared_mappings &&
	       (SANITIZED || now->mappings <= before->mappings + SPARE_MAPPINGS) &&
	       now->mounts <= before->mounts && now->processes <= before->processes &&
	       now->cgroups <= before->cgroups &&
	       (SANITIZED || rss_kb < 0 || now->rss_kb <= before->rss_kb + rss_kb);
}

static void describe_descriptors(struct report *report)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char path[64], target[128];

	while (dir && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%.16s", entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n > 0)
			report_line(report, "  descriptor %s: %.*s", entry->d_name, (int)n, target);
	}
	if (dir)
		closedir(dir);
}

static void describe_processes(struct report *report)
{
	static _Thread_local struct process below[64];
	const int n = processes_below(getpid(), below, 64);

	for (int i = 0; i < n; i++)
		report_line(report, "  process %d %s, state %c, child of %d", below[i].pid,
			    below[i].name, below[i].state, below[i].parent);
}

static void compare(struct report *report, const char *what, long before, long now)
{
	if (now > before)
		report_line(report, "%s: %ld, before %ld", what, now, before);
}

bool holdings_returned(const struct holdings *before, int ms, long rss_kb, struct report *report)
{
	struct holdings now;

	holdings_note(&now);
	for (int waited = 0; !is_back(before, &now, rss_kb); waited += 10) {
		if (waited > ms)
			goto differs;
		pause_ms(10);
		holdings_note(&now);
	}
	return true;

differs:
	compare(report, "descriptors", before->descriptors, now.descriptors);
	compare(report, "threads", before->threads, now.threads);
	compare(report, "shared mappings", before->shared_mappings, now.shared_mappings);
	compare(report, "mappings", before->mappings, now.mappings);
	compare(report, "mounts", before->mounts, now.mounts);
	compare(report, "processes", before->processes, now.processes);
	compare(report, "cgroups", before->cgroups, now.cgroups);
	compare(report, "RSS in KB", before->rss_kb, now.rss_kb);
	if (now.descriptors > before->descriptors)
		describe_descriptors(report);
	if (now.processes > before->processes)
		describe_processes(report);
	return false;
}
