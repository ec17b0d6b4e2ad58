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
		FA_NUMBER_FIELD,
		FA_MAP_FIELD,
		FA_SECRETS_FIELD, /* a map of which nothing is shown */
	} kind;
	bool required;
	int min, max; /* of a number, or of a text's or list's length; max 0: any */
	union {
		bool (*fits)(const char *text);
		/*
		 * Of an object its members, up to one without a name (NULL: its operation judges
		 * them); of a list what each item is; of a map what keys and values are.
		 */
		const struct fa_field *inner;
	};
	/* What `fits` asks for, in the words of Lambda; without it, FA_WORDS that are taken. */
	const char *constraint;
};

static inline bool fa_field_has_inside(const struct fa_field *field)
{
	return field->kind == FA_OBJECT_FIELD || field->kind == FA_LIST_FIELD ||
	       field->kind == FA_MAP_FIELD || field->kind == FA_SECRETS_FIELD;
}

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
/* "iam:" is before what Lambda has under the same name. */
extern const struct fa_operation fa_policy_operations[];
extern const struct fa_operation fa_tag_operations[];
extern const struct fa_operation fa_concurrency_operations[];
extern const struct fa_operation fa_event_operations[];
extern const struct fa_operation fa_mapping_operations[]; /* in source/, as the next */
extern const struct fa_operation fa_bus_operations[];
extern const struct fa_operation fa_url_operations[];

/* All there are, from *at = 0; NULL at the end. A request has to be shorter than `most`. */
const struct fa_operation *fa_control_next(size_t *at, size_t *most);
size_t fa_control_most(const char *operation); /* 0: there is none */
/* What is wrong with a request, as a whole; judge.c. */
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
/* page.c: where a page of at most `most` items begins and ends, and NextMarker if there is more. */
int fa_control_page(const struct fa_document *in, struct fa_document *out, size_t count,
		    int most, size_t *begin, size_t *end, struct faas_error *err);
#define FA_PAGE_MOST 50 /* items, whatever MaxItems says */
/* Fills the object that the nth of `data` becomes. FAAS_ENOMEM need not be said in `err`. */
typedef int (*fa_control_put_fn)(const void *data, size_t nth, struct fa_document *item,
				 struct faas_error *err);
/* A page of `count` items as out->name. */
int fa_control_list(const struct fa_document *in, struct fa_document *out, const char *name,
		    size_t count, fa_control_put_fn put, const void *data, struct faas_error *err);
/* The same of an array, of which the items are copied. */
int fa_control_list_copies(const struct fa_document *in, struct fa_document *out,
			   const char *name, const struct fa_document *all,
			   struct faas_error *err);

/* fits.c: what texts may be. Patterns name regions as AWS does; a runtime's may be "local-1". */
bool fa_fits_function(const char *text);
bool fa_fits_version(const char *text);
bool fa_fits_number(const char *text);    /* digits */
bool fa_fits_alias(const char *text);
bool fa_fits_qualifier(const char *text);
bool fa_fits_layer(const char *text);
bool fa_fits_layer_version(const char *text);
bool fa_fits_arn(const char *text);
bool fa_fits_address(const char *text);   /* an ARN or one of ours, "" too */
bool fa_fits_bucket(const char *text);
bool fa_fits_words(const char *text);     /* no white space, and not "" */

/* Rows that many tables have. The texts are the API's own. */
#define FA_PATTERN "Member must satisfy regular expression pattern: "
#define FA_WORDS "Member must satisfy enum value set: "
#define FA_ROW(label, is, needed, least, most) \
	.name = label, .kind = is, .required = needed, .min = least, .max = most
#define FA_BOOLEAN_OF(label) { FA_ROW(label, FA_BOOLEAN_FIELD, false, 0, 0) }
#define FA_INTEGER_OF(label, needed, least, most) \
	{ FA_ROW(label, FA_INTEGER_FIELD, needed, least, most) }
#define FA_NUMBER_OF(label, needed, least, most) \
	{ FA_ROW(label, FA_NUMBER_FIELD, needed, least, most) }
#define FA_LENGTH_OF(label, needed, least, most) \
	{ FA_ROW(label, FA_TEXT_FIELD, needed, least, most) }
#define FA_FITTING(label, needed, least, most, judge, words) \
	{ FA_ROW(label, FA_TEXT_FIELD, needed, least, most), .fits = judge, .constraint = words }
