/* SPDX-License-Identifier: MIT */
#ifndef FAAS_HTTP_H
#define FAAS_HTTP_H

/*
 * The Lambda API over HTTP: what AWS's own clients speak. Point them here with
 * `aws --endpoint-url http://127.0.0.1:9001 lambda ...`, or AWS_ENDPOINT_URL_LAMBDA.
 *
 * It is another door to the same runtime. Invocations are faas_invoke(); all else is
 * faas_control(), at the path that the API gives the operation, with or without a
 * slash at its end. All that is received is bounded: heads by 64 KB and ten seconds,
 * bodies by what the operation takes, slow clients by a minimum of 1 KB/s, and
 * everything under way by max_buffer_mb. A client that is slow, or gone, holds up nobody
 * else, and does not end the invocation it began.
 *
 * The URLs of functions (CreateFunctionUrlConfig) are served, too. FunctionUrl is one that
 * works as it is, http://HOST:PORT/url/<id>/...; so do /url/<function>[:<alias>]/... and any
 * Host of the form <id>.lambda-url.<anything>, of which "localhost" needs no DNS. The function
 * gets events of payload format 2.0, whose rawPath is what follows. With AuthType AWS_IAM
 * they have to be signed, for which the door needs keys. Web pages of others may call them:
 * Cors says what they may read.
 *
 * Roles are made here, too, as IAM's API has it (`aws iam create-role` and its kin, signed for the
 * service "iam"), and STS says who somebody is (`aws sts get-caller-identity`). Of DynamoDB there
 * are CreateTable, with AttributeDefinitions, KeySchema and StreamSpecification, DeleteTable,
 * PutItem and DeleteItem, with ReturnValues NONE or ALL_OLD, and GetItem; of EventBridge
 * PutEvents. What else these may be told is refused.
 *
 * While operations run that change something, up to four more threads exist.
 */

#include <faas/types.h>

FAAS_BEGIN_DECLS

struct faas;
struct faas_http;
struct faas_http_page;
struct faas_http_served;

/* A request, or the answer to one. */
struct faas_http_message {
	size_t size;
	const char *method;         /* request */
	const char *target;         /* request: "/path?query", not decoded */
	int status;                 /* answer */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	struct faas_bytes body;
};

#define FAAS_HTTP_MESSAGE(...) \
	(&(const struct faas_http_message){ .size = sizeof(struct faas_http_message), __VA_ARGS__ })

struct faas_http_config {
	size_t size;
	const char *host; /* "127.0.0.1"; an address of this machine, or "::" for all */
	int port;         /* 0: any free one, see faas_http_port(); FAAS_NONE: do not listen */
	const char *path; /* listen on this unix socket instead; what is left of one is replaced */
	int max_connections; /* 1024; then the ones that are idle make place */
	int max_buffer_mb;   /* 256; requests and answers under way */

	/*
	 * The secret of an access key, NULL if there is no such key; copied. [loop] If this is
	 * set, each request must be signed with AWS Signature Version 4 for the service
	 * "lambda", its body included, within five minutes. NULL: whoever gets here may do all.
	 * The Location of code that GetFunction and GetLayerVersion tell is signed by itself:
	 * a GET of it has the ZIP, for ten minutes and whoever sends it.
	 */
	const char *(*secret_of)(void *data, const char *access_key);
	void *data;

	const char *cert_file, *key_file; /* PEM: TLS 1.2 or 1.3, with this chain and key */

	/*
	 * Web pages, which reach every port of this machine, are kept out: a request with an
	 * Origin that is not the door's own, and one over the loopback interface whose Host is
	 * neither an address nor localhost, *.localhost or one of these names, separated by
	 * blanks. Name here what a proxy on this machine sends as Host.
	 */
	const char *names;

	/*
	 * Pages of your own beside the API. Called on the loop for a request that the API has
	 * no operation for, signed or not, with at most 64 KB of body: with secret_of, too, who
	 * may see them is for you to find out. True: you answer it, in
	 * here or later, see faas_http_answer(). False: it is not found. A form that is posted
	 * to "/" (application/x-www-form-urlencoded) is for IAM or STS and does not come here, nor
	 * does what has the header X-Amz-Target with one of the operations above.
	 */
	bool (*on_page)(void *data, struct faas_http_page *page,
			const struct faas_http_message *request);

	/*
	 * What FunctionUrl begins with, if clients reach the door by another name, through a
	 * proxy: "https://functions.example.org". NULL: "http://HOST:PORT" of this door.
	 */
	const char *url;

	/*
	 * With secret_of: the name or ARN of the role of whoever has this access key; copied.
	 * [loop] The role's policies, and the function's own, then say what such a request may do:
	 * lambda:... on what its path names, iam:PassRole for the role of a function,
	 * lambda:InvokeFunctionUrl for URLs, dynamodb:... on a table, events:PutEvents on
	 * each bus. Conditions see aws:CurrentTime,
	 * aws:PrincipalAccount, aws:PrincipalArn, aws:SourceIp, iam:PassedToService,
	 * lambda:FunctionArn (of mappings) and lambda:FunctionUrlAuthType. NULL, or no role_of:
	 * he is the account's root, who may do all. A role that there is not may do nothing.
	 */
	const char *(*role_of)(void *data, const char *access_key);
};

