/* SPDX-License-Identifier: MIT */
/*
 * faas-worker is spawned with posix_spawn, which does not copy this process,
 * and is reached over a socket only: no SIGCHLD, no waiting for just any child.
 * It is ours and trusted, but a message of the wrong size is still dropped.
 */
#include <env/supervisor.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/error.h>
#include <base/list.h>
#include <env/vpc.h>
#include <model/file_system.h>
#include <model/function.h>
#include <model/sealed.h>

#define GREETING_MS 60000 /* of one that neither speaks nor ends; a machine may be busy */
#define GOODBYE_MS 1000
#define FDS (2 * FA_NEWS_MAX)

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int fa_ctl_send(int socket, const void *data, size_t len, const int *fds, int count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
	}
	return sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int take_fds(struct msghdr *msg, int fds[FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t bytes;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	bytes = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), bytes);
	return (int)(bytes / sizeof(int));
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static ssize_t receive(int socket, void *buffer, size_t size, int fds[FDS], int *count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buffer, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;

	*count = 0;
	n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	*count = take_fds(&msg, fds);
	if (n >= (ssize_t)sizeof(struct fa_ctl) || !n)
		return n;
	close_all(fds, *count);
	return -EBADMSG;
}

ssize_t fa_ctl_recv(int socket, void *buffer, size_t size)
{
	int fds[FDS], count;
	ssize_t n = receive(socket, buffer, size, fds, &count);

	if (n > 0)
		close_all(fds, count); /* nobody sends any there */
	return n;
}

static int spawn(struct fa_supervisor *s, int socket)
{
	char *const argv[] = { "faas-worker", "supervise", NULL };
	char *const envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, socket, FA_SUPERVISOR_FD);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(&s->pid, s->path, &actions, &attributes, argv, envp);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

/* Its socket is closed: it cleans up and goes. What does not go is killed. */
static void reap(struct fa_supervisor *s)
{
	struct pollfd poll_fd = { .fd = s->pidfd, .events = POLLIN };
	siginfo_t info;

	if (s->pidfd < 0)
		return;
	if (poll(&poll_fd, 1, GOODBYE_MS) != 1)
		syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	close(s->pidfd);
	s->pidfd = -1;
}

static int await_greeting(struct fa_supervisor *s, struct faas_error *err)
{
	struct pollfd poll_fd = { .fd = s->watch.fd, .events = POLLIN };
	int rc;
	ssize_t n;

	do
		rc = poll(&poll_fd, 1, GREETING_MS);
	while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		return fa_error(err, FAAS_ESYSTEM,
				"the worker '%s' did not report within %d s: is it faas-worker?",
				s->path, GREETING_MS / 1000);
	n = fa_ctl_recv(s->watch.fd, &s->hello, sizeof(s->hello));
	if (n != sizeof(s->hello) || s->hello.ctl.type != FA_HELLO)
		return fa_error(err, FAAS_ESYSTEM,
				"the worker '%s' ended before it was ready: is it faas-worker, of "
				"this version?", s->path);
	s->greeted = true;
	return 0;
}

int fa_supervisor_open(struct fa_supervisor *s, struct faas_error *err)
{
	int pair[2], rc;

	s->watch.fd = s->pidfd = -1;
	s->serial++;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fa_error_errno(err, errno, "cannot make a socket for the worker");
	rc = spawn(s, pair[1]);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return fa_error(err, FAAS_ESYSTEM, "cannot start the worker '%s': %s", s->path,
				strerror(-rc));
	}
	s->watch.fd = pair[0];
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	rc = s->pidfd < 0 ? fa_error_errno(err, errno, "cannot watch the worker") :
			    await_greeting(s, err);
	if (rc)
		fa_supervisor_close(s);
	return rc;
}

void fa_supervisor_close(struct fa_supervisor *s)
{
	if (s->watch.fd < 0)
		return;
	fa_loop_unwatch(s->loop, &s->watch);
	close(s->watch.fd);
	s->watch.fd = -1;
	reap(s);
}

static void on_supervisor(struct fa_watch *watch, uint32_t events)
{
	struct fa_supervisor *s = fa_container(watch, struct fa_supervisor, watch);
	char buffer[sizeof(struct fa_hello)];
	ssize_t n;

	(void)events;
	while ((n = fa_ctl_recv(watch->fd, buffer, sizeof(buffer))) > 0) {
		struct fa_ctl ctl;

		memcpy(&ctl, buffer, sizeof(ctl));
		if (ctl.type == FA_NEST_DEAD)
			s->on_nest_dead(s->data, &ctl);
	}
	if (n == -EAGAIN || n == -EBADMSG || n == -EINTR)
		return;
	s->on_lost(s->data);
}