#define FA_OPEN_OBJECT(label, needed) { FA_ROW(label, FA_OBJECT_FIELD, needed, 0, 0) }
#define FA_OPEN_LIST(label, needed, least, most) \
	{ FA_ROW(label, FA_LIST_FIELD, needed, least, most) }
#define FA_WORD_OF(label, needed, words) \
	FA_FITTING(label, needed, 0, 0, NULL, FA_WORDS words)
#define FA_NO_FIELD { .name = NULL }
#define FA_OBJECT_OF(label, needed, ...) \
	{ FA_ROW(label, FA_OBJECT_FIELD, needed, 0, 0), \
	  .inner = (const struct fa_field[]){ __VA_ARGS__, FA_NO_FIELD } }
#define FA_LIST_OF(label, needed, least, most, ...) \
	{ FA_ROW(label, FA_LIST_FIELD, needed, least, most), \
	  .inner = (const struct fa_field[]){ __VA_ARGS__ } }
/* An item of a list, a key or a value of a map. */
#define FA_TEXT_ITEM(least, most, judge, words) \
	FA_FITTING(NULL, false, least, most, judge, words)

#define FA_FUNCTION_ROW(needed, most, letters) \
	FA_FITTING("FunctionName", needed, 1, most, fa_fits_function, \
		   FA_PATTERN "(arn:(aws[a-zA-Z-]*)?:lambda:)?" \
		     "([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?" \
		     "(\\d{12}:)?(function:)?([" letters "]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?")
#define FA_FUNCTION_FIELD FA_FUNCTION_ROW(true, 140, "a-zA-Z0-9-_")
/* The API's operations that look at functions take the names of more than it makes. */
#define FA_ANY_FUNCTION_FIELD FA_FUNCTION_ROW(true, 170, "a-zA-Z0-9-_\\.")
#define FA_QUALIFIER_FIELD(needed) \
	FA_FITTING("Qualifier", needed, 1, 128, fa_fits_qualifier, \
		   FA_PATTERN "(|[a-zA-Z0-9$_-]+)")
#define FA_VERSION_FIELD(needed) \
	FA_FITTING("FunctionVersion", needed, 1, 1024, fa_fits_version, \
		   FA_PATTERN "(\\$LATEST|[0-9]+)")
#define FA_LAYER_FIELD \
	FA_FITTING("LayerName", true, 1, 140, fa_fits_layer, \
		   FA_PATTERN "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:" \
			      "[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+")
#define FA_ARN_PATTERN \
	"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)"
#define FA_LAYER_VERSION_PATTERN \
	"arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+"
#define FA_ARCHITECTURES_OF(label, least, most) \
	FA_LIST_OF(label, false, least, most, \
		   FA_TEXT_ITEM(0, 0, NULL, FA_WORDS "[x86_64, arm64]"))
/* Where an asynchronous event or a batch that ended is told of. */
#define FA_DESTINATION_OF(label) \
	FA_OBJECT_OF(label, false, \
		     FA_FITTING("Destination", false, 0, 350, fa_fits_address, \
				FA_PATTERN "^$|" FA_ARN_PATTERN))
#define FA_DESTINATIONS_FIELD \
	FA_OBJECT_OF("DestinationConfig", false, FA_DESTINATION_OF("OnSuccess"), \
		     FA_DESTINATION_OF("OnFailure"))
/* Members of an object that code is in. */
#define FA_CODE_FIELDS \
	FA_TEXT_OF("ZipFile", 0), \
	FA_FITTING("S3Bucket", false, 3, 63, fa_fits_bucket, \
		   FA_PATTERN "^[0-9A-Za-z\\.\\-_]*(?<!\\.)$"), \
	FA_LENGTH_OF("S3Key", false, 1, 1024), \
	FA_LENGTH_OF("S3ObjectVersion", false, 1, 1024)
#define FA_PAGE_FIELDS(most) \
	FA_LENGTH_OF("Marker", false, 0, 0), \
	FA_INTEGER_OF("MaxItems", false, 1, most)
#define FA_MARKER_FIELDS FA_PAGE_FIELDS(10000)
#define FA_TEXT_OF(name, max) FA_LENGTH_OF(name, false, 0, max)

#endif
