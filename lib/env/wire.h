/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_WIRE_H
#define FA_ENV_WIRE_H

/*
 * What host and worker say to each other; the only header both include.
 *
 * Three conversations:
 *   host <-> supervisor   SOCK_SEQPACKET, struct fa_ctl: open and close nests
 *   host <-> nest         SOCK_SEQPACKET, struct fa_ctl: births and deaths
 *   host <-> environment  two sealed memfds and a bell
 *
 * Supervisor and nest are ours. The environment is hostile: the request area
 * is read-only to it, and of the response area the host loads each word once,
 * checks it and uses the copy. No index, lock or length that the host relies
 * on lives in either area; the host's own copies are in struct fa_env.
 */

#include <stdatomic.h>
#include <stdint.h>

/* ---- areas ----------------------------------------------------------- */

#define FA_DEPTH 64          /* slots of an area; events handed over ahead */
#define FA_SLOT_SIZE 2112u   /* no power of two: slots would meet in the same lines of a cache */
#define FA_INLINE 1920u      /* payload bytes that fit into a slot */
#define FA_SLOTS_OFF 256u    /* slot i is at FA_SLOTS_OFF + i * FA_SLOT_SIZE; the first shares
				the head's page: a page less to find for each event */
#define FA_BIG_OFF 139264u   /* one larger payload at a time */
#define FA_GIVEN_OFF 0x80000000u /* of a response: so much of the request's payload is before it.
				    Nothing of it lies in the area, the host looks at its own */
#define FA_STREAM_RING 1048576u /* bytes of a streamed response at FA_BIG_OFF; a power of two */
#define FA_STREAM_MAX 209715200u /* of one, all together */
#define FA_REQUEST_MAX 6291456u
#define FA_RESPONSE_MAX 6291556u
#define FA_META_MAX 16384u   /* context strings behind a request's payload */
#define FA_REPLY_OFF (FA_BIG_OFF + 6291456u + FA_META_MAX) /* of requests: what the handler's
				    call was answered with */
#define FA_REQUEST_AREA (FA_REPLY_OFF + 6295552u)
#define FA_ASKED_OFF (FA_BIG_OFF + 6295552u) /* of responses, behind FA_RESPONSE_MAX in whole
				    pages: what the handler calls others with */
#define FA_RESPONSE_AREA (FA_ASKED_OFF + FA_REQUEST_MAX)

enum fa_request_flags {
	FA_REQ_ASYNC = 1 << 0,    /* answer by the bell's rules, not by the futex */
	FA_REQ_SHUTDOWN = 1 << 1, /* no event: run the shutdown hook and exit */
	FA_REQ_START = 1 << 2,    /* no event: be initialised and say so */
	FA_REQ_INIT_FREE = 1 << 3, /* if init runs first, the deadlines move back by its time */
	FA_REQ_STREAM = 1 << 4,   /* the response is wanted in parts, see `streamed` below */
};

/*
 * Head of the request area. The host writes, the worker can only read.
 * Sequence numbers count requests from 1 and wrap; request n is in slot
 * n & (depth - 1). `depth` (1 or FA_DEPTH) changes only while none is open: one that
 * somebody waits for is the only one, and in slot 0.
 * `seq` may go back, to a request that is not answered yet: what came after it
 * is for somebody else.
 */
struct fa_request_head {
	_Alignas(64) _Atomic uint32_t seq;      /* last request posted; stored last, seq_cst */
	uint32_t depth;
	_Atomic uint32_t host_cpu;              /* where the host posted; 0xffffffff unknown */
	_Atomic uint64_t posted_ns;             /* CLOCK_MONOTONIC */
	_Alignas(64) _Atomic uint32_t sleeping; /* host waits on the response's seq: wake it */
	_Alignas(64) _Atomic uint32_t consumed; /* last response the host has copied */
	_Atomic uint32_t stream_taken;          /* bytes of streams the host has copied */
};

struct fa_request_slot {
	uint64_t token;       /* random; the response must repeat it */
	uint32_t flags;       /* enum fa_request_flags */
	uint32_t len;         /* payload */
	uint32_t meta_len;    /* follows the payload: invoked ARN, trace id, client context,
				 tenant id, each NUL-terminated; 0: none of them */
	uint32_t off;         /* of the payload, from the start of the area */
	int64_t deadline_ns;  /* CLOCK_MONOTONIC */
	int64_t deadline_ms;  /* Unix time */
	char request_id[40];
	char spare[FA_SLOT_SIZE - 80 - FA_INLINE];
	unsigned char data[FA_INLINE];
};

