/* SPDX-License-Identifier: MIT */
/* Event patterns: the examples of the documentation, what is refused, and an oracle. */
#include <support/test.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include <source/pattern.h>

static int match(const char *pattern, const char *event)
{
	struct faas_error err = { 0 };
	struct fa_pattern *p = fa_pattern_create(&fa_mem_libc, pattern, &err);
	struct fa_json value;
	bool matches;

	if (!p)
		fail_msg("%s: %s", pattern, err.message);
	if (!fa_json_read(event, strlen(event), &value))
		fail_msg("no JSON: %s", event);
	matches = fa_pattern_matches(p, value);
	fa_pattern_destroy(p);
	return matches;
}

static void matches(const char *pattern, const char *event)
{
	if (!match(pattern, event))
		fail_msg("%s should match %s", pattern, event);
}

static void misses(const char *pattern, const char *event)
{
	if (match(pattern, event))
		fail_msg("%s should not match %s", pattern, event);
}

/* ---- the examples --------------------------------------------------------- */

#define EC2(state) \
	"{\"version\":\"0\",\"id\":\"6a7e8feb-b491-4cf7-a9f1-bf3703467718\"," \
	"\"detail-type\":\"EC2 Instance State-change Notification\",\"source\":\"aws.ec2\"," \
	"\"account\":\"111122223333\",\"time\":\"2017-12-22T18:43:48Z\",\"region\":\"us-west-1\"," \
	"\"resources\":[\"arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0\"]," \
	"\"detail\":{\"instance-id\":\"i-1234567890abcdef0\",\"state\":\"" state "\"," \
	"\"c-count\":5,\"x-limit\":301.8,\"source-ip\":\"10.0.0.33\"}}"

TEST(fields_are_all_and_values_are_any)
{
	matches("{\"source\":[\"aws.ec2\"]}", EC2("terminated"));
	matches("{\"source\":[\"aws.ec2\"],\"detail-type\":[\"EC2 Instance State-change "
		"Notification\"],\"detail\":{\"state\":[\"running\",\"terminated\"]}}",
		EC2("terminated"));
	misses("{\"source\":[\"aws.ec2\"],\"detail\":{\"state\":[\"running\"]}}",
	       EC2("terminated"));
	misses("{\"source\":[\"aws.ec2\"],\"detail\":{\"states\":[\"terminated\"]}}",
	       EC2("terminated"));
	matches("{\"resources\":[\"arn:aws:ec2:us-west-1:123456789012:instance/"
		"i-1234567890abcdef0\",\"other\"]}",
		EC2("x"));
}

TEST(a_value_is_compared_by_its_kind_and_a_number_by_its_text)
{
	matches("{\"a\":[null]}", "{\"a\":null}");
	misses("{\"a\":[null]}", "{\"a\":\"\"}");
	misses("{\"a\":[null]}", "{}");
	matches("{\"a\":[\"\"]}", "{\"a\":\"\"}");
	matches("{\"a\":[true]}", "{\"a\":true}");
	misses("{\"a\":[true]}", "{\"a\":\"true\"}");
	matches("{\"a\":[300]}", "{\"a\":300}");
	misses("{\"a\":[300]}", "{\"a\":300.0}");
	misses("{\"a\":[300]}", "{\"a\":\"300\"}");
	matches("{\"a\":[\"\\u00e9\\n\"]}", "{\"a\":\"\xc3\xa9\\u000a\"}");
	matches("{\"\\u0061\":[\"x\"]}", "{\"a\":\"x\"}");
}

