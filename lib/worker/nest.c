/* SPDX-License-Identifier: MIT */
/*
 * A nest keeps nothing about its environments but who they are: no pidfd, no
 * pipe, no mount namespace. Each clone copies the table of descriptors, so with
 * a thousand living ones every such descriptor would be paid for a thousand times.
 *
 * Births come first, news of them after: when nothing else is to be done, the
 * newborn may have the CPU, and then the host hears of all of them at once.
 *
 * A child that fails before it runs the function says so on a pipe. Its exit
 * status alone would prove nothing: the function can exit with any.
 */
#include <worker/nest.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <worker/clone.h>
#include <worker/ctl.h>
#include <worker/program/program.h>
#include <worker/run.h>
#include <worker/template.h>

#define EXIT_TROUBLE 125
#define SLICE_NS 20000000 /* several times what the kernel gives by itself */
#define REFILL_MS 1 /* of silence */

/* Places of an environment's descriptors; 0, 1 and 2 as everywhere. */
enum { ENV_REQUEST = 3, ENV_RESPONSE, ENV_BELL, ENV_LOG, ENV_SNAPSHOT, ENV_FREE = ENV_SNAPSHOT };
enum { AREAS_AND_PIPES = 4 }; /* what FA_SPAWN brings */

struct trouble {
	uint32_t id;
	int32_t error;
	char step[56];
};

struct nest {
	struct fa_sandbox box;
	struct fa_run run; /* what all environments have in common */
	struct fa_template template;
	struct {
		pid_t pid;
		uint32_t id;
	} *living;
	uint32_t living_count, living_size;
	struct {
		struct fa_ctl born[FA_NEWS_MAX];
		int fds[2 * FA_NEWS_MAX], count, fd_count;
	} news; /* that the host has yet to hear */
};

static union {
	struct fa_ctl ctl;
	struct fa_spawn spawn;
	struct fa_nest_setup setup;
	char bytes[FA_CTL_MAX];
} message;

static void tell_host(const struct fa_ctl *ctl, int count, const int *fds, int fd_count)
{
	if (fa_ctl_send(FA_FD_HOST, ctl, (size_t)count * sizeof(*ctl), fds, fd_count) == -EPIPE)
		_exit(0);
}

_Noreturn static void give_up(int sock, const char *step, int error)
{
	struct fa_ctl ctl = { .type = FA_NEST_DEAD, .error = error };

	fa_ctl_set_text(&ctl, step);
	fa_ctl_send(sock, &ctl, sizeof(ctl), NULL, 0);
	_exit(EXIT_TROUBLE);
}

/* ---- births ------------------------------------------------------------ */

static bool arrange_descriptors(const int fds[AREAS_AND_PIPES], int snapshot)
{
	unsigned free = ENV_FREE;

	for (int i = 0; i < AREAS_AND_PIPES; i++)
		if (dup3(fds[i], ENV_REQUEST + i, O_CLOEXEC) < 0)
			return false;
	if (snapshot >= 0 && dup3(snapshot, (int)free++, O_CLOEXEC) < 0)
		return false;
	return syscall(SYS_close_range, free, ~0u, 0) == 0;
}

_Noreturn static void fail_to_run(const struct fa_spawn *spawn, const char *step)
{
	struct trouble trouble = { .id = spawn->ctl.id, .error = errno };

	strncpy(trouble.step, step, sizeof(trouble.step) - 1);
	if (write(FA_FD_TROUBLE_END, &trouble, sizeof(trouble)) < 0)
		_exit(EXIT_TROUBLE - 1);
	_exit(EXIT_TROUBLE);
}

/* A program is a process of its own beside process 1. NULL, or why there cannot be one. */
static const char *cannot_be_program(const struct nest *nest)
{
	errno = EPERM;
	if (!fa_layers_have(&nest->box.layers, FAAS_LAYER_PID_NS))
		return "program, without a namespace of pids";
	errno = ENOSYS;
	return fa_program_possible() ? NULL : "program, built without HTTP";
}

