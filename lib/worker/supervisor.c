/* SPDX-License-Identifier: MIT */
/*
 * One nest is always prepared ahead, for no function in particular: with its
 * namespaces, groups and filter it takes longer than all the rest of a cold start.
 * A host that opens a nest gets that one, and the next is made when no message waits.
 * Only a nest with special wishes is made on demand.
 *
 * The supervisor waits for nobody but in poll(): a nest reports on a socket,
 * its death arrives on a signalfd. Control groups may take milliseconds to
 * make and to remove; a child, the groom, does both while nobody waits: it makes those of
 * the next nests, and removes those of dead ones.
 */
#include <worker/supervisor.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/list.h>
#include <worker/birth.h>
#include <worker/ctl.h>
#include <worker/groom.h>
#include <worker/unpackers.h>
#include <worker/view.h>
#include <worker/vpc/keeper.h>

#define PAUSE_MS 2 /* of silence before the next spare: a nest just opened goes first */
/* The sandbox depends on them. */
#define NOT_FOR_SPARE (FA_NEST_NETWORK | FA_NEST_PROGRAM | FA_NEST_VPC)

struct nest {
	struct fa_list link;
	uint32_t id;       /* the host's; meaningless while it is the spare */
	uint32_t serial;
	struct fa_groups *groups;
	pid_t pid;
	int sock;          /* until it is adopted or dead; -1 */
	struct fa_cgroup_limits limits;
	bool snapshot;     /* which weighs as much as one more environment */
	struct fa_ctl last_words; /* .error 0: none */
};

struct supervisor {
	struct fa_nursery nursery;
	struct fa_unpackers unpackers;
	struct fa_keeper keeper;
	struct fa_groom groom;
	int networks;      /* of the nest that is opened next: its socket to the keeper; -errno */
	struct fa_list nests;
	struct nest *spare;
	bool barren;       /* the last spare died unused: make no more ahead */
	bool greeted;
	bool quiet;        /* the host has been silent for a pause, and is */
	int host_life;     /* pidfd, or -1 */
	int signals;
	uint32_t nest_count;
	struct pollfd *wait;
	struct nest **waiting; /* wait[i + FIXED] is waiting[i]'s socket */
	uint32_t wait_size;
};

enum { WAIT_HOST, WAIT_HOST_LIFE, WAIT_SIGNALS, FIXED };

static union {
	struct fa_ctl ctl;
	struct fa_hello hello;
	struct fa_nest_setup setup;
	struct fa_vpc vpc;
	char bytes[FA_CTL_MAX];
} message;

static void tell_host(const void *msg, size_t len)
{
	fa_ctl_send(FA_SUPERVISOR_FD, msg, len, NULL, 0);
}

static void tell_dead(uint32_t id, int status, int error, const char *text)
{
	struct fa_ctl ctl = { .type = FA_NEST_DEAD, .id = id, .status = status, .error = error };

	fa_ctl_set_text(&ctl, text);
	tell_host(&ctl, sizeof(ctl));
}

/* errno, or 0: environments can have networks, which depend on these two. */
static int networks_lack(const struct supervisor *s)
{
	int error = s->nursery.root ? fa_keeper_lack() : EPERM;

	if (!error && !fa_layers_have(&s->nursery.layers,
				      FAAS_LAYER_MOUNT_NS | FAAS_LAYER_CAPABILITIES))
		error = EOPNOTSUPP;
	return error;
}

/* The first words to the host: what a nest on this machine has. */
static void greet(struct supervisor *s, struct fa_hello *hello)
{
	if (s->greeted)
		return;
	s->greeted = true;
	hello->vpc_error = networks_lack(s);
	tell_host(hello, sizeof(*hello));
}

static void greet_without_nests(struct supervisor *s, int error, const char *text)
{
	struct fa_hello hello = { .ctl.type = FA_HELLO, .ctl.error = error };

	fa_ctl_set_text(&hello.ctl, text);
	for (int i = 1; i < 32; i++)
		hello.errors[i] = FAAS_LAYERS_ALL >> i & 1 ? error : 0;
	hello.applied = FAAS_LAYER_PROCESS;
	greet(s, &hello);
}

