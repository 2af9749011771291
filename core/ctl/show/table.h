/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - rows of text in aligned columns.
 *
 * Columns are as wide as their widest cell. When a terminal is too narrow, the column marked `gives` is cut
 * with an ellipsis (never below its header or eight columns); elsewhere nothing is cut, so that grep and awk
 * see everything.
 */
#ifndef CS_CTL_SHOW_TABLE_H
#define CS_CTL_SHOW_TABLE_H

#include "ctl/ctl.h"
#include "ctl/show/text.h"

#define CS_CTL_COLUMNS_MAX 16

struct cs_ctl_column {
	const char *title;
	bool right; /* numbers */
	bool gives; /* is cut where there is no room */
};
struct cs_ctl_table {
	struct cs_arena *mem;
	const struct cs_ctl_column *columns;
	int n_columns;
	struct cs_ctl_table_row *head, *last;
	size_t n_rows;
};
void cs_ctl_table_init(struct cs_ctl_table *t, struct cs_arena *mem, const struct cs_ctl_column *columns,
		       int n);
/* A new row; its cells are empty. */
void cs_ctl_table_row(struct cs_ctl_table *t);
/* The next cell of the last row. `s` is cleaned and copied. */
void cs_ctl_table_cell(struct cs_ctl_table *t, enum cs_ctl_paint paint, const char *s);
void cs_ctl_table_cellf(struct cs_ctl_table *t, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);
/* Header and rows; nothing at all without rows. */
void cs_ctl_table_print(const struct cs_ctl_table *t, const struct cs_ctl *c, struct cs_buf *out);

#endif
