/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one line on the terminal that changes in place; nothing where standard error is no terminal.
 */
#ifndef CS_CTL_SHOW_PROGRESS_H
#define CS_CTL_SHOW_PROGRESS_H

#include "ctl/ctl.h"

struct cs_ctl_progress {
	bool on;
	int64_t start_us, shown_us;
};
void cs_ctl_progress_init(struct cs_ctl_progress *p);
/* At most ten times a second: a bar for done of total (total 0: no bar), then the words. */
void cs_ctl_progress_show(struct cs_ctl_progress *p, int64_t done, int64_t total, const char *fmt, ...)
    CS_PRINTF_LIKE(4, 5);
/* Clear the line: before anything else is printed, and at the end. */
void cs_ctl_progress_clear(struct cs_ctl_progress *p);
/* "[=====>    ]  52 %" */
void cs_ctl_progress_bar(int64_t done, int64_t total, struct cs_buf *out);

#endif
