/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.c - see shape.h.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/show/shape.h"
#include "ctl/show/table.h"

#define BUCKETS 10

static void
add_row(struct cs_ctl_table *t, enum cs_ctl_paint paint, const char *name, int64_t total,
	const int64_t ages[BUCKETS])
{
	cs_ctl_table_row(t);
	cs_ctl_table_cell(t, paint, name);
	cs_ctl_table_cellf(t, "%" PRId64, total);
	for (int i = 0; i < BUCKETS; i++) {
		if (ages[i] > 0)
			cs_ctl_table_cellf(t, "%" PRId64, ages[i]);
		else
			cs_ctl_table_cell(t, CS_PAINT_DIM, ".");
	}
}

static int64_t
read_ages(const json_object *o, int64_t ages[BUCKETS], int64_t sums[BUCKETS])
{
	json_object *v = cs_json_get(o, "ages");
	size_t n = cs_ctl_json_count(v);

	for (size_t i = 0; i < BUCKETS; i++) {
		ages[i] = i < n ? json_object_get_int64(json_object_array_get_idx(v, i)) : 0;
		if (sums != NULL)
			sums[i] += ages[i];
	}
	return cs_json_int(o, "total", 0);
}

static void
add_connections(struct cs_ctl_table *t, struct cs_arena *mem, json_object *list)
{
	size_t n = cs_ctl_json_count(list);
	int64_t ages[BUCKETS];

	for (size_t i = 0; i < n; i++) {
		const json_object *o = json_object_array_get_idx(list, i);
		const char *id = cs_json_str(o, "connection", "no connection known"),
			   *state = cs_json_str(o, "state", "connected");
		const char *label = cs_json_str(o, "label", cs_json_str(o, "name", ""));
		bool held = strcmp(state, "connected") != 0;
		int64_t total = read_ages(o, ages, NULL);

		add_row(t, held ? CS_PAINT_WARN : CS_PAINT_NONE,
			cs_arena_printf(mem, "  %s%s%s%s%s", label[0] != '\0' ? label : id,
					label[0] != '\0' ? " " : "", label[0] != '\0' ? id : "",
					held ? ", " : "", held ? cs_ctl_state_words(state) : ""),
			total, ages);
	}
}

void
cs_ctl_shape_print(const struct cs_ctl *c, struct cs_arena *mem, json_object *queue, struct cs_buf *out)
{
	static const struct cs_ctl_column columns[] = {
		{ "waiting, by age in minutes", false, true }, { "total", true, false }, { "5", true, false },
		{ "10", true, false }, { "20", true, false }, { "40", true, false }, { "80", true, false },
		{ "160", true, false }, { "320", true, false }, { "640", true, false }, { "1280", true, false },
		{ "1280+", true, false },
	};
	json_object *crms = cs_json_get(queue, "crms");
	size_t n = cs_ctl_json_count(crms);
	int64_t ages[BUCKETS], sums[BUCKETS] = { 0 }, total = 0;
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		total += read_ages(json_object_array_get_idx(crms, i), ages, sums);
	if (total == 0) {
		cs_buf_adds(out, "nothing waits\n");
		return;
	}
	add_row(&t, CS_PAINT_BOLD, "TOTAL", total, sums);
	for (size_t i = 0; i < n; i++) {
		json_object *crm = json_object_array_get_idx(crms, i);
		int64_t crm_total = read_ages(crm, ages, NULL);

		add_row(&t, CS_PAINT_BOLD, cs_json_str(crm, "crm", "?"), crm_total, ages);
		add_connections(&t, mem, cs_json_get(crm, "connections"));
	}
	cs_ctl_table_print(&t, c, out);
}
