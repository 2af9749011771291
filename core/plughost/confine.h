/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - a process gives up what plugin code has no business with, in two stages around dlopen.
 *
 *   cs_confine_begin    before dlopen: the constructors of an ELF file run during it. Files can be opened for reading
 *                       only, and where the kernel has landlock only in the folders that are named.
 *   cs_confine_finish   after it: nothing can be opened or made executable any more.
 *
 * From the first stage on there are no sockets, no programs, no processes or threads, no signals to others, no tracing.
 * Which system calls those are stands in one table in confine.c. What is forbidden without doubt (socket, execve, clone,
 * kill, ptrace ...) ends as SIGSYS, so that whoever watches can name it; what a library may try in good faith is
 * refused with an error. Nothing of this can be taken back. The process must have one thread. Linux, x86-64 and aarch64.
 */
#ifndef CS_PLUGHOST_CONFINE_H
#define CS_PLUGHOST_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include "util/err.h"

struct cs_confine_conf {
	const char *const *read; /* folders and files that may be read besides those of the system's libraries; NULL at the
	                          * end, or NULL for none */
	int64_t memory;          /* bytes that may be mapped beyond what is mapped now; 0: no limit */
	bool report_open;        /* opening a file after cs_confine_finish is a SIGSYS, not EACCES: for checking plugins */
};
struct cs_confine_report { /* by what the process is held */
	int32_t landlock;  /* ABI in use; 0: this kernel has none */
	int32_t seccomp;   /* filters that are installed: 0, 1, 2 */
	int64_t memory;    /* as asked for */
};

/* Both: 0, or CS_EIO with err filled: the process must not run plugin code then. */
int cs_confine_begin(const struct cs_confine_conf *conf, struct cs_confine_report *report, struct cs_err *err);
int cs_confine_finish(const struct cs_confine_conf *conf, struct cs_confine_report *report, struct cs_err *err);

/* The ABI of landlock that this kernel has; 0: none. Changes nothing. */
int cs_confine_landlock_abi(void);
/* "socket", for the number in a SIGSYS (si_syscall); NULL when the table does not name it. */
const char *cs_confine_syscall_name(int nr);

#endif
