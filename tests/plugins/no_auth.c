/* SPDX-License-Identifier: Apache-2.0 */
/* no_auth.c - its manifest says that it renews its tokens, and it has no function to do so. Must be refused. */
#include "tiny.h"

CS_PLUGIN_V1(.name = "no_auth", .version = "1.0.0", .map = tiny_map, .push = tiny_push)
