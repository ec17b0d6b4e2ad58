/* SPDX-License-Identifier: MIT */
/*
 * Whoever reaches the loopback interface may use a door there, and any web page reaches
 * it, through the browser of whoever looks at the page. What gives a page away are two
 * fields that no page can forge. Origin says where a page came from that sends
 * something: only pages of this door may. Host says by what name the door was reached:
 * a page whose own name was made to lead here (DNS rebinding) is of the same origin
 * as we are, but comes by that name. Numbers and localhost are in nobody's hands.
 */
#include <http/guard.h>

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <base/error.h>
#include <http/url.h>

#define HOST_MAX 253

/* "localhost:9001" without the port, "[::1]:9001" without brackets, too; NULL: too long. */
static const char *name_of(char out[HOST_MAX + 1], const char *host)
{
	bool bracket = *host == '[';
	size_t len = strcspn(host += bracket, bracket ? "]" : ":");

	if (len > HOST_MAX)
		return NULL;
	memcpy(out, host, len);
	out[len] = '\0';
	if (len && out[len - 1] == '.')
		out[len - 1] = '\0';
	return out;
}

static bool is_number(const char *name)
{
	struct in6_addr address;

	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

static bool is_localhost(const char *name)
{
	static const char last[] = "localhost";
	size_t len = strlen(name), last_len = sizeof(last) - 1;

	if (len < last_len || strcasecmp(name + len - last_len, last) != 0)
		return false;
	return len == last_len || name[len - last_len - 1] == '.';
}

static bool is_among(const char *names, const char *name)
{
	size_t len;

	for (; names && *(names += strspn(names, " ")); names += len) {
		len = strcspn(names, " ");
		if (len == strlen(name) && !strncasecmp(names, name, len))
			return true;
	}
	return false;
}

/* A browser always names a host; what names none is of HTTP/1.0, and no browser. */
static bool may_be_called(const char *host, const char *names)
{
	char text[HOST_MAX + 1];
	const char *name = host ? name_of(text, host) : NULL;

	return !host || (name && (is_number(name) || is_localhost(name) || is_among(names, name)));
}

static bool is_own(const char *origin, const char *host)
{
	const char *authority = strstr(origin, "://");

	return authority && host && !strcasecmp(authority + 3, host);
}

int fa_guard_check(const struct fa_http_request *request, bool local, bool open,
		   const char *names, struct faas_error *err)
{
	const char *host = fa_http_get(request, "Host"), *origin = fa_http_get(request, "Origin");
	struct fa_url_target url = { .by_host = false };

	fa_url_is_meant(request, &url);
	if (local && !url.by_host && !may_be_called(host, names))
		return fa_error(err, FAAS_EDENIED,
				"'%.80s' is no name of this door: it answers to addresses, to "
				"localhost and to the names that its host program gave it",
				host);
	if (origin && !open && !is_own(origin, host))
		return fa_error(err, FAAS_EDENIED,
				"a page of '%.80s' may not use this door: only pages of "
				"'http://%.60s' may",
				origin, host ? host : "");
	return 0;
}
