/* SPDX-License-Identifier: MIT */
/*
 * The names are those of the API's model. What runs a language's functions lies in a directory
 * of its own; the interpreter is the system's.
 */
#include <model/runtimes.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>

static const char *const own[] = { "provided", "provided.al2", "provided.al2023" };
static const char *const others[] = {
	"nodejs",        "nodejs4.3",     "nodejs6.10",    "nodejs8.10",    "nodejs10.x",
	"nodejs12.x",    "nodejs14.x",    "nodejs16.x",    "nodejs18.x",    "nodejs20.x",
	"nodejs22.x",    "nodejs24.x",    "nodejs26.x",    "nodejs4.3-edge", "java8",
	"java8.al2",     "java8.al2023",  "java11",        "java11.al2023", "java17",
	"java17.al2023", "java21",        "java25",        "python2.7",     "python3.6",
	"python3.7",     "python3.8",     "python3.9",     "python3.10",    "python3.11",
	"python3.12",    "python3.13",    "python3.14",    "python3.15",    "dotnetcore1.0",
	"dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6",       "dotnet8",
	"dotnet10",      "go1.x",         "ruby2.5",       "ruby2.7",       "ruby3.2",
	"ruby3.3",       "ruby3.4",       "ruby4.0",
};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

#define ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof(*(names)))

bool fa_runtime_known(const char *name)
{
	return ONE_OF(name, own) || ONE_OF(name, others);
}

/* A language whose functions we have a program for, and how its runtimes are named. */
struct language {
	const char *begin, *end; /* a number between them */
	const char *directory;
	const char *interpreter; /* "": named like the runtime */
	bool restores;           /* its program has hooks for SnapStart */
};

static const struct language languages[] = {
	{ "python3.", "", "python", "", true },
	{ "nodejs", ".x", "nodejs", "node", false },
};

static const struct language *language_of(const char *name)
{
	for (size_t i = 0; i < sizeof(languages) / sizeof(*languages); i++) {
		const struct language *l = &languages[i];
		size_t begin = strlen(l->begin), digits;

		if (strncmp(name, l->begin, begin) != 0)
			continue;
		digits = strspn(name + begin, "0123456789");
		if (digits && !strcmp(name + begin + digits, l->end))
			return l;
	}
	return NULL;
}

static int find_language(const struct language *l, const char *name, const char *runtimes,
			 char directory[PATH_MAX], struct faas_error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%.32s", *l->interpreter ? l->interpreter : name);
	if (access(path, X_OK) < 0)
		return fa_error(err, FAAS_EINVAL, "Runtime %s cannot be run here: %s: %s", name,
				path, strerrordesc_np(errno));
	if (!runtimes ||
	    snprintf(directory, PATH_MAX, "%s/%s", runtimes, l->directory) >= PATH_MAX ||
	    access(directory, X_OK) < 0)
		return fa_error(err, FAAS_EINVAL,
				"Runtime %s cannot be run here: there is no %.100s/%s", name,
				runtimes ? runtimes : "", l->directory);
	return 0;
}

bool fa_runtime_restores(const char *name)
{
	const struct language *l = language_of(name);

	return !l || l->restores;
}

int fa_runtime_find(const char *name, const char *runtimes, char directory[PATH_MAX],
		    struct faas_error *err)
{
	const struct language *language;

	*directory = '\0';
	if (!name || ONE_OF(name, own))
		return 0;
	if (!ONE_OF(name, others))
		return fa_error(err, FAAS_EINVAL,
				"Value %.60s at 'runtime' failed to satisfy constraint: Member "
				"must satisfy enum value set: [provided, provided.al2, "
				"provided.al2023, python3.N, nodejsN.x] or be a valid ARN",
				name);
	language = language_of(name);
	if (!language)
		return fa_error(err, FAAS_EINVAL,
				"Runtime %s cannot be run here: only python3.N and nodejsN.x can, "
				"and with provided.al2023 what brings its own program",
				name);
	return find_language(language, name, runtimes, directory, err);
}
