// SPDX-License-Identifier: MIT
export default {
	async fetch(request) {
		const body = await request.arrayBuffer();
		return new Response(body, { headers: { 'content-type': 'application/octet-stream' } });
	},
};
