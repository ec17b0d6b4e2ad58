/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <base/prototype.h>

const char fuzz_promise[] = "a_prototype_of_any_text_is_parsed_or_refused_in_words";

const char *const fuzz_corpus[] = {
	"double pow(double x, double y)",
	"int compress(out unsigned char dest[64], const void *source, size_t len);",
	"free char *join(const char *a, const char *b)",
	"void stats(const double v[4], out double *mean, out int64_t n[2])",
	"/* a header */\n#define X 1\nextern int f(void); // g\nunsigned long long g(bool, "
	"char);\n",
	"extern \"C\" {\nint h(const uint8_t *p, size_t n) __attribute__((pure));\n}\n",
	NULL,
};

static void check(const struct fa_prototype *p)
{
	PROPERTY(p->count <= FA_PROTOTYPE_PARAMS && p->arguments <= p->count);
	PROPERTY(memchr(p->name, 0, sizeof(p->name)) && p->name[0]);
	for (uint32_t i = 0; i < p->count; i++) {
		PROPERTY(memchr(p->params[i].name, 0, FA_PROTOTYPE_NAME));
		PROPERTY(p->params[i].count <= FA_PROTOTYPE_ARRAY);
		if (p->params[i].type == FA_C_BYTES)
			PROPERTY(i + 1 < p->count && p->params[i + 1].role == FA_PARAM_LENGTH);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "pow", "f", "g", "h", "" };
	struct fa_prototype prototype;
	struct faas_error err = { 0 };
	char *text = malloc(size + 1), found[256];

	PROPERTY(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (fa_prototype_parse(&prototype, text, &err) == 0)
		check(&prototype);
	else
		PROPERTY(err.code == FAAS_EINVAL && err.message[0]);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = fa_prototype_find((const char *)data, size, names[i], found,
					       sizeof(found));

		PROPERTY(len < sizeof(found));
	}
	free(text);
	return 0;
}
