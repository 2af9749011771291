/* SPDX-License-Identifier: Apache-2.0 */
/* tiny.h - what the test plugins share: a map that hands the lead on as it came. */
#ifndef CS_TESTS_PLUGINS_TINY_H
#define CS_TESTS_PLUGINS_TINY_H

#include <cs/plugin_v1.h>

static inline int32_t
tiny_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	return in->host->emit(call, in->lead->raw);
}

static inline int32_t
tiny_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst, (void)call, (void)d;
	return CS_DONE;
}

#endif
