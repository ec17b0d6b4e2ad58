# SPDX-License-Identifier: MIT
"""What a module sees of how its interpreter began, and when it was imported."""
import os
import sys
import time

from faas_runtime import logs

IMPORTED_NS = time.time_ns()
KIND = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
FOUND = [name for name in sys.modules if "rehears" in name]
FOUND += [name for name, value in os.environ.items() if "rehears" in value or "AMZN" in name]
FOUND += [value for value in (logs.request_id, logs.tenant_id) if value]


def found(*_):
    return [KIND, *FOUND]


def imported_ns(*_):
    return IMPORTED_NS
