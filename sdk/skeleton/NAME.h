/*
 * @name@.h - what the plugin's files share. map.c makes the document, push.c brings it in, hook.c reads what comes back.
 *
 * The document is the body of POST /contacts, and nothing else.
 */
#ifndef @NAME@_H
#define @NAME@_H

#include <cs/helpers.h>

int32_t @name@_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t @name@_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t @name@_hook(void *inst, struct cs_call *call, const struct cs_webhook *w);

#endif
