// SPDX-License-Identifier: MIT
// From `dir/file.object.method` to the handler: CommonJS or a module, as its name or the
// nearest package.json says.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { RuntimeError } from './errors.mjs';
import { HttpResponseStream } from './stream.mjs';

const require = createRequire(import.meta.url);
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

globalThis.awslambda = {
	streamifyResponse(handler, { highWaterMark } = {}) {
		handler[STREAMING] = 'response';
		if (typeof highWaterMark === 'number')
			handler[HIGH_WATER_MARK] = highWaterMark;
		return handler;
	},
	HttpResponseStream,
};

export function streamingOf(handler) {
	return { streaming: handler[STREAMING] === 'response', highWaterMark: handler[HIGH_WATER_MARK] };
}

function isModuleFolder(folder) {
	const file = path.join(folder, 'package.json'), parent = path.dirname(folder);

	if (folder.endsWith('/node_modules'))
		return false;
	if (fs.existsSync(file)) {
		try {
			return JSON.parse(fs.readFileSync(file)).type === 'module';
		} catch (error) {
			console.warn(`${file} cannot be read, it is no sign of a module.`, error);
			return false;
		}
	}
	return parent !== folder && isModuleFolder(parent);
}

const LOADERS = [
	['', require],
	['.js', (file) => (isModuleFolder(path.dirname(file)) ? importFile : require)(file)],
	['.mjs', importFile],
	['.cjs', require],
];

function importFile(file) {
	return import(pathToFileURL(file));
}

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();

async function loadModule(root, folder, name) {
	const start = path.resolve(root, folder, name);

	for (const [extension, loader] of LOADERS)
		if (isFile(start + extension))
			return loader(start + extension);
	return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

async function tryLoad(root, folder, name) {
	try {
		return await loadModule(root, folder, name);
	} catch (error) {
		if (error instanceof SyntaxError)
			throw new RuntimeError('UserCodeSyntaxError', error);
		if (error.code === 'MODULE_NOT_FOUND')
			throw new RuntimeError('ImportModuleError', error);
		throw error;
	}
}

export async function load(root, handler) {
	const file = path.basename(handler), folder = handler.slice(0, handler.length - file.length);
	const [, name, method] = file.match(/^([^.]*)\.(.*)$/) ?? [];

	if (handler.includes('..'))
		throw new RuntimeError('MalformedHandlerName', `'${handler}' is not a valid handler name. ` +
			'Use absolute paths when specifying root directories in handler names.');
	if (!name)
		throw new RuntimeError('MalformedHandlerName', 'Bad handler');
	const loaded = await tryLoad(root, folder, name);
	const found = method.split('.').reduce((object, member) => object?.[member], loaded);

	if (!found)
		throw new RuntimeError('HandlerNotFound', `${handler} is undefined or not exported`);
	if (typeof found !== 'function')
		throw new RuntimeError('HandlerNotFound', `${handler} is not a function`);
	return found;
}
