// SPDX-License-Identifier: MIT
//
// The piscina peer: worker threads of node. Prints the same lines as the other
// programs. usage: node piscina.mjs KEY OUTSTANDING SECONDS THREADS

import { Piscina } from 'piscina';
import { isMainThread } from 'node:worker_threads';

const [key, outstanding, seconds, threads] = process.argv.slice(2);
const pool = new Piscina({
	filename: new URL('./piscina_echo.mjs', import.meta.url).href,
	minThreads: Number(threads),
	maxThreads: Number(threads),
	idleTimeout: 60000,
});
const event = new Uint8Array(64).fill(120);
const now = () => process.hrtime.bigint();

async function drive(nanoseconds, samples) {
	const end = now() + BigInt(nanoseconds);

	await Promise.all(Array.from({ length: Number(outstanding) }, async () => {
		for (let start = now(); start < end;) {
			const answer = await pool.run(event);
			const stop = now();

			if (answer.length !== event.length)
				throw new Error('piscina did not echo');
			samples.push(Number(stop - start));
			start = stop;
		}
	}));
}

// Eight buckets per power of two, as in lib/bench.c.
function printDistribution(samples) {
	const counts = new Map();

	for (const ns of samples) {
		const base = 2 ** Math.floor(Math.log2(Math.max(1, ns)));
		const start = base + Math.floor(base * Math.floor((ns - base) * 8 / base) / 8);

		counts.set(start, (counts.get(start) ?? 0) + 1);
	}
	for (const [ns, count] of counts)
		console.log(`h\t${key}\t${ns}\t${count}`);
}

if (isMainThread) {
	const samples = [];

	await drive(Math.round(seconds * 4e8), []);
	const start = now();
	await drive(Math.round(seconds * 1e9), samples);
	const took = Number(now() - start) / 1e9;

	console.log(`v\t${key}.per_s\t${(samples.length / took).toFixed(0)}`);
	if (Number(outstanding) === 1) {
		samples.sort((a, b) => a - b);
		for (const [name, part] of [['p50', 0.5], ['p99', 0.99], ['max', 1]]) {
			const i = Math.min(samples.length - 1, Math.floor(samples.length * part));
			console.log(`v\t${key}.${name}_ns\t${samples[i]}`);
		}
		printDistribution(samples);
	}
	await pool.destroy();
}