_Noreturn static void be_environment(struct nest *nest, const struct fa_spawn *spawn,
				     const int fds[AREAS_AND_PIPES], int mounts, int network)
{
	const struct fa_template *template = &nest->template;
	const char *failed = fa_sandbox_enter(&nest->box, spawn, mounts, network);
	struct fa_run run = nest->run;

	if (failed)
		fail_to_run(spawn, failed);
	if (nest->run.flags & FA_NEST_PROGRAM && (failed = cannot_be_program(nest)))
		fail_to_run(spawn, failed);
	setpgid(0, 0); /* kill(0, ...) is not for siblings; a session would cost much more */
	if (!arrange_descriptors(fds, template->file))
		fail_to_run(spawn, "descriptors");
	run.provisioned = spawn->provisioned;
	run.waits = spawn->waits;
	memcpy(run.stream, spawn->stream, sizeof(run.stream));
	run.own_network = fa_sandbox_own_network(&nest->box);
	if (run.flags & FA_NEST_PROGRAM)
		fa_program_run(&run);
	if (template->ready)
		fa_run_restored(&run, ENV_SNAPSHOT);
	run.snapshot_fd = template->file < 0 ? 0 : ENV_SNAPSHOT;
	fa_run(&run);
}

static bool make_room(struct nest *nest)
{
	uint32_t size = nest->living_size ? 2 * nest->living_size : 64;
	void *living;

	if (nest->living_count < nest->living_size)
		return true;
	living = realloc(nest->living, size * sizeof(*nest->living));
	if (!living)
		return false;
	nest->living = living;
	nest->living_size = size;
	return true;
}

static void tell_stillborn(const struct fa_spawn *spawn, const char *step, int error)
{
	struct fa_ctl ctl = { .type = FA_STILLBORN, .id = spawn->ctl.id, .error = error };

	fa_ctl_set_text(&ctl, step);
	tell_host(&ctl, 1, NULL, 0);
}

static void tell_news(struct nest *nest)
{
	if (nest->news.count)
		tell_host(nest->news.born, nest->news.count, nest->news.fds, nest->news.fd_count);
	fa_close_all(nest->news.fds, nest->news.fd_count);
	nest->news.count = nest->news.fd_count = 0;
}

/* Takes pidfd and mounts. */
static void add_news(struct nest *nest, const struct fa_spawn *spawn, int pidfd, int mounts)
{
	struct fa_ctl *ctl = &nest->news.born[nest->news.count++];

	*ctl = (struct fa_ctl){ .type = FA_BORN, .id = spawn->ctl.id,
				.status = mounts < 0 ? 1 : 2,
				.template = fa_template_is_due(&nest->template) };
	nest->news.fds[nest->news.fd_count++] = pidfd;
	if (mounts >= 0)
		nest->news.fds[nest->news.fd_count++] = mounts;
	if (nest->news.count == FA_NEWS_MAX)
		tell_news(nest);
}

/* Who asked for the snapshot has it. */
static void tell_snapshot(const struct fa_spawn *spawn)
{
	struct fa_ctl ctl = { .type = FA_EXIT, .id = spawn->ctl.id, .template = 1 };

	tell_host(&ctl, 1, NULL, 0);
}

