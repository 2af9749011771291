/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resources.h - the handlers, one group for each file. The table in router.c says under which route each stands.
 */
#ifndef CS_API_RESOURCES_H
#define CS_API_RESOURCES_H

#include "api/change.h"

/* leads.c */
void cs_api_leads_list(struct cs_api_call *call);
void cs_api_lead_get(struct cs_api_call *call);
void cs_api_lead_story(struct cs_api_call *call);
/* The lead of {id}: a number or an event_id. False: answered. */
bool cs_api_lead(struct cs_api_call *call, const char *id, struct cs_lead_row *out);

/* deliveries.c */
void cs_api_deliveries_list(struct cs_api_call *call);
void cs_api_delivery_get(struct cs_api_call *call);
void cs_api_delivery_retry(struct cs_api_call *call);
/* Deliveries in these states; filter and page from the query. */
void cs_api_list_deliveries(struct cs_api_call *call, uint32_t states);
/* Read {id} for a key that may see it. False: answered. */
bool cs_api_delivery(struct cs_api_call *call, struct cs_delivery_row *out);
/* In a change: the delivery c->id, for a key that may see it; CS_ENOTFOUND otherwise. */
int cs_change_delivery(struct cs_change *c, struct cs_store *s, struct cs_delivery_row *out, struct cs_err *err);

/* deadletters.c and fix.c */
void cs_api_dead_list(struct cs_api_call *call);
void cs_api_dead_get(struct cs_api_call *call);
void cs_api_dead_replay(struct cs_api_call *call);
void cs_api_dead_done(struct cs_api_call *call);
void cs_api_dead_discard(struct cs_api_call *call);
void cs_api_dead_reroute(struct cs_api_call *call);
void cs_api_dead_fix(struct cs_api_call *call);
/* In a change: the dead letter c->id. 1; 0 when that was refused; or negative. */
int cs_change_dead_letter(struct cs_change *c, struct cs_store *s, struct cs_delivery_row *out, struct cs_err *err);

/* replays.c */
void cs_api_replay_start(struct cs_api_call *call);
void cs_api_replay_get(struct cs_api_call *call);
void cs_api_replay_cancel(struct cs_api_call *call);
/* Replay what the recovery of a connection sets free, in chunks; any thread. */
void cs_api_replay_recovered(struct cs_api *api, int64_t conn_id, int64_t span_ms);

/* queue.c */
void cs_api_queue(struct cs_api_call *call);

/* connections.c, conn/write.c, conn/delete.c and map.c */
void cs_api_connections_list(struct cs_api_call *call);
void cs_api_connection_get(struct cs_api_call *call);
void cs_api_connection_pause(struct cs_api_call *call);
void cs_api_connection_resume(struct cs_api_call *call);
void cs_api_connection_make(struct cs_api_call *call);
void cs_api_connection_change(struct cs_api_call *call);
void cs_api_connection_verify(struct cs_api_call *call);
void cs_api_connection_check(struct cs_api_call *call);
void cs_api_connection_choices(struct cs_api_call *call);
void cs_api_connection_test(struct cs_api_call *call);
void cs_api_connection_test_get(struct cs_api_call *call);
void cs_api_connection_test_seen(struct cs_api_call *call);
void cs_api_connection_confirm(struct cs_api_call *call);
void cs_api_connection_delete(struct cs_api_call *call);
/* False: answered, since the configuration file has the say. */
bool cs_api_is_dynamic(struct cs_api_call *call, const struct cs_conn_row *row);
void cs_api_connection_versions(struct cs_api_call *call);
void cs_api_connection_rollback(struct cs_api_call *call);
void cs_api_connection_map(struct cs_api_call *call);

/* grants.c */
void cs_api_connection_authorize(struct cs_api_call *call);
void cs_api_parked_list(struct cs_api_call *call);
void cs_api_parked_claim(struct cs_api_call *call);

/* plugins.c */
void cs_api_plugins(struct cs_api_call *call);
void cs_api_plugin_reload(struct cs_api_call *call);

/* keys.c */
void cs_api_keys_list(struct cs_api_call *call);
void cs_api_key_new_handler(struct cs_api_call *call);
void cs_api_key_delete(struct cs_api_call *call);
void cs_api_key_rotate(struct cs_api_call *call);
/* Remember that a key was used, at most every ten minutes. */
void cs_api_key_used(struct cs_api *api, const struct cs_auth *who);

/* bridge.c */
void cs_api_bridge_subscribe(struct cs_api_call *call);
void cs_api_bridge_unsubscribe(struct cs_api_call *call);
void cs_api_bridge_sample(struct cs_api_call *call);
void cs_api_bridge_status(struct cs_api_call *call);
void cs_api_bridge_me(struct cs_api_call *call);
/* links.c */
void cs_api_links_list(struct cs_api_call *call);
void cs_api_link_new(struct cs_api_call *call);
void cs_api_link_delete(struct cs_api_call *call);

/* secrets.c */
void cs_api_secrets(struct cs_api_call *call);
void cs_api_secrets_reload(struct cs_api_call *call);

/* health.c and metrics.c */
bool cs_api_is_ready(struct cs_api *api);
void cs_api_healthz(struct cs_api_call *call);
void cs_api_readyz(struct cs_api_call *call);
void cs_api_stats(struct cs_api_call *call);
void cs_api_metrics(struct cs_api_call *call);

/* openapi.c */
void cs_api_openapi(struct cs_api_call *call);

/* control.c */
void cs_api_index(struct cs_api_call *call);
void cs_api_alerts(struct cs_api_call *call);
void cs_api_reload_now(struct cs_api_call *call);
#ifdef CS_TEST_HOOKS
void cs_api_test_clock(struct cs_api_call *call);
#endif

#endif
