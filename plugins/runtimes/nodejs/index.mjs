// SPDX-License-Identifier: MIT
// A Node.js function over the Runtime API: one event after the other.
//
// An invocation is over when its answer is posted and, unless the function says
// that it does not care, when nothing is left to do: then Node.js says
// 'beforeExit', which is where an answer that waits is posted and the next event is asked for.
import * as api from './api.mjs';
import { begin as beginLogs, about as logged, logFailure } from './logs.mjs';
import { contextOf, forwardTrace } from './context.mjs';
import { NodeJsExit, RuntimeError, UnhandledPromiseRejection } from './errors.mjs';
import { load, streamingOf } from './load.mjs';
import { openStream } from './stream.mjs';

const EXIT_REJECTION = 128, EXIT_EXCEPTION = 129;

let onIdle = () => {};
let current; // what runs: its request id

async function end(error, status) {
	try {
		await (current ? api.fail(current, error) : api.failInit(error));
	} finally {
		process.exit(status);
	}
}

process.on('beforeExit', () => onIdle());
process.on('uncaughtException', (error) => {
	logFailure('Uncaught Exception', error);
	end(error, EXIT_EXCEPTION);
});
process.on('unhandledRejection', (reason, promise) => {
	const error = new UnhandledPromiseRejection(reason, promise);

	logFailure('Unhandled Promise Rejection', error);
	end(error, EXIT_REJECTION);
});

const isPromise = (value) => typeof value?.then === 'function';
const isNone = (value) => value === undefined || value === null;

function failInvocation(id, error) {
	logFailure('Invoke Error', error);
	return api.fail(id, error);
}

/* Let the next turn of the event loop ask for the next event. */
function goOn(handler) {
	onIdle = () => {};
	setImmediate(() => next(handler));
}

/* The ways in which a handler may say what came out; only the first one counts. */
function outcome(handler, id, context) {
	let said = false;
	const post = async (error, result) => {
		let body;

		onIdle = () => {};
		try {
			body = api.write(result);
		} catch (reason) {
			error ??= reason;
		}
		await (isNone(error) ? api.respond(id, body) : failInvocation(id, error));
		goOn(handler);
	};
	const once = (say) => (...values) => {
		if (!said)
			say(...values);
		said = true;
	};

	context.done = once(post);
	context.succeed = once((result) => post(null, result));
	context.fail = once((error) => post(error ?? 'handled'));
	return once((error, result) => {
		if (isNone(error) && context.callbackWaitsForEmptyEventLoop)
			onIdle = () => post(null, result);
		else
			post(error, result);
	});
}

/* It has nothing left to do and said nothing: whoever promised something broke it. */
function watchSilence(handler, id, context) {
	let promised = false;

	onIdle = () => (promised ? context.fail(new NodeJsExit()) : context.succeed(null));
	return () => (promised = true);
}

function runBuffered(handler, event, context, id) {
	const callback = outcome(handler, id, context);
	const promise = watchSilence(handler, id, context);

	try {
		const result = handler(JSON.parse(event), context, callback);

		if (isPromise(result)) {
			promise();
			result.then(context.succeed, context.fail);
		}
	} catch (error) {
		callback(error);
	}
}

async function runStreaming(handler, event, context, id) {
	const stream = openStream(id, streamingOf(handler).highWaterMark);
	const finish = () => {
		if (context.callbackWaitsForEmptyEventLoop)
			onIdle = () => goOn(handler);
		else
			goOn(handler);
	};

	onIdle = () => goOn(handler);
	try {
		const result = handler(JSON.parse(event), stream.writable, context);

		if (!isPromise(result))
			throw 'Streaming does not support non-async handlers.';
		if (await result !== undefined)
			console.warn('Streaming handlers ignore return values.');
		await stream.taken;
	} catch (error) {
		logFailure('Invoke Error', error);
		await stream.fail(error);
	}
	finish();
}

async function next(handler) {
	current = undefined;
	const { headers, body } = await api.next();
	const id = headers['lambda-runtime-aws-request-id'];
	const run = streamingOf(handler).streaming ? runStreaming : runBuffered;

	current = id;
	logged.requestId = id;
	logged.tenantId = headers['lambda-runtime-aws-tenant-id'];
	forwardTrace(headers);
	try {
		run(handler, body, contextOf(headers), id);
	} catch (error) { // a header that cannot be read
		await failInvocation(id, error);
		goOn(handler);
	}
}

beginLogs();
try {
	const wanted = process.argv[2], have = process.versions.node.split('.')[0];

	if (wanted && wanted !== have)
		throw new RuntimeError('InvalidRuntime', `nodejs${wanted}.x needs Node.js ${wanted}, and ` +
			`/usr/bin/node is ${process.versions.node}`);
	next(await load(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER));
} catch (error) {
	logFailure('Uncaught Exception', error);
	end(error, EXIT_EXCEPTION);
}
