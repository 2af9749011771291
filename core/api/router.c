/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.c - the table of routes, and the way of a request through it.
 */
#include "config.h"
#include "api/router.h"

#include <stdlib.h>
#include <string.h>
#include "api/resources.h"
#include "util/text.h"

#define STOPPING "the daemon is stopping"

const struct cs_api_route cs_api_routes[] = {
	{ "GET", "/healthz", CS_NEED_OPEN, cs_api_healthz, "The process lives." },
	{ "GET", "/readyz", CS_NEED_OPEN, cs_api_readyz, "It makes progress; else 503 with reasons." },
	{ "GET", "/metrics", CS_NEED_OPEN, cs_api_metrics, "Counters and gauges for Prometheus." },
	{ "GET", "/openapi.json", CS_NEED_OPEN, cs_api_openapi, "All of this as OpenAPI 3.1." },
	{ "GET", "/v1", CS_NEED_READ, cs_api_index, "This list." },
	{ "GET", "/v1/stats", CS_NEED_READ, cs_api_stats, "A few figures; accepted and delivered since the start." },
	{ "GET", "/v1/leads", CS_NEED_READ, cs_api_leads_list, "Leads, newest first. ?account= ?limit= ?before=" },
	{ "GET", "/v1/leads/{id}", CS_NEED_READ, cs_api_lead_get, "One lead with its deliveries; id or event_id." },
	{ "GET", "/v1/leads/{id}/story", CS_NEED_READ, cs_api_lead_story, "Everything that happened to a lead." },
	{ "GET", "/v1/deliveries", CS_NEED_READ, cs_api_deliveries_list,
	  "Deliveries. ?state= ?crm= ?connection= ?account= ?blame= ?urgency= ?since= ?until= ?limit= ?before=" },
	{ "GET", "/v1/deliveries/{id}", CS_NEED_READ, cs_api_delivery_get, "One delivery." },
	{ "POST", "/v1/deliveries/{id}/retry", CS_NEED_ADMIN, cs_api_delivery_retry, "Try a waiting delivery now." },
	{ "GET", "/v1/queue", CS_NEED_READ, cs_api_queue, "What waits, by CRM, connection and age." },
	{ "GET", "/v1/dead-letters", CS_NEED_READ, cs_api_dead_list, "Dead letters; filter as for deliveries." },
	{ "GET", "/v1/dead-letters/{id}", CS_NEED_READ, cs_api_dead_get, "The full story of one." },
	{ "POST", "/v1/dead-letters/{id}/fix", CS_NEED_ADMIN, cs_api_dead_fix, "Lay a JSON merge patch on the lead and go on." },
	{ "POST", "/v1/dead-letters/{id}/reroute", CS_NEED_ADMIN, cs_api_dead_reroute, "Send it to another connection." },
	{ "POST", "/v1/dead-letters/{id}/replay", CS_NEED_ADMIN, cs_api_dead_replay, "Try it again." },
	{ "POST", "/v1/dead-letters/{id}/done", CS_NEED_ADMIN, cs_api_dead_done, "It was settled by hand." },
	{ "POST", "/v1/dead-letters/{id}/discard", CS_NEED_ADMIN, cs_api_dead_discard, "Give it up." },
	{ "POST", "/v1/replays", CS_NEED_ADMIN, cs_api_replay_start, "Replay all dead letters that fit a filter." },
	{ "GET", "/v1/replays/{id}", CS_NEED_READ, cs_api_replay_get, "How far a replay is." },
	{ "DELETE", "/v1/replays/{id}", CS_NEED_ADMIN, cs_api_replay_cancel, "What still waits is a dead letter again." },
	{ "GET", "/v1/connections", CS_NEED_READ, cs_api_connections_list, "Connections. ?account= ?crm= ?limit= ?before=" },
	{ "GET", "/v1/connections/{id}", CS_NEED_READ, cs_api_connection_get, "One connection; id, NAME, CRM:NAME or CRM%2FNAME." },
	{ "POST", "/v1/connections", CS_NEED_ADMIN, cs_api_connection_make, "A new connection: crm, account, settings, secrets and more." },
	{ "PATCH", "/v1/connections/{id}", CS_NEED_ADMIN, cs_api_connection_change, "Change settings, secrets, overrides, label and more." },
	{ "DELETE", "/v1/connections/{id}", CS_NEED_ADMIN, cs_api_connection_delete, "Undelivered leads become dead letters that say so." },
	{ "POST", "/v1/connections/{id}/verify", CS_NEED_ADMIN, cs_api_connection_verify, "Ask the CRM who is connected." },
	{ "POST", "/v1/connections/{id}/check", CS_NEED_ADMIN, cs_api_connection_check,
	  "That, and whether what was chosen is still there: what happens once a day." },
	{ "GET", "/v1/connections/{id}/choices/{list}", CS_NEED_READ, cs_api_connection_choices,
	  "What a setting can be. ?q= ?limit= ?after= ?refresh=1 ?SETTING=" },
	{ "POST", "/v1/connections/{id}/test", CS_NEED_ADMIN, cs_api_connection_test, "Send a marked test lead through the whole road." },
	{ "GET", "/v1/connections/{id}/test/{test}", CS_NEED_READ, cs_api_connection_test_get, "How far it is; then its records and links." },
	{ "POST", "/v1/connections/{id}/test/{test}/seen", CS_NEED_ADMIN, cs_api_connection_test_seen,
	  "It was seen in the CRM: remove what it left, where the CRM can." },
	{ "POST", "/v1/connections/{id}/confirm", CS_NEED_ADMIN, cs_api_connection_confirm, "It is the right account: leads may go there." },
	{ "GET", "/v1/connections/{id}/versions", CS_NEED_READ, cs_api_connection_versions, "What settings and overrides were. ?limit= ?before=" },
	{ "POST", "/v1/connections/{id}/rollback", CS_NEED_ADMIN, cs_api_connection_rollback, "Settings and overrides as in an earlier version." },
	{ "POST", "/v1/connections/{id}/pause", CS_NEED_ADMIN, cs_api_connection_pause, "Send nothing until it is resumed." },
	{ "POST", "/v1/connections/{id}/resume", CS_NEED_ADMIN, cs_api_connection_resume, "Go on, at once." },
	{ "POST", "/v1/connections/{id}/map", CS_NEED_READ, cs_api_connection_map, "Show what would be sent for a lead." },
	{ "POST", "/v1/connections/{id}/authorize", CS_NEED_ADMIN, cs_api_connection_authorize, "A link, good for ten minutes, to give access at the CRM." },
	{ "GET", "/v1/parked-grants", CS_NEED_READ, cs_api_parked_list, "Access that was given and that nobody has claimed yet." },
	{ "POST", "/v1/parked-grants/{id}/claim", CS_NEED_ADMIN, cs_api_parked_claim, "Make it the access of a connection, or a new connection." },
	{ "GET", "/v1/plugins", CS_NEED_READ, cs_api_plugins, "Plugins: what their manifests say, and their processes." },
	{ "POST", "/v1/plugins/{id}/reload", CS_NEED_ADMIN, cs_api_plugin_reload, "Load one anew from its files." },
	{ "GET", "/v1/alerts", CS_NEED_READ, cs_api_alerts, "Alerts, newest first. ?on=1: those that are on" },
	{ "GET", "/v1/keys", CS_NEED_ADMIN, cs_api_keys_list, "API keys, without the keys." },
	{ "POST", "/v1/keys", CS_NEED_ADMIN, cs_api_key_new_handler, "A new key, shown once." },
	{ "POST", "/v1/keys/{id}/rotate", CS_NEED_ADMIN, cs_api_key_rotate, "A new key like it, shown once; the old one lives on for a while." },
	{ "DELETE", "/v1/keys/{id}", CS_NEED_ADMIN, cs_api_key_delete, "The key is worth nothing from now on." },
	{ "POST", "/v1/bridge/hooks", CS_NEED_BRIDGE, cs_api_bridge_subscribe, "Have leads sent to a bridge's address." },
	{ "DELETE", "/v1/bridge/hooks/{id}", CS_NEED_BRIDGE, cs_api_bridge_unsubscribe, "No longer; also when it is gone already." },
	{ "GET", "/v1/bridge/leads/sample", CS_NEED_BRIDGE, cs_api_bridge_sample, "Leads as a bridge gets them, or a made-up one." },
	{ "POST", "/v1/bridge/leads/{event_id}/status", CS_NEED_BRIDGE, cs_api_bridge_status, "Say what became of a lead." },
	{ "GET", "/v1/bridge/me", CS_NEED_BRIDGE, cs_api_bridge_me, "Whose key it is." },
	{ "GET", "/v1/connect-links", CS_NEED_READ, cs_api_links_list, "Links that open, or whose sessions go on. ?limit= ?before=" },
	{ "POST", "/v1/connect-links", CS_NEED_ADMIN, cs_api_link_new, "A link at which an account's owner connects a CRM." },
	{ "DELETE", "/v1/connect-links/{id}", CS_NEED_ADMIN, cs_api_link_delete, "The link and its sessions are over at once." },
	{ "GET", "/v1/secrets", CS_NEED_READ, cs_api_secrets, "Master keys, and how many stored secrets need each." },
	{ "POST", "/v1/secrets/reload", CS_NEED_ADMIN, cs_api_secrets_reload, "Read the file of master keys again." },
	{ "POST", "/v1/reload", CS_NEED_ADMIN, cs_api_reload_now, "Read the configuration files again." },
#ifdef CS_TEST_HOOKS
	{ "POST", "/v1/test/clock", CS_NEED_ADMIN, cs_api_test_clock, "Move the daemon's clock (test builds only)." },
#endif
};
const size_t cs_api_n_routes = CS_ARRAY_LEN(cs_api_routes);

