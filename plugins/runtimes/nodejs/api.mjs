// SPDX-License-Identifier: MIT
// The Runtime API.
import http from 'node:http';
import { bodyOf, causeOf, wordOf } from './errors.mjs';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const CAUSE = 'Lambda-Runtime-Function-XRay-Error-Cause';
const TOO_LARGE = 413; // which the caller is told, and nobody else needs to know

export const base = '/2018-06-01/runtime';
export const options = { host, port, agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) };

function read(response) {
	return new Promise((resolve, reject) => {
		const chunks = [];

		response.on('data', (chunk) => chunks.push(chunk));
		response.on('end', () => resolve(Buffer.concat(chunks).toString()));
		response.on('error', reject);
	});
}

function send(method, path, headers, body) {
	return new Promise((resolve, reject) => {
		const request = http.request({ ...options, method, path: base + path, headers }, resolve);

		request.on('error', reject);
		request.end(body);
	});
}

async function call(method, path, headers, body) {
	const response = await send(method, path, headers, body);
	const text = await read(response), status = response.statusCode;

	if (status >= 300 && status !== TOO_LARGE)
		throw new Error(`${method} ${path}: ${status} ${text}`);
	return { headers: response.headers, body: text };
}

function post(path, body, headers) {
	return call('POST', path, {
		'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers,
	}, body);
}

export function write(value) {
	try {
		return JSON.stringify(value === undefined ? null : value) ?? 'null';
	} catch {
		throw new Error('Unable to stringify response body');
	}
}

export const next = () => call('GET', '/invocation/next', {});
export const respond = (id, body) => post(`/invocation/${id}/response`, body);

export function fail(id, error) {
	return post(`/invocation/${id}/error`, JSON.stringify(bodyOf(error)), { [CAUSE]: causeOf(error) });
}

export function failInit(error) {
	const body = bodyOf(error);

	return post('/init/error', JSON.stringify(body), { [ERROR_TYPE]: wordOf(body.errorType) });
}
