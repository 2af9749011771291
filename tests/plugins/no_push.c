/* SPDX-License-Identifier: Apache-2.0 */
/* no_push.c - maps, but has no way into the CRM. Must be refused. */
#include "tiny.h"

CS_PLUGIN_V1(.name = "no_push", .version = "1.0.0", .map = tiny_map)
