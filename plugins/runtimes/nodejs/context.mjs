// SPDX-License-Identifier: MIT
// The second argument of a handler.
const PREFIX = 'lambda-runtime-';

function parse(text, name) {
	try {
		return text === undefined ? undefined : JSON.parse(text);
	} catch (error) {
		throw new Error(`Cannot parse ${name} as json: ${error}`);
	}
}

export function contextOf(headers) {
	const given = (name) => headers[PREFIX + name], { env } = process;

	return {
		callbackWaitsForEmptyEventLoop: true,
		functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
		functionName: env.AWS_LAMBDA_FUNCTION_NAME,
		memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
		logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
		logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
		clientContext: parse(given('client-context'), 'ClientContext'),
		identity: parse(given('cognito-identity'), 'CognitoIdentity'),
		invokedFunctionArn: given('invoked-function-arn'),
		awsRequestId: given('aws-request-id'),
		tenantId: given('aws-tenant-id'),
		getRemainingTimeInMillis: () => given('deadline-ms') - Date.now(),
	};
}

export function forwardTrace(headers) {
	const trace = headers[PREFIX + 'trace-id'];

	if (trace)
		process.env._X_AMZN_TRACE_ID = trace;
	else
		delete process.env._X_AMZN_TRACE_ID;
}
