/*
 * rest.h - what the plugin's files share. map.c makes the document, push.c finds, creates or completes the contact, note.c
 * adds the note.
 *
 * The document: {"contact": {...}, "note": {"text": "..."}}. Without "note" (an override may set it to null) none is written.
 */
#ifndef REST_H
#define REST_H

#include <cs/helpers.h>

int32_t rest_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t rest_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t rest_choices(const struct csh *h, const char *list);
/* Add the document's note to the contact, once. */
int32_t rest_note(const struct csh *h, const struct cs_lead *lead, json_object *doc, const char *contact);

#endif
