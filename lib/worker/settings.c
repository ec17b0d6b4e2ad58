/* SPDX-License-Identifier: MIT */
/*
 * The environment is built in one block: first how large it is, then the same
 * walk again to fill it in. Lambda's own names win over the function's; those
 * that Lambda lets a function override (LANG, PATH, ...) only stand in.
 */
#include <worker/settings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/level.h>

#define LAYERS "/opt" /* whether or not there are any */
#define RUNTIME "/var/runtime"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ROOM 5        /* for fa_settings_put(), and one more */

bool fa_settings_read(struct fa_settings *settings, const char *strings, uint32_t len)
{
	const char **fields[] = {
		&settings->code,      &settings->opt,        &settings->runtime_directory,
		&settings->runtime,   &settings->file,       &settings->method,
		&settings->prototype, &settings->function,   &settings->version,
		&settings->arn,       &settings->account,    &settings->region,
		&settings->log_group, &settings->log_format, &settings->log_level,
	};
	const char *at = strings, *end = strings + len;

	if (!len || end[-1])
		return false;
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (at == end)
			return false;
		*fields[i] = at;
		at += strlen(at) + 1;
	}
	settings->initialization = "on-demand";
	settings->least_level = FAAS_TRACE;
	fa_level_read(&settings->least_level, settings->log_level);
	settings->variables = at;
	while (at < end && *at)
		at += strlen(at) + 1;
	if (at == end)
		return false;
	settings->working_directory = settings->arguments = NULL;
	settings->end = end;
	if (++at == end)
		return true;
	settings->working_directory = at;
	settings->arguments = at + strlen(at) + 1;
	return settings->arguments < end;
}

/* A variable: its name and the pieces of its value, up to NULL. */
struct variable {
	const char *name, *pieces[8];
};

struct block {
	char **pointers, *text; /* NULL: count only */
	size_t count, bytes;
};

static void add_piece(struct block *block, const char *piece, size_t len)
{
	if (block->text)
		memcpy(block->text + block->bytes, piece, len);
	block->bytes += len;
}

static void begin(struct block *block)
{
	if (block->pointers)
		block->pointers[block->count] = block->text + block->bytes;
	block->count++;
}

/* One without a value is not there. */
static void add(struct block *block, const struct variable *variable)
{
	if (!*variable->pieces)
		return;
	begin(block);
	add_piece(block, variable->name, strlen(variable->name));
	add_piece(block, "=", 1);
	for (const char *const *piece = variable->pieces; *piece; piece++)
		add_piece(block, *piece, strlen(*piece));
	add_piece(block, "", 1);
}

static bool names(const char *assignment, const char *name)
{
	size_t len = strlen(name);

	return strncmp(assignment, name, len) == 0 && assignment[len] == '=';
}

static bool given(const struct fa_settings *settings, const char *name)
{
	for (const char *at = settings->variables; *at; at += strlen(at) + 1)
		if (names(at, name))
			return true;
	return false;
}

static bool fixed_name(const struct variable *fixed, size_t count, const char *assignment)
{
	for (size_t i = 0; i < count; i++)
		if (names(assignment, fixed[i].name))
			return true;
	return false;
}

static void add_own(struct block *block, const struct fa_settings *settings,
		    const struct variable *fixed, size_t count)
{
	for (const char *at = settings->variables; *at; at += strlen(at) + 1) {
		if (fixed_name(fixed, count, at))
			continue;
		begin(block);
		add_piece(block, at, strlen(at) + 1);
	}
}

static void add_defaults(struct block *block, const struct fa_settings *settings)
{
	const char *task = settings->code, *opt = *settings->opt ? settings->opt : LAYERS;
	const char *system = settings->arguments ? NULL : "/lib64:/usr/lib64:"; /* an image's own */
	const struct variable defaults[] = {
		{ "LANG", { "en_US.UTF-8" } },
		{ "TZ", { ":UTC" } },
		{ "PATH", { "/usr/local/bin:/usr/bin:/bin:", opt, "/bin" } },
		{ "LD_LIBRARY_PATH", { system, task, ":", task, "/lib:", opt, "/lib" } },
	};

	for (size_t i = 0; i < COUNT(defaults); i++)
		if (!given(settings, defaults[i].name))
			add(block, &defaults[i]);
}

static const char *runtime_directory(const struct fa_settings *settings)
{
	return *settings->runtime_directory ? settings->runtime_directory : RUNTIME;
}

char **fa_settings_environ(const struct fa_settings *settings, uint32_t memory_mb)
{
	bool program = !*settings->file, managed = *settings->runtime_directory;
	bool json = *settings->log_level;
	const char *handler = settings->arguments ? NULL : settings->file; /* no image has one */
	char memory[12];
	const struct variable fixed[] = {
		{ "_HANDLER", { handler, program ? "" : ".", settings->method } },
		{ "AWS_REGION", { settings->region } },
		{ "AWS_DEFAULT_REGION", { settings->region } },
		{ "AWS_LAMBDA_FUNCTION_NAME", { settings->function } },
		{ "AWS_LAMBDA_FUNCTION_VERSION", { settings->version } },
		{ "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", { memory } },
		{ "AWS_LAMBDA_INITIALIZATION_TYPE", { settings->initialization } },
		{ "AWS_LAMBDA_LOG_GROUP_NAME", { settings->log_group } },
		{ "LAMBDA_TASK_ROOT", { settings->code } },
		{ "LAMBDA_RUNTIME_DIR", { program ? runtime_directory(settings) : NULL } },
		{ "AWS_EXECUTION_ENV", { managed ? "AWS_Lambda_" : NULL, settings->runtime } },
		{ "AWS_LAMBDA_LOG_FORMAT", { json ? settings->log_format : NULL } },
		{ "AWS_LAMBDA_LOG_LEVEL", { json ? settings->log_level : NULL } },
	};
	struct block block = { .pointers = NULL };

	snprintf(memory, sizeof(memory), "%u", memory_mb);
	for (int pass = 0; pass < 2; pass++) {
		add_own(&block, settings, fixed, COUNT(fixed));
		add_defaults(&block, settings);
		for (size_t i = 0; i < COUNT(fixed); i++)
			add(&block, &fixed[i]);
		if (pass)
			break;
		block.pointers = malloc((block.count + ROOM) * sizeof(char *) + block.bytes);
		if (!block.pointers)
			return NULL;
		block.text = (char *)(block.pointers + block.count + ROOM);
		block.count = block.bytes = 0;
	}
	memset(block.pointers + block.count, 0, ROOM * sizeof(char *));
	return block.pointers;
}

void fa_settings_put(char **variables, char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1;

	while (*variables && strncmp(*variables, assignment, name) != 0)
		variables++;
	*variables = assignment;
}

void fa_settings_say_initialization(char **variables, const char *kind)
{
	static char text[64];

	snprintf(text, sizeof(text), "AWS_LAMBDA_INITIALIZATION_TYPE=%s", kind);
	fa_settings_put(variables, text);
}

void fa_settings_say_stream(char **variables, const char *stream)
{
	static char text[128];

	snprintf(text, sizeof(text), "AWS_LAMBDA_LOG_STREAM_NAME=%s", stream);
	fa_settings_put(variables, text);
}

const char *fa_settings_getenv(char *const *variables, const char *name)
{
	for (; *variables; variables++)
		if (names(*variables, name))
			return *variables + strlen(name) + 1;
	return NULL;
}