enum fa_status {
	FA_DONE = 1,      /* payload: the response */
	FA_FAILED,        /* payload: error JSON of the handler; stays warm */
	FA_INIT_FAILED,   /* payload: error JSON; the worker exits */
	FA_TOO_LARGE,     /* the handler wrote more than FA_RESPONSE_MAX */
	FA_STARTED,       /* answer to FA_REQ_START */
};

/* Head of the response area. All of it is hearsay. */
struct fa_response_head {
	_Alignas(64) _Atomic uint32_t seq;      /* last request answered; stored last, seq_cst */
	_Atomic uint32_t cpu;                   /* hint: where the worker ran */
	_Atomic uint32_t service_ns;            /* hint: how long the last handler took */
	_Atomic uint32_t wake_ns;               /* hint: how long waking it on another CPU than the
						 * host's takes, about; 0: never seen */
	_Atomic uint32_t company;               /* hint: there are other threads or children */
	_Atomic uint32_t has_shutdown;          /* the handler has a shutdown hook */
	_Atomic uint64_t init_start_ns;         /* CLOCK_MONOTONIC; first own instruction */
	_Atomic uint64_t init_done_ns;          /* 0: still in init */
	_Atomic uint32_t last_words;            /* signal number it is about to die of, or 0 */
	_Atomic uint32_t begun;                 /* last request begun; where depth > 1 stored
						 * before `seq` of the requests is looked at once
						 * more, so that the host may lower that one and
						 * see what it took back in time */
	_Atomic uint32_t resetting;             /* FA_NEST_PRISTINE, FA_NEST_PROGRAM: last request
						 * answered, until the next one begins; who dies
						 * meanwhile has not begun it */
	/*
	 * Futex of the worker's own sleep: 1 until a request is posted, 2 until a
	 * response is consumed, 3 until a request is posted, but in poll(): it wants a byte
	 * on the bell; 4 until a stream has room; 5 the same, but in poll(). The host stores 0,
	 * the one word it ever writes here, and wakes it. A futex in the area that it may not write
	 * would cost each sleep a walk of its mappings: the kernel first looks for a page it could
	 * write.
	 */
	_Alignas(64) _Atomic uint32_t sleeping;
	/*
	 * A response in parts is a ring of bytes at FA_BIG_OFF. Both sides count all bytes
	 * since the process began, modulo 2^32: what was put and not taken is in the ring. The
	 * worker waits for room; a host that has no use for more takes no more. The
	 * slot follows when all is put, without a payload, or with that of an error.
	 */
	_Alignas(64) _Atomic uint32_t streamed; /* bytes put; stored last, seq_cst */
	_Atomic uint32_t stream_http;           /* it begins with a head of HTTP */
};

struct fa_response_slot {
	uint64_t token;
	uint32_t status;      /* enum fa_status */
	uint32_t len;
	uint32_t off;         /* of the payload, from the start of the area: inline or FA_BIG_OFF;
				 or FA_GIVEN_OFF and more */
	uint32_t logged;      /* hint: bytes this invocation wrote to the log pipe by stdio or
				 faas_log(); 0 does not exclude a raw write(2) */
	char error_type[64];  /* of FA_FAILED and FA_INIT_FAILED */
	char spare[FA_SLOT_SIZE - 88 - FA_INLINE];
	unsigned char data[FA_INLINE];
};

_Static_assert(sizeof(struct fa_request_slot) == FA_SLOT_SIZE, "request slot");
_Static_assert(sizeof(struct fa_response_slot) == FA_SLOT_SIZE, "response slot");
_Static_assert(sizeof(struct fa_request_head) <= FA_SLOTS_OFF, "request head");
_Static_assert(sizeof(struct fa_response_head) <= FA_SLOTS_OFF, "response head");
_Static_assert(FA_SLOTS_OFF + FA_DEPTH * FA_SLOT_SIZE <= FA_BIG_OFF, "slots");

/*
 * One page per host loop, read-only to workers: the loop's sleep. Odd: asleep.
 * A worker with an asynchronous answer rings its bell (one byte, MSG_DONTWAIT)
 * once per odd value it sees, so one wake-up serves many answers.
 */
struct fa_loop_page {
	_Alignas(64) _Atomic uint32_t epoch;
};

/* ---- the bell --------------------------------------------------------- */

/*
 * A message of one byte is a ring. A longer one is a question; the answer comes back over
 * the same socket, as one message. Rings and questions without an answer of an invocation
 * between them are counted, and too many are a violation. One call is open at a time: what
 * it is made with lies at FA_ASKED_OFF, and what comes of it at FA_REPLY_OFF when the
 * message is there.
 */
