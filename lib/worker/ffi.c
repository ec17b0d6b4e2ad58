/* SPDX-License-Identifier: MIT */
/*
 * Every parameter gets a cell: the place libffi reads the argument from, and the
 * memory behind it if the argument is a pointer. First all cells are filled, then
 * the function is called, then the cells of out parameters are read: nothing is
 * called before everything is known to fit.
 */
#include <worker/ffi.h>

#include <stdio.h>
#include <stdlib.h>
#include <base/error.h>
#include <base/json.h>
#include <base/text.h>
#include <worker/context.h>

/* At least as large as ffi_arg: libffi widens small integer results to that. */
union value {
	int8_t i8;
	uint8_t u8;
	int16_t i16;
	uint16_t u16;
	int32_t i32;
	uint32_t u32;
	int64_t i64;
	uint64_t u64;
	float f;
	double d;
	void *pointer;
	ffi_arg wide;
	ffi_sarg wide_signed;
};

struct cell {
	union value value;  /* what is passed */
	union value single; /* what an out parameter without [] points at */
	size_t len;         /* of bytes */
	bool given;
};

struct call {
	const struct fa_ffi *ffi;
	struct faas_context *context;
	struct cell cells[FA_PROTOTYPE_PARAMS];
	char why[200];
	bool refused, no_memory;
};

/* ---- preparation ------------------------------------------------------ */

static ffi_type *scalar_type(enum fa_c_type type)
{
	static ffi_type *const types[] = {
		[FA_C_VOID] = &ffi_type_void,      [FA_C_BOOL] = &ffi_type_uint8,
		[FA_C_I8] = &ffi_type_sint8,       [FA_C_U8] = &ffi_type_uint8,
		[FA_C_I16] = &ffi_type_sint16,     [FA_C_U16] = &ffi_type_uint16,
		[FA_C_I32] = &ffi_type_sint32,     [FA_C_U32] = &ffi_type_uint32,
		[FA_C_I64] = &ffi_type_sint64,     [FA_C_U64] = &ffi_type_uint64,
		[FA_C_FLOAT] = &ffi_type_float,    [FA_C_DOUBLE] = &ffi_type_double,
		[FA_C_STRING] = &ffi_type_pointer, [FA_C_BYTES] = &ffi_type_pointer,
	};

	return types[type];
}

static bool by_pointer(const struct fa_param *param)
{
	return param->role == FA_PARAM_OUT || param->count;
}

int fa_ffi_init(struct fa_ffi *ffi, void *function, struct faas_error *err)
{
	const struct fa_prototype *prototype = &ffi->prototype;

	for (uint32_t i = 0; i < prototype->count; i++)
		ffi->types[i] = by_pointer(&prototype->params[i])
					? &ffi_type_pointer
					: scalar_type(prototype->params[i].type);
	if (ffi_prep_cif(&ffi->cif, FFI_DEFAULT_ABI, prototype->count,
			 scalar_type(prototype->result), ffi->types) != FFI_OK)
		return fa_error_typed(err, FAAS_EPLUGIN, "Runtime.InvalidPrototype",
				      "libffi cannot call '%s' from its prototype",
				      prototype->name);
	ffi->function = (void (*)(void))function;
	return 0;
}

/* ---- complaints ------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool refuse(struct call *call, const char *format, ...)
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

static bool refuse_value(struct call *call, const struct fa_param *param, struct fa_json value,
			 const char *wanted)
{
	int shown = value.len > 40 ? 40 : (int)value.len;

	return refuse(call, "parameter '%s' must be %s, not %.*s%s", param->name, wanted, shown,
		      value.text, (size_t)shown < value.len ? "..." : "");
}

static bool refuse_integer(struct call *call, const struct fa_param *param, struct fa_json value)
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

static void *reserve(struct call *call, size_t size)
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

static void store_integer(enum fa_c_type type, void *to, uint64_t bits)
{
	union value value;

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

static bool fill_bool(struct call *call, const struct fa_param *param, struct fa_json json,
		      void *to)
{
	enum fa_json_kind kind = fa_json_kind(json);

	if (kind != FA_JSON_TRUE && kind != FA_JSON_FALSE)
		return refuse_value(call, param, json, "true or false");
	*(uint8_t *)to = kind == FA_JSON_TRUE;
	return true;
}

static bool fill_integer(struct call *call, const struct fa_param *param, struct fa_json json,
			 void *to)
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
	store_integer(type, to, plus);
	return true;
}

static bool fill_real(struct call *call, const struct fa_param *param, struct fa_json json,
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

static bool fill_number(struct call *call, const struct fa_param *param, struct fa_json json,
			void *to)
{
	if (param->type == FA_C_BOOL)
		return fill_bool(call, param, json, to);
	if (param->type == FA_C_FLOAT || param->type == FA_C_DOUBLE)
		return fill_real(call, param, json, to);
	return fill_integer(call, param, json, to);
}

/* ---- arguments of memory ---------------------------------------------- */