/* ---- matching */

static char *
decoded(const char *s, size_t n, struct cs_arena *mem)
{
	char *out = cs_arena_alloc(mem, n + 1);

	cs_url_decode(s, n, false, out);
	return out;
}

/*
 * Does the target fit the pattern? Fills what stands for {…}. Segments are decoded after they were parted, so an encoded slash
 * is part of a parameter and never of the path. A last slash is not ignored.
 */
static bool
fits(const char *pattern, const char *target, const char *param[CS_API_PARAMS], struct cs_arena *mem)
{
	size_t n = 0;

	while (*pattern == '/' && *target == '/') {
		size_t want = strcspn(++pattern, "/"), len = strcspn(++target, "/?");
		const char *segment = decoded(target, len, mem);

		if (*pattern != '{' && (strlen(segment) != want || memcmp(segment, pattern, want) != 0))
			return false;
		if (*pattern == '{' && (len == 0 || n == CS_API_PARAMS))
			return false;
		if (*pattern == '{')
			param[n++] = segment;
		pattern += want;
		target += len;
	}
	return *pattern == '\0' && (*target == '\0' || *target == '?');
}

static const char *
add_method(const char *allow, const char *method, struct cs_arena *mem)
{
	const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

	return allow == NULL ? more : cs_arena_printf(mem, "%s, %s", allow, more);
}

