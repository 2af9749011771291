/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the tables, as numbered steps.
 */
#ifndef CS_STORE_SCHEMA_H
#define CS_STORE_SCHEMA_H

#include <sqlite3.h>
#include "util/err.h"

#define CS_SCHEMA_APPLICATION_ID 0x63737231 /* "csr1", in the file's header */

/* The newest format that this program knows. */
int cs_schema_latest(void);
/* Bring an open database from the format it has up to `to`, each step in a transaction of its own. CS_ECORRUPT: not ours;
 * CS_EUNSUPPORTED: written by a newer csrelay. Nothing is done when it is there already. */
int cs_schema_migrate(sqlite3 *db, int to, struct cs_err *err);
/* The same examination without changing anything: 0 only for the latest format. */
int cs_schema_check(sqlite3 *db, struct cs_err *err);

#endif
