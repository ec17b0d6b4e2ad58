/* SPDX-License-Identifier: MIT */
#include <worker/ctl.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FA_CTL_FDS * sizeof(int))];
};

int fa_ctl_send(int sock, const void *msg, size_t len, const int *fds, int count)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (count) {
		size_t bytes = (size_t)count * sizeof(int);

		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(&control.align), fds, bytes);
	}
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

ssize_t fa_ctl_recv(int sock, void *msg, size_t size, int fds[FA_CTL_FDS], int *count)
{
	union control control;
	struct iovec iov = { .iov_base = msg, .iov_len = size };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	*count = 0;
	do /* a peer that died without reading all is told of once, before its last words */
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		return n < 0 ? -errno : 0;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		memcpy(fds, CMSG_DATA(c), bytes);
		*count = (int)(bytes / sizeof(int));
	}
	if (n >= (ssize_t)sizeof(struct fa_ctl) && !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	fa_close_all(fds, *count);
	*count = 0;
	return -EBADMSG;
}

void fa_ctl_set_text(struct fa_ctl *ctl, const char *text)
{
	size_t len = strnlen(text, sizeof(ctl->text) - 1);

	memcpy(ctl->text, text, len);
	ctl->text[len] = '\0';
}

void fa_close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
