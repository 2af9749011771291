/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - what csrelay reports: event-1.0 messages and alerts, as leads of a kind of their own in the same queue.
 *
 * Events go to connections that subscribe to events, alerts (alert.raised, alert.recovered) to those that subscribe to
 * alerts. Nothing is made while nobody listens. Engine thread, but for
 * cs_events_make, which any thread may call.
 */
#ifndef CS_DELIVER_EVENTS_H
#define CS_DELIVER_EVENTS_H

#include "deliver/accept.h"
#include "deliver/results.h"

/* lead.delivered or lead.failed for the end of an attempt; NULL when there is nothing to report or nobody listens. */
struct cs_accept *cs_events_of_result(struct cs_engine *e, const struct cs_result *r);
/*
 * lead.failed for a delivery that became a dead letter without an attempt, inside the writer's transaction. The event is put into
 * *list; after the commit cs_events_told hands the list to the engine. When the transaction is tried again, forget it first.
 */
struct cs_events_dead {
	const struct cs_lead *lead;
	const char *crm, *connection, *crm_account_id;
	enum cs_blame blame;
	const char *reason;
};
int cs_events_tell_dead(const struct cs_events_dead *d, struct cs_accept **list, const struct cs_accept_env *env, struct cs_store *s,
                        int64_t now_ms, struct cs_err *err);
void cs_events_told(struct cs_accept *list, const struct cs_accept_env *env, int rc);
void cs_events_forget(struct cs_accept **list, const struct cs_accept_env *env);
/* Any event, given as a JSON object with at least "event"; identity, times and account are added. Consumes `body`. */
struct cs_accept *cs_events_make(const char *account, json_object *body, int64_t now_ms);

/* Count dead letters of a connection and raise or recover its alert; replay what its recovery sets free. */
void cs_events_watch(struct cs_engine *e, struct cs_tree_conn *tc, const struct cs_context *c, enum cs_state to, bool needs_reauth);

/* The connection's grant is over, found without an attempt: the alert, once. */
void cs_events_reauth(struct cs_engine *e, const struct cs_context *c);

/* Raise the alert of this kind about a connection, or (text NULL) take it back, if it is not so already. While it is on, the connection
 * counts as failing. */
void cs_events_connection_alert(struct cs_engine *e, const struct cs_context *c, const char *kind, const char *text);
/* Its credentials are accepted again: what cs_events_reauth raised is over. */
void cs_events_accepted(struct cs_engine *e, const struct cs_context *c);

/* A plugin was parked (raised), or works again. It concerns all accounts, so it goes to connections of account "*". */
void cs_events_plugin_alert(struct cs_engine *e, const char *plugin, const char *text, bool raised);
/* Is that alert on, perhaps since an earlier run? */
bool cs_events_plugin_alert_on(struct cs_engine *e, const char *plugin);

/* Dead letters that came about without an attempt, as when their time ran out. Any thread. */
void cs_events_post_dead(struct cs_engine *e, int64_t conn_id, const char *crm);

/* What was buried for a reason that is over goes out again (replay.automatic): after a recovery, a re-authorization, a resume. */
void cs_events_recovered(struct cs_engine *e, struct cs_tree_conn *tc);

#endif
