/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.h - a person gives csrelay access to an account: from the start link over the CRM's consent page and back.
 *
 *   POST /v1/connections/{id}/authorize     makes a ticket (api/conn/grants.c) -> GET /oauth/CRM/start?ticket=...
 *   GET /oauth/CRM/start                    ticket -> state, browser cookie, PKCE verifier -> the CRM's consent page
 *   GET /oauth/CRM/callback                 state and cookie fit: used up, the code is exchanged, the CRM is asked who that is
 *
 * Tickets, states and cookies are random and stored as hashes; a flow lives ten minutes and its state is good once. The
 * new grant always goes to a pending connection: to the connection itself while it is pending, else to a stand-in, which takes the
 * connection's place only when the CRM says that it is the same account as before (or when a person claims it although it is not).
 * A callback without a state began at the CRM's marketplace: its grant is parked as a pending connection without an account.
 * What becomes active when: a pending connection when somebody confirms it; a connection that lost its grant at once.
 *
 * Requests come in the threads of listeners; the work is the engine's. Answers are small pages.
 */
#ifndef CS_DELIVER_GRANT_H
#define CS_DELIVER_GRANT_H

#include "http/server.h"
#include "store/store.h"
#include "vault/vault.h"

#define CS_GRANT_LIFE_MS (10 * 60 * 1000)

struct cs_engine;

/* Is it a request of these? */
bool cs_grant_is(const struct cs_http_request *req);
/* Answered in time. Any thread. */
void cs_grant_handle(struct cs_engine *e, struct cs_http_request *req);

/*
 * In a writer's transaction: the grant of the pending connection `from` becomes that of `to`: secrets sealed anew, facts, tokens. `from` is gone
 * afterwards, and `to` is connected again if it needed that. 0 or negative.
 */
int cs_grant_take(struct cs_store *s, const struct cs_vault *v, int64_t from, int64_t to, int64_t now_ms, struct cs_arena *mem,
                  struct cs_err *err);

#endif
