/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - see table.h.
 */
#include "config.h"
#include <stdarg.h>
#include <string.h>
#include "ctl/show/table.h"

#define GAP 2
#define LEAST_GIVEN 8

struct cs_ctl_table_row {
	struct cs_ctl_table_row *next;
	int n;
	struct {
		const char *text;
		int columns;
		enum cs_ctl_paint paint;
	} cells[CS_CTL_COLUMNS_MAX];
};

void
cs_ctl_table_init(struct cs_ctl_table *t, struct cs_arena *mem, const struct cs_ctl_column *columns, int n)
{
	*t = (struct cs_ctl_table){ .mem = mem, .columns = columns, .n_columns = n };
}

void
cs_ctl_table_row(struct cs_ctl_table *t)
{
	struct cs_ctl_table_row *row = cs_arena_alloc(t->mem, sizeof(*row));

	for (int i = 0; i < t->n_columns; i++)
		row->cells[i].text = "";
	if (t->last != NULL)
		t->last->next = row;
	else
		t->head = row;
	t->last = row;
	t->n_rows++;
}

void
cs_ctl_table_cell(struct cs_ctl_table *t, enum cs_ctl_paint paint, const char *s)
{
	struct cs_ctl_table_row *row = t->last;

	if (row->n == t->n_columns)
		return;
	row->cells[row->n].text = cs_ctl_clean(t->mem, s);
	row->cells[row->n].columns = cs_ctl_columns(row->cells[row->n].text);
	row->cells[row->n++].paint = paint;
}

void
cs_ctl_table_cellf(struct cs_ctl_table *t, const char *fmt, ...)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	cs_ctl_table_cell(t, CS_PAINT_NONE, cs_buf_str(&b));
}

static void
measure(const struct cs_ctl_table *t, int room, int *widths)
{
	int total = (t->n_columns - 1) * GAP;

	for (int i = 0; i < t->n_columns; i++) {
		widths[i] = cs_ctl_columns(t->columns[i].title);
		for (const struct cs_ctl_table_row *r = t->head; r != NULL; r = r->next)
			widths[i] = r->cells[i].columns > widths[i] ? r->cells[i].columns : widths[i];
		total += widths[i];
	}
	for (int i = 0; i < t->n_columns && room > 0 && total > room; i++) {
		int least = cs_ctl_columns(t->columns[i].title), width = widths[i] - (total - room);

		if (!t->columns[i].gives)
			continue;
		least = least > LEAST_GIVEN ? least : LEAST_GIVEN;
		width = width > least ? width : least;
		if (width < widths[i]) {
			total -= widths[i] - width;
			widths[i] = width;
		}
	}
}

static void
add_cell(struct cs_buf *out, const char *text, int columns, int width, bool right, const char *on,
	 const char *off, bool end)
{
	bool cut = columns > width;
	int pad = cut ? 0 : width - columns;

	if (right)
		cs_buf_printf(out, "%*s", pad, "");
	cs_buf_adds(out, on);
	if (cut) {
		cs_buf_add(out, text, cs_ctl_cut(text, width - 1));
		cs_buf_adds(out, "\xe2\x80\xa6");
	} else
		cs_buf_adds(out, text);
	cs_buf_adds(out, off);
	if (!end)
		cs_buf_printf(out, "%*s", (right ? 0 : pad) + GAP, "");
}

void
cs_ctl_table_print(const struct cs_ctl_table *t, const struct cs_ctl *c, struct cs_buf *out)
{
	int widths[CS_CTL_COLUMNS_MAX], n = t->n_columns;

	if (t->head == NULL)
		return;
	measure(t, c->width, widths);
	for (int i = 0; i < n; i++)
		add_cell(out, t->columns[i].title, cs_ctl_columns(t->columns[i].title), widths[i],
			 t->columns[i].right, cs_ctl_paint(c, CS_PAINT_BOLD),
			 cs_ctl_unpaint(c, CS_PAINT_BOLD), i + 1 == n);
	cs_buf_addc(out, '\n');
	for (const struct cs_ctl_table_row *r = t->head; r != NULL; r = r->next) {
		for (int i = 0; i < n; i++)
			add_cell(out, r->cells[i].text, r->cells[i].columns, widths[i], t->columns[i].right,
				 cs_ctl_paint(c, r->cells[i].paint), cs_ctl_unpaint(c, r->cells[i].paint),
				 i + 1 == n);
		cs_buf_addc(out, '\n');
	}
}
