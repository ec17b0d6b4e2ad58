/* SPDX-License-Identifier: MIT */
/*
 * A nest makes an empty network namespace, which belongs to its user namespace, and sends it
 * here. It gets rules ahead of time, which takes the longest, and when somebody is to live in it
 * a veth and an address.
 *
 * Which addresses are taken is written down nowhere. The end of a veth that is in the bridge
 * has the address in its name, so the kernel refuses a second one, whoever asks for it; and it
 * is gone when the last process of its network is. Nothing has to be given back, and nothing
 * stays behind whoever is killed.
 */
#include <worker/vpc/keeper.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <worker/clone.h>
#include <worker/ctl.h>
#include <worker/vpc/link.h>
#include <worker/vpc/rules.h>

#define NFT "/usr/sbin/nft"
#define NFT_MS 30000 /* a machine may be busy */
#define LOOPBACK 1 /* its index in a new network */
#define RESERVED 4 /* first addresses of a subnet that are nobody's; and the last one is */
#define RETRY_MS 10
#define PATIENCE_MS 1000 /* for an address: who had one may be on the way out */
#define OWN_MAX 256

struct client {
	int sock;
	int waits; /* a network that wants an address; -1: none */
	int64_t until_ms;
	uint32_t next; /* subnet to begin with */
	struct fa_vpc vpc;
};

struct keeper {
	int home; /* our network namespace */
	int link; /* and how to speak of it */
	struct client **clients;
	size_t count, size;
};

