/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include <faas/source.h>
#include <openssl/evp.h>

#include "stores.h"
#include "zips.h"

#define ARN "arn:aws:lambda:local-1:000000000000:"
#define ROLE "arn:aws:iam::000000000000:role/r"
#define F "\"FunctionName\":\"f\""
#define TRUST \
	"\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\"," \
	"\\\"Principal\\\":{\\\"Service\\\":\\\"lambda.amazonaws.com\\\"},\\\"Action\\\":" \
	"\\\"sts:AssumeRole\\\"}]}\""
#define ALLOW(what) \
	"\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\"," \
	"\\\"Action\\\":\\\"" what "\\\",\\\"Resource\\\":\\\"*\\\"}]}\""
/* A schedule's event is a message, too: none here, where messages are looked at. */
#define LATER "\"StartDate\":\"2033-01-01T00:00:00Z\""
#define READS "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
#define PUBLISHERS(name) \
	"\"AllowedPublishers\":{\"SigningProfileVersionArns\":[\"arn:aws:signer:local-1:" \
	"000000000000:/signing-profiles/" name "/v\"]}"

static bool code_changed = true; /* in the copy */
static char base[64], copy[64], mapping[64], signing[256], zips[3][4096], document[16384];

/* ---- the table --------------------------------------------------------- */

static int create_function(struct faas *rt, struct faas_error *err)
{
	return faas_function_create(rt,
				    FAAS_FUNCTION(.name = "new", .code = TEST_PLUGINS,
						  .handler = "echo.context", .role = ROLE,
						  .max_concurrency = 3, .max_retries = 1,
						  .dead_letter = "queue:q"),
				    err);
}

static int update_function(struct faas *rt, struct faas_error *err)
{
	return faas_function_update(rt,
				    FAAS_FUNCTION(.name = "f", .memory_mb = 256,
						  .max_concurrency = 7, .max_retries = 1,
						  .environment = (const char *const[]){ "NAME=b",
											NULL }),
				    err);
}

static int publish_version(struct faas *rt, struct faas_error *err)
{
	return faas_version_publish(rt, "f", "third", NULL, err);
}

static int set_alias(struct faas *rt, struct faas_error *err)
{
	return faas_alias_set(rt, "f", "live", 2, 1, 0.25, err);
}

static int reserve(struct faas *rt, struct faas_error *err)
{
	return faas_function_reserve(rt, "f", 9, err);
}

static int create_queue(struct faas *rt, struct faas_error *err)
{
	return faas_resource_create(rt, "queue:new", "{\"DelaySeconds\":\"9\"}", err);
}

static int make_queue(struct faas *rt, struct faas_error *err)
{
	return faas_resource_create(rt, "queue:q", "{\"DelaySeconds\":\"1\"}", err);
}

static int fill_queue(struct faas *rt, struct faas_error *err)
{
	return faas_send(rt, "queue:q", (struct faas_bytes){ "m", 1 }, err);
}

static int change_queue(struct faas *rt, struct faas_error *err)
{
	return faas_resource_create(rt, "queue:q", "{\"VisibilityTimeout\":\"8\"}", err);
}

static int delete_queue(struct faas *rt, struct faas_error *err)
{
	return faas_resource_delete(rt, "queue:q", err);
}

#define ROW(name, operation, request) { name, operation, request, NULL, false }
#define CODE(name, operation, request) { name, operation, request, NULL, true }
#define DOOR(name, perform) { name, NULL, NULL, perform, false }