int fa_supervisor_watch(struct fa_supervisor *s)
{
	s->watch.on_ready = on_supervisor;
	return fa_loop_watch(s->loop, &s->watch);
}

/* ---- ZIPs ------------------------------------------------------------ */

int fa_supervisor_unpack(const struct fa_supervisor *s, uint32_t id, int zip, int out, int what)
{
	struct fa_ctl ctl = { .type = FA_UNPACK, .id = id, .status = what };
	const int fds[] = { zip, out };

	return s->watch.fd < 0 ? -EPIPE : fa_ctl_send(s->watch.fd, &ctl, sizeof(ctl), fds, 2);
}

int fa_supervisor_end_unpack(const struct fa_supervisor *s, uint32_t id)
{
	struct fa_ctl ctl = { .type = FA_UNPACK_END, .id = id };

	return s->watch.fd < 0 ? -EPIPE : fa_ctl_send(s->watch.fd, &ctl, sizeof(ctl), NULL, 0);
}

/* ---- nests ----------------------------------------------------------- */

struct strings {
	struct fa_nest_setup *setup;
	size_t room;
	bool full;
};

static void put(struct strings *s, const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > s->room - s->setup->strings_len) {
		s->full = true;
		return;
	}
	memcpy(s->setup->strings + s->setup->strings_len, text, len);
	s->setup->strings_len += (uint32_t)len;
}

static void put_part(struct strings *s, struct faas_bytes part)
{
	char text[FA_ARN_MAX];

	memcpy(text, part.data, part.len);
	text[part.len] = '\0';
	put(s, text);
}

static bool has_variable(const struct fa_variables *variables, size_t count, const char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < count; i++)
		if (!strncmp(variables->list[i], text, len))
			return true;
	return false;
}

static const struct fa_image *image_of(const struct fa_version *v)
{
	return v->code.package ? v->code.package->image : NULL;
}

/* Those of an image that the function has not itself. */
static void put_image_variables(struct strings *s, const struct fa_version *v,
				const struct fa_variables *variables)
{
	const struct fa_image *image = image_of(v);

	for (size_t i = 0; image && image->variables[i]; i++)
		if (!has_variable(variables, v->environment_count, image->variables[i]))
			put(s, image->variables[i]);
}

static int put_variables(struct strings *s, const struct fa_version *v)
{
	struct fa_variables variables;

	if (fa_variables_open(&variables, v, NULL) < 0)
		return -EKEYREJECTED;
	put_image_variables(s, v, &variables);
	for (size_t i = 0; i < v->environment_count; i++)
		put(s, variables.list[i]);
	put(s, "");
	fa_variables_close(&variables);
	return 0;
}

/* What the function says instead, or the image's own. */
static void put_texts(struct strings *s, const char *const *said, const char *const *own)
{
	for (const char *const *text = said && *said ? said : own; *text; text++)
		put(s, *text);
}

/* Where the program of an image is started, and how. */
static void put_command(struct strings *s, const struct fa_version *v)
{
	const struct faas_function_config *c = &v->config;
	const struct fa_image *image = image_of(v);

	if (!image)
		return;
	put(s, *c->working_directory ? c->working_directory : image->working_directory);
	put_texts(s, c->entry_point, image->entry_point);
	put_texts(s, c->command, image->command);
}

static int put_function(struct strings *s, const struct fa_version *v)
{
	const char *level = v->config.app_log_level;
	struct fa_name name;

	fa_name_parse(&name, v->arn, NULL);
	put(s, v->directory);
	put(s, v->code.opt ? v->code.opt->directory : "");
	put(s, v->runtime_directory ? v->runtime_directory : "");
	put(s, v->file_system ? v->file_system->path : "");
	put(s, v->config.runtime ? v->config.runtime : "");
	put(s, v->file);
	put(s, v->method);
	put(s, v->config.prototype ? v->config.prototype : "");
	put(s, v->config.name);
	put(s, v->qualifier);
	put(s, v->arn);
	put_part(s, name.account);
	put_part(s, name.region);
	put(s, v->config.log_group);
	put(s, v->config.log_format);
	put(s, level ? level : "");
	if (put_variables(s, v) < 0)
		return -EKEYREJECTED;
	put_command(s, v);
	return 0;
}