TEST(prefix_and_suffix)
{
	matches("{\"time\":[{\"prefix\":\"2017-10-02\"}]}", "{\"time\":\"2017-10-02T18:43:48Z\"}");
	misses("{\"time\":[{\"prefix\":\"2017-10-02\"}]}", "{\"time\":\"2017-10-03T18:43:48Z\"}");
	matches("{\"service\":[{\"prefix\":{\"equals-ignore-case\":\"EventB\"}}]}",
		"{\"service\":\"eventbridge\"}");
	misses("{\"service\":[{\"prefix\":\"EventB\"}]}", "{\"service\":\"eventbridge\"}");
	matches("{\"FileName\":[{\"suffix\":\".png\"}]}", "{\"FileName\":\"a.png\"}");
	misses("{\"FileName\":[{\"suffix\":\".png\"}]}", "{\"FileName\":\"a.PNG\"}");
	matches("{\"FileName\":[{\"suffix\":{\"equals-ignore-case\":\".png\"}}]}",
		"{\"FileName\":\"a.PNG\"}");
	misses("{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":\"a\"}");
	misses("{\"a\":[{\"suffix\":\"ab\"}]}", "{\"a\":\"b\"}");
	misses("{\"a\":[{\"prefix\":\"1\"}]}", "{\"a\":12}");
}

TEST(equals_ignore_case)
{
	matches("{\"detail-type\":[{\"equals-ignore-case\":\"ec2 instance state-change "
		"notification\"}]}",
		EC2("x"));
	misses("{\"a\":[{\"equals-ignore-case\":\"ab\"}]}", "{\"a\":\"abc\"}");
}

TEST(wildcard)
{
	matches("{\"EventBusArn\":[{\"wildcard\":\"*:event-bus/*\"}]}",
		"{\"EventBusArn\":\"arn:aws:events:us-east-1:123456789012:event-bus/myEventBus\"}");
	matches("{\"FileName\":[{\"wildcard\":\"dir/*.png\"}]}", "{\"FileName\":\"dir/.png\"}");
	misses("{\"FileName\":[{\"wildcard\":\"dir/*.png\"}]}", "{\"FileName\":\"dir/x.pn\"}");
	matches("{\"a\":[{\"wildcard\":\"*/dir/*/b.*\"}]}", "{\"a\":\"x/dir/dir/y/b.b.c\"}");
	matches("{\"a\":[{\"wildcard\":\"*\"}]}", "{\"a\":\"\"}");
	matches("{\"a\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"a\":\"a*b\"}");
	misses("{\"a\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"a\":\"axb\"}");
	matches("{\"a\":[{\"wildcard\":\"a\\\\\\\\*\"}]}", "{\"a\":\"a\\\\zz\"}");
	matches("{\"a\":[{\"wildcard\":\"*ab\"}]}", "{\"a\":\"aab\"}");
	misses("{\"a\":[{\"wildcard\":\"*ab*ab\"}]}", "{\"a\":\"ab\"}");
}

TEST(anything_but)
{
	matches("{\"detail\":{\"state\":[{\"anything-but\":\"initializing\"}]}}",
		EC2("terminated"));
	misses("{\"detail\":{\"state\":[{\"anything-but\":\"initializing\"}]}}",
	       EC2("initializing"));
	matches("{\"detail\":{\"x-limit\":[{\"anything-but\":123}]}}", EC2("x"));
	misses("{\"detail\":{\"state\":[{\"anything-but\":[\"stopped\",\"overloaded\"]}]}}",
	       EC2("stopped"));
	matches("{\"detail\":{\"x-limit\":[{\"anything-but\":[100,200,300]}]}}", EC2("x"));
	misses("{\"a\":[{\"anything-but\":[100,200,300]}]}", "{\"a\":200}");
	matches("{\"detail\":{\"state\":[{\"anything-but\":{\"prefix\":\"init\"}}]}}",
		EC2("stopped"));
	misses("{\"detail\":{\"state\":[{\"anything-but\":{\"prefix\":\"init\"}}]}}",
	       EC2("initializing"));
	misses("{\"a\":[{\"anything-but\":{\"prefix\":[\"x\",\"y\"]}}]}", "{\"a\":\"yes\"}");
	misses("{\"FileName\":[{\"anything-but\":{\"suffix\":[\".txt\",\".rtf\"]}}]}",
	       "{\"FileName\":\"a.rtf\"}");
	misses("{\"a\":[{\"anything-but\":{\"equals-ignore-case\":[\"initializing\",\"stopped\"]}"
	       "}]}",
	       "{\"a\":\"Stopped\"}");
	misses("{\"a\":[{\"anything-but\":{\"wildcard\":\"*/lib/*\"}}]}", "{\"a\":\"x/lib/y\"}");
	matches("{\"a\":[{\"anything-but\":{\"wildcard\":[\"*/lib/*\",\"*/bin/*\"]}}]}",
		"{\"a\":\"x/etc/y\"}");
	misses("{\"a\":[{\"anything-but\":\"x\"}]}", "{}"); /* it must be there */
	matches("{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":null}");
}

