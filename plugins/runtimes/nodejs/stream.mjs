// SPDX-License-Identifier: MIT
// An answer that is sent while it is made: the request of its post is the stream.
import http from 'node:http';
import { base, options } from './api.mjs';
import { bodyOf, RuntimeError, wordOf } from './errors.mjs';

const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';
const PRELUDE_END = Buffer.alloc(8);

export class HttpResponseStream {
	/* The head of an HTTP answer before the first byte of its body. */
	static from(stream, prelude) {
		stream.setContentType('application/vnd.awslambda.http-integration-response');
		stream._onBeforeFirstWrite = (write) => {
			write(JSON.stringify(prelude));
			write(PRELUDE_END);
		};
		return stream;
	}
}

/* What may be written besides bytes and text is written as JSON. */
function bytesOf(chunk) {
	return typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
}

/* The request with what a function may do to it. */
function dress(request) {
	const write = request.write.bind(request), end = request.end.bind(request);
	let begun = false;
	const begin = () => {
		if (!begun)
			request._onBeforeFirstWrite?.(write);
		begun = true;
	};

	request.setContentType = (type) => {
		if (begun)
			throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
		request.setHeader('Content-Type', type);
	};
	request.write = (chunk, ...rest) => {
		begin();
		return write(bytesOf(chunk), ...rest);
	};
	request.end = (chunk, ...rest) => {
		begin();
		if (chunk === undefined || chunk === null || typeof chunk === 'function')
			return end(chunk, ...rest);
		return end(bytesOf(chunk), ...rest);
	};
}

/* `writable`: for the function. `taken`: when the answer was. `fail`: the error comes last. */
export function openStream(id, highWaterMark) {
	let answered;
	const taken = new Promise((resolve) => (answered = resolve));
	const request = http.request({
		...options, method: 'POST', path: `${base}/invocation/${id}/response`, highWaterMark,
		headers: {
			'Lambda-Runtime-Function-Response-Mode': 'streaming',
			'Content-Type': 'application/octet-stream',
			'Transfer-Encoding': 'chunked',
			Trailer: [ERROR_TYPE, ERROR_BODY],
		},
	}, (response) => response.resume().on('end', answered));

	request.on('error', answered);
	dress(request);
	return {
		writable: request,
		taken,
		fail(error) {
			const body = bodyOf(error);

			if (!request.writableEnded) {
				request.addTrailers({ [ERROR_TYPE]: wordOf(body.errorType),
					[ERROR_BODY]: Buffer.from(JSON.stringify(body)).toString('base64') });
				request.end();
			}
			return taken;
		},
	};
}
