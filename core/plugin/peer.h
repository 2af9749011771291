/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - the other end of the wire: a runner in this process (inside.c), or a process of its own (process.c).
 *
 * A peer takes frames in `to` and leaves what it says in `from`. What the frames mean is remote.c's business; that one
 * can die is revive.c's. Private to core/plugin.
 */
#ifndef CS_PLUGIN_PEER_H
#define CS_PLUGIN_PEER_H

#include "plughost/load.h"
#include "util/mem.h"

struct cs_peer;
struct cs_peer_ops {
	/* Append what it says to `from`: 1; 0: nothing now. CS_ECLOSED when it is gone, CS_ECORRUPT when it does not believe us;
	 * `from` may hold whole frames in either case. */
	int (*receive)(struct cs_peer *);
	/* Hand over what is in `to`, as much as goes without waiting. */
	void (*send)(struct cs_peer *);
};
struct cs_peer {
	const struct cs_peer_ops *ops;
	struct cs_buf to, from;
	size_t n_calls;          /* that live there */
};

#define CS_PEER_KEPT ((size_t)1 << 20) /* a larger buffer is given back after use */

/* A runner in this process. Takes over the plugin. NULL with err when there is no address space. */
struct cs_peer *cs_inside_new(struct cs_plugin *plugin, size_t max_calls, struct cs_err *err);
void cs_inside_free(struct cs_peer *p); /* NULL is fine */

#endif