TEST(numeric)
{
	matches("{\"detail\":{\"c-count\":[{\"numeric\":[\">\",0,\"<=\",5]}]}}", EC2("x"));
	matches("{\"detail\":{\"x-limit\":[{\"numeric\":[\"=\",3.018e2]}]}}", EC2("x"));
	misses("{\"a\":[{\"numeric\":[\"<\",10]}]}", "{\"a\":10}");
	matches("{\"a\":[{\"numeric\":[\"<=\",10]}]}", "{\"a\":1e1}");
	misses("{\"a\":[{\"numeric\":[\">\",0]}]}", "{\"a\":\"5\"}");
	matches("{\"a\":[{\"numeric\":[\"<\",0]},\"none\"]}", "{\"a\":\"none\"}");
	misses("{\"a\":[{\"numeric\":[\">=\",0,\"<\",5]}]}", "{\"a\":5}");
	matches("{\"a\":[{\"numeric\":[\">=\",0,\"<\",5]}]}", "{\"a\":-0}");
}

TEST(cidr)
{
	matches("{\"detail\":{\"source-ip\":[{\"cidr\":\"10.0.0.0/24\"}]}}", EC2("x"));
	misses("{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.1.1\"}");
	misses("{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"10.0.0.1/24\"}");
	misses("{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":\"nowhere\"}");
	matches("{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"1.2.3.4\"}");
	misses("{\"a\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"a\":\"::1\"}");
	matches("{\"a\":[{\"cidr\":\"2001:db8::/33\"}]}", "{\"a\":\"2001:db8:7fff::1\"}");
	misses("{\"a\":[{\"cidr\":\"2001:db8::/33\"}]}", "{\"a\":\"2001:db8:8000::1\"}");
	matches("{\"a\":[{\"cidr\":\"10.0.0.4/32\"}]}", "{\"a\":\"10.0.0.4\"}");
}

TEST(exists)
{
	matches("{\"detail\":{\"state\":[{\"exists\":true}]}}", EC2("x"));
	misses("{\"detail\":{\"c-count\":[{\"exists\":false}]}}", EC2("x"));
	matches("{\"detail\":{\"other\":[{\"exists\":false}]}}", EC2("x"));
	matches("{\"detail\":[{\"exists\":false}]}", EC2("x")); /* of leaves only */
	misses("{\"detail\":[{\"exists\":true}]}", EC2("x"));
	matches("{\"a\":{\"b\":[{\"exists\":false}]}}", "{}");
	matches("{\"a\":{\"b\":[{\"exists\":false}]}}", "{\"a\":1}");
	matches("{\"a\":[{\"exists\":false},\"x\"]}", "{\"a\":\"x\"}");
	misses("{\"a\":[{\"exists\":false},\"x\"]}", "{\"a\":\"y\"}");
	matches("{\"a\":[{\"exists\":true}]}", "{\"a\":null}");
	misses("{\"a\":[{\"exists\":true}]}", "{\"a\":[]}");
	misses("{\"a\":{\"b\":[{\"exists\":false}]}}", "{\"a\":[{\"b\":1},{\"c\":2}]}");
}

TEST(or_of_fields)
{
	static const char p[] = "{\"source\":[\"aws.ec2\"],\"$or\":[{\"c\":[{\"numeric\":[\">\",0,"
				"\"<=\",5]}]},{\"d\":[{\"numeric\":[\"<\",10]}]},"
				"{\"x\":[{\"numeric\":[\"=\",3.018e2]}]}]}";

	matches(p, "{\"source\":\"aws.ec2\",\"c\":3}");
	matches(p, "{\"source\":\"aws.ec2\",\"c\":9,\"d\":9}");
	matches(p, "{\"source\":\"aws.ec2\",\"x\":301.8}");
	misses(p, "{\"source\":\"aws.ec2\",\"c\":9,\"d\":10}");
	misses(p, "{\"source\":\"other\",\"c\":3}");
	matches("{\"$or\":[\"x\"]}", "{\"$or\":\"x\"}"); /* a field of that name */
	matches("{\"$or\":[{\"prefix\":\"x\"},{\"prefix\":\"y\"}]}", "{\"$or\":\"yes\"}");
	matches("{\"a\":{\"$or\":[{\"b\":[1]},{\"$or\":[{\"c\":[1]},{\"d\":[1]}]}]}}",
		"{\"a\":{\"d\":1}}");
	matches("{\"$or\":[{\"a\":[1]},{\"b\":[{\"exists\":false}]}]}", "{\"c\":1}");
}