struct own {
	uint32_t addresses[OWN_MAX];
	size_t count;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void answer(const struct client *c, uint32_t type, int error, const char *text)
{
	struct fa_ctl ctl = { .type = type, .error = error };

	fa_ctl_set_text(&ctl, text);
	fa_ctl_send(c->sock, &ctl, sizeof(ctl), NULL, 0);
}

/* ---- rules ----------------------------------------------------------- */

static void note_own(void *data, uint32_t address)
{
	struct own *own = data;

	if (own->count < OWN_MAX)
		own->addresses[own->count++] = address;
}

_Noreturn static void become_nft(int namespace, int text)
{
	char *const argv[] = { "nft", "-f", "-", NULL }, *const none[] = { NULL };

	if (setns(namespace, CLONE_NEWNET) < 0 || dup2(text, STDIN_FILENO) < 0)
		_exit(126);
	close(STDERR_FILENO);
	open("/dev/null", O_RDWR);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	execve(NFT, argv, none);
	_exit(127);
}

/* One that hangs shall not keep others waiting for ever. */
static int run_nft(int namespace, int text)
{
	struct pollfd end = { .events = POLLIN };
	pid_t pid = fa_clone(0, &end.fd);
	int status;

	if (!pid)
		become_nft(namespace, text);
	if (pid < 0)
		return pid;
	if (poll(&end, 1, NFT_MS) == 0)
		kill(pid, SIGKILL);
	close(end.fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EPROTO : 0;
}

static int load_rules(struct keeper *k, const struct client *c, int namespace)
{
	int file = memfd_create("rules", MFD_CLOEXEC), rc;
	struct own own = { .count = 0 };
	char *text = NULL;
	ssize_t len;

	rc = file < 0 ? -errno : fa_link_addresses(k->link, note_own, &own);
	if (!rc) {
		text = fa_rules_write(&c->vpc, own.addresses, own.count);
		rc = text ? 0 : -ENOMEM;
	}
	if (!rc) {
		len = (ssize_t)strlen(text);
		rc = pwrite(file, text, (size_t)len, 0) == len ? run_nft(namespace, file) : -EIO;
	}
	free(text);
	if (file >= 0)
		close(file);
	return rc;
}

/* A socket that speaks of another namespace. */
static int link_in(const struct keeper *k, int namespace)
{
	int sock, rc = setns(namespace, CLONE_NEWNET) < 0 ? -errno : 0;

	if (rc)
		return rc;
	sock = fa_link_open();
	if (setns(k->home, CLONE_NEWNET) < 0)
		_exit(1); /* nobody would know where we are */
	return sock;
}

static void prepare(struct keeper *k, const struct client *c, int namespace)
{
	int rc = load_rules(k, c, namespace), sock;

	if (rc) {
		answer(c, FA_NETWORK_RULES, -rc, "rules of the network");
		return;
	}
	sock = link_in(k, namespace);
	rc = sock < 0 ? sock : fa_link_up(sock, LOOPBACK);
	if (sock >= 0)
		close(sock);
	answer(c, FA_NETWORK_RULES, -rc, "loopback interface");
}

/* ---- an address ------------------------------------------------------ */

static int join_as(const struct keeper *k, const struct fa_vpc_subnet *s, int bridge, int namespace,
		   uint32_t address)
{
	char name[IF_NAMESIZE];
	int sock, index, rc;

	snprintf(name, sizeof(name), "fa%08x", address);
	rc = fa_link_pair(k->link, name, bridge, namespace, address);
	if (rc)
		return rc;
	if (setns(namespace, CLONE_NEWNET) < 0)
		return -errno;
	index = (int)if_nametoindex(FA_LINK_NAME);
	sock = fa_link_open();
	if (setns(k->home, CLONE_NEWNET) < 0)
		_exit(1);
	rc = sock < 0 ? sock : fa_link_address(sock, index, address, s->bits);
	if (!rc)
		rc = fa_link_up(sock, index);
	if (!rc && s->gateway)
		rc = fa_link_gateway(sock, s->gateway);
	if (sock >= 0)
		close(sock);
	return rc;
}

/*
 * Begins where nobody was for the longest time, as far as one knows: behind the address that was
 * given last. -EADDRNOTAVAIL: there is none.
 */
static int join_subnet(const struct keeper *k, const struct fa_vpc_subnet *s, int namespace)
{
	static uint32_t last;
	uint32_t size = 1u << (32 - s->bits), count = size - RESERVED - 1;
	int bridge = (int)if_nametoindex(s->bridge);
	uint32_t first = last - s->address - RESERVED + 1;

	if (!bridge)
		return -ENODEV;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t address = s->address + RESERVED + (first % count + i) % count;
		bool given = address == s->gateway || address == s->resolver;
		int rc = given ? -EEXIST : join_as(k, s, bridge, namespace, address);

		if (rc == -EEXIST)
			continue;
		last = address;
		return rc;
	}
	return -EADDRNOTAVAIL;
}

/* False: it has to wait, for there is no address. */
static bool join(const struct keeper *k, struct client *c, int namespace)
{
	int rc = -EADDRNOTAVAIL;

	for (uint32_t i = 0; i < c->vpc.subnet_count && rc == -EADDRNOTAVAIL; i++)
		rc = join_subnet(k, &c->vpc.subnets[c->next++ % c->vpc.subnet_count], namespace);
	if (rc == -EADDRNOTAVAIL && now_ms() < c->until_ms)
		return false;
	answer(c, FA_NETWORK_JOIN, -rc,
	       rc == -ENODEV ? "bridge of the subnet" : "address in the subnet");
	return true;
}

static void retry(const struct keeper *k, struct client *c)
{
	if (c->waits < 0 || !join(k, c, c->waits))
		return;
	close(c->waits);
	c->waits = -1;
}

/* ---- those who ask --------------------------------------------------- */

static void free_client(struct client *c)
{
	if (c->waits >= 0)
		close(c->waits);
	close(c->sock);
	free(c);
}

/* False: it is gone. */
static bool listen_to(struct keeper *k, struct client *c)
{
	int fds[FA_CTL_FDS], count;
	struct fa_ctl ctl;
	ssize_t n = fa_ctl_recv(c->sock, &ctl, sizeof(ctl), fds, &count);

	if (n <= 0)
		return false;
	if (count == 1 && ctl.type == FA_NETWORK_RULES) {
		prepare(k, c, fds[0]);
	} else if (count == 1 && ctl.type == FA_NETWORK_JOIN && c->waits < 0) {
		c->waits = fds[0];
		c->until_ms = now_ms() + PATIENCE_MS;
		retry(k, c);
		return true;
	}
	fa_close_all(fds, count);
	return true;
}

static bool add_client(struct keeper *k, const struct fa_vpc *vpc, int sock)
{
	struct client *c = malloc(sizeof(*c)), **clients = k->clients;

	if (c && k->count == k->size) {
		clients = realloc(clients, (2 * k->size + 8) * sizeof(struct client *));
		if (clients) {
			k->clients = clients;
			k->size = 2 * k->size + 8;
		}
	}
	if (!c || !clients) {
		free(c);
		return false;
	}
	*c = (struct client){ .sock = sock, .waits = -1, .vpc = *vpc };
	k->clients[k->count++] = c;
	return true;
}

/* The supervisor is gone: so are we. */
static void listen_to_supervisor(struct keeper *k, int sock)
{
	static struct fa_vpc vpc;
	int fds[FA_CTL_FDS], count;
	ssize_t n = fa_ctl_recv(sock, &vpc, sizeof(vpc), fds, &count);

	if (n <= 0)
		_exit(0);
	if (n != sizeof(vpc) || count != 1 || !vpc.subnet_count ||
	    vpc.subnet_count > FA_VPC_SUBNETS_MAX || vpc.rule_count > FA_VPC_RULES_MAX ||
	    !add_client(k, &vpc, fds[0]))
		fa_close_all(fds, count);
}

static bool waits(const struct keeper *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->clients[i]->waits >= 0)
			return true;
	return false;
}