enum fa_question_kind {
	FA_ASK_SECRET = 1, /* by its name; behind it and a NUL may be a version */
	FA_ASK_INVOKE,     /* the function of that name, and wait for it */
	FA_ASK_PUBLISH,    /* to the address of that name; behind it and a NUL may be a group */
};

struct fa_question {
	uint32_t serial;
	uint32_t kind; /* enum fa_question_kind */
	uint32_t len;  /* of what a call is made with */
	char name[];   /* without a NUL at the end */
};

struct fa_gift {
	uint32_t serial;
	int32_t code;  /* 0, or why not: a faas_code */
	uint32_t len;  /* of what a call is answered with */
	char value[];  /* of a secret */
};

#define FA_QUESTION_NAME 512
#define FA_QUESTION_VERSION 256
#define FA_QUESTION_GROUP 1024 /* the longest partition key: 256 characters of UTF-8 */
#define FA_QUESTION_MAX (sizeof(struct fa_question) + FA_QUESTION_NAME + 1 + FA_QUESTION_GROUP)
#define FA_GIFT_MAX 65536
/* What a call is refused with before it gets to the loop, in both kinds of environment. */
#define FA_CALL_ERROR(type, message) \
	"{\"errorType\":\"" type "\",\"errorMessage\":\"" message "\"}"
#define FA_CALL_TOO_LARGE \
	FA_CALL_ERROR("RequestEntityTooLargeException", \
		      "Request must be smaller than 6291456 bytes")
#define FA_CALL_TOO_MANY \
	FA_CALL_ERROR("TooManyRequestsException", "1024 calls of one event is all there are")
#define FA_CALL_NO_NAME \
	FA_CALL_ERROR("InvalidParameterValueException", "expected a name of 1 to 512 printable " \
			"characters and a group of at most 1024 bytes")
#define FA_CALL_UNANSWERED FA_CALL_ERROR("Canceled", "there was no answer in time")
#define FA_CALL_NO_ROOM \
	FA_CALL_ERROR("OutOfMemory", "the answer does not fit into what faas_alloc() has left")
#define FA_QUESTIONS_MAX 32 /* for secrets, of one event, or hook */
#define FA_CALLS_MAX 1024   /* of one event, or hook; the host, which may see two events at
			       once, gives up at twice as many */

/* ---- the log pipe ---------------------------------------------------- */

/*
 * Standard output and error of an environment, and in between frames of
 * faas_log(): FA_LOG_MARK, one digit of enum faas_level, the text, '\n'.
 * Newlines inside the text are written as '\r'. Of a record that a runtime says is JSON
 * already it is a letter, from FA_LOG_JSON on.
 */
#define FA_LOG_MARK 0x1e
#define FA_LOG_JSON 'a'

/* ---- control messages ------------------------------------------------ */

#define FA_CTL_MAX 32768 /* bytes of one message, strings included */

enum fa_ctl_type {
	/* host -> supervisor */
	FA_NEST_OPEN = 1,  /* struct fa_nest_setup; fds: nest's socket end, loop page (read-only) */
	FA_NEST_CLOSE,     /* kill it with everything in it */
	FA_LIMITS,         /* `status` environments live or are about to: control groups follow */

	FA_UNPACK,         /* fds: a ZIP or a layer of an image, the pipe that tells of it;
			      `status`: enum fa_unpack_what */
	FA_UNPACK_END,     /* kill that */

	FA_VPC,            /* struct fa_vpc: of the nest that is opened next, which has its id */

	/* supervisor -> host */
	FA_HELLO,          /* struct fa_hello: layers of the nest prepared ahead */
	FA_NEST_DEAD,      /* status: wait status; id: the nest; error, text: why it failed */

	/* host -> nest */
	FA_SPAWN,          /* struct fa_spawn; fds: request area, response area, bell, log,
			      [mount namespace of the environment's earlier process] */
	FA_PREPARE,        /* keep `status` private /tmp namespaces ready */

	/* nest <-> keeper of networks; answered by the same type, with error and text */
	FA_NETWORK_RULES,  /* fd: a network namespace, which gets its group's rules */
	FA_NETWORK_JOIN,   /* fd: the same, which gets a link and an address */

	/* nest -> host */
	FA_BORN,           /* id; fds: pidfd, [mount namespace made for it]; `status`: how many.
			      Up to FA_NEWS_MAX of them come in one message, one after the other.
			      `template`: it will be followed by the environment, or by FA_EXIT */
	FA_STILLBORN,      /* id, error (errno), text: the step that failed */
	FA_EXIT,           /* id, status, rusage; error and text: the step that failed
			      before the function was reached, else 0. `template`: of one with
			      only_template, and there is a snapshot */
};

#define FA_NEWS_MAX 8

