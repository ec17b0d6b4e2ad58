/* SPDX-License-Identifier: MIT */
/*
 * A directory in the words of S3: which events are wanted, and what they look like. A key is
 * written as S3 writes it, in the encoding of forms, so that bytes that are no UTF-8 survive.
 * The eTag is no digest of the content: that would be read for it. It differs whenever the
 * file does.
 */
#include <source/directory.h>
#include <source/mapping.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <base/digest.h>
#include <base/error.h>
#include <base/text.h>
#include <control/control.h>

#define TICK_NS 10000000 /* a file's times are of a clock that may be so much behind */

static const struct {
	const char *name, *family;
} events[] = {
	[FA_OBJECT_PUT] = { "s3:ObjectCreated:Put", "s3:ObjectCreated:*" },
	[FA_OBJECT_COPY] = { "s3:ObjectCreated:Copy", "s3:ObjectCreated:*" },
	[FA_OBJECT_DELETE] = { "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:*" },
};

#define EVENTS (sizeof(events) / sizeof(*events))

/* ---- what is wanted ---------------------------------------------------- */

static const char *path_of(const struct fa_mapping_config *c)
{
	return c->source + strlen("dir:");
}

static bool names(const char *text, enum fa_directory_event event)
{
	return !strcmp(text, events[event].name) || !strcmp(text, events[event].family);
}

static int check_events(const struct fa_document *list, struct faas_error *err)
{
	const struct fa_document *item;

	for (size_t i = 0; (item = fa_document_item(list, i)); i++) {
		const char *text = fa_document_text(item);
		bool known = false;

		for (size_t e = 0; e < EVENTS; e++)
			known |= text && names(text, (enum fa_directory_event)e);
		if (!known)
			return fa_error(err, FAAS_EINVAL,
					"'%.80s' is no event of a directory: expected "
					"s3:ObjectCreated:*, :Put, :Copy, s3:ObjectRemoved:* or "
					":Delete",
					text ? text : "");
	}
	return 0;
}

static const struct fa_document *rules_of(const struct fa_mapping_config *c)
{
	const struct fa_document *filter = fa_document_get(c->document, "Filter");

	return fa_document_get(fa_document_get(filter, "Key"), "FilterRules");
}

/* As in S3 the names are of any case. NULL: no such rule. */
static const char *rule(const struct fa_mapping_config *c, const char *name)
{
	const struct fa_document *item;

	for (size_t i = 0; (item = fa_document_item(rules_of(c), i)); i++)
		if (!strcasecmp(fa_control_text(item, "Name"), name))
			return fa_control_text(item, "Value");
	return NULL;
}

static int check_filter(const struct fa_mapping_config *c, struct faas_error *err)
{
	const struct fa_document *item;
	int prefixes = 0, suffixes = 0;

	if (fa_document_get(c->document, "Filter") && !rules_of(c))
		return fa_error(err, FAAS_EINVAL,
				"Filter must be {\"Key\":{\"FilterRules\":[...]}}");
	for (size_t i = 0; (item = fa_document_item(rules_of(c), i)); i++) {
		const char *name = fa_control_text(item, "Name");

		if (!name || !fa_control_text(item, "Value") ||
		    (strcasecmp(name, "prefix") != 0 && strcasecmp(name, "suffix") != 0))
			return fa_error(err, FAAS_EINVAL,
					"filter rule name must be either prefix or suffix, with "
					"a Value");
		*(strcasecmp(name, "prefix") ? &suffixes : &prefixes) += 1;
	}
	if (prefixes > 1 || suffixes > 1)
		return fa_error(err, FAAS_EINVAL,
				"Cannot specify more than one prefix rule or suffix rule in a "
				"filter.");
	return 0;
}

int fa_directory_check(const struct fa_mem *mem, const struct fa_mapping_config *c,
		       struct faas_error *err)
{
	int rc;

	(void)mem;
	if (!fa_address_is_path(path_of(c)))
		return fa_error(err, FAAS_EINVAL,
				"'%.200s' is no directory: expected dir:/ABSOLUTE/PATH without "
				"'/' at its end",
				c->source);
	rc = check_events(fa_document_get(c->document, "Events"), err);
	return rc ? rc : check_filter(c, err);
}

/* When it is made: later it may be away for a while. */
int fa_directory_fits(struct fa_sources *all, const struct fa_mapping_config *c,
		      struct faas_error *err)
{
	struct stat st;
	int error = stat(path_of(c), &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

	(void)all;
	return error ? fa_error(err, FAAS_EINVAL, "'%.200s' cannot be watched: %s", path_of(c),
				strerror(error)) :
		       0;
}

static bool matches(const struct fa_mapping_config *c, const char *key)
{
	const char *prefix = rule(c, "prefix"), *suffix = rule(c, "suffix");
	size_t len = strlen(key), tail = suffix ? strlen(suffix) : 0;

	return (!prefix || !strncmp(key, prefix, strlen(prefix))) && tail <= len &&
	       (!suffix || !strcmp(key + len - tail, suffix));
}

bool fa_directory_wants(const struct fa_mapping_config *c, const char *key,
			enum fa_directory_event event)
{
	const struct fa_document *list = fa_document_get(c->document, "Events"), *item;
	bool wanted = !list && event != FA_OBJECT_DELETE;