static void turn(struct keeper *k, int supervisor)
{
	size_t count = k->count, left = 0;
	struct pollfd *wait = malloc((count + 1) * sizeof(*wait));

	if (!wait)
		_exit(1);
	wait[count] = (struct pollfd){ .fd = supervisor, .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		wait[i] = (struct pollfd){ .fd = k->clients[i]->sock, .events = POLLIN };
	if (poll(wait, count + 1, waits(k) ? RETRY_MS : -1) < 0 && errno != EINTR)
		_exit(1);
	for (size_t i = 0; i < count; i++) {
		struct client *c = k->clients[i];

		retry(k, c);
		if (!wait[i].revents || listen_to(k, c))
			k->clients[left++] = c;
		else
			free_client(c);
	}
	k->count = left;
	if (wait[count].revents)
		listen_to_supervisor(k, supervisor);
	free(wait);
}

_Noreturn static void keep(int supervisor)
{
	struct keeper k = { .clients = NULL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NAME, "faas-networks", 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup3(supervisor, FA_SUPERVISOR_FD, O_CLOEXEC) < 0)
		_exit(1);
	syscall(SYS_close_range, FA_SUPERVISOR_FD + 1, ~0u, 0);
	k.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	k.link = fa_link_open();
	if (k.home < 0 || k.link < 0)
		_exit(1);
	for (;;)
		turn(&k, FA_SUPERVISOR_FD);
}

/* ---- the supervisor's end -------------------------------------------- */

int fa_keeper_lack(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const uint32_t needed = 1u << CAP_NET_ADMIN | 1u << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &head, data) < 0 || (data[0].effective & needed) != needed)
		return EPERM;
	return access(NFT, X_OK) < 0 ? errno : 0;
}

static int start(struct fa_keeper *keeper)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fa_clone(0, NULL);
	if (!pid)
		keep(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	keeper->pid = pid;
	keeper->sock = pair[0];
	return 0;
}

static int introduce(struct fa_keeper *keeper, const struct fa_vpc *vpc)
{
	int rc = keeper->pid ? 0 : start(keeper), pair[2];

	if (rc)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	rc = fa_ctl_send(keeper->sock, vpc, sizeof(*vpc), &pair[1], 1);
	close(pair[1]);
	if (!rc)
		return pair[0];
	close(pair[0]);
	return rc;
}

/* It may have been killed a moment ago, and nobody has heard of that yet. */
int fa_keeper_introduce(struct fa_keeper *keeper, const struct fa_vpc *vpc)
{
	int rc = introduce(keeper, vpc);

	if (rc != -EPIPE)
		return rc;
	fa_keeper_end(keeper);
	return introduce(keeper, vpc);
}

void fa_keeper_bury(struct fa_keeper *keeper, pid_t pid)
{
	if (!keeper->pid || pid != keeper->pid)
		return;
	close(keeper->sock);
	keeper->pid = 0;
}

void fa_keeper_end(struct fa_keeper *keeper)
{
	pid_t pid = keeper->pid;

	if (!pid)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fa_keeper_bury(keeper, pid);
}
