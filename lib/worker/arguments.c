/* SPDX-License-Identifier: MIT */
/*
 * From an event to the cells of a call. Every value is judged by its parameter
 * alone; the first that does not fit ends it, in words that name the parameter.
 * Nothing is called before all of them are known to fit.
 */
#include <worker/arguments.h>

#include <stdarg.h>
#include <stdio.h>
#include <base/json.h>

/* ---- complaints ------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool refuse(struct fa_arguments *call,
							 const char *format, ...)
{
	va_list args;

	if (call->refused)
		return false;
	call->refused = true;
	va_start(args, format);
	vsnprintf(call->why, sizeof(call->why), format, args);
	va_end(args);
	return false;
}

static bool refuse_value(struct fa_arguments *call, const struct fa_param *param,
			 struct fa_json value, const char *wanted)
{
	int shown = value.len > 40 ? 40 : (int)value.len;

	return refuse(call, "parameter '%s' must be %s, not %.*s%s", param->name, wanted, shown,
		      value.text, (size_t)shown < value.len ? "..." : "");
}

static bool refuse_integer(struct fa_arguments *call, const struct fa_param *param,
			   struct fa_json value)
{
	unsigned bits = (unsigned)fa_c_size(param->type) * 8;
	char wanted[64];

	if (fa_c_signed(param->type))
		snprintf(wanted, sizeof(wanted), "an integer from %lld to %lld",
			 (long long)(INT64_MIN >> (64 - bits)),
			 (long long)(INT64_MAX >> (64 - bits)));
	else
		snprintf(wanted, sizeof(wanted), "an integer from 0 to %llu",
			 (unsigned long long)(UINT64_MAX >> (64 - bits)));
	return refuse_value(call, param, value, wanted);
}

static void *reserve(struct fa_arguments *call, size_t size)
{
	void *memory = faas_alloc(call->context, size);

	if (!memory)
		call->no_memory = call->refused = true;
	return memory;
}

/* ---- numbers ---------------------------------------------------------- */

static bool fits_signed(enum fa_c_type type, int64_t value)
{
	unsigned unused = 64 - (unsigned)fa_c_size(type) * 8;

	return value >= INT64_MIN >> unused && value <= INT64_MAX >> unused;
}

static bool fits_unsigned(enum fa_c_type type, uint64_t value)
{
	return value <= UINT64_MAX >> (64 - (unsigned)fa_c_size(type) * 8);
}

void fa_store_integer(enum fa_c_type type, void *to, uint64_t bits)
{
	union fa_value value;

	switch (fa_c_size(type)) {
	case 1:
		value.u8 = (uint8_t)bits;
		break;
	case 2:
		value.u16 = (uint16_t)bits;
		break;
	case 4:
		value.u32 = (uint32_t)bits;
		break;
	default:
		value.u64 = bits;
		break;
	}
	memcpy(to, &value, fa_c_size(type));
}

static bool fill_bool(struct fa_arguments *call, const struct fa_param *param, struct fa_json json,
		      void *to)
{
	enum fa_json_kind kind = fa_json_kind(json);

	if (kind != FA_JSON_TRUE && kind != FA_JSON_FALSE)
		return refuse_value(call, param, json, "true or false");
	*(uint8_t *)to = kind == FA_JSON_TRUE;
	return true;
}

static bool fill_integer(struct fa_arguments *call, const struct fa_param *param,
			 struct fa_json json, void *to)
{
	enum fa_c_type type = param->type;
	uint64_t plus;
	int64_t value;

	if (fa_c_signed(type)) {
		if (!fa_json_int(json, &value) || !fits_signed(type, value))
			return refuse_integer(call, param, json);
		plus = (uint64_t)value;
	} else if (!fa_json_uint(json, &plus) || !fits_unsigned(type, plus)) {
		return refuse_integer(call, param, json);
	}
	fa_store_integer(type, to, plus);
	return true;
}

static bool fill_real(struct fa_arguments *call, const struct fa_param *param, struct fa_json json,
		      void *to)
{
	double value;
	float narrow;

	if (!fa_json_double(json, &value))
		return refuse_value(call, param, json, "a number that fits a double");
	if (param->type == FA_C_DOUBLE) {
		memcpy(to, &value, sizeof(value));
		return true;
	}
	narrow = (float)value;
	if (__builtin_isinf(narrow))
		return refuse_value(call, param, json, "a number that fits a float");
	memcpy(to, &narrow, sizeof(narrow));
	return true;
}

