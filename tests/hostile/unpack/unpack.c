/* SPDX-License-Identifier: MIT */
/*
 * Does what the ZIP or the layer orders ("order:NAME." in the content of a file), as if its decoder
 * had been taken over. Judging it is honest unless the order begins with "judge-".
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/archive.h>
#include <base/unpacked.h>
#include <faas/types.h>
#include <worker/unpack/unpack.h>

static const char *zip;
static size_t zip_len;
static char order[64], victim[256]; /* what to do, and a file outside */

static void say(uint32_t kind, uint32_t size, const void *data, uint32_t len)
{
	struct fa_unpacked head = { .kind = kind, .len = len, .size = size };

	if (write(1, &head, sizeof(head)) < 0 || (len && write(1, data, len) < 0))
		_exit(1);
}

static void say_text(uint32_t kind, uint32_t size, const char *text)
{
	say(kind, size, text, (uint32_t)strlen(text));
}

/* ---- dying, hanging, flooding ------------------------------------------ */

static void crash(void)
{
	raise(SIGSEGV);
	__builtin_trap();
}

static void leave(void)
{
	_exit(0);
}

static void spin(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

static void stop(void)
{
	raise(SIGSTOP);
	for (;;)
		syscall(SYS_futex, &zip_len, 0, zip_len, NULL, NULL, 0);
}

static void flood(void)
{
	static char noise[65536];

	memset(noise, 'n', sizeof(noise));
	while (write(1, noise, sizeof(noise)) > 0)
		;
}

static void pour(void)
{
	static char piece[FA_UNPACKED_PIECE];

	say_text(FA_ARCHIVE_FILE, 8, "a");
	for (;;)
		say(FA_UNPACKED_DATA, 0, piece, sizeof(piece));
}

static void entries(void)
{
	for (;;)
		say_text(FA_ARCHIVE_DIRECTORY, 0, "d");
}

static uint32_t honest_size(void)
{
	struct fa_archive *archive = fa_archive_open(&fa_mem_libc, zip, zip_len, NULL);
	uint32_t size = archive ? (uint32_t)fa_archive_unpacked(archive) : 0;

	fa_archive_close(archive);
	return size;
}

/* A byte more than all of it was judged to be, and nothing wrong otherwise. */
static void grow(void)
{
	static const char piece[FA_UNPACKED_PIECE];
	uint32_t size = honest_size() + 1;

	say_text(FA_ARCHIVE_FILE, size, "a");
	for (uint32_t left = size, n; left; left -= n) {
		n = left < sizeof(piece) ? left : sizeof(piece);
		say(FA_UNPACKED_DATA, 0, piece, n);
	}
	say(FA_UNPACKED_END, 0, NULL, 0);
}

static void eat(void)
{
	for (;;) {
		char *memory = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			_exit(1);
		memset(memory, 1, 1 << 24);
	}
}

/* ---- writing outside, by way of the host ------------------------------- */

static void write_file(const char *name)
{
	say_text(FA_ARCHIVE_FILE, 1, name);
	say(FA_UNPACKED_DATA, 0, "x", 1);
	say(FA_UNPACKED_END, 0, NULL, 0);
}

static void climb(void)
{
	write_file("../../../escaped");
}

static void absolute(void)
{
	write_file(victim);
}

static void say_link(const char *name, const char *target)
{
	char both[300];
	int len = snprintf(both, sizeof(both), "%s%c%s", name, 0, target);

	say(FA_ARCHIVE_LINK, 0, both, (uint32_t)len);
}

static void lead(void)
{
	say_link("l", victim);
	write_file("l");
}

static void through(void)
{
	say(FA_ARCHIVE_DIRECTORY, 0, "d", 1);
	say_link("d/l", "..");
	write_file("d/l/x");
}

/* What only layers of images have. */
static void say_hard_link(const char *name, const char *target)
{
	char both[300];
	int len = snprintf(both, sizeof(both), "%s%c%s", name, 0, target);

	say(FA_ARCHIVE_HARD_LINK, 0, both, (uint32_t)len);
}

static void hard(void)
{
	say_hard_link("h", "../../../victim");
	write_file("after");
}

static void hard_through(void)
{
	char above[256];

	snprintf(above, sizeof(above), "%s", victim);
	*strrchr(above, '/') = '\0';
	say_link("d", above);
	say_hard_link("h", "d/code.zip");
	write_file("after");
}

static void white(void)
{
	write_file(".wh...");
}

/* ---- reaching out ------------------------------------------------------ */

static char reached[200];

static void note(const char *what, bool got_through)
{
	if (got_through)
		strcat(strcat(reached, " "), what);
}

static void reach(void)
{
	void *code;

	note("read", open("/etc/passwd", O_RDONLY) >= 0);
	note("write", open(victim, O_WRONLY | O_CREAT, 0600) >= 0);
	note("unlink", unlink(victim) == 0);
	note("socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
	note("signal", kill(getppid(), 0) == 0);
	note("fork", ({
		     pid_t pid = fork();
		     if (!pid)
			     _exit(0);
		     pid > 0;
	     }));
	note("pipe", ({
		     int fds[2];
		     pipe(fds) == 0;
	     }));
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	note("code", code != MAP_FAILED);
	strcat(reached, ".");
	say_text(FA_UNPACKED_REFUSED, -FAAS_EINVAL, reached);
}

static void throttle(void)
{
	say_text(FA_UNPACKED_REFUSED, -FAAS_ETHROTTLED, "come back later");
}

static void draw(void)
{
	say_text(FA_UNPACKED_REFUSED, -FAAS_EINVAL, "a\nb\033[2J\177");
}

static void lie(void)
{
	say(FA_UNPACKED_END, 0, NULL, 0);
}

static const struct {
	const char *order;
	void (*obey)(void);
} orders[] = {
	{ "crash", crash },       { "leave", leave },
	{ "spin", spin },         { "stop", stop },
	{ "flood", flood },       { "pour", pour },
	{ "entries", entries },   { "grow", grow },
	{ "eat", eat },           { "climb", climb },
	{ "absolute", absolute }, { "lead", lead },
	{ "through", through },   { "reach", reach },
	{ "hard", hard },         { "hard-through", hard_through },
	{ "white", white },       { "lie", lie },
	{ "draw", draw },         { "throttle", throttle },
};

/* ---- life -------------------------------------------------------------- */

static void read_order(void)
{
	struct stat st;
	const char *at;

	if (fstat(0, &st) < 0)
		exit(2);
	zip_len = (size_t)st.st_size;
	zip = mmap(NULL, zip_len, PROT_READ, MAP_PRIVATE, 0, 0);
	at = zip == MAP_FAILED ? NULL : memmem(zip, zip_len, "order:", 6);
	if (at)
		sscanf(at, "order:%63[^.].%255[^;]", order, victim);
}

int main(int argc, char **argv)
{
	bool judge = argc == 3 && !strcmp(argv[1], "judge");
	bool tar = argc == 3 && !strcmp(argv[1], "tar");
	const char *name = order;

	read_order();
	if (!strncmp(name, "judge-", 6))
		name += 6;
	else if (judge)
		name = "";
	if (strncmp(name, "free-", 5) != 0 &&
	    fa_unpack_confine((uint32_t)atoi(argv[2]), FA_UNPACK_ZIP_S) < 0)
		return 3;
	if (!strncmp(name, "free-", 5))
		name += 5;
	if (*name && !judge && strcmp(name, "nothing") != 0)
		say(FA_UNPACKED_JUDGED, tar ? 0 : honest_size() + !strcmp(name, "lie"), NULL, 0);
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (!strcmp(orders[i].order, name))
			orders[i].obey();
	if (tar)
		_exit(fa_unpack_tar(1, 0) ? 0 : 1);
	_exit(fa_unpack(1, zip, zip_len, judge) ? 0 : 1);
}
