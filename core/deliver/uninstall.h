/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uninstall.h - the CRM says by DELETE to the redirect URI that a customer has removed the app.
 *
 * Where a manifest's way has "uninstall". The CRM shows itself as the app does to it: HTTP Basic with client id and secret. The
 * connections of that customer then need their owner, unless they were connected anew since.
 */
#ifndef CS_DELIVER_UNINSTALL_H
#define CS_DELIVER_UNINSTALL_H

#include "http/server.h"

#define CS_UNINSTALL_BODY_MAX (16u << 10)

struct cs_engine;

/* Is it such a request? DELETE /oauth/CRM/callback */
bool cs_uninstall_is(const struct cs_http_request *req);
/* Answered in time. Any thread. */
void cs_uninstall_handle(struct cs_engine *e, struct cs_http_request *req);

#endif
