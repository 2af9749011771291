/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside.c - a runner in this process, for unit tests, fuzzers, the check tool, and where plugins.confined is off.
 *
 * It is fed the frames as if they had come from a socket. A plugin that crashes here takes the program with it.
 */
#include "plugin/peer.h"
#include "plughost/call.h"

struct inside {
	struct cs_peer peer; /* first */
	struct cs_plugin *plugin;
	struct cs_runner *runner;
};

static int
receive(struct cs_peer *p)
{
	struct inside *in = (struct inside *)(void *)p;
	long taken;

	if (p->to.len == 0)
		return 0;
	taken = cs_runner_feed(in->runner, p->to.ptr, p->to.len, &p->from);
	cs_buf_recycle(&p->to, CS_PEER_KEPT);
	return taken < 0 ? CS_ECORRUPT : 1;
}

static void
send(struct cs_peer *p CS_UNUSED)
{
}

struct cs_peer *
cs_inside_new(struct cs_plugin *plugin, size_t max_calls, struct cs_err *err)
{
	static const struct cs_peer_ops ops = { receive, send };
	struct inside *in = cs_xcalloc(1, sizeof(*in));

	in->peer.ops = &ops;
	in->plugin = plugin;
	if ((in->runner = cs_runner_new(&plugin->v1, max_calls, err)) != NULL)
		return &in->peer;
	cs_inside_free(&in->peer);
	return NULL;
}

void
cs_inside_free(struct cs_peer *p)
{
	struct inside *in = (struct inside *)(void *)p;

	if (p == NULL)
		return;
	cs_runner_free(in->runner);
	cs_plugin_unload(in->plugin);
	cs_buf_fini(&p->to);
	cs_buf_fini(&p->from);
	cs_freep(&in);
}
