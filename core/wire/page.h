/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the one page that a plugin's process shares with the core.
 *
 * The process notes whose code is on the processor, at every switch, at the cost of a store; and while it dies, how. The core
 * reads it when the process is gone, or once a second to see whether a call hangs. Plugin code can write here too, so
 * the core believes nothing but what concerns the plugin's own calls, and bounds every text.
 */
#ifndef CS_WIRE_PAGE_H
#define CS_WIRE_PAGE_H

#include <stdint.h>

#define CS_PAGE_SIZE 4096
#define CS_PAGE_TRACE 2048

enum cs_died { CS_DIED_PLAINLY, CS_DIED_NULL, CS_DIED_WILD, CS_DIED_STACK, CS_DIED_MEMORY, CS_DIED_SYSCALL };

struct cs_page {
	_Atomic uint64_t running;    /* the call; 0: none */
	_Atomic uint64_t switches;   /* counted whenever a call gets the processor */
	/* by the signal handler */
	_Atomic int32_t signal;      /* 0: it did not come to that */
	_Atomic int32_t how;         /* enum cs_died */
	_Atomic int32_t detail;      /* of SYSCALL: its number; of NULL: the address */
	char trace[CS_PAGE_TRACE];   /* "map+0x12 (acme.so) < ...": names of functions, no contents; NUL-terminated */
};
_Static_assert(sizeof(struct cs_page) <= CS_PAGE_SIZE, "one page");

#endif
