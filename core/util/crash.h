/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.h - named points at which a test build can be made to die as if the power had failed.
 *
 * CSRELAY_CRASH_AT=name or name:N (the Nth time) makes cs_crash_point("name") kill the process with SIGKILL: no handler, no
 * flush. In builds without --enable-test-hooks the macro is nothing. The list of names is tests/fault/crash_points.txt and a
 * test holds it against the sources.
 */
#ifndef CS_UTIL_CRASH_H
#define CS_UTIL_CRASH_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef CS_TEST_HOOKS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void
cs_crash_point(const char *name)
{
	const char *armed = getenv("CSRELAY_CRASH_AT");
	size_t n = strlen(name);
	static _Atomic int seen;

	if (armed == NULL || strncmp(armed, name, n) != 0 || (armed[n] != '\0' && armed[n] != ':'))
		return;
	if (++seen >= (armed[n] == ':' ? atoi(armed + n + 1) : 1))
		raise(SIGKILL);
}
#else
#define cs_crash_point(name) ((void)0)
#endif

#endif