static bool fill_number(struct fa_arguments *call, const struct fa_param *param,
			struct fa_json json, void *to)
{
	if (param->type == FA_C_BOOL)
		return fill_bool(call, param, json, to);
	if (param->type == FA_C_FLOAT || param->type == FA_C_DOUBLE)
		return fill_real(call, param, json, to);
	return fill_integer(call, param, json, to);
}

/* ---- arguments of memory ---------------------------------------------- */

static bool fill_array(struct fa_arguments *call, const struct fa_param *param, struct fa_json json,
		       struct fa_cell *cell)
{
	size_t size = fa_c_size(param->type), count = fa_json_count(json);
	struct fa_json_iter iter;
	struct fa_json element;
	char *to;

	if (fa_json_kind(json) != FA_JSON_ARRAY || count != param->count)
		return refuse(call, "parameter '%s' must be an array of %u elements", param->name,
			      param->count);
	to = cell->value.pointer = reserve(call, size * count);
	if (!to)
		return false;
	for (fa_json_begin(&iter, json); fa_json_next(&iter, NULL, &element); to += size)
		if (!fill_number(call, param, element, to))
			return false;
	return true;
}

static char *decode_string(struct fa_arguments *call, struct fa_json json, size_t *len)
{
	char *text = reserve(call, json.len);

	if (text)
		*len = fa_json_string(json, text, json.len);
	return text;
}

static bool fill_string(struct fa_arguments *call, const struct fa_param *param,
			struct fa_json json, struct fa_cell *cell)
{
	char *text;

	if (fa_json_kind(json) != FA_JSON_STRING)
		return refuse_value(call, param, json, "a string");
	text = cell->value.pointer = decode_string(call, json, &cell->len);
	if (!text)
		return false;
	if (strlen(text) != cell->len)
		return refuse(call, "parameter '%s' must be a string without \\u0000", param->name);
	return true;
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'             ? 62
	       : c == '/'             ? 63
				      : -1;
}