TEST(fields_of_an_array_match_in_one_element)
{
	static const char event[] =
		"{\"employees\":[{\"firstName\":\"John\",\"lastName\":\"Doe\"},"
		"{\"firstName\":\"Anna\",\"lastName\":\"Smith\"}]}";

	matches("{\"employees\":{\"firstName\":[\"Anna\"]}}", event);
	matches("{\"employees\":{\"firstName\":[\"Anna\"],\"lastName\":[\"Smith\"]}}", event);
	misses("{\"employees\":{\"firstName\":[\"Anna\"],\"lastName\":[\"Doe\"]}}", event);
	misses("{\"employees.firstName\":[\"Anna\"],\"employees.lastName\":[\"Doe\"]}", event);
	misses("{\"a\":[1],\"$or\":[{\"a\":[2]},{\"a\":[3]}]}", "{\"a\":[1,2]}");
	matches("{\"a\":[1,2],\"$or\":[{\"a\":[2]},{\"a\":[3]}]}", "{\"a\":[1,2]}");
	matches("{\"a\":[2]}", "{\"a\":[[1],[[2]]]}");
	matches("{\"a\":[{\"anything-but\":1}]}", "{\"a\":[1,2]}");
	misses("{\"a\":[{\"anything-but\":1}]}", "{\"a\":[1,1]}");
}

TEST(beside_a_choice_and_in_it_one_element_is_meant)
{
	static const char p[] = "{\"a\":{\"b\":[1]},\"$or\":[{\"a\":{\"b\":[2]}},"
				"{\"a\":{\"c\":[2]}}]}";

	misses(p, "{\"a\":[{\"b\":1},{\"b\":2}]}");
	matches(p, "{\"a\":[{\"b\":3},{\"b\":1,\"c\":2}]}");
	misses(p, "{\"a\":{\"b\":[1,2]}}");
	misses(p, "{\"a\":{\"b\":[1,2],\"c\":[1,3]}}");
	matches(p, "{\"a\":{\"b\":[3,1],\"c\":[3,2]}}");
	matches(p, "{\"a\":[{\"b\":[2]},{\"b\":[2,1],\"c\":2}]}");
}

/* Forty thousand million choices are not gone through: then any elements will do. */
TEST(many_arrays_beside_a_choice_do_not_take_for_ever)
{
	static char event[8192], list[1024];
	char *at = list;

	for (int i = 0; i < 200; i++)
		at += sprintf(at, "%s%d", i ? "," : "", i % 10);
	for (int i = 0; i < 5; i++)
		sprintf(event + strlen(event), "%s\"f%d\":[%s]", i ? "," : "{", i, list);
	strcat(event, "}");
	match("{\"f0\":[1],\"f1\":[1],\"f2\":[1],\"f3\":[1],\"f4\":[1],\"$or\":[{\"f0\":[2],"
	      "\"f1\":[2],\"f2\":[2],\"f3\":[2],\"f4\":[2]},{\"x\":[1]}]}", event);
}

TEST(a_dot_in_a_name_is_the_way_into_an_object)
{
	matches("{\"detail.state\":[\"x\"]}", EC2("x"));
	matches("{\"detail\":{\"c-count\":[5]},\"detail.state\":[\"x\"]}", EC2("x"));
	misses("{\"detail.state\":[\"y\"]}", EC2("x"));
}

