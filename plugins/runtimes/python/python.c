/* SPDX-License-Identifier: MIT */
/*
 * Python inside the worker. Where an interpreter of its own would ask the Runtime API for an
 * event and post the answer, the worker calls a function here, and that one a function of
 * faas_runtime/embedded.py. So a warm call costs what it costs a plugin, and an interpreter that
 * has started is memory that can be kept: it starts once, in a template, and environments
 * begin with what it was then. A function's modules are imported in each of them, unless it
 * asked for a snapshot of itself.
 *
 * Between two events the interpreter's lock is never let go: threads that a function left
 * behind stand still meanwhile, as they do where Lambda freezes an environment.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <faas/plugin.h>

static PyObject *embedded; /* the module */

/* put(descriptor, bytes): through the streams that the worker looks at after each event. */
static PyObject *put(PyObject *self, PyObject *arguments)
{
	Py_buffer data;
	int number;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "iy*", &number, &data))
		return NULL;
	fwrite(data.buf, 1, (size_t)data.len, number == 2 ? stderr : stdout);
	fflush(number == 2 ? stderr : stdout);
	PyBuffer_Release(&data);
	return PyLong_FromSsize_t(data.len);
}

static PyMethodDef methods[] = {
	{ "put", put, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "_faas",
	.m_size = -1,
	.m_methods = methods,
};

static PyObject *make_module(void)
{
	return PyModule_Create(&definition);
}

/* Python's own extension modules expect the interpreter's symbols to be everybody's. */
static void share_symbols(void)
{
	Dl_info info;

	if (dladdr((void *)(uintptr_t)Py_GetVersion, &info))
		dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

static int start_interpreter(struct faas_context *ctx)
{
	PyPreConfig before;
	PyConfig config;
	PyStatus status;

	share_symbols();
	PyPreConfig_InitPythonConfig(&before);
	before.utf8_mode = 1;
	before.parse_argv = 0;
	status = Py_PreInitialize(&before);
	if (PyStatus_Exception(status))
		return faas_fail(ctx, "Runtime.InitError", status.err_msg);
	PyImport_AppendInittab("_faas", make_module);
	PyConfig_InitPythonConfig(&config);
	config.site_import = 0;
	config.buffered_stdio = 0;
	config.write_bytecode = 0;
	config.parse_argv = 0;
	status = PyConfig_SetString(&config, &config.program_name, L"" PYTHON_PROGRAM);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (PyStatus_Exception(status))
		return faas_fail(ctx, "Runtime.InitError",
				 status.err_msg ? status.err_msg : "Python does not start");
	return 0;
}

/* What nobody caught: sys.exit() ends the process with its status, all else with 1. */
static _Noreturn void end(void)
{
	PyErr_Print();
	exit(1);
}

/* None is nothing to say, bytes are an answer, and a pair is an error: its type and its body. */
static int take(struct faas_context *ctx, PyObject *result)
{
	const char *kind;
	char *data;
	Py_ssize_t len;
	int rc = 0;

	if (!result)
		end();
	if (PyBytes_Check(result))
		rc = faas_write(ctx, PyBytes_AS_STRING(result), (size_t)PyBytes_GET_SIZE(result));
	else if (result != Py_None && PyArg_ParseTuple(result, "sy#", &kind, &data, &len))
		rc = faas_fail_body(ctx, kind, (struct faas_bytes){ data, (size_t)len });
	else if (result != Py_None)
		end();
	Py_DECREF(result);
	return rc;
}

static const char *text(const char *given)
{
	return given ? given : "";
}

/* The variables that are of one environment, and were another's in the template. */
static int hook(struct faas_context *ctx, const char *name)
{
	return take(ctx, PyObject_CallMethod(
				 embedded, name, "ss",
				 text(faas_getenv(ctx, "AWS_LAMBDA_INITIALIZATION_TYPE")),
				 text(faas_getenv(ctx, "AWS_LAMBDA_LOG_STREAM_NAME"))));
}

static int init(struct faas_context *ctx)
{
	int rc;

	setenv("PYTHONPATH", text(faas_getenv(ctx, "LAMBDA_RUNTIME_DIR")), 0);
	rc = start_interpreter(ctx);
	if (rc)
		return rc;
	embedded = PyImport_ImportModule("faas_runtime.embedded");
	if (!embedded)
		end();
	return hook(ctx, "begin");
}

static int before_snapshot(struct faas_context *ctx)
{
	return hook(ctx, "before");
}

static int after_restore(struct faas_context *ctx)
{
	return hook(ctx, "after");
}

static int invoke(struct faas_context *ctx, struct faas_bytes event)
{
	return take(ctx, PyObject_CallMethod(embedded, "invoke", "y#sLssss", event.data,
					     (Py_ssize_t)event.len, ctx->request_id,
					     (long long)ctx->deadline_ms, text(ctx->invoked_arn),
					     text(ctx->trace_id), text(ctx->client_context),
					     text(ctx->tenant_id)));
}

FAAS_PLUGIN("python", PY_VERSION,
	    FAAS_HANDLER(invoke, .init = init, .before_snapshot = before_snapshot,
			 .after_restore = after_restore));
