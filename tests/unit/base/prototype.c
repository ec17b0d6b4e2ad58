/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/prototype.h>

#include <stdio.h>

static struct fa_prototype parsed(const char *text)
{
	struct fa_prototype prototype;
	struct faas_error err = { .code = 0 };

	if (fa_prototype_parse(&prototype, text, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return prototype;
}

/* Refused with a message that contains `why`. */
static void assert_refused(const char *text, const char *why)
{
	struct fa_prototype prototype;
	struct faas_error err = { .code = 0 };

	assert_int_equal(fa_prototype_parse(&prototype, text, &err), FAAS_EINVAL);
	assert_int_equal(err.code, FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s: the message is \"%s\"", text, err.message);
}

static enum fa_c_type type_of(const char *type)
{
	char text[128];

	snprintf(text, sizeof(text), "void f(%s x)", type);
	return parsed(text).params[0].type;
}

TEST(a_prototype_of_the_manual_is_taken_apart)
{
	struct fa_prototype p = parsed("double pow(double x, double y);");

	assert_string_equal(p.name, "pow");
	assert_int_equal(p.result, FA_C_DOUBLE);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.arguments, 2);
	assert_string_equal(p.params[1].name, "y");
	assert_int_equal(p.params[1].type, FA_C_DOUBLE);
	assert_int_equal(p.params[1].role, FA_PARAM_IN);
}

TEST(all_spellings_of_the_integer_types_are_known)
{
	static const struct {
		const char *text;
		enum fa_c_type type;
	} spellings[] = {
		{ "bool", FA_C_BOOL },
		{ "_Bool", FA_C_BOOL },
		{ "signed char", FA_C_I8 },
		{ "unsigned char", FA_C_U8 },
		{ "short", FA_C_I16 },
		{ "short int", FA_C_I16 },
		{ "unsigned short", FA_C_U16 },
		{ "int", FA_C_I32 },
		{ "signed", FA_C_I32 },
		{ "unsigned", FA_C_U32 },
		{ "unsigned int", FA_C_U32 },
		{ "int unsigned", FA_C_U32 },
		{ "long long", FA_C_I64 },
		{ "unsigned long long int", FA_C_U64 },
		{ "long long unsigned", FA_C_U64 },
		{ "int8_t", FA_C_I8 },
		{ "uint8_t", FA_C_U8 },
		{ "int16_t", FA_C_I16 },
		{ "uint16_t", FA_C_U16 },
		{ "int32_t", FA_C_I32 },
		{ "uint32_t", FA_C_U32 },
		{ "int64_t", FA_C_I64 },
		{ "uint64_t", FA_C_U64 },
		{ "float", FA_C_FLOAT },
		{ "const double", FA_C_DOUBLE },
		{ "double const", FA_C_DOUBLE },
		{ "const unsigned volatile int", FA_C_U32 },
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
		if (type_of(spellings[i].text) != spellings[i].type)
			fail_msg("%s", spellings[i].text);
}

TEST(types_whose_width_depends_on_the_machine_have_its_width)
{
	assert_int_equal(fa_c_size(type_of("long")), sizeof(long));
	assert_int_equal(fa_c_size(type_of("unsigned long")), sizeof(long));
	assert_int_equal(fa_c_size(type_of("size_t")), sizeof(size_t));
	assert_int_equal(fa_c_size(type_of("ssize_t")), sizeof(size_t));
	assert_int_equal(fa_c_size(type_of("intptr_t")), sizeof(intptr_t));
	assert_int_equal(fa_c_size(type_of("char")), 1);
	assert_int_equal(fa_c_signed(type_of("char")), (char)-1 < 0);
	assert_true(fa_c_signed(type_of("ssize_t")));
	assert_false(fa_c_signed(type_of("size_t")));
}

TEST(no_parameters_can_be_said_in_two_ways)
{
	assert_int_equal(parsed("int rand(void)").count, 0);
	assert_int_equal(parsed("int rand()").count, 0);
}

TEST(parameters_without_a_name_are_numbered)
{
	struct fa_prototype p = parsed("double pow(double, double)");

	assert_string_equal(p.params[0].name, "arg1");
	assert_string_equal(p.params[1].name, "arg2");
}

TEST(strings_go_in_as_const_char_pointers)
{
	struct fa_prototype p =
		parsed("int f(const char *a, char const *b, const char *restrict c)");

	for (int i = 0; i < 3; i++)
		assert_int_equal(p.params[i].type, FA_C_STRING);
}

TEST(a_string_result_is_borrowed_unless_it_says_free)
{
	assert_int_equal(parsed("const char *f(void)").result, FA_C_STRING);
	assert_false(parsed("char *f(void)").free_result);
	assert_true(parsed("free char *f(void)").free_result);
	assert_int_equal(parsed("free char *f(void)").result, FA_C_STRING);
	assert_string_equal(parsed("void free(int free)").name, "free");
}

TEST(a_pointer_and_its_length_are_one_argument_of_bytes)
{
	struct fa_prototype p = parsed("uLong crc32(uLong crc, const Bytef *buf, uInt len)");

	assert_int_equal(p.count, 3);
	assert_int_equal(p.arguments, 2);
	assert_int_equal(p.params[1].type, FA_C_BYTES);
	assert_int_equal(p.params[2].role, FA_PARAM_LENGTH);
	assert_int_equal(p.params[2].type, FA_C_U32);
	assert_int_equal(parsed("int f(const void *p, size_t n)").params[0].type, FA_C_BYTES);
	assert_int_equal(parsed("int f(const uint8_t *p, int n)").params[0].type, FA_C_BYTES);
}

TEST(arrays_have_a_fixed_number_of_elements)
{
	struct fa_prototype p = parsed("double norm(double v[3], const int a[ 4 ])");

	assert_int_equal(p.params[0].count, 3);
	assert_int_equal(p.params[0].type, FA_C_DOUBLE);
	assert_int_equal(p.params[1].count, 4);
	assert_int_equal(p.params[1].type, FA_C_I32);
	assert_int_equal(p.arguments, 2);
}

TEST(out_parameters_are_no_arguments)
{
	struct fa_prototype p = parsed("double modf(double x, out double *ip, out int v[4], "
				       "out char buf[256])");

	assert_int_equal(p.count, 4);
	assert_int_equal(p.arguments, 1);
	assert_int_equal(p.params[1].role, FA_PARAM_OUT);
	assert_int_equal(p.params[1].count, 0);
	assert_int_equal(p.params[2].count, 4);
	assert_int_equal(p.params[3].type, FA_C_STRING);
	assert_int_equal(p.params[3].count, 256);
}

TEST(words_of_ours_are_still_good_names)
{
	struct fa_prototype p = parsed("int out(int out, int free)");

	assert_string_equal(p.name, "out");
	assert_string_equal(p.params[0].name, "out");
	assert_int_equal(p.params[0].role, FA_PARAM_IN);
	assert_string_equal(p.params[1].name, "free");
}

TEST(white_space_and_extern_do_not_matter)
{
	assert_string_equal(parsed("\n extern\tint  f ( int\n x ,int y ) ; ").name, "f");
}

TEST(attributes_behind_the_declaration_are_passed_over)
{
	struct fa_prototype p = parsed("int f(int x) __attribute__((pure, nonnull (1))) "
				       "__attribute__((cold));");

	assert_int_equal(p.count, 1);
	assert_refused("int f(int x) __attribute__((pure)", "__attribute__ has no end");
	assert_refused("int f(int x) __attribute__((pure)) y", "should end before 'y'");
}

TEST(what_cannot_be_called_is_refused_by_its_reason)
{
	assert_refused("", "a type is missing");
	assert_refused("int", "a name is missing");
	assert_refused("int f", "'(' is missing");
	assert_refused("int f(", "a type is missing");
	assert_refused("int f(int x", "')' is missing");
	assert_refused("int f(int x) {", "should end before '{'");
	assert_refused("int f(int x); int g(void);", "should end before 'int'");
	assert_refused("foo f(int x)", "unknown type 'foo'");
	assert_refused("int f(int x, FILE *f)", "unknown type 'FILE'");
	assert_refused("int f(struct point p)", "struct, union and enum");
	assert_refused("int printf(const char *format, ...)", "variable arguments");
	assert_refused("void qsort(int (*cmp)(int))", "function pointers");
	assert_refused("int f(char **argv)", "pointer to a pointer");
	assert_refused("int f(char *s)", "say const");
	assert_refused("int f(int *p)", "say const");
	assert_refused("int f(const double *p)", "array with its size");
	assert_refused("int f(const void *p)", "comes its length");
	assert_refused("int f(const void *p, double n)", "comes its length");
	assert_refused("int f(const void *p, int n[2])", "comes its length");
	assert_refused("int f(out int x)", "needs a pointer or an array");
	assert_refused("int f(out const int *x)", "both out and const");
	assert_refused("int f(out char *x)", "out char x[256]");
	assert_refused("int f(out void *x)", "needs a number type");
	assert_refused("int f(char s[4])", "const char *s");
	assert_refused("int f(void x)", "cannot be void");
	assert_refused("int f(int a[])", "number of elements");
	assert_refused("int f(int a[0])", "at least one");
	assert_refused("int f(int a[0x10])", "not a decimal number");
	assert_refused("int f(int a[2][2])", "one dimension");
	assert_refused("int f(const char *a[2])", "array of pointers");
	assert_refused("int f(int x, int x)", "two parameters");
	assert_refused("void *malloc(size_t n)", "only pointer that can be a result");
	assert_refused("free int f(void)", "type char *");
	assert_refused("long double f(void)", "plain float and double");
	assert_refused("int f(unsigned signed x)", "no integer type");
	assert_refused("int f(long char x)", "no integer type");
	assert_refused("int f(long long long x)", "no integer type");
	assert_refused("int f(int x,)", "a type is missing");
	assert_refused("int 3f(int x)", "a name is missing");
}

TEST(a_refusal_says_where)
{
	assert_refused("int f(int x, wrong y)", "character 14:");
	assert_refused("wrong", "character 1:");
}

TEST(sixteen_parameters_are_the_limit)
{
	char text[512] = "int f(int";

	for (int i = 1; i < FA_PROTOTYPE_PARAMS; i++)
		strcat(text, ", int");
	strcat(text, ")");
	assert_int_equal(parsed(text).count, FA_PROTOTYPE_PARAMS);
	text[strlen(text) - 1] = '\0';
	strcat(text, ", int)");
	assert_refused(text, "at most 16 parameters");
}

TEST(names_and_arrays_have_their_limits_too)
{
	char text[256] = "int f(int a[65536])";
	char name[FA_PROTOTYPE_NAME + 1];

	assert_int_equal(parsed(text).params[0].count, FA_PROTOTYPE_ARRAY);
	assert_refused("int f(int a[65537])", "at most 65536 elements");
	assert_refused("int f(int a[99999999999999999999])", "at most 65536 elements");
	memset(name, 'n', sizeof(name));
	name[FA_PROTOTYPE_NAME - 1] = '\0';
	snprintf(text, sizeof(text), "int %s(void)", name);
	assert_string_equal(parsed(text).name, name);
	snprintf(text, sizeof(text), "int %sn(void)", name);
	assert_refused(text, "longer than 63");
}

TEST(a_text_longer_than_the_limit_is_refused)
{
	char text[FA_PROTOTYPE_MAX + 2];

	memset(text, ' ', sizeof(text));
	memcpy(text, "int f(void)", 11);
	text[FA_PROTOTYPE_MAX] = '\0';
	assert_string_equal(parsed(text).name, "f");
	text[FA_PROTOTYPE_MAX] = ' ';
	text[FA_PROTOTYPE_MAX + 1] = '\0';
	assert_refused(text, "at most 4096 characters");
}

TEST(a_failed_parse_leaves_the_output_alone)
{
	struct fa_prototype p = { .count = 77 };

	assert_int_equal(fa_prototype_parse(&p, "int f(", NULL), FAAS_EINVAL);
	assert_int_equal(p.count, 77);
}

static const char header[] =
	"/* int add(wrong); */\n"
	"#define add(x) \\\n"
	"	int add(macro);\n"
	"#ifdef __cplusplus\n"
	"extern \"C\" {\n"
	"#endif\n"
	"typedef int add(int);\n"
	"struct s { int (*add)(int); };\n"
	"static inline int twice(int x) { return add(x, x); }\n"
	"int add_more(int a); // int add(comment);\n"
	"int /* sum */ add\n(int a,\n    int b);\n"
	"const char *quote(const char *s);\n"
	"}\n";

TEST(a_declaration_is_found_in_a_header)
{
	char out[128];

	assert_int_equal(fa_prototype_find(header, strlen(header), "add", out, sizeof(out)),
			 strlen("int add (int a, int b)"));
	assert_string_equal(out, "int add (int a, int b)");
	assert_true(fa_prototype_find(header, strlen(header), "quote", out, sizeof(out)) > 0);
	assert_string_equal(parsed(out).name, "quote");
}

TEST(what_a_header_does_not_declare_is_not_found)
{
	char out[128];

	assert_int_equal(fa_prototype_find(header, strlen(header), "twice", out, 128), 0);
	assert_int_equal(fa_prototype_find(header, strlen(header), "ad", out, 128), 0);
	assert_int_equal(fa_prototype_find(header, strlen(header), "s", out, 128), 0);
	assert_int_equal(fa_prototype_find("", 0, "add", out, 128), 0);
	assert_int_equal(fa_prototype_find("int add(int", 11, "add", out, 128), 0);
}

TEST(a_declaration_longer_than_the_room_for_it_is_not_found)
{
	char out[16];

	assert_int_equal(fa_prototype_find(header, strlen(header), "add", out, sizeof(out)), 0);
}

TEST(no_broken_header_is_read_past_its_end)
{
	char out[64], copy[sizeof(header)];

	for (size_t n = 0; n < sizeof(header); n++) {
		memcpy(copy, header, n);
		assert_true(fa_prototype_find(copy, n, "quote", out, sizeof(out)) < sizeof(out));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prototype_of_the_manual_is_taken_apart),
		cmocka_unit_test(all_spellings_of_the_integer_types_are_known),
		cmocka_unit_test(types_whose_width_depends_on_the_machine_have_its_width),
		cmocka_unit_test(no_parameters_can_be_said_in_two_ways),
		cmocka_unit_test(parameters_without_a_name_are_numbered),
		cmocka_unit_test(strings_go_in_as_const_char_pointers),
		cmocka_unit_test(a_string_result_is_borrowed_unless_it_says_free),
		cmocka_unit_test(a_pointer_and_its_length_are_one_argument_of_bytes),
		cmocka_unit_test(arrays_have_a_fixed_number_of_elements),
		cmocka_unit_test(out_parameters_are_no_arguments),
		cmocka_unit_test(words_of_ours_are_still_good_names),
		cmocka_unit_test(white_space_and_extern_do_not_matter),
		cmocka_unit_test(attributes_behind_the_declaration_are_passed_over),
		cmocka_unit_test(what_cannot_be_called_is_refused_by_its_reason),
		cmocka_unit_test(a_refusal_says_where),
		cmocka_unit_test(sixteen_parameters_are_the_limit),
		cmocka_unit_test(names_and_arrays_have_their_limits_too),
		cmocka_unit_test(a_text_longer_than_the_limit_is_refused),
		cmocka_unit_test(a_failed_parse_leaves_the_output_alone),
		cmocka_unit_test(a_declaration_is_found_in_a_header),
		cmocka_unit_test(what_a_header_does_not_declare_is_not_found),
		cmocka_unit_test(a_declaration_longer_than_the_room_for_it_is_not_found),
		cmocka_unit_test(no_broken_header_is_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
