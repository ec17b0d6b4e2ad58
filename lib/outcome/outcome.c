/* SPDX-License-Identifier: MIT */
/*
 * One table says what each verdict is called, one switch says it in a sentence.
 * The bodies are AWS's of 2025 (semantics 5.3, 5.4), where a platform error is
 * "RequestId: <id> Error: <what>" and errorType comes first, and the causes of
 * death are spelled as Go's syscall package spells them.
 */
#include <outcome/outcome.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <base/text.h>
#include <model/function.h>
#include <model/vpc.h>

struct naming {
	int code;
	const char *status;
	const char *type;      /* NULL: the job knows */
	const char *body_type; /* of a body that is written here; NULL: it is not */
};

/* ---- sentences ------------------------------------------------------- */

static const char *signal_name(int number)
{
	static const char *const names[] = {
		[1] = "hangup",
		[2] = "interrupt",
		[3] = "quit",
		[4] = "illegal instruction",
		[5] = "trace/breakpoint trap",
		[6] = "aborted",
		[7] = "bus error",
		[8] = "floating point exception",
		[9] = "killed",
		[10] = "user defined signal 1",
		[11] = "segmentation fault",
		[12] = "user defined signal 2",
		[13] = "broken pipe",
		[14] = "alarm clock",
		[15] = "terminated",
		[16] = "stack fault",
		[17] = "child exited",
		[18] = "continued",
		[19] = "stopped (signal)",
		[20] = "stopped",
		[21] = "stopped (tty input)",
		[22] = "stopped (tty output)",
		[23] = "urgent I/O condition",
		[24] = "CPU time limit exceeded",
		[25] = "file size limit exceeded",
		[26] = "virtual timer expired",
		[27] = "profiling timer expired",
		[28] = "window changed",
		[29] = "I/O possible",
		[30] = "power failure",
		[31] = "bad system call",
	};

	return number > 0 && number < (int)(sizeof(names) / sizeof(*names)) ? names[number] : NULL;
}

static void say_signal(struct fa_text *text, int number)
{
	const char *name = signal_name(number);

	fa_text_add(text, "Runtime exited with error: signal: ");
	if (name) {
		fa_text_add(text, name);
		return;
	}
	fa_text_add(text, "signal ");
	fa_text_int(text, number);
}

static void say_exit(struct fa_text *text, int status)
{
	if (WIFSIGNALED(status)) {
		say_signal(text, WTERMSIG(status));
	} else if (WIFEXITED(status) && WEXITSTATUS(status)) {
		fa_text_add(text, "Runtime exited with error: exit status ");
		fa_text_int(text, WEXITSTATUS(status));
	} else {
		fa_text_add(text, "Runtime exited without providing a reason");
	}
}

static void say_timeout(struct fa_text *text, int timeout_ms)
{
	fa_text_add(text, "Task timed out after ");
	fa_text_fixed(text, (timeout_ms + 5) / 10, 2);
	fa_text_add(text, " seconds");
}

/* A sentence, and the reason behind it if there is one. */
static void say_why(struct fa_text *text, const char *sentence, const struct fa_job *job)
{
	size_t len = strnlen(job->why, sizeof(job->why));

	fa_text_add(text, sentence);
	if (!len)
		return;
	fa_text_add(text, ": ");
	fa_text_json(text, job->why, len);
}

static void say(struct fa_text *text, const struct fa_job *job, const struct fa_version *version)
{
	switch (job->verdict) {
	case FA_TIMED_OUT:
	case FA_INIT_TIMED_OUT:
		say_timeout(text, version->config.timeout_ms);
		break;
	case FA_EXITED:
		say_exit(text, job->wait_status);
		break;
	case FA_STARVED:
		say_signal(text, SIGKILL);
		break;
	case FA_VIOLATED:
		say_why(text, "Runtime broke the protocol", job);
		break;
	case FA_RESTORE_TIMED_OUT:
		fa_text_add(text, "The snapshot could not be restored in time");
		break;
	case FA_CANCELED:
		fa_text_add(text, "The invocation was canceled");
		break;
	default:
		say_why(text, "The execution environment could not be started", job);
		break;
	}
}

/* ---- the table ------------------------------------------------------- */

