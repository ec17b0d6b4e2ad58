/* SPDX-License-Identifier: MIT */
/* One table says what there is, for both ways. */
#include <model/config_document.h>

#include <string.h>

enum kind { TEXT, NUMBER, FLAG };

struct member {
	const char *name;
	enum kind kind;
	size_t at;
};

#define MEMBER(kind, name) { #name, kind, offsetof(struct faas_function_config, name) }

static const struct member members[] = {
	MEMBER(TEXT, name),
	MEMBER(TEXT, code),
	MEMBER(TEXT, handler),
	MEMBER(TEXT, prototype),
	MEMBER(NUMBER, isolation),
	MEMBER(NUMBER, memory_mb),
	MEMBER(NUMBER, timeout_ms),
	MEMBER(NUMBER, tmp_mb),
	MEMBER(NUMBER, max_concurrency),
	MEMBER(FLAG, network),
	MEMBER(FLAG, pristine),
	MEMBER(TEXT, description),
	MEMBER(NUMBER, provisioned),
	MEMBER(FLAG, snapshot),
	MEMBER(TEXT, log_format),
	MEMBER(TEXT, app_log_level),
	MEMBER(TEXT, system_log_level),
	MEMBER(TEXT, log_group),
	MEMBER(TEXT, tracing),
	MEMBER(TEXT, dead_letter),
	MEMBER(TEXT, runtime),
	MEMBER(TEXT, role),
	MEMBER(TEXT, kms_key_arn),
	MEMBER(TEXT, file_system),
	MEMBER(TEXT, mount_path),
	MEMBER(TEXT, snap_start),
	MEMBER(TEXT, subnets),
	MEMBER(TEXT, security_groups),
	MEMBER(TEXT, image),
	MEMBER(TEXT, working_directory),
};

#define LAST working_directory /* of the struct; tags are the function's, as on_success is */

_Static_assert(sizeof(struct faas_function_config) ==
		       offsetof(struct faas_function_config, LAST) +
			       sizeof(((struct faas_function_config *)NULL)->LAST),
	       "a new member of a configuration outlives the program if it is in the table above; "
	       "say so, and which is the last");
_Static_assert(sizeof(enum faas_isolation_kind) == sizeof(int), "an enum is written as a number");

#define COUNT (sizeof(members) / sizeof(*members))

/* ---- write ----------------------------------------------------------- */

static int put_member(struct fa_document *out, const struct member *m, const char *at)
{
	switch (m->kind) {
	case TEXT:
		if (!*(const char *const *)at)
			return 0;
		return fa_document_put_text(out, m->name, *(const char *const *)at);
	case NUMBER:
		return fa_document_put_integer(out, m->name, *(const int *)at);
	default:
		return fa_document_put_integer(out, m->name, *(const bool *)at);
	}
}

static int put_list(struct fa_document *out, const char *name, const char *const *texts)
{
	struct fa_document *list;
	int rc = 0;

	if (!texts)
		return 0;
	list = fa_document_array();
	for (; *texts; texts++)
		rc |= fa_document_append_text(list, *texts);
	return fa_document_put(out, name, list) | rc;
}

struct fa_document *fa_config_write(const struct faas_function_config *config)
{
	struct fa_document *out = fa_document_object();
	int rc = put_list(out, "environment", config->environment);

	rc |= put_list(out, "layers", config->layers);
	rc |= put_list(out, "entry_point", config->entry_point);
	rc |= put_list(out, "command", config->command);
	for (size_t i = 0; i < COUNT; i++)
		rc |= put_member(out, &members[i], (const char *)config + members[i].at);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

/* ---- read ------------------------------------------------------------ */

static void get_member(char *at, const struct member *m, const struct fa_document *value)
{
	int64_t number = 0;

	fa_document_integer(value, &number);
	if (m->kind == TEXT)
		*(const char **)at = fa_document_text(value);
	else if (m->kind == NUMBER)
		*(int *)at = (int)number;
	else
		*(bool *)at = number != 0;
}

static int get_list(const char *const **to, const struct fa_document *list,
		    const struct fa_mem *mem)
{
	const char **texts;
	size_t n = 0;

	while (fa_document_item(list, n))
		n++;
	if (!n)
		return 0;
	texts = fa_alloc(mem, (n + 1) * sizeof(*texts));
	if (!texts)
		return FAAS_ENOMEM;
	for (size_t i = 0; i < n; i++)
		texts[i] = fa_document_text(fa_document_item(list, i));
	*to = texts;
	return 0;
}

int fa_config_read(struct faas_function_config *config, const struct fa_document *document,
		   const struct fa_mem *mem)
{
	*config = (struct faas_function_config){ .size = sizeof(*config) };
	for (size_t i = 0; i < COUNT; i++)
		get_member((char *)config + members[i].at, &members[i],
			   fa_document_get(document, members[i].name));
	if (get_list(&config->environment, fa_document_get(document, "environment"), mem) == 0 &&
	    get_list(&config->layers, fa_document_get(document, "layers"), mem) == 0 &&
	    get_list(&config->entry_point, fa_document_get(document, "entry_point"), mem) == 0 &&
	    get_list(&config->command, fa_document_get(document, "command"), mem) == 0)
		return 0;
	fa_config_release(config);
	return FAAS_ENOMEM;
}

void fa_config_release(struct faas_function_config *config)
{
	fa_free((void *)config->environment);
	fa_free((void *)config->layers);
	fa_free((void *)config->entry_point);
	fa_free((void *)config->command);
	config->environment = config->layers = config->entry_point = config->command = NULL;
}
