/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty_vfs.h - a VFS over the system's that fails when told to.
 *
 * Once registered it is the default one. A fault is an operation, the end of the file's name, what to return, and how many
 * such operations go well before; it then lasts until faulty_heal. A code of SQLITE_OK only counts. FAULTY_SHORT is a write whose
 * first half reaches the file.
 */
#ifndef CS_TESTS_FAULTY_VFS_H
#define CS_TESTS_FAULTY_VFS_H

enum faulty_op { FAULTY_NONE, FAULTY_READ, FAULTY_WRITE, FAULTY_SHORT, FAULTY_SYNC, FAULTY_ANY };

void faulty_register(void);
void faulty_arm(enum faulty_op op, const char *suffix, int code, int after);
/* Returns how often the fault struck. */
int faulty_heal(void);

#endif