struct fa_ctl {
	uint32_t type;
	uint32_t id;        /* nest or environment, chosen by the host */
	int32_t pid;
	int32_t status;
	int32_t error;      /* errno */
	uint32_t layers;    /* enum faas_layer, of a nest */
	uint32_t template;  /* FA_BORN: 1: it makes the snapshot, and no more; see FA_EXIT */
	int64_t maxrss_kb;  /* FA_EXIT: of the process and what it waited for */
	int64_t cpu_ns;
	char text[64];
};

struct fa_hello {
	struct fa_ctl ctl;
	uint32_t applied;     /* enum faas_layer */
	uint32_t landlock_abi;
	int32_t errors[32];   /* errno per missing layer, by bit number */
	int32_t vpc_error;    /* errno: no environment can be in a VPC */
};

/* Addresses of IPv4 in the machine's byte order. */
struct fa_vpc_subnet {
	uint32_t address, bits;
	uint32_t gateway, resolver; /* 0: none */
	char bridge[16];
};

struct fa_vpc_rule {
	uint32_t address;
	uint8_t bits, protocol;     /* IPPROTO_TCP, ...; 0: any */
	uint16_t from_port, to_port; /* 0: any */
};

#define FA_VPC_SUBNETS_MAX 16
#define FA_VPC_RULES_MAX 300

struct fa_vpc {
	struct fa_ctl ctl;
	uint32_t subnet_count, rule_count;
	struct fa_vpc_subnet subnets[FA_VPC_SUBNETS_MAX];
	struct fa_vpc_rule rules[FA_VPC_RULES_MAX];
};

struct fa_spawn {
	struct fa_ctl ctl;
	uint32_t slot;        /* distinct among the nest's living: chooses its uid */
	uint32_t nproc;       /* RLIMIT_NPROC; counts siblings where they share a uid */
	uint32_t provisioned; /* to be initialised ahead of any event, and kept */
	uint32_t waits;       /* once in its sandbox, for its first request; the function is
				 opened after that. FA_STILLBORN if a template is needed first */
	uint32_t only_template; /* the snapshot is wanted, and nobody who begins with it */
	char stream[80];      /* of its logs */
};

/* What init of a provisioned environment may take; more if the function's timeout is longer. */
#define FA_PROVISIONED_INIT_NS 130000000000LL

enum fa_nest_flags {
	FA_NEST_NETWORK = 1 << 0,  /* the host's network: sockets allowed */
	FA_NEST_ASAN = 1 << 1,     /* no limit on address space */
	FA_NEST_CPU_CAP = 1 << 2,  /* no more CPU than memory_mb / 1769 of a core each */
	FA_NEST_PRISTINE = 1 << 3, /* reset after each event; none is handed over ahead */
	FA_NEST_SNAPSHOT = 1 << 4, /* init() once, in a template; its memory for all others */
	FA_NEST_PROGRAM = 1 << 5,  /* the function is a program that speaks the Runtime API */
	FA_NEST_EMBEDDED = 1 << 6, /* the plugin is its language's, in the runtime's directory */
	FA_NEST_SNAP_START = 1 << 7, /* the function's own init is in the snapshot */
	FA_NEST_READ_ONLY = 1 << 8,  /* its file system */
	FA_NEST_VPC = 1 << 9,        /* each environment in a network of its own, see FA_VPC */
	FA_NEST_IMAGE = 1 << 10,     /* the code directory is the root of all it sees */
};

struct fa_nest_setup {
	struct fa_ctl ctl;
	uint32_t memory_mb;
	uint32_t tmp_mb;
	uint32_t timeout_ms;
	uint32_t flags;       /* enum fa_nest_flags */
	uint32_t weak;        /* enum faas_layer to leave out: positive controls of the tests */
	uint32_t strings_len;
	char mount_path[164]; /* where the function's file system is shown */
	uint32_t resolvers[3]; /* of names, for FA_NEST_VPC; 0: none */
	/*
	 * NUL-terminated each: code directory (absolute), directory of the merged layers
	 * (absolute; "": none), that of the runtime's own program (the same), that of the
	 * function's file system (the same), name of the
	 * runtime ("": none), file of the handler in the first, method (of a program: the
	 * whole handler), prototype ("": a plugin, or the header beside the .so), function
	 * name, version, ARN, account, region, log group, log format, the least level
	 * of log lines ("": all); then the environment, "NAME=value" each; then an empty
	 * string. Then, of an image, the working directory ("": none), and all arguments of its
	 * command to the end.
	 */
	char strings[];
};

/* How many of `strings` are directories, the first of them; the last is the file system. */
#define FA_DIRECTORIES 4

/* Descriptors of the supervisor when it starts. */
#define FA_SUPERVISOR_FD 3

#endif
