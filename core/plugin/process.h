/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - csrelay-plugin-host as a peer: started, spoken with without waiting, watched, ended.
 *
 * Nothing that comes from it is believed but what decodes, and nothing it does holds up the thread that owns it.
 * Private to core/plugin, but for cs_process_program.
 */
#ifndef CS_PLUGIN_PROCESS_H
#define CS_PLUGIN_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>
#include "plugin/peer.h"
#include "wire/page.h"
#include "wire/wire.h"

/*
 * A descriptor (O_PATH, close-on-exec) of csrelay-plugin-host: beside this program in a build folder, else as installed. It
 * is kept as long as plugins are started, so that they are of one build also while a package is being upgraded.
 * Negative with err.
 */
int cs_process_program(struct cs_err *err);

struct cs_process_conf {
	int program;
	const char *name, *file, *version; /* of the plugin */
	size_t max_calls;
	int64_t memory;          /* plugins.memory */
	bool trust_all;
	bool low_priority;       /* it may well hang */
};
struct cs_process {
	struct cs_peer peer;     /* first */
	pid_t pid;
	int fd;
	const struct cs_page *page;
	size_t sent;             /* of peer.to */
	bool readable;           /* there may be something to read */
	bool introduced;         /* its hello has come and was good */
	struct cs_wire_hello held; /* by what; its texts are not valid */
	char refused[400];       /* its hello says why it will not serve; "" */
	bool finished;           /* it served the one call that it was for */
	/* the watch */
	uint64_t seen_switches;
	int64_t seen_cpu_us, seen_us, heard_cpu_us;
	bool heard, told_to_end;
};

int cs_process_start(const struct cs_process_conf *conf, struct cs_process **out, struct cs_err *err);

/*
 * To be asked about once a second. A call that keeps the processor for an eighth of what is allowed gets the lowest
 * priority, and its process with it. A call that has had the processor for cpu_us without giving it back, or has sat on it for ten
 * times that doing nothing, is told to end, so that the process can say where it was; at the next asking it is killed.
 * Loading the plugin counts as a call, and so does using three times that while saying nothing at all, whatever the page says.
 * True: it was found to hang.
 */
bool cs_process_watch(struct cs_process *p, int64_t now_us, int64_t cpu_us);

struct cs_death {
	int signal;              /* 0: it ended otherwise */
	uint64_t running;        /* the call that was on the processor; 0: none, or nobody knows */
	char what[900];          /* for operators: names of functions, no values */
};
/* Ends it, says how that came, and frees it. `why` says why we end it; NULL: its end of the wire is closed, it is ending. */
void cs_process_end(struct cs_process *p, const char *why, struct cs_death *death);

#endif
