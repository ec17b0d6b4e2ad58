/* SPDX-License-Identifier: MIT */
/*
 * The namespace is made here, so that it belongs to the nest's user namespace and a child may
 * enter it; what is in it, somebody does who has the right. Where that somebody is gone the
 * nest ends, as without its supervisor, and the host makes another.
 */
#include <worker/network.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <worker/ctl.h>

int fa_networks_open(struct fa_networks *n, int keeper, int namespaces)
{
	n->needed = true;
	n->keeper = keeper;
	n->made = -1;
	n->base = openat(namespaces, "net", O_RDONLY | O_CLOEXEC);
	return n->base < 0 ? -errno : 0;
}

static int make(const struct fa_networks *n, int namespaces)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = openat(namespaces, "net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	if (setns(n->base, CLONE_NEWNET) < 0)
		_exit(1); /* we would stay in the environment's */
	return fd;
}

static void ask(const struct fa_networks *n, uint32_t type, int network)
{
	struct fa_ctl ctl = { .type = type };

	if (fa_ctl_send(n->keeper, &ctl, sizeof(ctl), &network, 1) < 0)
		_exit(0);
}

/* The next answer; what is said of rules is noted. */
static struct fa_ctl hear(struct fa_networks *n)
{
	int fds[FA_CTL_FDS], count;
	struct fa_ctl ctl;

	if (fa_ctl_recv(n->keeper, &ctl, sizeof(ctl), fds, &count) <= 0)
		_exit(0);
	fa_close_all(fds, count);
	if (ctl.type != FA_NETWORK_RULES || n->made < 0)
		return ctl;
	if (ctl.error) {
		n->failed = ctl;
		close(n->made);
	} else {
		n->ready[n->ready_count++] = n->made;
	}
	n->made = -1;
	return ctl;
}

bool fa_networks_want(const struct fa_networks *n)
{
	return n->needed && !n->failed.error && n->made < 0 && n->ready_count < FA_NETWORKS_AHEAD;
}

void fa_networks_begin(struct fa_networks *n, int namespaces)
{
	int fd = make(n, namespaces);

	if (fd < 0) {
		n->failed.error = -fd;
		fa_ctl_set_text(&n->failed, "network namespace");
		return;
	}
	n->made = fd;
	ask(n, FA_NETWORK_RULES, fd);
}

void fa_networks_hear(struct fa_networks *n)
{
	hear(n);
}

int fa_networks_take(struct fa_networks *n, int namespaces, int *network, const char **step)
{
	struct fa_ctl ctl;

	*network = -1;
	if (!n->needed)
		return 0;
	*step = n->failed.text;
	n->failed.error = 0;
	if (!n->ready_count && n->made < 0)
		fa_networks_begin(n, namespaces);
	while (!n->ready_count && !n->failed.error)
		hear(n);
	if (!n->ready_count)
		return -n->failed.error;
	*network = n->ready[--n->ready_count];
	ask(n, FA_NETWORK_JOIN, *network);
	do
		ctl = hear(n);
	while (ctl.type != FA_NETWORK_JOIN);
	if (!ctl.error)
		return 0;
	n->failed = ctl;
	close(*network); /* half of it may have been done */
	*network = -1;
	return -ctl.error;
}
