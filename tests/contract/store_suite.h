/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite.h - what every engine of store.h must do, whatever it is made of.
 *
 * An engine's test program describes itself in a struct store_engine and calls store_suite_run. Each case runs in a process
 * and a folder of its own.
 */
#ifndef CS_TESTS_STORE_SUITE_H
#define CS_TESTS_STORE_SUITE_H

#include "store/store.h"

struct store_engine {
	const char *name;
	bool keeps; /* closing and opening again in the same folder finds the same rows */
	/* Open the store that belongs to this folder, as the writer. */
	int (*open)(const char *dir, struct cs_store **out, struct cs_err *err);
};

/* How many cases failed. */
int store_suite_run(const struct store_engine *engine);

#endif
