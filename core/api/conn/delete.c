/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete.c - the end of a connection.
 *
 * First the engine lets go of it and undoes what the CRM has of it, for a few seconds at most (deliver/farewell.h): its secrets
 * are needed for that. Then one transaction makes dead letters of what was not delivered, and takes settings and secrets away. What
 * the CRM keeps all the same is said in the answer.
 */
#include "config.h"
#include "api/conn/delete.h"

#include <string.h>
#include "api/resources.h"
#include "log/log.h"

#define DELETED "its connection was deleted before it was delivered"
#define PAGE 200

struct leaving { /* more of a change that deletes */
	struct cs_farewell farewell;
	struct cs_change *change;
};
static const char *const webhooks_words[] = { [CS_UNDO_NONE] = "none", [CS_UNDO_DONE] = "removed", [CS_UNDO_LEFT] = "left" };
const char *const cs_undone_grant[] = { [CS_UNDO_NONE] = "none", [CS_UNDO_DONE] = "revoked", [CS_UNDO_LEFT] = "left" };

/* ---- in the transaction */

/* Nobody is to be called back about a connection that is not there. */
static int
recover_alerts(struct cs_store *s, const char *public_id, int64_t now_ms, struct cs_arena *mem, struct cs_err *err)
{
	struct cs_alert_row *rows = cs_arena_alloc(mem, CS_ALERTS_READ * sizeof(*rows));
	int n = s->ops->alert_list(s, true, mem, rows, CS_ALERTS_READ, err), rc = 0;

	for (int i = 0; i < n && rc >= 0; i++) {
		const char *slash = strrchr(rows[i].key, '/');

		if (slash == NULL || strcmp(slash + 1, public_id) != 0)
			continue;
		rows[i].recovered_ms = now_ms;
		rc = s->ops->alert_put(s, &rows[i], err);
	}
	return n < 0 ? n : rc;
}

int
cs_conn_remove(struct cs_store *s, const struct cs_conn_row *row, int64_t now_ms, struct cs_arena *mem, int64_t *dead, struct cs_err *err)
{
	int rc;

	if ((rc = s->ops->conn_orphan(s, row->id, DELETED, now_ms, dead, err)) < 0 ||
	    (rc = recover_alerts(s, row->public_id, now_ms, mem, err)) < 0)
		return rc;
	return s->ops->conn_delete(s, row->id, err);
}

static int
apply_delete(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct cs_farewell *f = &((const struct leaving *)c->more)->farewell;
	struct cs_conn_row row;
	int64_t dead = 0;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = cs_conn_remove(s, &row, now_ms, &c->mem, &dead, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, c->id, false);
	cs_log(CS_LOG_INFO, "api", "connection deleted", "connection=%s crm=%s dead_letters=%lld webhooks=%s grant=%s", row.public_id, row.crm,
	    (long long)dead, webhooks_words[f->webhooks], cs_undone_grant[f->grant]);
	cs_out_open(&c->out, NULL, '{');
	cs_out_string(&c->out, "id", row.public_id);
	cs_out_bool(&c->out, "deleted", true);
	cs_out_int(&c->out, "dead_letters", dead);
	cs_out_string(&c->out, "webhooks", webhooks_words[f->webhooks]);
	cs_out_string(&c->out, "grant", cs_undone_grant[f->grant]);
	cs_out_close(&c->out, '}');
	return 0;
}

static void
farewell_done(struct cs_farewell *f)
{
	cs_change_put(CS_CONTAINER(f, struct leaving, farewell)->change);
}

bool
cs_conn_shares_account(struct cs_store *s, struct cs_arena *mem, const struct cs_conn_row *row)
{
	struct cs_conn_row *rows = cs_arena_alloc(mem, PAGE * sizeof(*rows));
	struct cs_token_row mine, other;
	int64_t after = 0;
	int n;

	if (s->ops->token_get(s, row->id, mem, &mine, NULL) < 0 || mine.remote_id[0] == '\0')
		return false;
	do {
		n = s->ops->conn_list(s, after, mem, rows, PAGE, NULL);
		for (int i = 0; i < n; i++) {
			after = rows[i].id;
			if (rows[i].id != row->id && strcmp(rows[i].crm, row->crm) == 0 && s->ops->token_get(s, rows[i].id, mem, &other, NULL) == 0 &&
			    strcmp(other.remote_id, mine.remote_id) == 0)
				return true;
		}
	} while (n == PAGE);
	return false;
}

/* The engine first hands back what it has not sent, which is then certainly not at the CRM, and undoes what the CRM has of it. */
void
cs_api_connection_delete(struct cs_api_call *call)
{
	struct cs_conn_row row;
	struct leaving *l;
	struct cs_change *c;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	if (cs_view_configured(call->conf, &row) != NULL && !cs_api_is_dynamic(call, &row))
		return;
	c = cs_change_new(call, apply_delete);
	c->id = row.id;
	c->more = l = cs_arena_alloc(&c->keep, sizeof(*l));
	*l = (struct leaving){ .farewell = { .conn_id = row.id, .done = farewell_done,
		.keep_grant = cs_conn_shares_account(call->api->reader, &call->mem, &row) }, .change = c };
	if (call->api->engine != NULL)
		cs_farewell_post(call->api->engine, &l->farewell);
	else
		cs_change_put(c);
}
