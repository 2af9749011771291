/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete.h - parts of a connection's end, for those who end one: a person (delete.c), and time (lapse.c).
 */
#ifndef CS_API_CONN_DELETE_H
#define CS_API_CONN_DELETE_H

#include "deliver/farewell.h"

/* What became of its grant, as the API says it: by enum cs_undone. */
extern const char *const cs_undone_grant[];

/* In a writer's transaction: what was not delivered becomes dead letters (*dead: how many), its alerts are over, and the row goes. */
int cs_conn_remove(struct cs_store *s, const struct cs_conn_row *row, int64_t now_ms, struct cs_arena *mem, int64_t *dead, struct cs_err *err);
/* The CRM may have one grant for all of an account: it stays while another connection lives on it. */
bool cs_conn_shares_account(struct cs_store *s, struct cs_arena *mem, const struct cs_conn_row *row);

#endif