const struct changes_row changes_rows[] = {
	DOOR("create a function", create_function),
	CODE("create one of a ZIP", "CreateFunction",
	  "{\"FunctionName\":\"new\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\","
	  "\"Handler\":\"one.f\",\"Code\":{\"ZipFile\":\"%2\"},\"Publish\":true,"
	  "\"Tags\":{\"k\":\"v\"}}"),
	DOOR("update a function", update_function),
	ROW("change a configuration", "UpdateFunctionConfiguration",
	  "{" F ",\"Timeout\":9,\"Description\":\"other\",\"Environment\":{\"Variables\":"
	  "{\"OTHER\":\"d\"}}}"),
	CODE("change code and publish", "UpdateFunctionCode",
	  "{\"FunctionName\":\"z\",\"ZipFile\":\"%2\",\"Publish\":true}"),
	CODE("change code", "UpdateFunctionCode", "{\"FunctionName\":\"z\",\"ZipFile\":\"%2\"}"),
	ROW("delete a function", "DeleteFunction", "{" F "}"),
	CODE("delete one of a ZIP", "DeleteFunction", "{\"FunctionName\":\"z\"}"),
	ROW("delete a version", "DeleteFunction", "{" F ",\"Qualifier\":\"2\"}"),
	DOOR("publish", publish_version),
	ROW("create an alias", "CreateAlias",
	  "{" F ",\"Name\":\"new\",\"FunctionVersion\":\"2\"}"),
	DOOR("set an alias", set_alias),
	ROW("delete an alias", "DeleteAlias", "{" F ",\"Name\":\"live\"}"),
	DOOR("reserve", reserve),
	ROW("reserve nothing", "DeleteFunctionConcurrency", "{" F "}"),
	ROW("provision", "PutProvisionedConcurrencyConfig",
	  "{" F ",\"Qualifier\":\"2\",\"ProvisionedConcurrentExecutions\":1}"),
	ROW("put an event config", "PutFunctionEventInvokeConfig",
	  "{" F ",\"MaximumRetryAttempts\":0,\"DestinationConfig\":{\"OnFailure\":"
	  "{\"Destination\":\"queue:q\"}}}"),
	ROW("update an event config", "UpdateFunctionEventInvokeConfig",
	  "{" F ",\"MaximumEventAgeInSeconds\":99}"),
	ROW("delete an event config", "DeleteFunctionEventInvokeConfig", "{" F "}"),
	ROW("create a URL", "CreateFunctionUrlConfig",
	  "{" F ",\"Qualifier\":\"live\",\"AuthType\":\"AWS_IAM\",\"Cors\":{\"MaxAge\":9}}"),
	ROW("update a URL", "UpdateFunctionUrlConfig", "{" F ",\"AuthType\":\"AWS_IAM\"}"),
	ROW("delete a URL", "DeleteFunctionUrlConfig", "{" F "}"),
	ROW("add a permission", "AddPermission",
	  "{" F ",\"StatementId\":\"new\",\"Action\":\"lambda:InvokeFunction\","
	  "\"Principal\":\"s3.amazonaws.com\"}"),
	ROW("remove a permission", "RemovePermission", "{" F ",\"StatementId\":\"s\"}"),
	ROW("create a role", "CreateRole",
	  "{\"RoleName\":\"new\",\"AssumeRolePolicyDocument\":" TRUST "}"),
	ROW("put a role's policy", "PutRolePolicy",
	  "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":" ALLOW("logs:*") "}"),
	ROW("delete a role's policy", "DeleteRolePolicy",
	  "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}"),
	ROW("attach a policy", "AttachRolePolicy",
	  "{\"RoleName\":\"r\",\"PolicyArn\":\"" READS "\"}"),
	ROW("delete a role", "DeleteRole", "{\"RoleName\":\"unused\"}"),
	CODE("publish a layer", "PublishLayerVersion",
	  "{\"LayerName\":\"new\",\"Content\":{\"ZipFile\":\"%2\"}}"),
	CODE("publish a layer again", "PublishLayerVersion",
	  "{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%2\"}}"),
	CODE("delete a layer", "DeleteLayerVersion", "{\"LayerName\":\"l\",\"VersionNumber\":1}"),
	ROW("open a layer", "AddLayerVersionPermission",
	  "{\"LayerName\":\"l\",\"VersionNumber\":1,\"StatementId\":\"all\","
	  "\"Action\":\"lambda:GetLayerVersion\",\"Principal\":\"*\"}"),
	ROW("create a schedule", "CreateEventSourceMapping",
	  "{" F ",\"EventSourceArn\":\"schedule:rate(7 days)\",\"Input\":\"{}\"," LATER "}"),
	ROW("change a schedule", "UpdateEventSourceMapping",
	  "{\"UUID\":\"%U\",\"Input\":\"[1]\"}"),
	ROW("change a schedule's zone", "UpdateEventSourceMapping",
	  "{\"UUID\":\"%U\",\"ScheduleExpressionTimezone\":\"Europe/Berlin\"}"),
	ROW("delete a schedule", "DeleteEventSourceMapping", "{\"UUID\":\"%U\"}"),
	DOOR("create a queue", create_queue),
	DOOR("change a queue", change_queue),
	DOOR("delete a queue", delete_queue),
	ROW("tag", "TagResource",
	  "{\"Resource\":\"" ARN "function:f\",\"Tags\":{\"new\":\"tag\",\"k\":\"w\"}}"),
	ROW("untag", "UntagResource",
	  "{\"Resource\":\"" ARN "function:f\",\"TagKeys\":[\"k\"]}"),
	ROW("create a signing configuration", "CreateCodeSigningConfig",
	  "{" PUBLISHERS("new") "}"),
	ROW("delete a signing configuration", "DeleteCodeSigningConfig",
	  "{\"CodeSigningConfigArn\":\"%C\"}"),
	ROW("use a signing configuration", "PutFunctionCodeSigningConfig",
	  "{" F ",\"CodeSigningConfigArn\":\"%C\"}"),
	ROW("allow recursion", "PutFunctionRecursionConfig", "{" F ",\"RecursiveLoop\":\"Allow\"}"),
	ROW("keep a runtime", "PutRuntimeManagementConfig",
	  "{" F ",\"UpdateRuntimeOn\":\"FunctionUpdate\"}"),
};

