// SPDX-License-Identifier: MIT
// Why a function failed: for the caller, for the log and for traces.
import util from 'node:util';

/* Found by the runtime and not thrown by the function. */
export class RuntimeError extends Error {
	constructor(kind, ...words) {
		super(...words);
		Object.defineProperty(this, 'name', { value: `Runtime.${kind}` });
		Error.captureStackTrace(this, RuntimeError);
	}
}

export class UnhandledPromiseRejection extends RuntimeError {
	constructor(reason, promise) {
		super('UnhandledPromiseRejection', reason);
		this.reason = reason;
		this.promise = promise;
	}
}

export class NodeJsExit extends RuntimeError {
	constructor() {
		super('NodeJsExit', 'The Lambda runtime client detected an unexpected Node.js exit code. ' +
			'This is most commonly caused by a Promise that was never settled. For more information, ' +
			'see https://nodejs.org/docs/latest/api/process.html#exit-codes');
	}
}

const isError = (value) => util.types.isNativeError(value) ||
	['name', 'message', 'stack'].every((name) => value?.[name] && typeof value[name] === 'string');

/* Of whatever was thrown. */
export function bodyOf(error) {
	try {
		if (!isError(error))
			return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
		return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
	} catch {
		return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there ' +
			'was a problem while retrieving one or more of its message, name, and stack' };
	}
}

/* A name as a header can have it. */
export const wordOf = (name) => String(name).replace(/[^\x20-\x7e]/g, '?');

function frameOf(line) {
	const [, label, path, number] = line.trim().match(/^at (?:(.*) \()?(.*?):(\d+)(?::\d+)?\)?$/) ?? [];

	return { path: path ?? line.trim(), line: number ? Number(number) : 0, label: label ?? 'anonymous' };
}

/* A header: in ASCII. */
export function causeOf(error) {
	const { errorType, errorMessage, trace } = bodyOf(error);
	const stack = (trace ?? []).filter((line) => line.startsWith('    at ')).map(frameOf);

	return JSON.stringify({
		working_directory: process.cwd(),
		exceptions: [{ type: errorType, message: errorMessage, stack }],
		paths: [...new Set(stack.map((frame) => frame.path))],
	}).replace(/[\u007f-\uffff]/g, (letter) => '\\u' + letter.charCodeAt(0).toString(16).padStart(4, '0'));
}