#define FAAS_HTTP(...) \
	(&(const struct faas_http_config){ .size = sizeof(struct faas_http_config), __VA_ARGS__ })

/*
 * Begin to listen. Any thread. faas_close() closes it, too: it ends with the runtime.
 * FAAS_ESYSTEM if the address cannot be had, or if libfaas was built without HTTP.
 */
FAAS_EXPORT struct faas_http *
faas_http_listen(struct faas *rt, const struct faas_http_config *config, struct faas_error *err);
FAAS_EXPORT int faas_http_port(const struct faas_http *http); /* 0: none */

/*
 * Routes: requests become events of functions, as with API Gateway. Of the routes that fit the
 * most exact one is meant: part by part of the path, what is written out goes before {name},
 * and that before {name+}, which is all the rest; a method goes before ANY. "$default" is for
 * whatever nothing else fits. Operations of the API and function URLs go before all routes, and
 * these before the operations of IAM, DynamoDB and EventBridge and on_page. At most 300.
 */
struct faas_http_route {
	size_t size;
	const char *route;    /* "GET /items/{id}", "ANY /files/{rest+}", "$default" */
	const char *function; /* name, name:version, name:alias or ARN; NULL: no longer */
	const char *stage;    /* "$default"; any other is the path's first part, "/dev/items/7" */
	int payload;          /* 2; 1: events of payload 1.0, whose answers need a statusCode */
};

#define FAAS_HTTP_ROUTE(...) \
	(&(const struct faas_http_route){ .size = sizeof(struct faas_http_route), __VA_ARGS__ })

/*
 * Add a route, in place of one of the same text and stage. Any thread. The function
 * need not exist yet. FAAS_EINVAL, FAAS_ENOTFOUND (to remove), FAAS_ETOOLARGE.
 */
FAAS_EXPORT int faas_http_route(struct faas_http *http, const struct faas_http_route *route,
				struct faas_error *err);

/*
 * Listen no more: the port is free when this returns. Requests under way are
 * answered, then the connections are closed. `http` is not to be used any more. NULL
 * is allowed.
 */
FAAS_EXPORT void faas_http_close(struct faas_http *http);

/*
 * The same door for a host that has a server of its own. If this returns 0, `done` is
 * called exactly once, later, on the loop. Any thread.
 */
FAAS_EXPORT int faas_http_serve(struct faas_http *http, const struct faas_http_message *request,
				void (*done)(void *data, const struct faas_http_message *answer),
				void *data, struct faas_error *err);

/*
 * The same, and what the API streams comes as it is made: InvokeWithResponseStream, and the
 * URLs of functions whose InvokeMode is RESPONSE_STREAM. All three callbacks are required,
 * and all are [loop].
 */
struct faas_http_reader {
	size_t size;
	/*
	 * Once, first. Without `more` it is all there is, with its body, and the request is over.
	 * With `more` it has no body, and `served` is valid until on_end.
	 */
	void (*on_answer)(void *data, struct faas_http_served *served,
			  const struct faas_http_message *answer, bool more);
	/* False: enough for now, until faas_http_resume(). This piece was taken. */
	bool (*on_piece)(void *data, struct faas_bytes piece);
	/* Once, last. Not `whole`: let your client see that something is missing. */
	void (*on_end)(void *data, bool whole);
	void *data;
};

#define FAAS_HTTP_READER(...) \
	(&(const struct faas_http_reader){ .size = sizeof(struct faas_http_reader), __VA_ARGS__ })

FAAS_EXPORT int faas_http_serve_parts(struct faas_http *http,
				      const struct faas_http_message *request,
				      const struct faas_http_reader *reader,
				      struct faas_error *err);
/* More is wanted, or the client is gone and what comes will be dropped. [loop] */
FAAS_EXPORT void faas_http_resume(struct faas_http_served *served);

/*
 * Answer a request that on_page took. All [loop]. Each has to be answered, exactly once, whether
 * or not its client still waits: faas_close() is done only then. With `more` the answer
 * goes on with any number of faas_http_write() and one faas_http_end(). What cannot be
 * a header is left out; those of length, date and connection are not yours to set.
 */
FAAS_EXPORT void faas_http_answer(struct faas_http_page *page,
				  const struct faas_http_message *answer, bool more);
/*
 * FAAS_ETHROTTLED: the client has not read what was written before, beyond 64 KB, and
 * this was not taken; write it later, or leave it out. FAAS_ECANCELED: it is gone, or
 * the door closes; end it.
 */
FAAS_EXPORT int faas_http_write(struct faas_http_page *page, struct faas_bytes piece);
FAAS_EXPORT void faas_http_end(struct faas_http_page *page);

FAAS_END_DECLS

#endif