const int changes_count = sizeof(changes_rows) / sizeof(*changes_rows);

/* One of each thing. */
static const struct changes_row begins[] = {
	ROW("", "CreateRole", "{\"RoleName\":\"r\",\"AssumeRolePolicyDocument\":" TRUST "}"),
	ROW("", "CreateRole", "{\"RoleName\":\"unused\",\"AssumeRolePolicyDocument\":" TRUST "}"),
	ROW("", "PutRolePolicy",
	  "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":" ALLOW("*") "}"),
	ROW("", "PublishLayerVersion",
	  "{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%3\"}}"),
	ROW("", "CreateFunction",
	  "{\"FunctionName\":\"z\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\","
	  "\"Handler\":\"one.f\",\"Code\":{\"ZipFile\":\"%1\"}}"),
	ROW("", "PublishVersion", "{" F "}"),
	ROW("", "CreateAlias", "{" F ",\"Name\":\"live\",\"FunctionVersion\":\"1\"}"),
	ROW("", "UpdateFunctionConfiguration", "{" F ",\"MemorySize\":200}"),
	ROW("", "PublishVersion", "{" F "}"),
	ROW("", "UpdateFunctionConfiguration", "{" F ",\"MemorySize\":300}"),
	ROW("", "PutFunctionConcurrency", "{" F ",\"ReservedConcurrentExecutions\":5}"),
	ROW("", "PutFunctionEventInvokeConfig", "{" F ",\"MaximumRetryAttempts\":2}"),
	ROW("", "CreateFunctionUrlConfig", "{" F ",\"AuthType\":\"NONE\"}"),
	ROW("", "AddPermission",
	  "{" F ",\"StatementId\":\"s\",\"Action\":\"lambda:InvokeFunction\","
	  "\"Principal\":\"sns.amazonaws.com\"}"),
	ROW("", "CreateEventSourceMapping",
	  "{" F ",\"EventSourceArn\":\"schedule:rate(5 days)\"," LATER "}"),
	DOOR("", make_queue),
	DOOR("", fill_queue),
	ROW("", "TagResource", "{\"Resource\":\"" ARN "function:f\",\"Tags\":{\"k\":\"v\"}}"),
	ROW("", "CreateCodeSigningConfig", "{" PUBLISHERS("first") "}"),
};

/* ---- a runtime --------------------------------------------------------- */

static struct fa_clock_virtual still;
static bool passes; /* memory may be out: but for what is tried again, see pass() */

struct faas *changes_open(const char *folder, void *(*realloc)(void *, void *, size_t, size_t),
			  void *data, struct faas_error *err)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.state_dir = folder,
		.realloc = realloc,
		.data = data,
	};

	passes = realloc != NULL;
	fa_clock_virtual_init(&still, 1700000000000);
	return fa_create(&c, &still.clock, err);
}

/* A request with what its marks stand for. */
static const char *expand(const char *request)
{
	static char out[sizeof(zips) + 4096];
	size_t len = 0;

	for (; *request; request++) {
		const char *with = NULL;

		if (*request == '%' && request[1])
			with = request[1] == 'U' ? mapping : request[1] == 'C' ? signing :
				zips[request[1] - '1'];
		if (with) {
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s", with);
			request++;
		} else {
			out[len++] = *request;
		}
	}
	out[len] = '\0';
	return out;
}

