/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - leads out of a file: one JSON document, or NDJSON read line by line, however large.
 *
 * A file is NDJSON when its first line is a whole JSON object and another line follows.
 */
#ifndef CS_CTL_SOURCE_H
#define CS_CTL_SOURCE_H

#include "ctl/ctl.h"

#define CS_CTL_LEAD_MAX                                                                                      \
	((size_t)1 << 20) /* a longer document or line is told, not read; the daemon takes less */

struct cs_ctl_source {
	FILE *file;
	const char *name;
	char *line;
	size_t cap, ahead;      /* ahead: length of a line that was read already; 0 none */
	struct cs_buf document; /* the text of the lead that _next gave */
	int64_t line_no;        /* of that lead; 0: the file is one document */
	int64_t lines_read;
	int64_t read, size;     /* bytes; size 0: unknown */
	bool ndjson, done;
};
/* "-" is standard input. 0 or CS_EIO. */
int cs_ctl_source_open(struct cs_ctl_source *s, const char *path, struct cs_err *err);
/* 1: s->document holds a lead; 0: no more; or CS_EIO, CS_ELIMIT. */
int cs_ctl_source_next(struct cs_ctl_source *s, struct cs_err *err);
void cs_ctl_source_close(struct cs_ctl_source *s);

#endif
