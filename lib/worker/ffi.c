/* SPDX-License-Identifier: MIT */
/*
 * Three steps: fill the cells of all parameters from the event, call, write the
 * result and what out parameters were given as JSON.
 */
#include <worker/ffi.h>

#include <stdio.h>
#include <stdlib.h>
#include <base/error.h>
#include <base/json.h>
#include <worker/arguments.h>
#include <worker/context.h>

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

/* ---- the result ------------------------------------------------------- */

static int write_integer(struct faas_context *context, enum fa_c_type type,
			 const union fa_value *value)
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
	union fa_value value = { .u64 = 0 };
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

static int write_out(const struct fa_arguments *call, uint32_t index)
{
	const struct fa_param *param = &call->prototype->params[index];
	const char *from = call->cells[index].value.pointer;

	if (param->type == FA_C_STRING)
		return write_string(call->context, from, strnlen(from, param->count));
	if (param->count)
		return write_array(call->context, param, from);
	return write_number(call->context, param->type, from);
}

/* libffi leaves small integers as the low part of a whole ffi_arg. */
static void narrow(enum fa_c_type type, union fa_value *value)
{
	if (type >= FA_C_I8 && type <= FA_C_U32)
		fa_store_integer(type, value, value->wide);
	else if (type == FA_C_BOOL)
		value->u8 = (value->wide & 0xff) != 0;
}

static int write_result(const struct fa_arguments *call, const union fa_value *result)
{
	const struct fa_prototype *prototype = call->prototype;
	const char *text = result->pointer;

	if (prototype->result == FA_C_VOID)
		return faas_puts(call->context, "null");
	if (prototype->result == FA_C_STRING)
		return write_string(call->context, text, text ? strlen(text) : 0);
	return write_number(call->context, prototype->result, result);
}

static int write_object(const struct fa_arguments *call, const union fa_value *result)
{
	const struct fa_prototype *prototype = call->prototype;
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

static int complain(const struct fa_arguments *call)
{
	if (call->no_memory)
		return faas_fail(call->context, "Runtime.OutOfMemory",
				 "there is no memory for the arguments");
	return faas_fail(call->context, "Runtime.BadArgument", call->why);
}

int fa_ffi_invoke(const struct fa_ffi *ffi, struct faas_context *context, struct faas_bytes event)
{
	struct fa_arguments call = { .prototype = &ffi->prototype, .context = context };
	const struct fa_prototype *prototype = &ffi->prototype;
	void *arguments[FA_PROTOTYPE_PARAMS];
	union fa_value result = { .u64 = 0 };
	int rc;

	if (!fa_arguments_fill(&call, event))
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