int changes_perform(struct faas *rt, const struct changes_row *row, struct faas_error *err)
{
	char *answer = NULL;
	int rc;

	if (row->perform)
		return row->perform(rt, err);
	rc = faas_control(rt, row->operation, expand(row->request), &answer, err);
	faas_free(answer);
	return rc;
}

/* ---- all that can be asked --------------------------------------------- */

static const struct {
	const char *operation, *request;
} asked[] = {
	{ "ListFunctions", "{\"FunctionVersion\":\"ALL\"}" },
	{ "GetFunction", "{" F "}" },
	{ "GetFunction", "{\"FunctionName\":\"new\"}" },
	{ "GetFunction", "{\"FunctionName\":\"z\"}" },
	{ "GetFunctionConcurrency", "{\"FunctionName\":\"new\"}" },
	{ "GetAccountSettings", "{}" },
	{ "ListAliases", "{" F "}" },
	{ "ListFunctionEventInvokeConfigs", "{" F "}" },
	{ "ListFunctionEventInvokeConfigs", "{\"FunctionName\":\"new\"}" },
	{ "ListProvisionedConcurrencyConfigs", "{" F "}" },
	{ "ListFunctionUrlConfigs", "{" F "}" },
	{ "GetPolicy", "{" F "}" },
	{ "GetFunctionRecursionConfig", "{" F "}" },
	{ "GetRuntimeManagementConfig", "{" F "}" },
	{ "GetFunctionCodeSigningConfig", "{" F "}" },
	{ "ListCodeSigningConfigs", "{}" },
	{ "ListRoles", "{}" },
	{ "ListRolePolicies", "{\"RoleName\":\"r\"}" },
	{ "GetRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}" },
	{ "ListAttachedRolePolicies", "{\"RoleName\":\"r\"}" },
	{ "ListLayers", "{}" },
	{ "ListLayerVersions", "{\"LayerName\":\"l\"}" },
	{ "GetLayerVersion", "{\"LayerName\":\"l\",\"VersionNumber\":1}" },
	{ "GetLayerVersionPolicy", "{\"LayerName\":\"l\",\"VersionNumber\":1}" },
	{ "ListEventSourceMappings", "{\"EventSourceArn\":\"schedule:rate(5 days)\"}" },
	{ "ListEventSourceMappings", "{\"EventSourceArn\":\"schedule:rate(7 days)\"}" },
};

static void add(const char *what, const char *text)
{
	size_t len = strlen(document);

	assert_true(len + strlen(what) + strlen(text) + 3 < sizeof(document));
	snprintf(document + len, sizeof(document) - len, "%s %s\n", what, text);
}

static void add_queue(struct faas *rt, const char *name)
{
	struct fa_queue queue;
	char *text;

	fa_queue_get(&rt->queues, name, &queue);
	text = fa_queue_print(&queue, &fa_mem_libc);
	add(name, text);
	fa_free(text);
}

/* Of all queues, as it was written last: a disk that has failed is not asked. */
static void add_messages(struct faas *rt)
{
	struct fa_store_counts counts;

	fa_store_count(rt->durable.store, &counts);
	add("messages", counts.lying ? "there are" : "there are none");
}

/* Nothing is under way any more. */
static bool has_settled(void)
{
	static const char *const under_way[] = { "\"Pending\"",	 "\"InProgress\"",
						 "\"IN_PROGRESS\"", "\"Creating\"",
						 "\"Updating\"",     "\"Disabling\"",
						 "\"Deleting\"" };

	for (size_t i = 0; i < sizeof(under_way) / sizeof(*under_way); i++)
		if (strstr(document, under_way[i]))
			return false;
	return true;
}

struct pass {
	struct fa_call call;
	_Atomic bool done;
};

static void on_pass(struct fa_call *call)
{
	struct pass *p = fa_container(call, struct pass, call);

	still.ns += INT64_C(1000000000);
	p->done = true;
}

/* A source that could not be opened is tried again a second later. */
static void pass(struct faas *rt)
{
	struct pass p = { .call.run = on_pass };

	if (!passes || (!strstr(document, "\"State\":\"Creating\"") &&
			!strstr(document, "\"State\":\"Updating\"")))
		return;
	fa_loop_call(&rt->loop, &p.call);
	while (!p.done)
		nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	fa_loop_wake(&rt->loop);
}