static bool fill_array(struct call *call, const struct fa_param *param, struct fa_json json,
		       struct cell *cell)
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

static char *decode_string(struct call *call, struct fa_json json, size_t *len)
{
	char *text = reserve(call, json.len);

	if (text)
		*len = fa_json_string(json, text, json.len);
	return text;
}

static bool fill_string(struct call *call, const struct fa_param *param, struct fa_json json,
			struct cell *cell)
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

static bool fill_bytes(struct call *call, const struct fa_param *param, struct fa_json json,
		       struct cell *cell)
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

static bool fill_length(struct call *call, uint32_t index)
{
	const struct fa_param *param = &call->ffi->prototype.params[index];
	size_t len = call->cells[index - 1].len;

	if (len > INT64_MAX || !(fa_c_signed(param->type) ? fits_signed(param->type, (int64_t)len)
							  : fits_unsigned(param->type, len)))
		return refuse(call, "parameter '%s' is longer than '%s' can say",
			      call->ffi->prototype.params[index - 1].name, param->name);
	store_integer(param->type, &call->cells[index].value, len);
	return true;
}

static bool fill_out(struct call *call, uint32_t index)
{
	const struct fa_param *param = &call->ffi->prototype.params[index];
	struct cell *cell = &call->cells[index];
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

static bool fill(struct call *call, uint32_t index, struct fa_json json)
{
	const struct fa_param *param = &call->ffi->prototype.params[index];
	struct cell *cell = &call->cells[index];

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

static bool fill_by_position(struct call *call, struct fa_json event)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
	size_t count = fa_json_count(event);
	struct fa_json_iter iter;
	struct fa_json value;
	uint32_t index = 0;

	if (count != prototype->arguments)
		return refuse(call, "%s takes %u arguments, not %zu", prototype->name,
			      prototype->arguments, count);
	for (fa_json_begin(&iter, event); fa_json_next(&iter, NULL, &value); index++) {
		index = next_argument(prototype, index);
		if (!fill(call, index, value))
			return false;
	}
	return true;
}

static bool fill_named(struct call *call, struct fa_json key, struct fa_json value)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
	uint32_t index = next_argument(prototype, 0);

	while (index < prototype->count && !fa_json_equals(key, prototype->params[index].name))
		index = next_argument(prototype, index + 1);
	if (index == prototype->count)
		return refuse(call, "%s has no parameter %.*s", prototype->name,
			      key.len > 66 ? 66 : (int)key.len, key.text);
	return fill(call, index, value);
}

static bool fill_by_name(struct call *call, struct fa_json event)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
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

static bool fill_arguments(struct call *call, struct faas_bytes event)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
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

static bool fill_cells(struct call *call, struct faas_bytes event)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;

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

/* ---- the result ------------------------------------------------------- */

static int write_integer(struct faas_context *context, enum fa_c_type type,
			 const union value *value)
{
	char text[24];
	int64_t i = type == FA_C_I8    ? value->i8
		    : type == FA_C_I16 ? value->i16
		    : type == FA_C_I32 ? value->i32
				       : value->i64;
	uint64_t u = type == FA_C_U8    ? value->u8
		     : type == FA_C_U16 ? value->u16
		     : type == FA_C_U32 ? value->u32
					: value->u64;

	if (fa_c_signed(type))
		snprintf(text, sizeof(text), "%lld", (long long)i);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)u);
	return faas_puts(context, text);
}

