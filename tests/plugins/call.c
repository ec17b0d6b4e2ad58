/* SPDX-License-Identifier: MIT */
#include "call.h"

FAAS_PLUGIN("call", "1", FAAS_HANDLER(invoke), FAAS_HANDLER(publish), FAAS_HANDLER(many),
	    FAAS_HANDLER(large), FAAS_HANDLER(circle));
