// SPDX-License-Identifier: Apache-2.0
// plugin.cc - a plugin in C++: the header's macros and types must do there, too.
#include <cs/plugin_v1.h>
#include <string>

static int32_t
map(void *, struct cs_call *call, const struct cs_map_in *in)
{
	std::string out = "{\"id\":\"" + std::string(in->lead->event_id) + "\"}";

	return in->host->emit(call, cs_bytes{ out.data(), out.size() });
}

static int32_t
push(void *, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("send", "POST", "/leads");
	struct cs_http_res res = CS_RES_INIT;

	req.mutates = 1;
	req.body = d->document;
	if (!CS_HOST_HAS(d->host, alloc))
		return CS_REJECT;
	return d->host->http(call, &req, &res);
}

CS_PLUGIN_V1(.name = "cxx", .version = "1.0.0", .open = nullptr, .close = nullptr, .map = map, .push = push,
             .auth_refresh = nullptr, .handle_webhook = nullptr)
