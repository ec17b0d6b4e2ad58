// SPDX-License-Identifier: MIT
// console.*: with time, request and level, and in frames where the platform reads frames.
import fs from 'node:fs';
import util from 'node:util';

const LEVELS = { TRACE: 4, DEBUG: 8, INFO: 12, WARN: 16, ERROR: 20, FATAL: 24 };
const METHODS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN',
	error: 'ERROR', fatal: 'FATAL' };
const FRAME_TEXT = 0xa55a0003, FRAME_JSON = 0xa55a0002;

export const about = {}; // requestId, tenantId
let isJson, frames;

function writeAll(fd, data) {
	while (data.length) {
		try {
			data = data.subarray(fs.writeSync(fd, data));
		} catch (error) {
			if (error.code !== 'EAGAIN')
				throw error;
		}
	}
}

function put(text, level, date) {
	if (frames === undefined) {
		process.stdout.write(text.replaceAll('\n', '\r') + '\n');
		return;
	}
	const body = Buffer.from(text + (isJson ? '' : '\n')), head = Buffer.alloc(16);

	head.writeUInt32BE(((isJson ? FRAME_JSON : FRAME_TEXT) | LEVELS[level]) >>> 0, 0);
	head.writeUInt32BE(body.length, 4);
	head.writeBigUInt64BE(BigInt(date.valueOf()) * 1000n, 8);
	writeAll(frames, Buffer.concat([head, body]));
}

const membersOf = (error) => ({
	errorType: error.constructor?.name ?? 'UnknownError', errorMessage: error.message,
	stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
});
const replaceError = (_, value) =>
	value instanceof Error ? { ...membersOf(value), ...value } : value;

function textOf(level, date, values) {
	return `${date.toISOString()}\t${about.requestId}\t${level}\t${util.format(...values)}`;
}

function jsonOf(level, date, values) {
	const record = { timestamp: date.toISOString(), level, requestId: about.requestId,
		tenantId: about.tenantId };
	const error = values.find((value) => value instanceof Error);

	if (values.length !== 1)
		return JSON.stringify({ ...record, message: util.format(...values), ...(error && membersOf(error)) });
	try {
		return JSON.stringify({ ...record, message: values[0] }, replaceError);
	} catch {
		return JSON.stringify({ ...record, message: util.format(values[0]) });
	}
}

function log(level, ...values) {
	const date = new Date();

	put((isJson ? jsonOf : textOf)(level, date, values), level, date);
}

export function begin() {
	const least = LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? 0;
	const fd = process.env._LAMBDA_TELEMETRY_LOG_FD;

	delete process.env._LAMBDA_TELEMETRY_LOG_FD;
	frames = fd === undefined ? undefined : parseInt(fd);
	isJson = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
	for (const [method, level] of Object.entries(METHODS))
		console[method] = LEVELS[level] >= least || level === 'FATAL' ? log.bind(null, level) : () => {};
}

const withMembers = (_, value) => value instanceof Error ? {
	errorType: value.name, errorMessage: value.message, code: value.code, ...value,
	stack: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
} : value;

export function logFailure(what, thrown) {
	const error = thrown instanceof Error ? thrown : new Error(thrown);

	if (isJson)
		log('ERROR', error);
	else
		log('ERROR', what, '\t' + JSON.stringify(error, withMembers));
}
