/* SPDX-License-Identifier: Apache-2.0 */
/* too_new.c - built for minor 99, with callbacks that nobody here knows. Must load, and finds that the host is older. */
#include "tiny.h"

struct plugin_v1_99 {
	struct cs_plugin_v1 known;
	int32_t (*unheard_of)(void);
};

struct host_v1_99 {
	struct cs_host_v1 known;
	int32_t (*unheard_of)(struct cs_call *);
};

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct host_v1_99 *host = (const void *)d->host;

	(void)inst;
	if (d->host->struct_size >= offsetof(struct host_v1_99, unheard_of) + sizeof(host->unheard_of))
		return host->unheard_of(call);
	return d->host->fail(call, CS_REJECT, "the host is of minor %u", (unsigned)d->host->abi_minor);
}

static int32_t
unheard_of(void)
{
	return CS_DONE;
}

CS_EXPORT const struct cs_plugin_v1 *cs_plugin_v1_entry(void);
const struct cs_plugin_v1 *
cs_plugin_v1_entry(void)
{
	static const struct plugin_v1_99 descriptor = {
		.known = { .struct_size = sizeof(descriptor), .abi_minor = 99, .name = "too_new", .version = "1.0.0",
		           .map = tiny_map, .push = push },
		.unheard_of = unheard_of,
	};

	return &descriptor.known;
}
