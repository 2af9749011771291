/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - the runner: frames in, plugin calls, frames out.
 *
 * One runner serves one plugin and belongs to one thread. It has no loop and no descriptors: whoever owns it feeds it
 * frames from the core and sends on what it wrote.
 */
#ifndef CS_PLUGHOST_CALL_H
#define CS_PLUGHOST_CALL_H

#include <stddef.h>
#include <cs/plugin_v1.h>
#include "util/err.h"
#include "util/mem.h"

struct cs_fiber_pool;
struct cs_page;
struct cs_runner;

/* The descriptor is copied; its code must stay loaded. max_calls bounds the calls that are open at once. */
struct cs_runner *cs_runner_new(const struct cs_plugin_v1 *plugin, size_t max_calls, struct cs_err *err);
/* On stacks that were reserved before (taken over); the running call is noted in `page` (borrowed). */
struct cs_runner *cs_runner_on(const struct cs_plugin_v1 *plugin, struct cs_fiber_pool *stacks, struct cs_page *page);
/* Open calls are cancelled and return (or, if they do not want to, are cut off); instances are closed. NULL is fine. */
void cs_runner_free(struct cs_runner *r);
/*
 * Take the whole frames in n bytes and let the calls they concern run until each waits or ends; what they say is
 * appended to `out`. Returns the bytes taken (an incomplete frame stays), or CS_ECORRUPT: the core is not to be believed
 * any more, free the runner.
 */
long cs_runner_feed(struct cs_runner *r, const void *frames, size_t n, struct cs_buf *out);
size_t cs_runner_open_calls(const struct cs_runner *r);

#endif
