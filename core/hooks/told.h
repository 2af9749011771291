/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told.h - what a message of a CRM tells about itself, read as the manifest's webhook row says: whose it is, and whether it is the
 * one that ends the connection. Pure; results live in the arena or belong to the document.
 */
#ifndef CS_HOOKS_TOLD_H
#define CS_HOOKS_TOLD_H

#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "plugin/manifest/manifest.h"

/* The tenant of one event, else of the whole message `doc`, in the form that the fact has; "" when it tells none. */
const char *cs_told_tenant(const struct cs_webhook_row *w, json_object *event, json_object *doc, struct cs_arena *mem);
/* Does this message say that the customer has disconnected? *at_ms: when, by its own word or else received_ms; not later. */
bool cs_told_end(const struct cs_webhook_row *w, struct cs_bytes body, int64_t received_ms, int64_t *at_ms);

#endif
