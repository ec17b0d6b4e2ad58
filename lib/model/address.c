/* SPDX-License-Identifier: MIT */
/* Addresses are read here and nowhere else: a new kind of target is a row of the table. */
#include <model/address.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/name.h>

static bool fits_plain(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= FA_ADDRESS_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-_") == len;
}

/* The one dot that a name may have is that of a FIFO queue. */
static bool fits_queue(const char *name)
{
	size_t len = strlen(name);
	char plain[FA_ADDRESS_NAME_MAX + 1];

	if (len <= 5 || len > FA_ADDRESS_NAME_MAX || strcmp(name + len - 5, ".fifo") != 0)
		return fits_plain(name);
	snprintf(plain, sizeof(plain), "%.*s", (int)len - 5, name);
	return fits_plain(plain);
}

static bool fits_function(const char *name)
{
	struct fa_name parsed;

	return strlen(name) < FA_ADDRESS_MAX - 16 && !fa_name_parse(&parsed, name, NULL);
}

bool fa_address_is_path(const char *path)
{
	size_t len = strlen(path);

	return len > 1 && *path == '/' && path[len - 1] != '/';
}

static bool fits_directory(const char *path)
{
	return fa_address_is_path(path) && strlen(path) < FA_ADDRESS_MAX - 16;
}

static const struct {
	const char *scheme;
	bool (*fits)(const char *name);
	const char *arn; /* up to its region, and behind its account; NULL: it has none */
	const char *between;
} kinds[] = {
	[FA_TO_QUEUE] = { "queue:", fits_queue, "arn:aws:sqs:", ":" },
	[FA_TO_FUNCTION] = { "function:", fits_function, NULL, NULL },
	[FA_TO_CALLBACK] = { "callback:", fits_plain, NULL, NULL },
	[FA_TO_TOPIC] = { "topic:", fits_plain, "arn:aws:sns:", ":" },
	[FA_TO_BUS] = { "bus:", fits_plain, "arn:aws:events:", ":event-bus/" },
	[FA_TO_DIRECTORY] = { "dir:", fits_directory, NULL, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static const char *after(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(text, scheme, len) ? NULL : text + len;
}

/* Whatever region and account it has: there is one of each here. */
static const char *name_in_arn(const char *text, enum fa_address_kind kind)
{
	const char *at = kinds[kind].arn ? after(text, kinds[kind].arn) : NULL;

	at = at ? strchr(at, ':') : NULL;
	at = at ? strchr(at + 1, ':') : NULL;
	return at ? after(at, kinds[kind].between) : NULL;
}

/* The name that is meant, and its kind; NULL: no address. */
static const char *read_name(const char *text, enum fa_address_kind *kind)
{
	const char *name;

	for (*kind = 0; *kind < KINDS; ++*kind) {
		name = after(text, kinds[*kind].scheme);
		if (!name)
			name = name_in_arn(text, *kind);
		if (name)
			return name;
	}
	*kind = FA_TO_FUNCTION;
	return after(text, "arn:aws:lambda:") ? text : NULL;
}

int fa_address_parse(struct fa_address *address, const char *text, struct faas_error *err)
{
	enum fa_address_kind kind;
	const char *name = text ? read_name(text, &kind) : NULL;

	if (!name || !kinds[kind].fits(name))
		return fa_error(err, FAAS_EINVAL,
				"'%.80s' is no address: expected queue:NAME, topic:NAME, bus:NAME, "
				"dir:/PATH, function:NAME[:QUALIFIER] or callback:NAME",
				text ? text : "");
	address->kind = kind;
	snprintf(address->text, sizeof(address->text), "%s%s", kinds[kind].scheme, name);
	address->name = address->text + strlen(kinds[kind].scheme);
	return 0;
}

int fa_address_parse_letter(struct fa_address *address, const char *text,
			    struct faas_error *err)
{
	int rc = fa_address_parse(address, text, err);

	if (rc || address->kind != FA_TO_DIRECTORY)
		return rc;
	return fa_error(err, FAAS_EINVAL,
			"'%.80s' is a directory, whose files have no attributes as dead letters "
			"and messages do: expected queue:NAME, topic:NAME, bus:NAME, "
			"function:NAME[:QUALIFIER] or callback:NAME",
			text);
}

void fa_address_arn(const struct fa_address *address, const char *region, const char *account,
		    char out[FA_ADDRESS_ARN])
{
	if (!kinds[address->kind].arn)
		snprintf(out, FA_ADDRESS_ARN, "%s", address->text);
	else
		snprintf(out, FA_ADDRESS_ARN, "%s%s:%s%s%s", kinds[address->kind].arn, region,
			 account, kinds[address->kind].between, address->name);
}
