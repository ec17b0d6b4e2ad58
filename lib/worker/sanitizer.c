/* SPDX-License-Identifier: MIT */
/*
 * A worker that is built with a sanitizer dies like one that is not: of the
 * signal itself, which the host must see. And it looks for no leaks when a
 * function exits: in the sandbox it could not.
 */
#define SIGNALS_AS_USUAL \
	"handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"

#if defined(__SANITIZE_ADDRESS__)

const char *__asan_default_options(void);

__attribute__((visibility("default")))
const char *__asan_default_options(void)
{
	return SIGNALS_AS_USUAL ":detect_leaks=0";
}

#elif defined(__SANITIZE_THREAD__)

const char *__tsan_default_options(void);

__attribute__((visibility("default")))
const char *__tsan_default_options(void)
{
	return SIGNALS_AS_USUAL;
}

#endif
