/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - what a dying process tells: the signal, what kind of fault it was, and the functions on the stack.
 *
 * Into the page that it shares with the core, since nothing else may be left that works. Names of functions and offsets only:
 * addresses that faulted and values are what a lead may have put there.
 */
#ifndef CS_PLUGHOST_TRACE_H
#define CS_PLUGHOST_TRACE_H

#include "plughost/fiber.h"
#include "wire/page.h"

/* From here on fatal signals, and SIGXCPU (sent by the core to a call that hangs), are told and end the process. `stacks`
 * tells an overflow from other faults. Again after plugin code has run: a constructor may have taken a signal for itself. */
void cs_trace_begin(struct cs_page *page, const struct cs_fiber_pool *stacks);
/* The plugin is loaded: read the names in its file. `handle` is dlopen's. */
void cs_trace_plugin(void *handle);

#endif
