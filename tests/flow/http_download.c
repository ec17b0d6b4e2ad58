/* SPDX-License-Identifier: MIT */
/* The code of functions and layers, downloaded from where GetFunction and GetLayerVersion say. */
#include "upload.h"

#include <unistd.h>

#include "support/client.h"

#include <base/json.h>
#include <faas/http.h>

#define MINUTE 60000

static struct faas_http *http;
static struct client client;
static char location[512], path[512];

static const char *nobody(void *data, const char *access_key)
{
	(void)data;
	(void)access_key;
	return NULL;
}

/* Virtual time; requests must be signed, and nobody can. */
static int open_door(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	flow_open(&flow, NULL, true);
	http = faas_http_listen(flow.rt, FAAS_HTTP(.secret_of = nobody), &err);
	if (!http)
		fail_msg("%s", err.message);
	client_open(&client, faas_http_port(http));
	return 0;
}

static int close_door(void **state)
{
	client_close(&client);
	return close_it(state);
}

/* The member of an object in the last reply; and what of it is asked of the door. */
static void find_location(const char *object)
{
	struct fa_json all, value;
	const char *at;

	assert_true(fa_json_read(reply, strlen(reply), &all));
	value = fa_json_get(fa_json_get(all, object), "Location");
	assert_true(fa_json_string(value, location, sizeof(location)) < sizeof(location));
	at = strstr(location, "/code/");
	assert_non_null(at);
	strcpy(path, at);
}

static void ask(const char *method, const char *target, int status)
{
	struct answer answer;
	char text[1024];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, target);
	client_send(&client, text);
	answer = client_receive(&client, !strcmp(method, "HEAD"));
	if (answer.status != status)
		fail_msg("%s %s: %d %s", method, target, answer.status, answer.body);
	answer_free(&answer);
}

static void denied(const char *target, const char *why)
{
	struct answer answer;
	char text[1024];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
	answer = client_ask(&client, text);
	assert_int_equal(answer.status, 403);
	assert_non_null(strstr(answer.body, why));
	answer_free(&answer);
}

static void is_downloaded(void)
{
	struct answer answer;
	char text[1024];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	answer = client_ask(&client, text);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer_field(&answer, "Content-Type"), "application/zip");
	assert_int_equal(answer.body_len, zip.len);
	assert_memory_equal(answer.body, zip.data, zip.len);
	answer_free(&answer);
}

static void create(void)
{
	char base[64];

	CREATE("", code("one"));
	deploy("CreateFunction", "f");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunction");
	find_location("Code");
	snprintf(base, sizeof(base), "http://127.0.0.1:%d/code/", faas_http_port(http));
	assert_memory_equal(location, base, strlen(base));
}

TEST(the_zip_of_a_function_is_where_get_function_says)
{
	create();
	is_downloaded();
	ask("HEAD", path, 200);
	is_downloaded();
}

TEST(the_zip_of_a_layer_is_where_its_version_says)
{
	zips_begin(&zip);
	zips_file(&zip, "text", "of a layer");
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	find_location("Content");
	is_downloaded();
	REQUEST("{\"LayerName\":\"l\",\"VersionNumber\":1}");
	perform("GetLayerVersion");
	find_location("Content");
	is_downloaded();
}

TEST(nothing_is_given_to_who_was_not_told_of_it)
{
	char other[sizeof(path) + 1], *at;

	create();
	snprintf(other, sizeof(other), "%.*s", (int)strcspn(path, "?"), path);
	denied(other, "Access Denied");
	denied("/code/", "Access Denied");
	snprintf(other, sizeof(other), "%s0", path); /* more behind the signature */
	denied(other, "Access Denied");
	strcpy(other, path);
	at = other + strlen(other) - 1;
	*at = *at == '0' ? '1' : '0';
	denied(other, "Access Denied");
	strcpy(other, path);
	at = strstr(other, "Expires=") + strlen("Expires=");
	*at = '9';
	denied(other, "Access Denied");
	strcpy(other, path);
	other[strlen("/code/zip-")] ^= 1; /* another package */
	denied(other, "Access Denied");
	snprintf(other, sizeof(other), "/code/%0300d", 0);
	denied(other, "Access Denied");
	ask("POST", path, 404);
	is_downloaded();
}

/* Nobody keeps a connection open for so long. */
static void pass(int64_t ms)
{
	client_close(&client);
	flow_advance(&flow, ms);
	client_open(&client, faas_http_port(http));
}

TEST(it_may_be_downloaded_for_ten_minutes)
{
	create();
	pass(10 * MINUTE - 1000);
	is_downloaded();
	pass(1000);
	denied(path, "Request has expired");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunction");
	find_location("Code");
	is_downloaded();
}

TEST(code_that_nobody_uses_any_more_is_not_found)
{
	struct answer answer = { 0 };
	char text[1024];

	create();
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("DeleteFunction");
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	for (int ms = 0; ms < 10000 && answer.status != 404; ms++) { /* until it is swept */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		answer_free(&answer);
		answer = client_ask(&client, text);
	}
	assert_int_equal(answer.status, 404);
	assert_non_null(strstr(answer.body, "The code is not there any more."));
	answer_free(&answer);
}

static _Atomic int served;

static void on_served(void *data, const struct faas_http_message *answer)
{
	(void)data;
	if (answer->status == 200 && answer->body.len == zip.len &&
	    !memcmp(answer->body.data, zip.data, zip.len))
		served++;
}

TEST(a_host_with_a_server_of_its_own_gets_it_whole)
{
	create();
	served = 0;
	assert_int_equal(faas_http_serve(http, FAAS_HTTP_MESSAGE(.method = "GET", .target = path),
					 on_served, NULL, &err),
			 0);
	flow_await_count(&flow, &served, 1);
}

/* Without a door there is nothing to download from. */
TEST(without_http_the_path_of_its_file_is_told)
{
	struct fa_json all, value;

	CREATE("", code("one"));
	deploy("CreateFunction", "f");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunction");
	assert_true(fa_json_read(reply, strlen(reply), &all));
	value = fa_json_get(fa_json_get(all, "Code"), "Location");
	fa_json_string(value, location, sizeof(location));
	assert_int_equal(access(location, R_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, open_door, close_door)
		OPEN(the_zip_of_a_function_is_where_get_function_says),
		OPEN(the_zip_of_a_layer_is_where_its_version_says),
		OPEN(nothing_is_given_to_who_was_not_told_of_it),
		OPEN(it_may_be_downloaded_for_ten_minutes),
		OPEN(code_that_nobody_uses_any_more_is_not_found),
		OPEN(a_host_with_a_server_of_its_own_gets_it_whole),
		cmocka_unit_test_setup_teardown(without_http_the_path_of_its_file_is_told,
						open_real, close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
