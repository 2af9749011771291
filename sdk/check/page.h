/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - what the child writes down as it goes, so that its parent can say where it died.
 */
#ifndef CS_CHECK_PAGE_H
#define CS_CHECK_PAGE_H

#include <stdint.h>

struct cs_check_page { /* shared between parent and child; the parent believes nothing of it but for the report */
	volatile uint32_t phase;      /* enum cs_phase */
	volatile uint32_t requests;   /* of the call that runs */
	volatile uint32_t runs;       /* calls made so far */
	volatile uint32_t trial;      /* which */
	volatile int32_t signal;      /* caught by the child: it ended itself with it */
	volatile int32_t syscall;     /* of a SIGSYS */
	volatile uintptr_t address;   /* of a SIGSEGV or SIGBUS */
	volatile uintptr_t stack_top; /* of the call that runs */
	volatile uint64_t heap;       /* bytes in use when it died */
	char script[96];              /* the conversation that runs */
};
extern struct cs_check_page *cs_check_page;

#endif
