/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_version.c - is not of the version of its manifest. Must be refused. */
#include "tiny.h"

CS_PLUGIN_V1(.name = "wrong_version", .version = "9.9.9", .map = tiny_map, .push = tiny_push)