static int write_number(struct faas_context *context, enum fa_c_type type, const void *from)
{
	union value value = { .u64 = 0 };
	char text[FA_JSON_DOUBLE];

	memcpy(&value, from, fa_c_size(type));
	switch (type) {
	case FA_C_BOOL:
		return faas_puts(context, value.u8 ? "true" : "false");
	case FA_C_FLOAT:
		fa_json_print(text, (double)value.f, true);
		return faas_puts(context, text);
	case FA_C_DOUBLE:
		fa_json_print(text, value.d, false);
		return faas_puts(context, text);
	default:
		return write_integer(context, type, &value);
	}
}

static int write_string(struct faas_context *context, const char *text, size_t len)
{
	if (!text)
		return faas_puts(context, "null");
	if (faas_puts(context, "\"") < 0 || fa_context_write_json(context, text, len) < 0)
		return -1;
	return faas_puts(context, "\"");
}

static int write_array(struct faas_context *context, const struct fa_param *param, const char *from)
{
	size_t size = fa_c_size(param->type);

	for (uint32_t i = 0; i < param->count; i++)
		if (faas_puts(context, i ? "," : "[") < 0 ||
		    write_number(context, param->type, from + i * size) < 0)
			return -1;
	return faas_puts(context, "]");
}

static int write_out(const struct call *call, uint32_t index)
{
	const struct fa_param *param = &call->ffi->prototype.params[index];
	const char *from = call->cells[index].value.pointer;

	if (param->type == FA_C_STRING)
		return write_string(call->context, from, strnlen(from, param->count));
	if (param->count)
		return write_array(call->context, param, from);
	return write_number(call->context, param->type, from);
}

/* libffi leaves small integers as the low part of a whole ffi_arg. */
static void narrow(enum fa_c_type type, union value *value)
{
	if (type >= FA_C_I8 && type <= FA_C_U32)
		store_integer(type, value, value->wide);
	else if (type == FA_C_BOOL)
		value->u8 = (value->wide & 0xff) != 0;
}

static int write_result(const struct call *call, const union value *result)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
	const char *text = result->pointer;

	if (prototype->result == FA_C_VOID)
		return faas_puts(call->context, "null");
	if (prototype->result == FA_C_STRING)
		return write_string(call->context, text, text ? strlen(text) : 0);
	return write_number(call->context, prototype->result, result);
}

static int write_object(const struct call *call, const union value *result)
{
	const struct fa_prototype *prototype = &call->ffi->prototype;
	const char *before = "{\"";

	if (prototype->result != FA_C_VOID) {
		if (faas_puts(call->context, "{\"result\":") < 0 || write_result(call, result) < 0)
			return -1;
		before = ",\"";
	}
	for (uint32_t i = 0; i < prototype->count; i++) {
		if (prototype->params[i].role != FA_PARAM_OUT)
			continue;
		if (faas_puts(call->context, before) < 0 ||
		    faas_puts(call->context, prototype->params[i].name) < 0 ||
		    faas_puts(call->context, "\":") < 0 || write_out(call, i) < 0)
			return -1;
		before = ",\"";
	}
	return faas_puts(call->context, "}");
}

static bool has_out(const struct fa_prototype *prototype)
{
	for (uint32_t i = 0; i < prototype->count; i++)
		if (prototype->params[i].role == FA_PARAM_OUT)
			return true;
	return false;
}

/* ---- the call --------------------------------------------------------- */

static int complain(const struct call *call)
{
	if (call->no_memory)
		return faas_fail(call->context, "Runtime.OutOfMemory",
				 "there is no memory for the arguments");
	return faas_fail(call->context, "Runtime.BadArgument", call->why);
}

int fa_ffi_invoke(const struct fa_ffi *ffi, struct faas_context *context, struct faas_bytes event)
{
	struct call call = { .ffi = ffi, .context = context };
	const struct fa_prototype *prototype = &ffi->prototype;
	void *arguments[FA_PROTOTYPE_PARAMS];
	union value result = { .u64 = 0 };
	int rc;

	if (!fill_cells(&call, event))
		return complain(&call);
	for (uint32_t i = 0; i < prototype->count; i++)
		arguments[i] = &call.cells[i].value;
	ffi_call((ffi_cif *)&ffi->cif, ffi->function, &result, arguments);
	narrow(prototype->result, &result);
	rc = has_out(prototype) ? write_object(&call, &result) : write_result(&call, &result);
	if (prototype->free_result)
		free(result.pointer);
	return rc;
}