TEST(of_two_members_with_one_name_the_last_one_counts)
{
	matches("{\"a\":[1],\"a\":[2]}", "{\"a\":2}");
	misses("{\"a\":[1],\"a\":[2]}", "{\"a\":1}");
	matches("{\"a\":[2]}", "{\"a\":1,\"a\":2}");
}

TEST(data_is_looked_into_where_it_is_an_object)
{
	struct fa_pattern *in = fa_pattern_create(&fa_mem_libc, "{\"body\":{\"k\":[1]}}", NULL);
	struct fa_pattern *text = fa_pattern_create(&fa_mem_libc, "{\"body\":[\"t\"]}", NULL);
	struct fa_json record, data = { NULL, 0 };

	assert_true(fa_json_read("{\"body\":\"t\"}", 12, &record));
	assert_false(fa_pattern_matches_data(in, record, "body", data));
	assert_true(fa_pattern_matches_data(text, record, "body", data));
	assert_true(fa_json_read("{\"k\":1}", 7, &data));
	assert_true(fa_pattern_matches_data(in, record, "body", data));
	assert_false(fa_pattern_matches_data(text, record, "body", data));
	fa_pattern_destroy(in);
	fa_pattern_destroy(text);
}

TEST(what_is_no_pattern_is_refused_with_the_reason)
{
	static const char *const bad[][2] = {
		{ "", "a pattern must be an object of JSON" },
		{ "[]", "a pattern must be an object of JSON" },
		{ "{}", "an object of a pattern cannot be empty" },
		{ "{\"a\":{}}", "an object of a pattern cannot be empty" },
		{ "{\"a\":[]}", "'a' has an empty array" },
		{ "{\"a\":1}", "'a' must be an object or an array" },
		{ "{\"a\":[[1]]}", "an array in an array is no pattern" },
		{ "{\"a\":[{\"nothing\":1}]}", "there is no such operator" },
		{ "{\"a\":[{\"prefix\":\"a\",\"suffix\":\"b\"}]}",
		  "an operator is an object with one member" },
		{ "{\"a\":[{\"prefix\":1}]}",
		  "prefix, suffix, equals-ignore-case and wildcard need a text" },
		{ "{\"a\":[{\"wildcard\":\"a**\"}]}",
		  "a wildcard has no two stars behind each other, and a backslash only before a "
		  "star or a backslash" },
		{ "{\"a\":[{\"wildcard\":\"\\\\x\"}]}",
		  "a wildcard has no two stars behind each other, and a backslash only before a "
		  "star or a backslash" },
		{ "{\"a\":[{\"numeric\":[\"<\"]}]}",
		  "numeric needs an array of one or two of < <= = > >=, each with a number, that "
		  "leave something between them" },
		{ "{\"a\":[{\"numeric\":[\">\",5,\"<\",5]}]}",
		  "numeric needs an array of one or two of < <= = > >=, each with a number, that "
		  "leave something between them" },
		{ "{\"a\":[{\"cidr\":\"10.0.0.0/33\"}]}",
		  "cidr needs an address of IPv4 or IPv6, and how many bits of it count" },
		{ "{\"a\":[{\"exists\":1}]}", "exists needs true or false" },
		{ "{\"a\":[{\"anything-but\":[]}]}", "anything-but has an empty array" },
		{ "{\"a\":[{\"anything-but\":{\"numeric\":[\"<\",1]}}]}",
		  "anything-but needs a value, an array of texts, an array of numbers, or an "
		  "operator on texts" },
		{ "{\"a\":[1],\"a.b\":[1]}", "'a' is both a leaf and an object" },
	};
	char deep[400] = "{\"a";
	struct faas_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(fa_pattern_create(&fa_mem_libc, bad[i][0], &err));
		assert_int_equal(err.code, FAAS_EINVAL);
		assert_string_equal(err.message, bad[i][1]);
	}
	for (int i = 1; i < 64; i++)
		strcat(deep, ".a");
	matches(strcat(deep, "\":[{\"exists\":false}]}"), "{}");
	deep[strlen(deep) - strlen("\":[{\"exists\":false}]}")] = '\0';
	assert_null(fa_pattern_create(&fa_mem_libc, strcat(deep, ".a\":[1]}"), &err));
	assert_string_equal(err.message, "a pattern is at most 64 deep");
}

