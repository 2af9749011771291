/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfs_wal.h - the writer's log, written in large pieces.
 */
#ifndef CS_STORE_VFS_WAL_H
#define CS_STORE_VFS_WAL_H

#define CS_VFS_WAL "csrelay"

/* Register the VFS of this name over the one that is the default now; further calls change nothing. Not for two threads at a time.
 * Only a handle that commits with synchronous=FULL may open its database by it. Returns SQLITE_OK or SQLite's code. */
int cs_vfs_wal_register(void);

#endif
