/* SPDX-License-Identifier: MIT */
#ifndef FA_CONTROL_H
#define FA_CONTROL_H

/*
 * The second door: operations of the Lambda API by name, JSON in, JSON out.
 * control.c has the table and judges what comes in; the operations themselves
 * are in function.c, alias.c and the other files of this folder.
 */
#include <base/document.h>
#include <functions.h>

/* One member of a request, and what is accepted in it. */
struct fa_field {
	const char *name;
	enum fa_field_kind {
		FA_TEXT_FIELD = 1,
		FA_INTEGER_FIELD,
		FA_OBJECT_FIELD,
		FA_LIST_FIELD,
		FA_BOOLEAN_FIELD,
	} kind;
	bool required;
	int min, max; /* of a number, or of a text's length; max 0: any */
	bool (*fits)(const char *text);
	const char *constraint; /* what `fits` asks for, in the words of Lambda */
};

struct fa_operation {
	const char *name;
	const struct fa_field *fields; /* up to one without a name */
	/* The request was judged, the runtime is entered. Puts its answer into `out`. */
	int (*perform)(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		       struct faas_error *err);
};

/* Tables up to a row without a name. */
extern const struct fa_operation fa_function_operations[];
extern const struct fa_operation fa_alias_operations[];
extern const struct fa_operation fa_code_operations[];
extern const struct fa_operation fa_layer_operations[];
extern const struct fa_operation fa_recursion_operations[];
extern const struct fa_operation fa_runtime_operations[];
extern const struct fa_operation fa_signing_operations[];
extern const struct fa_operation fa_permission_operations[];
extern const struct fa_operation fa_role_operations[];
extern const struct fa_operation fa_tag_operations[];
extern const struct fa_operation fa_concurrency_operations[];
extern const struct fa_operation fa_event_operations[];
extern const struct fa_operation fa_mapping_operations[]; /* in source/, as the next */
extern const struct fa_operation fa_bus_operations[];
extern const struct fa_operation fa_url_operations[];

/* All there are, from *at = 0; NULL at the end. A request has to be shorter than `most`. */
const struct fa_operation *fa_control_next(size_t *at, size_t *most);
size_t fa_control_most(const char *operation); /* 0: there is none */
/* What is wrong with a request, as a whole. */
int fa_control_judge(const struct fa_operation *operation, const struct fa_document *in,
		     struct faas_error *err);
/* faas_control() of a request that was parsed. */
int fa_control(struct faas *rt, const char *operation, const struct fa_document *in,
	       char **response, struct faas_error *err);

#define FA_TARGET_MAX (FA_ARN_MAX + FA_QUALIFIER_MAX + 2)

/* FunctionName, with Qualifier behind it: one name. FAAS_EINVAL if both name a qualifier. */
int fa_control_target(char out[FA_TARGET_MAX], const struct fa_document *in,
		      struct faas_error *err);
/* FunctionName without its qualifier, and the qualifier that is meant, "": none. */
struct fa_control_split {
	char function[FA_NAME_MAX + 1], qualifier[FA_QUALIFIER_MAX + 1];
};

int fa_control_split(struct fa_control_split *out, struct faas *rt, const struct fa_document *in,
		     struct faas_error *err);
/* What a member says, or `otherwise`. */
int fa_control_number(const struct fa_document *in, const char *name, int otherwise);
const char *fa_control_text(const struct fa_document *in, const char *name);
/* Where a page of at most `most` items begins and ends, and NextMarker if there is more. */
int fa_control_page(const struct fa_document *in, struct fa_document *out, size_t count,
		    int most, size_t *begin, size_t *end, struct faas_error *err);

bool fa_fits_function(const char *text);
bool fa_fits_version(const char *text);
bool fa_fits_alias(const char *text);

/* Rows that many tables have. The texts are the API's own. */
#define FA_FUNCTION_FIELD \
	{ "FunctionName", FA_TEXT_FIELD, true, 1, 140, fa_fits_function, \
	  "Member must satisfy regular expression pattern: " \
	  "(arn:(aws[a-zA-Z-]*)?:lambda:)?" \
	  "([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?" \
	  "(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?" }
#define FA_VERSION_FIELD(needed) \
	{ "FunctionVersion", FA_TEXT_FIELD, needed, 1, 1024, fa_fits_version, \
	  "Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)" }
#define FA_MARKER_FIELDS \
	{ "Marker", FA_TEXT_FIELD, false, 0, 0, NULL, NULL }, \
	{ "MaxItems", FA_INTEGER_FIELD, false, 1, 10000, NULL, NULL }
#define FA_TEXT_OF(name, max) { name, FA_TEXT_FIELD, false, 0, max, NULL, NULL }

#endif