/* ---- the oracle ---------------------------------------------------------------- */

/*
 * Slow and plain: an array in an event stands for each of its elements, so every event is the
 * events without arrays that one gets by choosing, and it matches if one of them does. Only
 * what must not exist is asked of all of them.
 */
static json_t *whole;

static bool never_there(json_t *event, const char *way)
{
	size_t len = strcspn(way, "/");
	char name[16];
	json_t *one;
	size_t i;

	if (json_is_array(event)) {
		json_array_foreach(event, i, one)
			if (!never_there(one, way))
				return false;
		return true;
	}
	if (!*way)
		return !event || json_is_object(event);
	snprintf(name, sizeof(name), "%.*s", (int)len, way);
	one = json_object_get(event, name);
	return !one || never_there(one, way + len + (way[len] == '/'));
}

static bool leaf_is(json_t *test, json_t *value, const char *way)
{
	const char *text = json_string_value(value), *operand;
	json_t *exists = json_object_get(test, "exists");
	json_t *but = json_object_get(test, "anything-but");

	if (exists)
		return json_is_true(exists) ? value && !json_is_object(value) :
					      never_there(whole, way);
	if (!value || json_is_object(value))
		return false;
	if (but)
		return !json_equal(but, value);
	operand = json_string_value(json_object_get(test, "prefix"));
	if (operand)
		return text && !strncmp(text, operand, strlen(operand));
	operand = json_string_value(json_object_get(test, "suffix"));
	if (operand)
		return text && strlen(text) >= strlen(operand) &&
		       !strcmp(text + strlen(text) - strlen(operand), operand);
	test = json_object_get(test, "numeric") ? json_object_get(test, "numeric") : test;
	if (json_is_array(test))
		return json_is_number(value) &&
		       json_number_value(value) < json_number_value(json_array_get(test, 1));
	return json_equal(test, value);
}

static bool plain_match(json_t *pattern, json_t *event, const char *way)
{
	const char *key;
	json_t *sub, *one;
	size_t i;
	char further[64];

	json_object_foreach(pattern, key, sub) {
		bool any = false;

		if (!strcmp(key, "$or")) {
			json_array_foreach(sub, i, one)
				any |= plain_match(one, event, way);
		} else {
			json_t *value = json_object_get(event, key);

			snprintf(further, sizeof(further), "%s%s%s", way, *way ? "/" : "", key);
			if (json_is_object(sub))
				any = plain_match(sub, value, further);
			else
				json_array_foreach(sub, i, one)
					any |= leaf_is(one, value, further);
		}
		if (!any)
			return false;
	}
	return true;
}

/* The first array in the event, wherever it is: its place becomes that of each element. */
static json_t **find_array(json_t *event, const char **name)
{
	static json_t *parent;
	const char *key;
	json_t *value;

	json_object_foreach(event, key, value) {
		if (json_is_array(value)) {
			*name = key;
			parent = event;
			return &parent;
		}
		if (json_is_object(value) && find_array(value, name))
			return &parent;
	}
	return NULL;
}

static bool slow_match(json_t *pattern, json_t *event)
{
	const char *name;
	json_t **found = find_array(event, &name), *array, *one, *copy;
	bool any = false;
	size_t i;

	if (!found)
		return plain_match(pattern, event, "");
	array = json_object_get(*found, name);
	if (!json_array_size(array)) {
		copy = json_deep_copy(event);
		found = find_array(copy, &name);
		json_object_del(*found, name);
		any = slow_match(pattern, copy);
		json_decref(copy);
		return any;
	}
	for (i = 0; i < json_array_size(array) && !any; i++) {
		copy = json_deep_copy(event);
		found = find_array(copy, &name);
		one = json_incref(json_array_get(json_object_get(*found, name), i));
		json_object_set_new(*found, name, one);
		any = slow_match(pattern, copy);
		json_decref(copy);
	}
	return any;
}

/* ---- what is tried ------------------------------------------------------------- */

static unsigned seed;