const struct cs_api_route *
cs_api_find(const char *method, const char *target, const char *param[CS_API_PARAMS], const char **allow, struct cs_arena *mem)
{
	*allow = NULL;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < cs_api_n_routes; i++) {
		if (!fits(cs_api_routes[i].path, target, param, mem))
			continue;
		if (strcmp(cs_api_routes[i].method, method) == 0)
			return &cs_api_routes[i];
		*allow = add_method(*allow, cs_api_routes[i].method, mem);
	}
	return NULL;
}

const char *
cs_api_need_name(enum cs_api_need need)
{
	static const char *const words[] = { [CS_NEED_OPEN] = "open", [CS_NEED_READ] = "read", [CS_NEED_ADMIN] = "admin",
		[CS_NEED_BRIDGE] = "bridge" };

	return words[need];
}

/* ---- one request */

static void
refuse_auth(struct cs_http_request *req, int status, const char *detail)
{
	if (status == 401)
		cs_http_reply_error(req, 401, detail, "WWW-Authenticate", CS_AUTH_CHALLENGE);
	else
		cs_api_problem(req, status, NULL, detail);
}

/* Strangers learn nothing about which paths there are: who may not read gets 401 first. */
static void
dispatch(struct cs_api_call *call, bool control)
{
	const char *allow;
	struct cs_err err;
	int status;

	call->route = cs_api_find(call->req->method, call->req->target, call->param, &allow, &call->mem);
	status = cs_auth_request(call->api, call->conf, call->req, control, call->route != NULL ? call->route->need : CS_NEED_READ,
	                         &call->mem, &call->who, &err);
	if (status != 0) {
		refuse_auth(call->req, status, err.msg);
		return;
	}
	cs_api_key_used(call->api, &call->who);
	if (call->route != NULL)
		call->route->handle(call);
	else if (allow != NULL)
		cs_http_reply_error(call->req, 405, "the path does not have this method", "Allow", allow);
	else
		cs_api_problem(call->req, 404, NULL, "there is no such path; GET /v1 lists them");
}

/* By the target as it was sent, which is what the routes are found by. */
bool
cs_api_is_bridge(const struct cs_http_request *req)
{
	return strncmp(req->target, "/v1/bridge/", 11) == 0;
}

void
cs_api_handle_as(struct cs_api *api, struct cs_http_request *req, const struct cs_auth *who)
{
	struct cs_api_call call = { .api = api, .req = req, .who = *who };
	const char *allow;

	call.conf = cs_api_conf_ref(api);
	cs_arena_init(&call.mem);
	call.route = cs_api_find(req->method, req->target, call.param, &allow, &call.mem);
	if (api->closing || call.route == NULL)
		cs_api_problem(req, call.route == NULL ? 404 : 503, NULL, call.route == NULL ? "there is no such path" : STOPPING);
	else
		call.route->handle(&call);
	cs_arena_fini(&call.mem);
	cs_conf_unref(call.conf);
}

void
cs_api_handle(struct cs_api *api, struct cs_http_request *req, bool control)
{
	struct cs_api_call call = { .api = api, .req = req };

	if (api->closing && strcmp(req->path, "/healthz") != 0 && strcmp(req->path, "/readyz") != 0) {
		cs_api_problem(req, 503, NULL, STOPPING);
		return;
	}
	call.conf = cs_api_conf_ref(api);
	cs_arena_init(&call.mem);
	dispatch(&call, control);
	cs_arena_fini(&call.mem);
	cs_conf_unref(call.conf);
}
