/* SPDX-License-Identifier: Apache-2.0 */
/* bad_load.c - a plugin whose constructor commits the crime LOAD_CRIME, before anybody has called it. */
#include <fcntl.h>
#include <sys/socket.h>
#include <cs/plugin_v1.h>

enum { OPENS = 1, CONNECTS, CRASHES };
static int *volatile nowhere;

static void __attribute__((constructor, no_sanitize("undefined")))
begin(void)
{
	if (LOAD_CRIME == OPENS)
		open("/etc/csrelay/master.key", O_RDONLY);
	if (LOAD_CRIME == CONNECTS)
		socket(AF_INET, SOCK_STREAM, 0);
	if (LOAD_CRIME == CRASHES)
		*nowhere = 1;
}

static int32_t
map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	return in->host->emit(call, in->lead->raw);
}

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst, (void)call, (void)d;
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "bad", .version = "0.1.0", .map = map, .push = push)
