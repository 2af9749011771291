/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - see progress.h.
 */
#include "config.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl/show/progress.h"
#include "util/clock.h"

#define BAR 24
#define EVERY_US 100000

void
cs_ctl_progress_init(struct cs_ctl_progress *p)
{
	const char *term = getenv("TERM");

	*p = (struct cs_ctl_progress){ .on = isatty(STDERR_FILENO) == 1 && term != NULL &&
					     strcmp(term, "dumb") != 0 };
	p->start_us = cs_mono_us();
}

void
cs_ctl_progress_bar(int64_t done, int64_t total, struct cs_buf *out)
{
	int64_t share = total > 0 ? (done < total ? done : total) * 100 / total : 0;
	int full = (int)(share * BAR / 100);

	cs_buf_addc(out, '[');
	for (int i = 0; i < BAR; i++)
		cs_buf_addc(out, i < full ? '=' : i == full ? '>' : ' ');
	cs_buf_printf(out, "] %3" PRId64 " %%", share);
}

void
cs_ctl_progress_show(struct cs_ctl_progress *p, int64_t done, int64_t total, const char *fmt, ...)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	int64_t now_us = cs_mono_us();
	va_list ap;

	if (!p->on || (p->shown_us != 0 && now_us - p->shown_us < EVERY_US))
		return;
	p->shown_us = now_us;
	cs_buf_addc(&b, '\r');
	if (total > 0) {
		cs_ctl_progress_bar(done, total, &b);
		cs_buf_adds(&b, "  ");
	}
	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	cs_buf_adds(&b, "\033[K");
	fputs(cs_buf_str(&b), stderr);
	fflush(stderr);
}

void
cs_ctl_progress_clear(struct cs_ctl_progress *p)
{
	if (!p->on || p->shown_us == 0)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->shown_us = 0;
}