	for (size_t i = 0; (item = fa_document_item(list, i)); i++)
		wanted |= names(fa_document_text(item), event);
	return wanted && matches(c, key);
}

int64_t fa_directory_begun_ns(const struct fa_mapping_config *c)
{
	bool existing = false;

	fa_document_boolean(fa_document_get(c->document, "Existing"), &existing);
	return existing ? INT64_MIN : c->made_ms * 1000000 - TICK_NS;
}

/* ---- the typed door ------------------------------------------------------ */

static int put_rule(struct fa_document *list, const char *name, const char *value)
{
	struct fa_document *one = fa_document_object();
	int rc = fa_document_put_text(one, "Name", name);

	rc |= fa_document_put_text(one, "Value", value);
	return fa_document_append(list, one) | rc;
}

static int put_filter(struct fa_document *out, const struct faas_mapping_config *c)
{
	struct fa_document *filter = fa_document_object(), *key = fa_document_object(),
			   *list = fa_document_array();
	int rc = 0;

	if (c->prefix)
		rc |= put_rule(list, "prefix", c->prefix);
	if (c->suffix)
		rc |= put_rule(list, "suffix", c->suffix);
	rc |= fa_document_put(key, "FilterRules", list);
	rc |= fa_document_put(filter, "Key", key);
	return fa_document_put(out, "Filter", filter) | rc;
}

int fa_directory_put(struct fa_document *out, const struct faas_mapping_config *c)
{
	struct fa_document *list;
	int rc = 0;

	if (c->removals) {
		list = fa_document_array();
		rc |= fa_document_append_text(list, events[FA_OBJECT_PUT].family);
		rc |= fa_document_append_text(list, events[FA_OBJECT_DELETE].family);
		rc |= fa_document_put(out, "Events", list);
	}
	if (c->prefix || c->suffix)
		rc |= put_filter(out, c);
	if (c->existing)
		rc |= fa_document_put_boolean(out, "Existing", true);
	return rc;
}

/* ---- the record ------------------------------------------------------------ */

static void put_text(struct fa_text *out, const char *before, const char *text)
{
	fa_text_add(out, before);
	fa_text_json(out, text, strlen(text));
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("/-_.*", c));
}

static void put_key(struct fa_text *out, const char *key)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *key; key++) {
		unsigned char c = (unsigned char)*key;
		char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_plain(*key))
			fa_text_bytes(out, key, 1);
		else if (c == ' ')
			fa_text_add(out, "+");
		else
			fa_text_bytes(out, code, sizeof(code));
	}
}

static void put_hex(struct fa_text *out, uint64_t value)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	fa_text_hex(out, bytes, sizeof(bytes));
}

static void put_ids(struct fa_text *out)
{
	uint8_t bits[32];

	fa_random_bytes(bits, sizeof(bits));
	fa_text_add(out, "\"responseElements\":{\"x-amz-request-id\":\"");
	fa_text_hex(out, bits, 8);
	fa_text_add(out, "\",\"x-amz-id-2\":\"");
	fa_text_hex(out, bits, sizeof(bits));
	fa_text_add(out, "\"}");
}

static void put_bucket(struct fa_text *out, const struct fa_mapping *m)
{
	const char *path = path_of(m->config);

	put_text(out, "\"bucket\":{\"name\":\"", path);
	put_text(out, "\",\"ownerIdentity\":{\"principalId\":\"", m->all->rt->config.account);
	put_text(out, "\"},\"arn\":\"arn:aws:s3:::", path);
	fa_text_add(out, "\"}");
}

static void put_object(struct fa_text *out, const char *key, const struct fa_stamp *stamp,
		       int64_t sequence)
{
	uint8_t tag[FA_MD5];

	fa_text_add(out, "\"object\":{\"key\":\"");
	put_key(out, key);
	if (stamp) {
		fa_md5(tag, stamp, offsetof(struct fa_stamp, looked_ns));
		fa_text_add(out, "\",\"size\":");
		fa_text_int(out, stamp->size);
		fa_text_add(out, ",\"eTag\":\"");
		fa_text_hex(out, tag, sizeof(tag));
	}
	fa_text_add(out, "\",\"sequencer\":\"");
	put_hex(out, (uint64_t)sequence);
	fa_text_add(out, "\"}");
}

void fa_directory_write(struct fa_text *out, const struct fa_mapping *m, const char *key,
			enum fa_directory_event event, const struct fa_stamp *stamp,
			int64_t sequence)
{
	const struct faas *rt = m->all->rt;

	put_text(out, "{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"awsRegion\":\"",
		 rt->config.region);
	fa_text_add(out, "\",\"eventTime\":\"");
	fa_text_time(out, rt->clock->unix_ms(rt->clock));
	put_text(out, "\",\"eventName\":\"", events[event].name + strlen("s3:"));
	put_text(out, "\",\"userIdentity\":{\"principalId\":\"", rt->config.account);
	fa_text_add(out, "\"},\"requestParameters\":{\"sourceIPAddress\":\"127.0.0.1\"},");
	put_ids(out);
	put_text(out, ",\"s3\":{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"", m->uuid);
	fa_text_add(out, "\",");
	put_bucket(out, m);
	fa_text_add(out, ",");
	put_object(out, key, event == FA_OBJECT_DELETE ? NULL : stamp, sequence);
	fa_text_add(out, "}}");
}