/* Whose memory is kept: a sanitizer's cannot be. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STARTED_INTERPRETER 0
#else
#define STARTED_INTERPRETER FA_NEST_SNAPSHOT
#endif

static int send_setup(struct fa_supervisor *s, const struct fa_version *v, uint32_t id,
		      unsigned weak, bool cpu_cap, int nest_end)
{
	union {
		struct fa_nest_setup setup;
		char bytes[FA_CTL_MAX];
	} message;
	struct strings strings = { .setup = &message.setup,
				   .room = sizeof(message) - sizeof(message.setup) };
	int fds[2] = { nest_end, s->loop->page_fd }, rc;

	memset(&message.setup, 0, sizeof(message.setup));
	message.setup.ctl.type = FA_NEST_OPEN;
	message.setup.ctl.id = id;
	message.setup.memory_mb = (uint32_t)v->config.memory_mb;
	message.setup.tmp_mb = (uint32_t)v->config.tmp_mb;
	message.setup.timeout_ms = (uint32_t)v->config.timeout_ms;
	message.setup.weak = weak;
	strncpy(message.setup.mount_path, v->config.mount_path,
		sizeof(message.setup.mount_path) - 1);
	if (v->file_system && v->file_system->read_only)
		message.setup.flags |= FA_NEST_READ_ONLY;
	if (*v->config.subnets)
		fa_vpc_announce(&message.setup, v);
	if (v->config.network)
		message.setup.flags |= FA_NEST_NETWORK;
	if (v->config.pristine)
		message.setup.flags |= FA_NEST_PRISTINE;
	if (v->snapshot)
		message.setup.flags |= FA_NEST_SNAP_START;
	if (fa_version_is_copied(v))
		message.setup.flags |= FA_NEST_SNAPSHOT;
	if (v->program)
		message.setup.flags |= FA_NEST_PROGRAM;
	if (image_of(v))
		message.setup.flags |= FA_NEST_IMAGE;
	if (v->embedded)
		message.setup.flags |= FA_NEST_EMBEDDED | STARTED_INTERPRETER;
	if (cpu_cap)
		message.setup.flags |= FA_NEST_CPU_CAP;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	message.setup.flags |= FA_NEST_ASAN;
#endif
	rc = put_function(&strings, v);
	if (!rc && strings.full)
		rc = -E2BIG;
	if (!rc && *v->config.subnets)
		rc = fa_vpc_send(s->watch.fd, v, id);
	if (!rc)
		rc = fa_ctl_send(s->watch.fd, &message,
				 sizeof(message.setup) + message.setup.strings_len, fds, 2);
	if (v->sealed)
		explicit_bzero(&message, sizeof(message));
	return rc;
}

int fa_nest_open(struct fa_nest *nest, struct fa_supervisor *s, const struct fa_version *v,
		 uint32_t id, unsigned weak, bool cpu_cap)
{
	int pair[2], rc;

	nest->watch.fd = -1;
	if (s->watch.fd < 0)
		return -EPIPE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	rc = send_setup(s, v, id, weak, cpu_cap, pair[1]);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return rc;
	}
	nest->watch.fd = pair[0];
	nest->id = id;
	nest->dead = false;
	return 0;
}

/* Each birth has its descriptors behind those of the one before it. */
static void tell_each(struct fa_nest *nest, const struct fa_ctl *news, size_t count, int *fds,
		      int fd_count)
{
	int used = 0;

	for (size_t i = 0; i < count; i++) {
		int own = news[i].type == FA_BORN ? news[i].status : 0, pair[2] = { -1, -1 };

		for (int k = 0; k < own && k < 2 && used < fd_count; k++)
			pair[k] = fds[used++];
		nest->on_message(nest, &news[i], pair);
	}
	close_all(fds + used, fd_count - used);
}

static void on_nest(struct fa_watch *watch, uint32_t events)
{
	struct fa_nest *nest = fa_container(watch, struct fa_nest, watch);
	struct fa_ctl news[FA_NEWS_MAX];
	int fds[FDS], count;
	ssize_t n;

	(void)events;
	while ((n = receive(watch->fd, news, sizeof(news), fds, &count)) > 0)
		tell_each(nest, news, (size_t)n / sizeof(*news), fds, count);
	/* end of file is no news: the supervisor tells of a nest's death, with its status */
}

int fa_nest_watch(struct fa_nest *nest, struct fa_loop *loop)
{
	nest->watch.on_ready = on_nest;
	return fa_loop_watch(loop, &nest->watch);
}

void fa_nest_close(struct fa_nest *nest, struct fa_loop *loop)
{
	if (nest->watch.fd < 0)
		return;
	fa_loop_unwatch(loop, &nest->watch);
	close(nest->watch.fd);
	nest->watch.fd = -1;
}
