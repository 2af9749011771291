/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.h - one table of routes: dispatch, 404, 405 with Allow, who may, and the list for people come from it.
 */
#ifndef CS_API_ROUTER_H
#define CS_API_ROUTER_H

#include "api/auth.h"

#define CS_API_PARAMS 2

struct cs_api_route;
struct cs_api_call { /* one request, until its handler returns */
	struct cs_api *api;
	struct cs_http_request *req;
	struct cs_conf *conf;                 /* as it was when the request came */
	const struct cs_api_route *route;
	const char *param[CS_API_PARAMS];     /* what stood for {…} in the path, in order */
	struct cs_auth who;
	struct cs_arena mem;
};

struct cs_api_route {
	const char *method, *path;            /* "/v1/leads/{id}" */
	enum cs_api_need need;
	void (*handle)(struct cs_api_call *call); /* answers, or hands the request on, exactly once */
	const char *help;
};
extern const struct cs_api_route cs_api_routes[];
extern const size_t cs_api_n_routes;

/* The route of a request by its target as sent, its parameters (in *mem) filled; HEAD counts as GET. NULL: *allow (in *mem) names the methods
 * that the path has, or is NULL when there is no such path. */
const struct cs_api_route *cs_api_find(const char *method, const char *target, const char *param[CS_API_PARAMS],
                                       const char **allow, struct cs_arena *mem);
/* "open", "read" or "admin". */
const char *cs_api_need_name(enum cs_api_need need);

/* Answer a request from within (http/inner.h) for somebody who was let in already, with the scope that the route needs. */
void cs_api_handle_as(struct cs_api *api, struct cs_http_request *req, const struct cs_auth *who);

#endif