/* A process for these descriptors, which stay the caller's: its pid, or 0 and the host knows. */
static pid_t bear(struct nest *nest, const struct fa_spawn *spawn, const int *fds, int count)
{
	unsigned long namespaces = fa_sandbox_namespaces(&nest->box);
	/* a template leaves nothing in a /tmp that is to be found later */
	bool own = count > AREAS_AND_PIPES && !fa_template_is_due(&nest->template);
	int mounts = own ? fds[AREAS_AND_PIPES] : -1, made = -1, pidfd = -1, network = -1, rc = 0;
	const char *step = "private /tmp";
	pid_t pid = 0;

	if (mounts < 0)
		rc = fa_sandbox_take_tmp(&nest->box, &made);
	if (rc < 0)
		goto stillborn;
	rc = fa_networks_take(&nest->box.networks, FA_FD_NAMESPACES, &network, &step);
	if (rc < 0)
		goto stillborn;
	step = "process";
	rc = make_room(nest) ? 0 : -ENOMEM;
	if (rc < 0)
		goto stillborn;
	rc = pid = fa_clone(namespaces, &pidfd);
	if (!pid)
		be_environment(nest, spawn, fds, made < 0 ? mounts : made, network);
	if (rc < 0)
		goto stillborn;
	if (network >= 0)
		close(network); /* it is to end with the environment */
	if (made >= 0 && fa_template_is_due(&nest->template)) {
		close(made);
		made = -1;
	}
	add_news(nest, spawn, pidfd, made);
	nest->living[nest->living_count].pid = pid;
	nest->living[nest->living_count++].id = spawn->ctl.id;
	return pid;

stillborn:
	tell_stillborn(spawn, step, -rc);
	if (made >= 0)
		close(made);
	if (network >= 0)
		close(network);
	return 0;
}

/* The snapshot is there, or is not needed. */
static void bear_one(struct nest *nest, const struct fa_spawn *spawn, const int *fds, int count)
{
	if (spawn->only_template)
		tell_snapshot(spawn);
	else
		bear(nest, spawn, fds, count);
}

static void bear_waiting(struct nest *nest)
{
	struct fa_template *template = &nest->template;

	while (template->first && !template->pid) {
		struct fa_waiting *first = template->first;

		if (fa_template_is_due(template)) {
			template->pid = bear(nest, &first->spawn, first->fds, first->count);
			if (template->pid)
				return;
		} else {
			bear_one(nest, &first->spawn, first->fds, first->count);
		}
		fa_template_drop(template);
	}
}

/* Takes fds. */
static void give_birth(struct nest *nest, const struct fa_spawn *spawn, int *fds, int count)
{
	struct fa_template *template = &nest->template;

	if (fa_template_is_due(template) && !spawn->waits &&
	    fa_template_wait(template, spawn, fds, count) == 0) {
		bear_waiting(nest);
		return;
	}
	if (fa_template_is_due(template))
		tell_stillborn(spawn, "place in the queue", spawn->waits ? EAGAIN : ENOMEM);
	else
		bear_one(nest, spawn, fds, count);
	fa_close_all(fds, count);
}

/* ---- deaths ------------------------------------------------------------ */

static void explain(struct fa_ctl *ctl)
{
	struct trouble trouble;

	while (read(FA_FD_TROUBLE, &trouble, sizeof(trouble)) == (ssize_t)sizeof(trouble)) {
		if (trouble.id != ctl->id)
			continue;
		ctl->error = trouble.error;
		fa_ctl_set_text(ctl, trouble.step);
		return;
	}
}

static int64_t nanoseconds(const struct timeval *time)
{
	return time->tv_sec * 1000000000ll + time->tv_usec * 1000ll;
}

/* Whether the environment that it was made for goes on. */
static bool template_ended(struct nest *nest, int status)
{
	bool ready = fa_template_ended(&nest->template, status);

	if (!ready)
		fa_template_drop(&nest->template);
	return ready;
}

static void tell_exit(struct nest *nest, pid_t pid, int status, const struct rusage *usage)
{
	struct fa_ctl ctl = {
		.type = FA_EXIT,
		.pid = pid,
		.status = status,
		.maxrss_kb = usage->ru_maxrss,
		.cpu_ns = nanoseconds(&usage->ru_utime) + nanoseconds(&usage->ru_stime),
	};

	for (uint32_t i = 0; i < nest->living_count; i++) {
		if (nest->living[i].pid != pid)
			continue;
		ctl.id = nest->living[i].id;
		nest->living[i] = nest->living[--nest->living_count];
		if (pid == nest->template.pid && template_ended(nest, status))
			return;
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_TROUBLE)
			explain(&ctl);
		tell_host(&ctl, 1, NULL, 0);
		return;
	}
}

