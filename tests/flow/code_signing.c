/* SPDX-License-Identifier: MIT */
/* Plain data: code signing configurations, and when a runtime is updated. */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define INVALID "InvalidParameterValueException"
#define SIGNERS "\"AllowedPublishers\":{\"SigningProfileVersionArns\":[\"arn:aws:signer:::p\"]}"
#define BLOCKED \
	"The code signature failed one or more of the validation checks for signature mismatch " \
	"or " \
	"expiry, and the code signing policy is set to ENFORCE. Lambda blocks the deployment."

static char signing[64], lasting[128];

/* A request with the ARN of the last configuration in it. */
static const char *with(const char *more)
{
	static char request[512];

	snprintf(request, sizeof(request), "{\"CodeSigningConfigArn\":\"%s\"%s}", lasting, more);
	return request;
}

static void make(const char *policy)
{
	char request[512];
	const char *at;

	snprintf(request, sizeof(request),
		 "{" SIGNERS ",\"CodeSigningPolicies\":{\"UntrustedArtifactOnDeployment\":\"%s\"}}",
		 policy);
	perform("CreateCodeSigningConfig", request);
	member(signing, "CodeSigningConfigId");
	at = strstr(reply, "\"CodeSigningConfigArn\":\"") + 24;
	snprintf(lasting, sizeof(lasting), "%.*s", (int)strcspn(at, "\""), at);
}

TEST(a_configuration_is_made_changed_listed_and_deleted)
{
	make("Enforce");
	assert_int_equal(strlen(signing), 21);
	has("\"UntrustedArtifactOnDeployment\":\"Enforce\"");
	perform("UpdateCodeSigningConfig", with(",\"Description\":\"words\""));
	perform("GetCodeSigningConfig", with(""));
	has("\"Description\":\"words\"");
	has("\"UntrustedArtifactOnDeployment\":\"Enforce\"");
	make("Warn");
	perform("ListCodeSigningConfigs", "{\"MaxItems\":1}");
	has("\"NextMarker\":\"1\"");
	has("\"Description\":\"words\"");
	perform("ListCodeSigningConfigs", "{\"Marker\":\"1\"}");
	has(signing);
	lacks("NextMarker");
	assert_string_equal(perform("DeleteCodeSigningConfig", with("")), "{}");
	assert_int_equal(faas_control(flow.rt, "GetCodeSigningConfig", with(""), NULL, &err),
			 FAAS_ENOTFOUND);
	assert_int_equal(faas_control(flow.rt, "DeleteCodeSigningConfig", with(""), NULL, &err),
			 FAAS_ENOTFOUND);
}

#define ROUNDS 3000

struct writer {
	const char *request, *kept; /* what it sets, %d times, and how that is told */
	bool lost;
};

/* Nobody else sets this member: what is read back is what was set last. */
static void *set_and_look(void *data)
{
	struct writer *w = data;
	char member[128], request[384], kept[64], *said;

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(member, sizeof(member), w->request, i % 10);
		snprintf(request, sizeof(request), "{\"CodeSigningConfigArn\":\"%s\"%s}", lasting,
			 member);
		snprintf(kept, sizeof(kept), w->kept, i % 10);
		w->lost |= faas_control(flow.rt, "UpdateCodeSigningConfig", request, NULL, NULL);
		snprintf(request, sizeof(request), "{\"CodeSigningConfigArn\":\"%s\"}", lasting);
		w->lost |= faas_control(flow.rt, "GetCodeSigningConfig", request, &said, NULL);
		w->lost |= !said || !strstr(said, kept);
		faas_free(said);
	}
	return NULL;
}

