/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.h - the pages at which an account's owner connects a CRM, from a link that POST /v1/connect-links made.
 *
 *   GET /connect/TOKEN   a browser that is new here gets a session of its own, for a cookie -> /connect
 *   GET /connect         on to the page that comes next, by what is stored: nothing else remembers where somebody is
 *   crm -> setup (key, or signin over the CRM's consent page) -> who -> settings -> test -> finish -> done
 *
 * The pages are a client of the API: what they change goes through the same handlers, from within (http/inner.h), with the rights of a
 * key that is bound to the link's account. Each form is answered with a redirect or with itself and what is wrong, so going back and
 * loading again are harmless. A session sees its own connection only, and of the settings only those that the manifest does not
 * call advanced: what decides where secrets are sent is the operator's.
 *
 * Several browsers may have a session of one link: a program that looks at mail opens it before its reader does, and people forward it or
 * go from the phone to the desk. No session sees what another one has made. The first that says which account it is ends the link
 * and the others (api/list/links.h), which are told so at their next step.
 *
 * The cookie is SameSite=Lax: with Strict it would not come along when the CRM's consent page leads back. So a GET changes nothing, and
 * a POST must come from a page of ours (Sec-Fetch-Site or Origin) and carry what only pages of this session know.
 *
 * One listener's thread, with a store handle of its own; answers come from the threads of writer and engine as well.
 */
#ifndef CS_CONNECT_CONNECT_H
#define CS_CONNECT_CONNECT_H

#include "api/api.h"

#define CS_CONNECT_BODY_MAX ((size_t)64 << 10)

/* Is it a request of these? */
bool cs_connect_is(const struct cs_http_request *req);
/* Answered in time. `api`: one of the listener's own, whose thread this is. */
void cs_connect_handle(struct cs_api *api, struct cs_http_request *req);

#endif
