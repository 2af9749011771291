/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubspot.h - what the plugin's files share. map.c makes the document, push.c brings it in, webhook.c reads
 * what comes back, api.c holds the few requests that more than one of them makes.
 *
 * The document: {"contact": {"properties": {...}, "associations": []}, "note": {"properties": {...}}}. Without "note" (an
 * override may set it to null) no note is written.
 */
#ifndef HUBSPOT_H
#define HUBSPOT_H

#include <cs/helpers.h>

int32_t hubspot_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t hubspot_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t hubspot_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w);

int32_t hubspot_choices(const struct csh *h, const char *list);
int32_t hubspot_fetch(const struct csh *h, const char *what);

/* "/crm/objects/2026-03/contacts" + rest */
char *hubspot_path(const struct csh *h, const char *objects, const char *rest);
/* csh_read and csh_write that heed HubSpot's words on rate limits. */
int32_t hubspot_read(const struct csh *h, const char *step, const char *looks_for, const char *path,
    const char *query,
                     struct cs_http_res *res, json_object **answer);
int32_t hubspot_write(const struct csh *h, const char *step, const char *method, const char *path,
    json_object *body,
                      struct cs_http_res *res, json_object **answer);
int32_t hubspot_search(const struct csh *h, const char *step, const char *looks_for, json_object *body,
                       struct cs_http_res *res, json_object **answer);
/* A refusal: missing scopes need the owner, everything else is a dead letter. */
int32_t hubspot_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

#endif