static const struct naming names[] = {
	[FA_REPLIED] = { FAAS_OK, "success", "", NULL },
	[FA_ERRED] = { FAAS_EFUNCTION, "error", NULL, NULL },
	[FA_INIT_ERRED] = { FAAS_EFUNCTION, "error", NULL, NULL },
	[FA_OVERSIZE] = { FAAS_EFUNCTION, "error", "Function.ResponseSizeTooLarge", NULL },
	[FA_TIMED_OUT] = { FAAS_ETIMEOUT, "timeout", "Sandbox.Timedout", "Sandbox.Timedout" },
	[FA_INIT_TIMED_OUT] = { FAAS_ETIMEOUT, "timeout", "Sandbox.Timedout", "Sandbox.Timedout" },
	[FA_EXITED] = { FAAS_EFUNCTION, "error", "Runtime.ExitError", "Runtime.ExitError" },
	[FA_STARVED] = { FAAS_EFUNCTION, "error", "Runtime.OutOfMemory", "Runtime.ExitError" },
	[FA_VIOLATED] = { FAAS_EFUNCTION, "error", "Runtime.ProtocolError",
			  "Runtime.ProtocolError" },
	[FA_CANCELED] = { FAAS_ECANCELED, "error", "Sandbox.Canceled", "Sandbox.Canceled" },
	[FA_RESTORE_TIMED_OUT] = { FAAS_ETIMEOUT, "timeout", "SnapStartTimeoutException",
				   "SnapStartTimeoutException" },
	[FA_NO_BIRTH] = { FAAS_ESYSTEM, "error", "ServiceException", "ServiceException" },
};

/* A job that was never begun, or that nobody judged, did not get an environment. */
static const struct naming *naming_of(enum fa_verdict verdict)
{
	if (verdict < sizeof(names) / sizeof(*names) && names[verdict].status)
		return &names[verdict];
	return &names[FA_NO_BIRTH];
}

/* ---- what the caller gets -------------------------------------------- */

#define OVERSIZE(bytes) \
	"{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size " \
	"(" bytes " bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}"

static const char end[] = "\"}";

static void write_body(struct fa_outcome *outcome, const struct naming *naming,
		       const struct fa_job *job, const struct fa_version *version)
{
	/* The end must fit however long the reason is, or it is no JSON. */
	struct fa_text text = { .data = outcome->body,
				.size = sizeof(outcome->body) - (sizeof(end) - 1) };

	fa_text_add(&text, "{\"errorType\":\"");
	fa_text_add(&text, naming->body_type);
	fa_text_add(&text, "\",\"errorMessage\":\"RequestId: ");
	fa_text_bytes(&text, job->request_id, strnlen(job->request_id, sizeof(job->request_id)));
	fa_text_add(&text, " Error: ");
	say(&text, job, version);
	memcpy(text.data + text.len, end, sizeof(end));
	outcome->payload = (struct faas_bytes){ outcome->body, text.len + sizeof(end) - 1 };
}

static void write_payload(struct fa_outcome *outcome, const struct naming *naming,
			  const struct fa_job *job, const struct fa_version *version)
{
	outcome->body[0] = '\0';
	if (naming->body_type) {
		write_body(outcome, naming, job, version);
	} else if (job->verdict == FA_OVERSIZE) {
		strcpy(outcome->body,
		       job->streams ? OVERSIZE("209715200") : OVERSIZE("6291556"));
		outcome->payload = (struct faas_bytes){ outcome->body, strlen(outcome->body) };
	} else {
		outcome->payload = job->answer;
	}
}

static void write_type(struct fa_outcome *outcome, const struct naming *naming,
		       const struct fa_job *job)
{
	struct fa_text text = FA_TEXT(outcome->error_type);
	bool crowded = job->verdict == FA_NO_BIRTH && job->birth_error == EADDRNOTAVAIL;
	const char *type = crowded	? FA_NO_ADDRESS_TYPE :
			   naming->type ? naming->type :
					  job->error_type;

	outcome->error_type[0] = '\0';
	if (!naming->code)
		return;
	if (!*type)
		type = "Runtime.Unknown";
	fa_text_bytes(&text, type, strnlen(type, sizeof(job->error_type)));
}

/* A restore is billed in whole milliseconds of its own. */
static int64_t billed_init_ns(const struct fa_job *job, const struct fa_version *version)
{
	return fa_version_is_copied(version) && job->init_ns > 0 ?
		       fa_billed_ms(0, job->init_ns) * 1000000 :
		       job->init_ns;
}

/* What never got an environment ran no code, and costs nothing. */
static void bill(struct fa_outcome *outcome, const struct fa_job *job,
		 const struct fa_version *version, const struct faas_prices *prices)
{
	outcome->billed_ms = 0;
	outcome->gb_seconds = outcome->cost = 0.0;
	if (outcome->code == FAAS_ESYSTEM)
		return;
	outcome->billed_ms = fa_billed_ms(job->end_ns - job->start_ns,
					  billed_init_ns(job, version));
	outcome->gb_seconds = fa_gb_seconds(version->config.memory_mb, outcome->billed_ms);
	outcome->cost = fa_cost(prices, outcome->gb_seconds);
}

void fa_outcome_judge(struct fa_outcome *outcome, const struct fa_job *job,
		      const struct fa_version *version, const struct faas_prices *prices)
{
	const struct naming *naming = naming_of(job->verdict);

	outcome->code = naming->code;
	outcome->status = naming->status;
	write_type(outcome, naming, job);
	write_payload(outcome, naming, job, version);
	bill(outcome, job, version, prices);
}