/* In place; padded, as RFC 4648 has it. */
static bool decode_base64(char *text, size_t *len)
{
	size_t in = *len, out = 0;
	uint32_t bits = 0;

	if (in % 4)
		return false;
	for (int i = 0; i < 2 && in && text[in - 1] == '='; i++)
		in--;
	for (size_t i = 0; i < in; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			text[out++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	*len = out;
	return true;
}

static bool fill_bytes(struct fa_arguments *call, const struct fa_param *param, struct fa_json json,
		       struct fa_cell *cell)
{
	struct fa_json encoded = fa_json_get(json, "base64");
	bool base64 = fa_json_kind(encoded) == FA_JSON_STRING && fa_json_count(json) == 1;

	if (!base64 && fa_json_kind(json) != FA_JSON_STRING)
		return refuse_value(call, param, json, "a string or {\"base64\": \"...\"}");
	cell->value.pointer = decode_string(call, base64 ? encoded : json, &cell->len);
	if (!cell->value.pointer)
		return false;
	if (base64 && !decode_base64(cell->value.pointer, &cell->len))
		return refuse(call, "parameter '%s' is not valid base64", param->name);
	return true;
}

static bool fill_length(struct fa_arguments *call, uint32_t index)
{
	const struct fa_param *param = &call->prototype->params[index];
	size_t len = call->cells[index - 1].len;

	if (len > INT64_MAX || !(fa_c_signed(param->type) ? fits_signed(param->type, (int64_t)len)
							  : fits_unsigned(param->type, len)))
		return refuse(call, "parameter '%s' is longer than '%s' can say",
			      call->prototype->params[index - 1].name, param->name);
	fa_store_integer(param->type, &call->cells[index].value, len);
	return true;
}

static bool fill_out(struct fa_arguments *call, uint32_t index)
{
	const struct fa_param *param = &call->prototype->params[index];
	struct fa_cell *cell = &call->cells[index];
	size_t size = param->type == FA_C_STRING ? 1 : fa_c_size(param->type);

	if (!param->count) {
		cell->value.pointer = &cell->single;
		return true;
	}
	cell->value.pointer = reserve(call, size * param->count);
	if (cell->value.pointer)
		memset(cell->value.pointer, 0, size * param->count);
	return cell->value.pointer != NULL;
}

/* ---- the event -------------------------------------------------------- */

static bool fill(struct fa_arguments *call, uint32_t index, struct fa_json json)
{
	const struct fa_param *param = &call->prototype->params[index];
	struct fa_cell *cell = &call->cells[index];

	if (cell->given)
		return refuse(call, "parameter '%s' is given twice", param->name);
	cell->given = true;
	if (param->count)
		return fill_array(call, param, json, cell);
	if (param->type == FA_C_STRING)
		return fill_string(call, param, json, cell);
	if (param->type == FA_C_BYTES)
		return fill_bytes(call, param, json, cell);
	return fill_number(call, param, json, &cell->value);
}

/* The next parameter from `index` on that the event gives. */
static uint32_t next_argument(const struct fa_prototype *prototype, uint32_t index)
{
	while (index < prototype->count && prototype->params[index].role != FA_PARAM_IN)
		index++;
	return index;
}

static bool fill_by_position(struct fa_arguments *call, struct fa_json event)
{
	const struct fa_prototype *prototype = call->prototype;
	size_t count = fa_json_count(event);
	struct fa_json_iter iter;
	struct fa_json value;
	uint32_t index = 0;

	if (count != prototype->arguments)
		return refuse(call, "%s takes %u argument%s, not %zu", prototype->name,
			      prototype->arguments, prototype->arguments == 1 ? "" : "s", count);
	for (fa_json_begin(&iter, event); fa_json_next(&iter, NULL, &value); index++) {
		index = next_argument(prototype, index);
		if (!fill(call, index, value))
			return false;
	}
	return true;
}

static bool fill_named(struct fa_arguments *call, struct fa_json key, struct fa_json value)
{
	const struct fa_prototype *prototype = call->prototype;
	uint32_t index = next_argument(prototype, 0);

	while (index < prototype->count && !fa_json_equals(key, prototype->params[index].name))
		index = next_argument(prototype, index + 1);
	if (index == prototype->count)
		return refuse(call, "%s has no parameter %.*s", prototype->name,
			      key.len > 66 ? 66 : (int)key.len, key.text);
	return fill(call, index, value);
}

static bool fill_by_name(struct fa_arguments *call, struct fa_json event)
{
	const struct fa_prototype *prototype = call->prototype;
	struct fa_json_iter iter;
	struct fa_json key, value;

	for (fa_json_begin(&iter, event); fa_json_next(&iter, &key, &value);)
		if (!fill_named(call, key, value))
			return false;
	for (uint32_t i = next_argument(prototype, 0); i < prototype->count;
	     i = next_argument(prototype, i + 1))
		if (!call->cells[i].given)
			return refuse(call, "parameter '%s' is missing", prototype->params[i].name);
	return true;
}

static bool fill_arguments(struct fa_arguments *call, struct faas_bytes event)
{
	const struct fa_prototype *prototype = call->prototype;
	struct fa_json json = { "{}", 2 };

	if (event.len && !fa_json_read(event.data, event.len, &json))
		return refuse(call, "the event is not JSON");
	if (fa_json_kind(json) == FA_JSON_ARRAY)
		return fill_by_position(call, json);
	if (fa_json_kind(json) == FA_JSON_OBJECT)
		return fill_by_name(call, json);
	if (prototype->arguments == 1)
		return fill(call, next_argument(prototype, 0), json);
	if (prototype->arguments == 0 && fa_json_kind(json) == FA_JSON_NULL)
		return true;
	return refuse(call, "%s takes %u arguments: an array, or an object with their names",
		      prototype->name, prototype->arguments);
}

bool fa_arguments_fill(struct fa_arguments *call, struct faas_bytes event)
{
	const struct fa_prototype *prototype = call->prototype;

	if (!fill_arguments(call, event))
		return false;
	for (uint32_t i = 0; i < prototype->count; i++) {
		enum fa_param_role role = prototype->params[i].role;

		if ((role == FA_PARAM_LENGTH && !fill_length(call, i)) ||
		    (role == FA_PARAM_OUT && !fill_out(call, i)))
			return false;
	}
	return true;
}
