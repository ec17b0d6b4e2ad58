/* SPDX-License-Identifier: MIT */
/*
 * The bytes arrive twice, whole and in pieces of a size that the input names:
 * how a pipe is read must not change what is told. The first two bytes choose
 * the pieces, what is left of the budget, and how often all of it is written:
 * a line that is too long takes more than one input.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

const char fuzz_promise[] = "any_output_becomes_bounded_lines_however_its_pipe_is_read";

/* clang-format off */
const char *const fuzz_corpus[] = {
	"\x01\x40plain\nlines\n\n",
	"\x03\x50\x1e" "2a framed line\nplain\n\x1e" "5another\rone\n",
	"\x05\x60no end, then a frame\x1e" "0text\n\x1e\x1e\x1e" "9\n\x1e\n",
	"\x02\x07" "a budget that ends\namid all of this\nand counts\nwhat it drops\n",
	"\x7f\x7f" "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	NULL,
};
/* clang-format on */

#define INPUT_MAX 8192
#define TOLD_MAX (10 * INPUT_MAX) /* an empty line is told in two bytes, and four times */

/* What was told in one reading: lines as level, text, '\n'. */
struct told {
	char text[TOLD_MAX];
	size_t len, bytes;
	uint64_t dropped;
	char tail[FA_LOG_TAIL];
	size_t tail_len;
};

static struct fa_envs envs = { .mem = &fa_mem_libc, .clock = &fa_clock_real, .listening = true };
static struct fa_version version; /* of plain text */
static struct fa_pool pool = { .envs = &envs, .version = &version };
static struct fa_loop loop = { .epoll = -1 };

static void on_line(void *data, struct fa_env *env, const char *request_id, int level,
		    const char *text, size_t len)
{
	struct told *told = data;

	PROPERTY(len <= FA_LOG_LINE_MAX && level >= -1 && level <= FAAS_FATAL);
	PROPERTY(env->pool == &pool && !strcmp(request_id, "request"));
	PROPERTY(!memchr(text, '\n', len) && !memchr(text, FA_LOG_MARK, len));
	PROPERTY(told->len + len + 2 <= TOLD_MAX);
	told->text[told->len++] = (char)('0' + level);
	memcpy(told->text + told->len, text, len);
	told->len += len;
	told->text[told->len++] = '\n';
	told->bytes += len;
}

static void on_dropped(void *data, struct fa_env *env, const char *request_id, uint64_t bytes)
{
	struct told *told = data;

	PROPERTY(bytes && env->pool == &pool && !strcmp(request_id, "request"));
	told->dropped += bytes;
}

static void pour(struct fa_env *env, int fd, const uint8_t *data, size_t size, size_t piece)
{
	while (size) {
		size_t n = size < piece ? size : piece;

		PROPERTY(write(fd, data, n) == (ssize_t)n);
		fa_logs_end(env, true);
		data += n;
		size -= n;
	}
}

static void read_all(struct told *told, const uint8_t *data, size_t size, size_t piece,
		     uint64_t left, unsigned times)
{
	static struct fa_env env;
	static const char request_id[40] = "request";
	int fds[2];

	memset(&env, 0, sizeof(env));
	told->len = told->bytes = told->tail_len = 0;
	told->dropped = 0;
	env.pool = &pool;
	envs.data = told;
	PROPERTY(!pipe2(fds, O_CLOEXEC | O_NONBLOCK) && !fa_logs_init(&env.logs));
	fa_logs_open(&env, fds[0]);
	fa_logs_begin(&env, request_id, true);
	env.logs.delivered = FA_LOG_BUDGET - left;
	while (times--)
		pour(&env, fds[1], data, size, piece);
	fa_logs_close(&env);
	told->tail_len = fa_logs_tail(&env, told->tail);
	fa_logs_end(&env, false);
	fa_logs_finish(&env.logs);
	close(fds[0]);
	close(fds[1]);
}

static size_t count(const uint8_t *data, size_t size, int c)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == c;
	return n;
}

/* Each byte is told, counted as dropped, or was the end or the mark of a line. */
static void check(const struct told *told, const uint8_t *data, size_t size, uint64_t left,
		  unsigned times)
{
	size_t marks = 2 * count(data, size, FA_LOG_MARK), ends = count(data, size, '\n');

	PROPERTY(told->bytes <= left);
	PROPERTY(told->bytes + times * (marks + ends) + told->dropped >= times * size);
	PROPERTY(told->bytes <= times * size && told->tail_len <= FA_LOG_TAIL);
	PROPERTY(told->tail_len <= told->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct told whole, parts;
	size_t piece = size ? 1 + data[0] : 1;
	uint64_t left = size > 1 && data[1] < 64 ? data[1] : FA_LOG_BUDGET;
	unsigned times = size > 1 ? 1 + data[1] % 4u : 1;

	envs.loop = &loop;
	envs.on_line = on_line;
	envs.on_dropped = on_dropped;
	size = size < INPUT_MAX ? size : INPUT_MAX;
	read_all(&whole, data, size, INPUT_MAX, left, times);
	read_all(&parts, data, size, piece, left, times);
	check(&whole, data, size, left, times);
	PROPERTY(whole.len == parts.len && !memcmp(whole.text, parts.text, whole.len));
	PROPERTY(whole.dropped == parts.dropped && whole.tail_len == parts.tail_len);
	PROPERTY(!memcmp(whole.tail, parts.tail, whole.tail_len));
	return 0;
}