/* ---- nests ------------------------------------------------------------- */

static bool make_room(struct supervisor *s)
{
	uint32_t size = s->wait_size ? 2 * s->wait_size : 16;
	struct pollfd *wait;
	struct nest **waiting;

	if (s->nest_count < s->wait_size)
		return true;
	wait = realloc(s->wait, (FIXED + size) * sizeof(*wait));
	if (!wait)
		return false;
	s->wait = wait;
	waiting = realloc(s->waiting, size * sizeof(*waiting));
	if (!waiting)
		return false;
	s->waiting = waiting;
	s->wait_size = size;
	return true;
}

static struct nest *make_nest(struct supervisor *s, uint32_t weak, uint32_t flags, uint32_t group,
			      int *error)
{
	struct nest *nest = make_room(s) ? calloc(1, sizeof(*nest)) : NULL;

	*error = ENOMEM;
	if (!nest || !(nest->groups = calloc(1, sizeof(*nest->groups))))
		goto fail;
	nest->pid = fa_nursery_bear(&s->nursery, weak, flags, group, &nest->sock);
	*error = -nest->pid;
	if (nest->pid < 0)
		goto fail;
	nest->serial = s->nursery.serial;
	nest->groups->number = s->nursery.number;
	fa_groom_retry(&s->groom);
	fa_list_append(&s->nests, &nest->link);
	s->nest_count++;
	return nest;

fail:
	free(nest ? nest->groups : NULL);
	free(nest);
	return NULL;
}

static void make_spare(struct supervisor *s)
{
	int error;

	s->spare = make_nest(s, 0, 0, 0, &error);
	if (s->spare)
		return;
	s->barren = true;
	greet_without_nests(s, error, "cannot start a nest");
}

static void close_socket(struct nest *nest)
{
	if (nest->sock >= 0)
		close(nest->sock);
	nest->sock = -1;
}

static void free_nest(struct supervisor *s, struct nest *nest)
{
	fa_groom_leave(&s->groom, nest->groups);
	close_socket(nest);
	fa_list_remove(&nest->link);
	s->nest_count--;
	free(nest);
}

static void listen_to_nest(struct supervisor *s, struct nest *nest)
{
	struct fa_hello heard;
	int fds[FA_CTL_FDS], count;
	ssize_t n = fa_ctl_recv(nest->sock, &heard, sizeof(heard), fds, &count);

	fa_close_all(fds, count);
	if (n <= 0) {
		close_socket(nest); /* adopted, or dead: then we hear of it otherwise */
		if (nest != s->spare)
			fa_cgroup_limit(&s->nursery.groups, nest->groups->number, &nest->limits);
	} else if (heard.ctl.type == FA_HELLO && nest->serial == 1) {
		greet(s, &heard);
	} else if (heard.ctl.type == FA_NEST_DEAD) {
		nest->last_words = heard.ctl;
	}
}

static void bury_nest(struct supervisor *s, struct nest *nest, int status)
{
	struct fa_ctl *words = &nest->last_words;

	while (nest->sock >= 0)
		listen_to_nest(s, nest);
	if (nest == s->spare) {
		s->spare = NULL;
		s->barren = true;
		greet_without_nests(s, words->error ? words->error : ECHILD,
				    words->error ? words->text : "the first nest was killed");
	} else {
		tell_dead(nest->id, status, words->error, words->text);
	}
	free_nest(s, nest);
}

static void bury(struct supervisor *s)
{
	struct signalfd_siginfo info;
	struct fa_list *pos, *tmp;
	int status;
	pid_t pid;

	while (read(s->signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		fa_unpackers_bury(&s->unpackers, pid);
		fa_keeper_bury(&s->keeper, pid);
		fa_groom_bury(&s->groom, pid, status);
		fa_list_for_safe(pos, tmp, &s->nests)
			if (fa_container(pos, struct nest, link)->pid == pid)
				bury_nest(s, fa_container(pos, struct nest, link), status);
	}
}

static struct nest *find_nest(struct supervisor *s, uint32_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &s->nests) {
		struct nest *nest = fa_container(pos, struct nest, link);

		if (nest != s->spare && nest->id == id)
			return nest;
	}
	return NULL;
}

