/* SPDX-License-Identifier: MIT */
/* The names are those of the API's model; a language's own needs a program that is not here yet. */
#include <model/runtimes.h>

#include <stddef.h>
#include <string.h>

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

int fa_runtime_check(const char *name, struct faas_error *err)
{
	if (!name || ONE_OF(name, own))
		return 0;
	if (ONE_OF(name, others))
		return fa_error(err, FAAS_EINVAL,
				"Runtime %s cannot be run here yet: only plugins can, and their "
				"runtime is provided.al2023",
				name);
	return fa_error(err, FAAS_EINVAL,
			"Value %.60s at 'runtime' failed to satisfy constraint: Member must "
			"satisfy enum value set: [provided, provided.al2, provided.al2023] or be a "
			"valid ARN",
			name);
}
