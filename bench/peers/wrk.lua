-- SPDX-License-Identifier: MIT
-- 64 bytes, sent again and again, and a line for the results behind it.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '"' .. string.rep("x", 62) .. '"'

function done(summary, latency)
	local key, errors = os.getenv("KEY"), summary.errors

	if errors.connect + errors.read + errors.write + errors.status + errors.timeout > 0 or summary.requests == 0 then
		io.stderr:write("errors\n")
		os.exit(1)
	end
	io.stdout:write(string.format("v\t%s.per_s\t%.0f\n", key, summary.requests * 1e6 / summary.duration))
	io.stdout:write(string.format("v\t%s.p50_ns\t%.0f\n", key, latency:percentile(50) * 1e3))
end
