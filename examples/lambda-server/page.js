// SPDX-License-Identifier: MIT
// What the server sends once a second, shown. Whatever a function said becomes text, never markup.
"use strict";

const LINES = 500;
const $ = id => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const rates = [];
let before = null;

function element(name, className, ...children) {
	const it = document.createElement(name);
	it.className = className;
	it.append(...children);
	return it;
}

function milliseconds(ms) {
	if (!ms)
		return "–";
	if (ms < 1)
		return `${(ms * 1000).toFixed(0)} µs`;
	if (ms < 10000)
		return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
	return `${(ms / 1000).toFixed(1)} s`;
}

function money(value) {
	return `$${value.toFixed(value && value < 0.01 ? 6 : 2)}`;
}

// ---- functions

function bar(f) {
	const it = element("div", "bar");
	const total = f.busy + f.warm + f.starting + f.cold;
	const most = 48;

	for (const state of ["busy", "warm", "starting", "cold"]) {
		const count = total > most ? Math.ceil(f[state] * most / total) : f[state];
		for (let i = 0; i < count; i++)
			it.append(element("i", state));
	}
	return it;
}

function count(value, label, bad) {
	const cell = element("td", `n ${value ? bad ? "bad" : "" : "zero"}`, number.format(value));
	cell.dataset.label = label;
	return cell;
}

// What there is to say of one that is not as it should be.
function trouble(f) {
	if (f.state !== "Active")
		return element("small", f.state === "Failed" ? "bad" : "", f.stateReason ? `${f.state}: ${f.stateReason}` : f.state);
	if (f.update === "InProgress")
		return element("small", "", "being updated");
	if (f.update === "Failed")
		return element("small", "bad", `not updated: ${f.updateReason}`);
	return "";
}

function row(f) {
	const states = ["busy", "warm", "starting", "cold"].filter(s => f[s]).map(s => `${f[s]} ${s}`);
	const limit = f.limit > 0 ? ` of ${f.limit}` : f.limit < 0 ? " (off)" : "";
	const name = element("b", "", f.name, f.version === "$LATEST" ? "" : `:${f.version}`);
	const about = `${f.handler} · ${f.memory} MB · ${f.timeout / 1000} s${f.provisioned ? ` · ${f.provisioned} provisioned` : ""}`;
	const running = count(f.busy, "Running");
	const duration = element("td", `n ${f.mean ? "" : "zero"}`,
		f.mean ? `${milliseconds(f.mean)}, ${milliseconds(f.longest)}` : "–");

	running.append(limit, element("small", "", f.peak ? `most ${f.peak}` : ""));
	duration.dataset.label = "Duration";
	return element("tr", "", element("td", "", name, element("small", "", about), trouble(f)),
		element("td", "", bar(f), element("small", "", states.join(", ") || "none")), running,
		count(f.invocations, "Invocations"), count(f.errors, "Errors", true),
		count(f.throttles, "Throttles", true), duration);
}

function showFunctions(functions) {
	const any = functions.length > 0;

	$("none").hidden = any;
	$("functions").hidden = $("legend").hidden = !any;
	$("functions").tBodies[0].replaceChildren(...functions.map(row));
}

// ---- totals

function spark() {
	const most = Math.max(...rates, 1);
	const points = rates.map((r, i) => `${120 - (rates.length - 1 - i) * 2} ${(29 - 27 * r / most).toFixed(1)}`);
	const [area, line] = $("spark").children;

	line.setAttribute("d", `M${points.join("L")}`);
	area.setAttribute("d", `M${120 - (rates.length - 1) * 2} 30L${points.join("L")}L120 30Z`);
}

function showRate(state) {
	const now = performance.now();
	const rate = before ? (state.invocations - before.invocations) * 1000 / (now - before.at) : 0;

	before = { invocations: state.invocations, at: now };
	rates.push(Math.max(rate, 0));
	if (rates.length > 61)
		rates.shift();
	$("rate").textContent = number.format(Math.round(rate));
	spark();
}

function showTotals(state) {
	for (const name of ["invocations", "errors", "throttles", "coldStarts"])
		$(name).textContent = number.format(state[name]);
	for (const name of ["errors", "throttles"])
		$(name).className = state[name] ? "bad" : "";
	$("waiting").textContent = number.format(state.queued + state.events);
	$("cost").textContent = money(state.cost);
}

// ---- log

function matches(line) {
	return line.textContent.toLowerCase().includes($("filter").value.toLowerCase());
}

function showLine(line) {
	const platform = /^(START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_REPORT|XRAY) /.test(line.message);
	const time = element("time", "", line.time.slice(11, 23));
	const who = element("span", "who", `${line.function}${line.version === "$LATEST" ? "" : `:${line.version}`}`);
	const it = element("li", line.level, time, who, element("span", platform ? "text platform" : "text", line.message.replaceAll("\t", "  ").replaceAll("\r", "\n")));

	time.dateTime = line.time;
	who.title = line.stream;
	it.hidden = !matches(it);
	return it;
}

// The end stays in sight for whoever has not scrolled away from it.
function showLines(lines) {
	const log = $("log");
	const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40;

	log.append(...lines.map(showLine));
	while (log.children.length > LINES)
		log.firstChild.remove();
	if (follow)
		log.scrollTop = log.scrollHeight;
}

// ---- life

function say(text, className) {
	$("status").textContent = text;
	$("status").className = className;
}

$("where").textContent = location.host;
$("example").textContent = `aws --endpoint-url ${location.origin} lambda create-function --function-name hello \\
  --runtime python3.11 --handler app.handler --role arn:aws:iam::000000000000:role/any --zip-file fileb://app.zip`;
$("filter").addEventListener("input", () => {
	for (const line of $("log").children)
		line.hidden = !matches(line);
	$("log").scrollTop = $("log").scrollHeight;
});

const events = new EventSource("events");
events.addEventListener("open", () => {
	say("live", "live");
	$("log").replaceChildren();
	before = null;
});
events.addEventListener("error", () => say("no connection, trying again", "lost"));
events.addEventListener("state", event => {
	const state = JSON.parse(event.data);

	showRate(state);
	showTotals(state);
	showFunctions(state.functions);
});
events.addEventListener("lines", event => showLines(JSON.parse(event.data)));
