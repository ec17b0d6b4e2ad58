# SPDX-License-Identifier: MIT
"""What runs a Python function as Lambda does: its search path, its context, its logs, its errors."""
