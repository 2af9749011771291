/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - counting the backlog, not too often.
 */
#include "config.h"
#include "api/watch/snapshot.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_US 1000000
#define KEEP_TIMES 20

static int
note(void *ctx, const struct cs_backlog *b)
{
	struct cs_api_snapshot *s = ctx;

	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->v = cs_xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = *b;
	s->due += b->count;
	if (b->earliest_due_ms < s->earliest_ms)
		s->earliest_ms = b->earliest_due_ms;
	return 0;
}

static int
refresh(struct cs_api *api, struct cs_api_snapshot *s, struct cs_err *err)
{
	const struct cs_filter dead = { .states = CS_STATE_BIT(CS_DEAD), .conn_id = -1, .blame = -1, .urgency = -1 };
	int64_t started = cs_mono_us(), took;
	int rc;

	s->n = 0;
	s->due = 0;
	s->earliest_ms = CS_NEVER;
	if ((rc = api->reader->ops->backlogs(api->reader, note, s, err)) < 0)
		return rc;
	if ((rc = api->reader->ops->delivery_count(api->reader, &dead, &s->dead, err)) == CS_ELIMIT)
		s->dead = -1;
	else if (rc < 0)
		return rc;
	took = cs_mono_us() - started;
	s->good_until_us = started + took + (took * KEEP_TIMES > KEEP_US ? took * KEEP_TIMES : KEEP_US);
	return 0;
}

const struct cs_api_snapshot *
cs_api_snapshot_get(struct cs_api *api, struct cs_err *err)
{
	if (api->snapshot == NULL)
		api->snapshot = cs_xcalloc(1, sizeof(*api->snapshot));
	if (cs_mono_us() >= api->snapshot->good_until_us && refresh(api, api->snapshot, err) < 0)
		return NULL;
	return api->snapshot;
}

void
cs_api_snapshot_free(struct cs_api_snapshot *s)
{
	if (s == NULL)
		return;
	free(s->v);
	free(s);
}

int64_t
cs_api_oldest_due_s(const struct cs_api_snapshot *s, int64_t now_ms)
{
	return s->earliest_ms < now_ms ? (now_ms - s->earliest_ms) / 1000 : 0;
}

const char *
cs_api_crm_of(struct cs_api *api, int64_t conn_id)
{
	char *name = cs_map_get(&api->crm_of, (uint64_t)conn_id);
	struct cs_conn_row row;
	struct cs_arena mem;

	if (name != NULL)
		return name;
	cs_arena_init(&mem);
	if (api->reader->ops->conn_get(api->reader, conn_id, &mem, &row, NULL) == 0) {
		name = cs_xstrdup(row.crm);
		cs_map_put(&api->crm_of, (uint64_t)conn_id, name);
	}
	cs_arena_fini(&mem);
	return name != NULL ? name : "";
}