static void bury(struct nest *nest)
{
	struct signalfd_siginfo info;
	struct rusage usage;
	int status;
	pid_t pid;

	while (read(FA_FD_SIGNAL, &info, sizeof(info)) > 0)
		;
	tell_news(nest); /* of its birth before its end */
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		tell_exit(nest, pid, status, &usage);
	bear_waiting(nest);
}

/* ---- life -------------------------------------------------------------- */

static void listen_to_host(struct nest *nest)
{
	int fds[FA_CTL_FDS], count;
	ssize_t n = fa_ctl_recv(FA_FD_HOST, &message, sizeof(message), fds, &count);

	if (n <= 0 && n != -EBADMSG)
		_exit(0); /* and with us, as process 1, everybody in here */
	if (n >= (ssize_t)sizeof(struct fa_spawn) && message.ctl.type == FA_SPAWN &&
	    count >= AREAS_AND_PIPES) {
		give_birth(nest, &message.spawn, fds, count);
		return;
	}
	if (n > 0 && message.ctl.type == FA_PREPARE &&
	    fa_layers_have(&nest->box.layers, FAAS_LAYER_MOUNT_NS)) {
		int want = message.ctl.status;

		nest->box.pool_target = want < 0 ? 0 : want > FA_POOL_MAX ? FA_POOL_MAX : want;
	}
	fa_close_all(fds, count);
}

/* Nobody else is to be born: the newborn first, if it shares a CPU with us, then the news. */
static void let_live(struct nest *nest)
{
	sched_yield();
	tell_news(nest);
}

/*
 * The newborn may have the CPU first. But if it was given the last private /tmp, and
 * there are more CPUs, that one is replaced at once: birth may follow birth.
 */
static int refill_after_ms(const struct nest *nest, bool quiet)
{
	bool last = nest->run.many_cpus && !nest->box.pool_count;

	if (!fa_sandbox_wants_tmp(&nest->box))
		return fa_networks_want(&nest->box.networks) ? REFILL_MS : -1;
	return quiet || last ? 0 : REFILL_MS;
}

/* Nothing else is to be done. */
static void make_ahead(struct nest *nest)
{
	if (fa_sandbox_wants_tmp(&nest->box))
		fa_sandbox_add_tmp(&nest->box);
	else
		fa_networks_begin(&nest->box.networks, FA_FD_NAMESPACES);
}

_Noreturn static void serve(struct nest *nest)
{
	struct fa_networks *networks = &nest->box.networks;
	struct pollfd wait[] = {
		{ .fd = FA_FD_HOST, .events = POLLIN },
		{ .fd = FA_FD_SIGNAL, .events = POLLIN },
		{ .fd = networks->needed ? networks->keeper : -1, .events = POLLIN },
	};
	bool quiet = false;

	for (;;) {
		bool news = nest->news.count;
		int n = poll(wait, 3, news ? 0 : refill_after_ms(nest, quiet));

		quiet = n == 0 && !news;
		if (n == 0 && news)
			let_live(nest);
		else if (n == 0)
			make_ahead(nest);
		if (n <= 0)
			continue;
		if (wait[2].revents)
			fa_networks_hear(networks);
		if (wait[0].revents)
			listen_to_host(nest);
		if (wait[1].revents)
			bury(nest);
	}
}

#define KEPT (FA_DIRECTORIES - 1) /* of the file system nobody but the function speaks */

/* The strings of the setup, with the directories as environments see them. */
static bool keep_strings(struct nest *nest, const struct fa_nest_setup *setup)
{
	const char *rest = setup->strings, **directories = nest->box.directories;
	size_t lens[KEPT], len = 0;
	char *strings, *at;

	for (int i = 0; i < FA_DIRECTORIES; i++)
		rest += strlen(rest) + 1;
	for (int i = 0; i < KEPT; i++)
		len += lens[i] = strlen(directories[i]) + 1;
	len += setup->strings_len - (size_t)(rest - setup->strings);
	at = strings = malloc(len);
	if (!strings)
		return false;
	for (int i = 0; i < KEPT; at += lens[i++])
		directories[i] = memcpy(at, directories[i], lens[i]);
	memcpy(at, rest, len - (size_t)(at - strings));
	nest->run.strings = strings;
	nest->run.strings_len = (uint32_t)len;
	return true;
}

