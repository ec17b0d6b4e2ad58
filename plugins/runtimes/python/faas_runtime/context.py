# SPDX-License-Identifier: MIT
"""The second argument of a handler."""
import json
import os
import sys
import time


class Members:
    """An object with the members it names; those that are not given are None."""

    NAMES = ()

    def __init__(self, given):
        for name in self.NAMES:
            setattr(self, name, given.get(name))

    def __repr__(self):
        shown = ",".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}([{shown}])"


class CognitoIdentity(Members):
    NAMES = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(Members):
    NAMES = ("installation_id", "app_title", "app_version_name", "app_version_code",
             "app_package_name")


class ClientContext(Members):
    NAMES = ("custom", "env", "client")

    def __init__(self, given):
        super().__init__(given)
        if self.client is not None:
            self.client = Client(self.client)


def identity_of(text):
    given = json.loads(text) if text else {}
    return CognitoIdentity({"cognito_identity_id": given.get("cognitoIdentityId"),
                            "cognito_identity_pool_id": given.get("cognitoIdentityPoolId")})


class About:
    """What came with an event. Texts that did not come are empty."""

    def __init__(self, request_id, deadline_ms, arn="", trace_id="", client_context="",
                 identity="", tenant_id="", content_type="application/json"):
        self.request_id, self.deadline_ms, self.arn = request_id, deadline_ms, arn
        self.trace_id, self.client_context, self.identity = trace_id, client_context, identity
        self.tenant_id, self.content_type = tenant_id, content_type


class LambdaContext(Members):
    def __init__(self, about):
        super().__init__({})
        variable = os.environ.get
        self.aws_request_id = about.request_id
        self.log_group_name = variable("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = variable("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = variable("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = variable("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = about.arn
        self.tenant_id = about.tenant_id or None
        self.client_context = (
            ClientContext(json.loads(about.client_context)) if about.client_context else None)
        self.identity = identity_of(about.identity)
        self._deadline_ms = about.deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - time.time_ns() // 1000000)

    def log(self, message):
        sys.stdout.write(str(message))
