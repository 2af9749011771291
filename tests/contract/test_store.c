/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the store's contract, on SQLite in a file and in memory.
 */
#include "store_suite.h"

static int
open_file(const char *dir, struct cs_store **out, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *path = cs_xasprintf("%s/store.db", dir);
	struct cs_store_conf conf = { .path = path };

	return cs_store_open_sqlite(&conf, out, err);
}

static int
open_memory(const char *dir CS_UNUSED, struct cs_store **out, struct cs_err *err)
{
	struct cs_store_conf conf = { .path = ":memory:" };

	return cs_store_open_sqlite(&conf, out, err);
}

int
main(void)
{
	static const struct store_engine engines[] = {
		{ "sqlite file", true, open_file },
		{ "sqlite memory", false, open_memory },
	};
	int failed = 0;

	for (size_t i = 0; i < CS_ARRAY_LEN(engines); i++)
		failed += store_suite_run(&engines[i]);
	return failed == 0 ? 0 : 1;
}