static bool map_page(struct nest *nest, int fd)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	nest->run.page = page;
	return page != MAP_FAILED;
}

static const char *adopt(struct nest *nest, const struct fa_nest_setup *setup, int *fds, int count)
{
	bool in_vpc = setup->flags & FA_NEST_VPC && count > 3;
	int last = in_vpc ? count -= 2 : count;
	struct fa_vpc_fds vpc = { in_vpc ? fds[last] : -1, in_vpc ? fds[last + 1] : -1 };
	int snapshot = setup->flags & FA_NEST_SNAPSHOT && count > 2 ? fds[--count] : -1;
	const char *failed = fa_sandbox_adopt(&nest->box, setup, fds + 2, count - 2, vpc);

	fa_template_init(&nest->template, snapshot);
	if (failed)
		return failed;
	if (!keep_strings(nest, setup))
		return "memory";
	if (!map_page(nest, fds[1]))
		return "page of the loop";
	nest->run.request_fd = ENV_REQUEST;
	nest->run.response_fd = ENV_RESPONSE;
	nest->run.bell_fd = ENV_BELL;
	nest->run.log_fd = ENV_LOG;
	nest->run.memory_mb = setup->memory_mb;
	nest->run.timeout_ms = setup->timeout_ms;
	nest->run.flags = setup->flags;
	if (!fa_run_prepare(&nest->run))
		return "settings";
	if (dup3(fds[0], FA_FD_HOST, O_CLOEXEC) < 0) /* lets go of the supervisor */
		return "socket of the host";
	close(fds[0]);
	return NULL;
}

static void await_adoption(struct nest *nest)
{
	int fds[FA_CTL_FDS], count;
	ssize_t n = fa_ctl_recv(FA_FD_HOST, &message, sizeof(message), fds, &count);
	const char *failed;

	if (n <= 0)
		_exit(0);
	/* Lengths and their number were checked by the supervisor. */
	failed = adopt(nest, &message.setup, fds, count);
	if (failed)
		give_up(FA_FD_HOST, failed, errno);
}

static void report(const struct nest *nest)
{
	struct fa_hello hello = {
		.ctl.type = FA_HELLO,
		.applied = nest->box.layers.applied,
		.landlock_abi = (uint32_t)nest->box.landlock_abi,
	};

	memcpy(hello.errors, nest->box.layers.errors, sizeof(hello.errors));
	if (nest->box.proc_error) {
		hello.ctl.error = nest->box.proc_error;
		fa_ctl_set_text(&hello.ctl, "no /proc inside");
	}
	fa_ctl_send(FA_FD_HOST, &hello, sizeof(hello), NULL, 0);
}

/* As of Linux 6.12; libc has no name for it yet. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice_ns, deadline_ns, period_ns;
};

/*
 * Whoever asks for less CPU at a time may interrupt who asks for more. A host
 * that wakes up at a deadline shall not wait for the function that it is about to
 * stop. Environments inherit it; older kernels ignore it.
 */
static void give_way(void)
{
	struct scheduling scheduling = { .size = sizeof(scheduling) };

	if (syscall(SYS_sched_getattr, 0, &scheduling, sizeof(scheduling), 0) < 0 ||
	    scheduling.policy != SCHED_OTHER)
		return;
	scheduling.slice_ns = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

_Noreturn void fa_nest_main(void)
{
	static struct nest nest;
	struct fa_birth birth;
	const char *failed;

	if (read(FA_FD_BIRTH, &birth, sizeof(birth)) != (ssize_t)sizeof(birth))
		_exit(1);
	prctl(PR_SET_NAME, "faas-worker", 0, 0, 0); /* executed as /proc/self/exe */
	fa_clone_init();
	give_way();
	failed = fa_sandbox_prepare(&nest.box, &birth);
	if (failed)
		give_up(FA_FD_HOST, failed, errno);
	report(&nest);
	await_adoption(&nest);
	serve(&nest);
}