static unsigned draw(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static json_t *some_scalar(void)
{
	static const char *const texts[] = { "", "a", "ab", "b", "ba" };

	switch (draw(5)) {
	case 0:
		return json_null();
	case 1:
		return json_integer((int)draw(3));
	case 2:
		return json_true();
	default:
		return json_string(texts[draw(5)]);
	}
}

static json_t *some_value(int depth)
{
	static const char *const names[] = { "x", "y", "z" };
	unsigned kind = depth > 2 ? 0 : draw(5), n;
	json_t *out;

	if (kind < 2)
		return some_scalar();
	n = draw(3);
	out = kind < 4 ? json_object() : json_array();
	while (n--)
		if (kind < 4)
			json_object_set_new(out, names[draw(3)], some_value(depth + 1));
		else
			json_array_append_new(out, some_value(depth + 1));
	return out;
}

static json_t *some_test(void)
{
	static const char *const texts[] = { "a", "b", "ab" };

	switch (draw(8)) {
	case 0:
		return json_pack("{s:b}", "exists", draw(2));
	case 1:
		return json_pack("{s:o}", "anything-but", some_scalar());
	case 2:
		return json_pack("{s:s}", "prefix", texts[draw(3)]);
	case 3:
		return json_pack("{s:s}", "suffix", texts[draw(3)]);
	case 4:
		return json_pack("{s:[s,i]}", "numeric", "<", 1 + (int)draw(2));
	default:
		return some_scalar();
	}
}

static json_t *some_pattern(int depth)
{
	static const char *const names[] = { "x", "y", "z" };
	json_t *out = json_object(), *list;
	unsigned n = 1 + draw(2), i;

	for (i = 0; i < n; i++) {
		if (depth < 2 && !draw(6)) {
			list = json_pack("[o,o]", some_pattern(depth + 1), some_pattern(depth + 1));
			json_object_set_new(out, "$or", list);
		} else if (depth < 2 && draw(2)) {
			json_object_set_new(out, names[draw(3)], some_pattern(depth + 1));
		} else {
			list = json_pack("[o]", some_test());
			if (draw(2))
				json_array_append_new(list, some_test());
			json_object_set_new(out, names[draw(3)], list);
		}
	}
	return out;
}

TEST(it_says_what_a_plain_matcher_says)
{
	const char *count = getenv("FAAS_TEST_PATTERNS");
	int hits = 0, n = count ? atoi(count) : 30000;

	for (int i = 0; i < n; i++) {
		json_t *pattern, *event = json_object();
		char *p, *e;
		bool want;

		seed = (unsigned)i * 7919;
		pattern = some_pattern(0);
		json_object_set_new(event, "x", some_value(0));
		json_object_set_new(event, "y", some_value(0));
		p = json_dumps(pattern, JSON_COMPACT);
		e = json_dumps(event, JSON_COMPACT);
		whole = event;
		want = slow_match(pattern, event);
		if (match(p, e) != want)
			fail_msg("%d: %s %s %s", i, p, want ? "matches" : "does not match", e);
		hits += want;
		free(p);
		free(e);
		json_decref(pattern);
		json_decref(event);
	}
	assert_in_range(hits, n / 20, n - n / 20); /* both kinds were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_all_and_values_are_any),
		cmocka_unit_test(a_value_is_compared_by_its_kind_and_a_number_by_its_text),
		cmocka_unit_test(prefix_and_suffix),
		cmocka_unit_test(equals_ignore_case),
		cmocka_unit_test(wildcard),
		cmocka_unit_test(anything_but),
		cmocka_unit_test(numeric),
		cmocka_unit_test(cidr),
		cmocka_unit_test(exists),
		cmocka_unit_test(or_of_fields),
		cmocka_unit_test(fields_of_an_array_match_in_one_element),
		cmocka_unit_test(beside_a_choice_and_in_it_one_element_is_meant),
		cmocka_unit_test(many_arrays_beside_a_choice_do_not_take_for_ever),
		cmocka_unit_test(a_dot_in_a_name_is_the_way_into_an_object),
		cmocka_unit_test(of_two_members_with_one_name_the_last_one_counts),
		cmocka_unit_test(data_is_looked_into_where_it_is_an_object),
		cmocka_unit_test(what_is_no_pattern_is_refused_with_the_reason),
		cmocka_unit_test(it_says_what_a_plain_matcher_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
