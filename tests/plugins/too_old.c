/* SPDX-License-Identifier: Apache-2.0 */
/* too_old.c - states a descriptor that ends before map: older than 1.0. Must be refused. */
#include "tiny.h"

CS_EXPORT const struct cs_plugin_v1 *cs_plugin_v1_entry(void);
const struct cs_plugin_v1 *
cs_plugin_v1_entry(void)
{
	static const struct cs_plugin_v1 descriptor = {
		.struct_size = offsetof(struct cs_plugin_v1, map), .name = "too_old", .version = "1.0.0",
	};

	return &descriptor;
}
