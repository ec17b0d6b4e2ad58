// SPDX-License-Identifier: MIT
// One thing of each kind that a function may do, by the word in the event. Beside handlers.py.
import fs from 'node:fs';

let count = 0;

const things = {
	echo: ({ value }) => value,
	count: () => count,
	fail: () => {
		throw new RangeError('as wanted');
	},
	exit: ({ status }) => process.exit(status),
	kill: ({ signal }) => {
		process.kill(process.pid, signal);
		return new Promise((resolve) => setTimeout(resolve, 60000));
	},
	spin: () => {
		for (;;)
			;
	},
	eat: () => {
		const pieces = [];

		for (;;)
			pieces.push(Buffer.alloc(1 << 20, 'x'));
	},
	print: ({ text }) => console.log(text),
	keep: ({ text }) => fs.writeFileSync('/tmp/kept', text),
	kept: () => fs.readFileSync('/tmp/kept', 'utf8'),
	variable: ({ name }) => process.env[name] ?? null,
	places: ({ paths }) => paths.filter((path) => fs.existsSync(path)), // which can be seen
	write: ({ path }) => {
		try {
			fs.writeFileSync(path, '');
			return 'written';
		} catch (error) {
			return error.code;
		}
	},
	context: (event, context) => [
		context.functionName, context.awsRequestId, context.invokedFunctionArn,
		context.memoryLimitInMB, context.getRemainingTimeInMillis() > 0 &&
			context.getRemainingTimeInMillis() <= 10000, context.logStreamName.startsWith('20'),
	],
	big: ({ size }) => 'x'.repeat(size),
	version: () => `nodejs${process.versions.node.split('.')[0]}.x`,
};

export const handler = async (event, context) => {
	count++;
	return things[event.do](event, context);
};
