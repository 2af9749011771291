/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - what call.c, host.c and instance.c share. Private to core/plughost.
 */
#ifndef CS_PLUGHOST_RUNNER_H
#define CS_PLUGHOST_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <cs/plugin_v1.h>
#include "plughost/fiber.h"
#include "util/list.h"
#include "util/map.h"
#include "util/mem.h"
#include "wire/page.h"
#include "wire/wire.h"

/* Which function of the plugin is on the stack; what it may ask of the host depends on it. */
enum cs_phase {
	CS_PHASE_OPEN = 1,
	CS_PHASE_MAP = 2,
	CS_PHASE_RUN = 4, /* push, auth_refresh, handle_webhook */
};

enum cs_waits { CS_WAITS_NOT, CS_WAITS_HTTP, CS_WAITS_SERVICE };

/* Put by this call; in front of what came with it. Newest first, in the call's arena. */
struct cs_noted {
	struct cs_noted *next;
	const char *name;
	struct cs_bytes value;
};

struct cs_instance; /* what open() made for a connection */

#define CS_CALL_MAGIC 0x43534331u /* while the call is open */

struct cs_call {
	uint32_t magic;
	enum cs_phase phase;
	struct cs_runner *runner;
	struct cs_fiber *fiber;
	struct cs_list link;          /* runner->open or runner->spare */
	uint64_t id;
	struct cs_arena mem;          /* the CALL frame, answers, alloc() */
	struct cs_wire_call in;
	int64_t began_us;
	struct cs_instance *instance;

	enum cs_waits waits;
	struct cs_wire_http_result http_result;
	struct cs_wire_service_result service_result;
	bool cancelled;
	unsigned refused;             /* host calls that a cancelled call made nevertheless */
	bool misused;                 /* a fault of the plugin was logged; once per call is enough */

	struct cs_noted *receipts, *facts;
	struct cs_bytes document;     /* what map emitted */
	bool has_document;
	size_t said;                  /* bytes of frames that it wrote */
	struct cs_wire_done done;
	struct cs_buf warnings;
};

/* Instances by connection: at most `max` kept, the least recently used goes first. */
struct cs_instances {
	const struct cs_plugin_v1 *plugin;
	struct cs_map by_id;
	struct cs_list lru; /* oldest first */
	size_t n, max;
};
void cs_instances_init(struct cs_instances *s, const struct cs_plugin_v1 *plugin, size_t max);
void cs_instances_fini(struct cs_instances *s); /* no call may be open */
/* For this call, opened if need be (on the call's fiber): CS_DONE or what open() returned. */
int32_t cs_instance_get(struct cs_instances *s, struct cs_call *c);
void cs_instance_put(struct cs_instances *s, struct cs_call *c);
void *cs_instance_of(const struct cs_call *c); /* what the plugin gets as `inst` */

struct cs_runner {
	struct cs_plugin_v1 plugin;
	struct cs_fiber_pool *fibers;
	struct cs_map calls;          /* open ones by id */
	struct cs_list open, spare;
	size_t n_spare;
	struct cs_buf *out;           /* of the feed that is running */
	struct cs_page *page;         /* where the running call is noted; nobody's when nobody watches */
	struct cs_instances instances;
};

/* The call whose code is on the processor; NULL outside of plugin code. */
extern _Thread_local struct cs_call *cs_call_running;
extern const struct cs_host_v1 cs_host_v1;

/* Before a frame that waits for an answer. False: the call is cancelled, answer at once; cut off if it goes on asking. */
bool cs_call_may_ask(struct cs_call *c);
/* Switch away until the core has answered. False: the call was cancelled meanwhile. */
bool cs_call_wait(struct cs_call *c, enum cs_waits what);
/* End the running call without returning into the plugin, with its reason. */
_Noreturn void cs_call_cut_off(struct cs_call *c, const char *reason);
/* Make sure that the call may hold n bytes more; cuts it off if not. */
void cs_call_charge(struct cs_call *c, size_t n);

#endif
