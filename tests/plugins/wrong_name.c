/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_name.c - calls itself differently from its file. Must be refused. */
#include "tiny.h"

CS_PLUGIN_V1(.name = "another", .version = "1.0.0", .map = tiny_map, .push = tiny_push)