/* ---- what the host wants ----------------------------------------------- */

static bool strings_are_whole(const struct fa_nest_setup *setup, size_t len)
{
	return len >= sizeof(*setup) && setup->strings_len &&
	       setup->strings_len == len - sizeof(*setup) &&
	       !setup->strings[setup->strings_len - 1] && setup->strings[0] == '/' &&
	       strlen(setup->strings) + 1 < setup->strings_len;
}

/*
 * With a user of its own an environment is neither the owner nor in the group
 * of the code. To say so now is kinder than "Permission denied" from inside.
 */
static int check_readable(const struct supervisor *s, int code)
{
	struct stat st;

	if (fstat(code, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return s->nursery.setuid && (st.st_mode & 05) != 05 ? -EACCES : 0;
}

/* A clone of a directory of code; -1 if nests have no view; *error if it cannot be. */
static int clone_code(const struct supervisor *s, const struct fa_nest_setup *setup,
		      const char *path, int *error)
{
	int code;

	*error = 0;
	if (!fa_layers_have(&s->nursery.layers, FAAS_LAYER_MOUNT_NS) ||
	    setup->weak & FAAS_LAYER_MOUNT_NS)
		return -1;
	code = fa_view_code(path);
	*error = code < 0 ? -code : -check_readable(s, code);
	return code;
}

/* What may be done in it is for its own permissions to say, at the time. */
static int clone_files(const struct supervisor *s, const struct fa_nest_setup *setup,
		       const char *path, int *error)
{
	int tree = -EOPNOTSUPP;

	if (fa_layers_have(&s->nursery.layers, FAAS_LAYER_MOUNT_NS) &&
	    !(setup->weak & FAAS_LAYER_MOUNT_NS))
		tree = fa_view_files(path, setup->flags & FA_NEST_READ_ONLY);
	*error = tree < 0 ? -tree : 0;
	return tree;
}

/* NULL, or what failed. */
static const char *clone_directories(const struct supervisor *s, const struct fa_nest_setup *setup,
				     int *fds, int *count, int *error)
{
	static const char *const names[FA_DIRECTORIES] = { "code directory", "directory of layers",
							   "directory of the runtime",
							   "file system" };
	const char *at = setup->strings, *end = at + setup->strings_len;

	for (int i = 0; i < FA_DIRECTORIES && at < end; i++, at += strlen(at) + 1) {
		bool files = i == FA_DIRECTORIES - 1;
		int tree = !*at ? -1 :
			   files ? clone_files(s, setup, at, error) :
				   clone_code(s, setup, at, error);

		if (tree >= 0)
			fds[(*count)++] = tree;
		if (*at && *error)
			return *error != EACCES || i ? names[i] :
						       "code directory: others need r-x on it";
	}
	return NULL;
}

/* Environments that share files are in the group of them. */
static uint32_t group_of(const struct fa_nest_setup *setup, int files)
{
	struct stat st;

	return *setup->mount_path && fstat(files, &st) == 0 ? st.st_gid : 0;
}

/* `files`: of the function, if it has any. */
static struct nest *choose_nest(struct supervisor *s, const struct fa_nest_setup *setup, int files,
				int *error)
{
	struct nest *nest = s->spare;
	uint32_t group = group_of(setup, files);

	if (!nest || setup->weak || setup->flags & NOT_FOR_SPARE || group)
		return make_nest(s, setup->weak, setup->flags, group, error);
	s->spare = NULL;
	return nest;
}

/* The nest's filter may refuse to make such a file, or to let a function make one. */
static bool add_snapshot(int *fds, int *count, int *error)
{
	int file = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	*error = errno;
	if (file < 0)
		return false;
	fds[(*count)++] = file;
	return true;
}

/* What FA_VPC left, and where names come from. */
static bool add_networks(struct supervisor *s, const struct fa_nest_setup *setup, int *fds,
			 int *count, int *error)
{
	const size_t resolvers = sizeof(setup->resolvers) / sizeof(*setup->resolvers);
	int networks = s->networks, tree;

	s->networks = -EPROTO;
	*error = -networks;
	if (networks < 0)
		return false;
	fds[(*count)++] = networks;
	tree = fa_view_resolvers(setup->resolvers, resolvers);
	*error = -tree;
	if (tree < 0)
		return false;
	fds[(*count)++] = tree;
	return true;
}

static void introduce(struct supervisor *s, const struct fa_vpc *vpc)
{
	int error = networks_lack(s);

	if (s->networks >= 0)
		close(s->networks);
	s->networks = error ? -error : fa_keeper_introduce(&s->keeper, vpc);
}

/* Takes fds: the nest's end of its socket to the host, and the loop's page. */
static void open_nest(struct supervisor *s, const struct fa_nest_setup *setup, size_t len, int *fds)
{
	int give[FA_CTL_FDS] = { fds[0], fds[1] }, count = 2, error = 0;
	const char *step = clone_directories(s, setup, give, &count, &error);
	int files = give[count - 1]; /* the last, if there are any */
	struct nest *nest;

	if (step)
		goto fail;
	step = "snapshot";
	if (setup->flags & FA_NEST_SNAPSHOT && !add_snapshot(give, &count, &error))
		goto fail;
	step = "networks of the VPC";
	if (setup->flags & FA_NEST_VPC && !add_networks(s, setup, give, &count, &error))
		goto fail;
	step = "process";
	nest = choose_nest(s, setup, files, &error);
	if (!nest)
		goto fail;
	nest->id = setup->ctl.id;
	fa_ctl_send(nest->sock, setup, len, give, count);
	nest->snapshot = setup->flags & FA_NEST_SNAPSHOT;
	nest->limits.environments = 1 + nest->snapshot;
	nest->limits.memory_mb = setup->memory_mb;
	nest->limits.tmp_mb = setup->tmp_mb;
	nest->limits.cpu_cap = setup->flags & FA_NEST_CPU_CAP;
	fa_close_all(give, count);
	return;
fail:
	tell_dead(setup->ctl.id, 0, error, step);
	fa_close_all(give, count);
}

static void close_nest(struct supervisor *s, uint32_t id)
{
	struct nest *nest = find_nest(s, id);

	if (nest) /* not reaped yet, so the pid is still its own */
		kill(nest->pid, SIGKILL);
}

static void limit_nest(struct supervisor *s, const struct fa_ctl *ctl)
{
	struct nest *nest = find_nest(s, ctl->id);

	if (!nest)
		return;
	nest->limits.environments = (ctl->status < 1 ? 1 : (uint32_t)ctl->status) + nest->snapshot;
	fa_cgroup_limit(&s->nursery.groups, nest->groups->number, &nest->limits);
}

/* False: the host is gone. */
static bool listen_to_host(struct supervisor *s)
{
	int fds[FA_CTL_FDS], count;
	ssize_t n = fa_ctl_recv(FA_SUPERVISOR_FD, &message, sizeof(message), fds, &count);

	if (n <= 0)
		return n == -EBADMSG;
	switch (message.ctl.type) {
	case FA_NEST_OPEN:
		if (count == 2 && strings_are_whole(&message.setup, (size_t)n)) {
			open_nest(s, &message.setup, (size_t)n, fds);
			explicit_bzero(&message, (size_t)n);
			return true;
		}
		tell_dead(message.ctl.id, 0, EINVAL, "malformed message");
		break;
	case FA_NEST_CLOSE:
		close_nest(s, message.ctl.id);
		break;
	case FA_LIMITS:
		limit_nest(s, &message.ctl);
		break;
	case FA_UNPACK:
		if (count == 2 && (uint32_t)message.ctl.status <= FA_UNPACK_TAR)
			fa_unpackers_start(&s->unpackers, message.ctl.id, fds[0], fds[1],
					   (enum fa_unpack_what)message.ctl.status);
		break;
	case FA_VPC:
		if (n == sizeof(message.vpc))
			introduce(s, &message.vpc);
		break;
	case FA_UNPACK_END:
		fa_unpackers_kill(&s->unpackers, message.ctl.id);
		break;
	}
	fa_close_all(fds, count);
	return true;
}

/* ---- life -------------------------------------------------------------- */

static uint32_t gather(struct supervisor *s)
{
	struct fa_list *pos;
	uint32_t n = 0;

	s->wait[WAIT_HOST] = (struct pollfd){ .fd = FA_SUPERVISOR_FD, .events = POLLIN };
	s->wait[WAIT_HOST_LIFE] = (struct pollfd){ .fd = s->host_life, .events = POLLIN };
	s->wait[WAIT_SIGNALS] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	fa_list_for(pos, &s->nests) {
		struct nest *nest = fa_container(pos, struct nest, link);

		if (nest->sock < 0)
			continue;
		s->waiting[n] = nest;
		s->wait[FIXED + n++] = (struct pollfd){ .fd = nest->sock, .events = POLLIN };
	}
	return n;
}

/* False: the host is gone. */
static bool turn(struct supervisor *s)
{
	bool ahead = s->greeted && !s->barren, groom = fa_groom_wanted(&s->groom, ahead);
	bool spare = !s->spare && !s->barren && !(s->greeted && fa_groom_owes(&s->groom));
	uint32_t sockets = gather(s);
	int pause = s->greeted && !s->quiet ? PAUSE_MS : 0;
	int n = poll(s->wait, FIXED + sockets, spare || groom ? pause : -1);

	s->quiet |= n == 0;
	if (n == 0 && spare)
		make_spare(s);
	else if (n == 0)
		fa_groom_start(&s->groom, ahead);
	if (n <= 0)
		return n == 0 || errno == EINTR;
	if (s->wait[WAIT_HOST_LIFE].revents)
		return false;
	for (uint32_t i = 0; i < sockets; i++)
		if (s->wait[FIXED + i].revents)
			listen_to_nest(s, s->waiting[i]);
	if (s->wait[WAIT_SIGNALS].revents)
		bury(s);
	if (!s->wait[WAIT_HOST].revents)
		return true;
	s->quiet = false;
	return listen_to_host(s);
}

static void end_nests(struct supervisor *s)
{
	struct fa_list *pos, *tmp;

	fa_unpackers_end(&s->unpackers);
	fa_list_for(pos, &s->nests)
		kill(fa_container(pos, struct nest, link)->pid, SIGKILL);
	fa_list_for_safe(pos, tmp, &s->nests) {
		waitpid(fa_container(pos, struct nest, link)->pid, NULL, 0);
		free_nest(s, fa_container(pos, struct nest, link));
	}
	fa_groom_end(&s->groom);
	fa_keeper_end(&s->keeper);
}

/* The host's way with signals and files is not ours: start from what is usual. */
static int settle(struct supervisor *s)
{
	struct rlimit files;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t set;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	if (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0)
		return -errno;
	if (fcntl(FA_SUPERVISOR_FD, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	syscall(SYS_close_range, FA_SUPERVISOR_FD + 1, ~0u, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* variables pass through here */
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals < 0)
		return -errno;
	/* Besides the socket, of which a forked host's child may hold a copy. */
	s->host_life = getppid() ? (int)syscall(SYS_pidfd_open, getppid(), 0) : -1;
	return chdir("/") < 0 ? -errno : 0;
}

int fa_supervise(void)
{
	static struct supervisor supervisor;
	struct supervisor *s = &supervisor;

	fa_list_init(&s->nests);
	fa_groom_init(&s->groom, &s->nursery);
	s->networks = -EPROTO;
	if (settle(s) < 0 || !make_room(s))
		return 1;
	fa_nursery_open(&s->nursery);
	fa_unpackers_init(&s->unpackers, fa_nursery_spare_uid(&s->nursery));
	while (turn(s))
		;
	end_nests(s);
	return 0;
}