TEST(what_two_change_of_one_configuration_at_once_is_there)
{
	struct writer writers[] = {
		{ ",\"Description\":\"d%d\"", "\"Description\":\"d%d\"", false },
		{ ",\"AllowedPublishers\":{\"SigningProfileVersionArns\":"
		  "[\"arn:aws:signer:::q%d\"]}",
		  "[\"arn:aws:signer:::q%d\"]", false },
	};
	pthread_t threads[2];

	make("Warn");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, set_and_look, &writers[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(writers[0].lost || writers[1].lost);
}

TEST(a_function_uses_one_and_it_stays_as_long)
{
	make("Warn");
	assert_string_equal(perform("GetFunctionCodeSigningConfig", "{\"FunctionName\":\"f\"}"),
			    "{}");
	perform("PutFunctionCodeSigningConfig", with(",\"FunctionName\":\"f\""));
	perform("GetFunctionCodeSigningConfig", "{\"FunctionName\":\"f\"}");
	has(signing);
	assert_string_equal(perform("ListFunctionsByCodeSigningConfig", with("")),
			    "{\"FunctionArns\":[\"" ARN "\"]}");
	assert_int_equal(faas_control(flow.rt, "DeleteCodeSigningConfig", with(""), NULL, &err),
			 FAAS_EEXIST);
	perform("DeleteFunctionCodeSigningConfig", "{\"FunctionName\":\"f\"}");
	assert_string_equal(perform("ListFunctionsByCodeSigningConfig", with("")),
			    "{\"FunctionArns\":[]}");
	perform("DeleteCodeSigningConfig", with(""));
	assert_int_equal(faas_control(flow.rt, "PutFunctionCodeSigningConfig",
				      with(",\"FunctionName\":\"f\""), NULL, &err),
			 FAAS_ENOTFOUND);
	assert_string_equal(err.type, "CodeSigningConfigNotFoundException");
}

TEST(where_it_is_enforced_no_code_passes_for_none_is_signed)
{
	static const char update[] = "{\"FunctionName\":\"f\",\"ZipFile\":\"AAAA\"}";

	make("Enforce");
	perform("PutFunctionCodeSigningConfig", with(",\"FunctionName\":\"f\""));
	refused("UpdateFunctionCode", update, "CodeVerificationFailedException", BLOCKED);
	perform("UpdateCodeSigningConfig",
		with(",\"CodeSigningPolicies\":{\"UntrustedArtifactOnDeployment\":\"Warn\"}"));
	assert_int_equal(faas_control(flow.rt, "UpdateFunctionCode", update, NULL, &err),
			 FAAS_EINVAL); /* what is no ZIP */
	assert_string_not_equal(err.type, "CodeVerificationFailedException");
}

TEST(it_is_enforced_after_a_restart_too)
{
	make("Enforce");
	perform("PutFunctionCodeSigningConfig", with(",\"FunctionName\":\"f\""));
	control_restart();
	perform("GetCodeSigningConfig", with(""));
	has(signing);
	perform("GetFunctionCodeSigningConfig", "{\"FunctionName\":\"f\"}");
	has(signing);
	refused("UpdateFunctionCode", "{\"FunctionName\":\"f\",\"ZipFile\":\"AAAA\"}",
		"CodeVerificationFailedException", BLOCKED);
	perform("DeleteFunctionCodeSigningConfig", "{\"FunctionName\":\"f\"}");
	perform("DeleteCodeSigningConfig", with(""));
	control_restart();
	assert_string_equal(perform("ListCodeSigningConfigs", "{}"), "{\"CodeSigningConfigs\":[]}");
}

TEST(what_is_no_configuration_is_refused)
{
	refused("CreateCodeSigningConfig", "{\"AllowedPublishers\":{}}", "ValidationException",
		"1 validation error detected: Value null at "
		"'allowedPublishers.signingProfileVersionArns' failed to satisfy constraint: "
		"Member must not be null");
	refused("CreateCodeSigningConfig",
		"{\"AllowedPublishers\":{\"SigningProfileVersionArns\":[\"me\"]}}",
		"ValidationException",
		"1 validation error detected: Value '[me]' at "
		"'allowedPublishers.signingProfileVersionArns' failed to satisfy constraint: "
		"Member must satisfy constraint: [Member must satisfy regular expression pattern: "
		"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-go");
	refused("CreateCodeSigningConfig",
		"{" SIGNERS ",\"CodeSigningPolicies\":{\"UntrustedArtifactOnDeployment\":\"Ask\"}}",
		"ValidationException",
		"1 validation error detected: Value 'Ask' at "
		"'codeSigningPolicies.untrustedArtifactOnDeployment' failed to satisfy constraint: "
		"Member must satisfy enum value set: [Enforce, Warn]");
	assert_int_equal(faas_control(flow.rt, "GetCodeSigningConfig",
				      "{\"CodeSigningConfigArn\":\"mine\"}", NULL, &err),
			 FAAS_EINVAL);
	refused("PutFunctionCodeSigningConfig",
		"{\"FunctionName\":\"f\",\"CodeSigningConfigArn\":\"arn:aws:lambda:local-1:"
		"000000000000:code-signing-config:csc-0\"}",
		"CodeSigningConfigNotFoundException",
		"The code signing configuration cannot be found. Check that the provided "
		"configuration is not deleted: arn:aws:lambda:local-1:000000000000:"
		"code-signing-config:csc-0.");
}

TEST(when_a_runtime_is_updated_is_kept_per_qualifier)
{
#define RUNTIME "arn:aws:lambda:local-1::runtime:0123456789"
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	assert_string_equal(perform("GetRuntimeManagementConfig", "{\"FunctionName\":\"f\"}"),
			    "{\"UpdateRuntimeOn\":\"Auto\",\"FunctionArn\":\"" ARN ":$LATEST\"}");
	perform("PutRuntimeManagementConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"1\",\"UpdateRuntimeOn\":\"Manual\","
		"\"RuntimeVersionArn\":\"" RUNTIME "\"}");
	control_restart();
	assert_string_equal(perform("GetRuntimeManagementConfig", "{\"FunctionName\":\"f:1\"}"),
			    "{\"UpdateRuntimeOn\":\"Manual\",\"RuntimeVersionArn\":\"" RUNTIME
			    "\",\"FunctionArn\":\"" ARN ":1\"}");
	perform("GetRuntimeManagementConfig", "{\"FunctionName\":\"f\"}");
	has("Auto");
	refused("PutRuntimeManagementConfig",
		"{\"FunctionName\":\"f\",\"UpdateRuntimeOn\":\"Manual\"}", INVALID,
		"RuntimeVersionArn goes with UpdateRuntimeOn Manual, and with no other");
	refused("GetRuntimeManagementConfig", "{\"FunctionName\":\"f:7\"}",
		"ResourceNotFoundException", "Function not found: " ARN ":7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, control_open_lasting, control_close_lasting)
		ROW(a_configuration_is_made_changed_listed_and_deleted),
		cmocka_unit_test_setup_teardown(
			what_two_change_of_one_configuration_at_once_is_there, control_open,
			control_close),
		ROW(a_function_uses_one_and_it_stays_as_long),
		cmocka_unit_test_setup_teardown(
			where_it_is_enforced_no_code_passes_for_none_is_signed, control_open,
			control_close),
		ROW(it_is_enforced_after_a_restart_too),
		ROW(what_is_no_configuration_is_refused),
		ROW(when_a_runtime_is_updated_is_kept_per_qualifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