/* How much code there is, is less a little after somebody let go of some. */
static void drop_usage(char *answer)
{
	char *usage = answer ? strstr(answer, ",\"TotalCodeSize\":") : NULL;

	usage = usage ? strstr(usage + 1, ",\"TotalCodeSize\":") : NULL;
	if (usage)
		*usage = '\0';
}

static void describe(struct faas *rt)
{
	struct faas_error err;
	char *answer;

	*document = '\0';
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		answer = NULL;
		err = (struct faas_error){ 0 };
		faas_control(rt, asked[i].operation, asked[i].request, &answer, &err);
		drop_usage(answer);
		add(asked[i].operation, answer ? answer : err.message);
		faas_free(answer);
	}
	add_queue(rt, "q");
	add_queue(rt, "new");
	add_messages(rt);
}

char *changes_describe(struct faas *rt)
{
	bool settled = false;

	for (int ms = 0; !settled && ms < 20000; ms++) {
		if (ms) {
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
			pass(rt);
		}
		describe(rt);
		settled = has_settled();
	}
	if (!settled)
		fail_msg("something is under way for ever: %s", document);
	describe(rt); /* what was asked first may have been under way still */
	return strdup(document);
}

void changes_mask(char *text)
{
	static const char *const drawn[] = { "RevisionId\":\"", "UUID\":\"", "FunctionUrl\":\"",
					     "CodeSigningConfigId\":\"",
					     "CodeSigningConfigArn\":\"", "RoleId\":\"",
					     "LastModified\":\"", "LastModified\":",
					     "LastModifiedTime\":\"", "CreationTime\":\"",
					     "CreateDate\":\"", "CreatedDate\":\"" };

	for (size_t i = 0; i < sizeof(drawn) / sizeof(*drawn); i++)
		for (char *at = text; (at = strstr(at, drawn[i]));) {
			char *end;

			at += strlen(drawn[i]);
			end = at + (at[-1] == '"' ? strcspn(at, "\"") : strspn(at, "0123456789."));
			memmove(at, end, strlen(end) + 1);
		}
}

/* ---- what all begin with ------------------------------------------------ */

static void make_zip(char *out, const char *text)
{
	static struct zips zip;

	zips_begin(&zip);
	zips_file(&zip, "one.so", text);
	zips_end(&zip, NULL);
	EVP_EncodeBlock((unsigned char *)out, zip.data, (int)zip.len);
}

static void member(char *out, const char *name)
{
	const char *at = strstr(document, name);

	assert_non_null(at);
	at += strlen(name);
	sprintf(out, "%.*s", (int)strcspn(at, "\""), at);
}

static void run(const char *command, const char *folder)
{
	char text[256];

	snprintf(text, sizeof(text), command, folder, base, folder);
	assert_int_equal(system(text), 0);
}

static int place(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", flags == O_RDONLY ? base : copy, name);
	fd = open(path, flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* SQLite's files alone, which are small; without a shell, for this is done often. */
static void copy_database(void)
{
	static const char *const others[] = { "queue.db-wal", "queue.db-journal", "ballast" };
	int from = place("queue.db", O_RDONLY);
	int to = place("queue.db", O_WRONLY | O_CREAT | O_TRUNC);
	char path[128];

	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	close(to);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(path, sizeof(path), "%s/%s", copy, others[i]);
		unlink(path);
	}
}

int changes_begin(void **state)
{
	struct faas_error err = { 0 };
	struct faas *rt;

	(void)state;
	make_zip(zips[0], "first");
	make_zip(zips[1], "second");
	make_zip(zips[2], "of the layer");
	stores_folder(base);
	stores_folder(copy);
	rt = changes_open(base, NULL, NULL, &err);
	if (!rt || faas_function_create(rt, FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							  .handler = "echo.context"), &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (changes_perform(rt, &begins[i], &err))
			fail_msg("%s: %s", begins[i].operation, err.message);
	free(changes_describe(rt));
	member(mapping, "\"UUID\":\"");
	member(signing, "\"CodeSigningConfigArn\":\"");
	return faas_destroy(rt);
}

int changes_end(void **state)
{
	(void)state;
	run("rm -rf %s %s", base);
	run("rm -rf %s", copy);
	return 0;
}

const char *changes_folder(const struct changes_row *row)
{
	copy_database();
	if (row->code || code_changed)
		run("rm -rf %s/code && cp -a %s/code %s", copy);
	code_changed = row->code;
	return copy;
}
