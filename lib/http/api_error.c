/* SPDX-License-Identifier: MIT */
/*
 * Exceptions as answers. Lambda writes the text as "message" in some and as "Message"
 * in others; clients look for what their model says, so it is told here, too.
 */
#include <http/api.h>

#include <string.h>

#include <base/document.h>
#include <base/error.h>
#include <base/text.h>

#define RETRY_AFTER "1"

static const struct exception {
	const char *type;
	int status;
	bool capital; /* "Message" */
	bool bare;    /* without "Type" */
} exceptions[] = {
	{ "AccessDeniedException", 403, true, true },
	{ "CodeSigningConfigNotFoundException", 404, true, false },
	{ "CodeStorageExceededException", 400, false, false },
	{ "CodeVerificationFailedException", 400, true, false },
	{ "EFSMountFailureException", 403, true, false },
	{ "IncompleteSignatureException", 400, false, true },
	{ "InvalidCodeSignatureException", 400, true, false },
	{ "InvalidParameterValueException", 400, false, false },
	{ "InvalidRequestContentException", 400, false, false },
	{ "InvalidSignatureException", 403, false, true },
	{ "InvalidSubnetIDException", 502, true, false },
	{ "InvalidZipFileException", 502, true, false },
	{ "KMSAccessDeniedException", 502, true, false },
	{ "KMSDisabledException", 502, true, false },
	{ "KMSInvalidStateException", 502, true, false },
	{ "KMSNotFoundException", 502, true, false },
	{ "MissingAuthenticationTokenException", 403, false, true },
	{ "PolicyLengthExceededException", 400, false, false },
	{ "PreconditionFailedException", 412, false, false },
	{ "ProvisionedConcurrencyConfigNotFoundException", 404, false, false },
	{ "RecursiveInvocationException", 400, true, false },
	{ "RequestEntityTooLargeException", 413, false, false },
	{ "RequestTooLargeException", 413, false, false },
	{ "ResourceConflictException", 409, false, false },
	{ "ResourceInUseException", 400, true, false },
	{ "ResourceNotFoundException", 404, true, false },
	{ "ResourceNotReadyException", 502, false, false },
	{ "SerializationException", 400, true, true },
	{ "ServiceException", 500, true, false },
	{ "SnapStartException", 400, true, false },
	{ "SnapStartNotReadyException", 409, true, false },
	{ "SnapStartTimeoutException", 408, true, false },
	{ "SubnetIPAddressLimitReachedException", 502, true, false },
	{ "TooManyRequestsException", 429, false, false },
	{ "UnknownOperationException", 404, false, true },
	{ "UnrecognizedClientException", 403, false, true },
	{ "UnsupportedMediaTypeException", 415, false, false },
	{ "ValidationException", 400, false, true },
};

static const struct exception unknown = { "ServiceException", 500, true, false };

static const struct exception *find(const struct faas_error *err)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (!strcmp(exceptions[i].type, err->type))
			return &exceptions[i];
	return err->code == FAAS_EINVAL
		       ? find(&(struct faas_error){ .type = "InvalidParameterValueException" })
		       : &unknown;
}

static char *print(const struct fa_mem *mem, const struct exception *row, const char *message,
		   const char *reason)
{
	struct fa_document *body = fa_document_object();
	char *text = NULL;
	int rc = body ? 0 : FAAS_ENOMEM;

	if (!rc && reason)
		rc = fa_document_put_text(body, "Reason", reason);
	if (!rc && !row->bare)
		rc = fa_document_put_text(body, "Type", row->status >= 500 ? "Service" : "User");
	if (!rc)
		rc = fa_document_put_text(body, row->capital ? "Message" : "message", message);
	if (!rc)
		text = fa_document_print(body, mem);
	fa_document_free(body);
	return text;
}

static void refuse(const struct fa_mem *mem, struct fa_http_caller *caller,
		   const struct exception *row, int status, const struct faas_error *err,
		   const char *reason, const char *request_id)
{
	char *text = print(mem, row, reason ? "Rate Exceeded." : err->message, reason);
	char id[FA_API_ID_MAX];
	struct fa_http_field fields[] = {
		{ "Content-Type", "application/json" },
		{ "x-amzn-RequestId", request_id },
		{ "x-amzn-ErrorType", *err->type ? err->type : row->type },
		{ "Retry-After", RETRY_AFTER },
	};

	if (!request_id || !*request_id) {
		fa_api_new_id(id);
		fields[1].value = id;
	}
	caller->answer(caller, status, fields, row->status == 429 ? 4 : 3,
		       (struct faas_bytes){ text ? text : "", text ? strlen(text) : 0 });
	fa_free(text);
}

void fa_api_refuse(const struct fa_mem *mem, struct fa_http_caller *caller,
		   const struct faas_error *err, const char *reason, const char *request_id)
{
	const struct exception *row = find(err);

	refuse(mem, caller, row, row->status, err, reason && *reason ? reason : NULL, request_id);
}

void fa_api_refuse_status(const struct fa_mem *mem, struct fa_http_caller *caller, int status)
{
	static const struct exception plain = { "BadRequestException", 400, false, true };
	struct faas_error err = { .code = FAAS_EINVAL };

	fa_error_typed(&err, FAAS_EINVAL,
		       status == 413   ? "RequestEntityTooLargeException"
		       : status >= 500 ? "ServiceException"
				       : plain.type,
		       "%s", fa_http_reason(status));
	refuse(mem, caller, &plain, status, &err, NULL, NULL);
}

void fa_api_new_id(char out[FA_API_ID_MAX])
{
	uint8_t bits[16];

	fa_random_bytes(bits, sizeof(bits));
	fa_uuid(out, bits);
}
