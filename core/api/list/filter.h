/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - which deliveries? The same words in a query and in the body of POST /v1/replays:
 * state crm connection account blame urgency since until.
 */
#ifndef CS_API_FILTER_H
#define CS_API_FILTER_H

#include "api/reply.h"

/*
 * From the query (body NULL) or from the members of an object. Unknown members of the object are refused, so that a slip of
 * the pen does not replay everything. Texts live in call->mem. False: answered.
 */
bool cs_api_filter(struct cs_api_call *call, const json_object *body, struct cs_filter *out);

#endif
