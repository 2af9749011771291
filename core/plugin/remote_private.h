/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_private.h - what remote.c (calls and messages) and revive.c (processes) share.
 */
#ifndef CS_PLUGIN_REMOTE_PRIVATE_H
#define CS_PLUGIN_REMOTE_PRIVATE_H

#include "plugin/peer.h"
#include "plugin/process.h"
#include "plugin/record.h"
#include "plugin/remote.h"

#define CS_LONELY_MAX 2 /* processes for one call each, at once */

enum cs_waits { CS_WAITS_NOTHING, CS_WAITS_FOR_HTTP, CS_WAITS_FOR_SERVICE };

struct cs_slot {
	uint64_t id; /* 0: free */
	uint64_t generation;
	void *user;
	enum cs_waits waits;
	size_t next_free;
	size_t said;               /* bytes of its frames */
	/* with processes */
	struct cs_peer *peer;      /* where it lives; NULL: nowhere at present, but in its record */
	struct cs_record record;
	bool alone;                /* only in a process of its own */
	bool begun;                /* it has run before: what it told comes again */
	bool again;                /* in a run after the first */
	bool diverged;             /* and not doing the same: it is being ended */
};

struct cs_remote {
	int refs;
	const struct cs_remote_ops *ops;
	struct cs_manifest *manifest;
	struct cs_peer *main;      /* NULL: the process is resting */
	struct cs_buf early;       /* frames that this side makes up on behalf of the runner */
	struct cs_buf scratch;     /* an answer for a call that lives nowhere at present */
	bool running, broken;
	struct cs_slot *slots;
	size_t n_slots, n_open, first_free; /* first_free == n_slots: none */
	bool has_auth, has_hook;
	/* with processes: revive.c */
	bool in_process, retired;
	char *so;
	struct cs_remote_process conf;
	bool trust_all;
	struct cs_process *lonely[CS_LONELY_MAX];
	size_t n_homeless;         /* calls that live nowhere */
	struct cs_record_budget budget;
	struct cs_remote_info info;
	int barren;                /* main processes in a row that ended no call */
	int burst;                 /* deaths since burst_ms */
	int64_t burst_ms, rest_until_ms, pause_ms, watched_us;
};

/* remote.c */
/* `done` on behalf of the runner, told in the next run. */
void cs_remote_end_early(struct cs_remote *r, uint64_t call, int32_t outcome, int32_t crash, const char *reason);
/* Room for so many calls; once. */
extern const char cs_remote_no_auth[]; /* why a plugin is refused */
void cs_remote_make_slots(struct cs_remote *r, size_t n);
/* Tell everything whole in from. 0, or CS_ECORRUPT. */
int cs_remote_tell_all(struct cs_remote *r, struct cs_peer *from);

/* revive.c. All but open and free do nothing when the runner is in this process. */
int cs_revive_open(struct cs_remote *r, struct cs_err *err);
void cs_revive_free(struct cs_remote *r);
/* Before the messages of a turn: start what is to start, watch for calls that hang. True when something was done. */
bool cs_revive_turn(struct cs_remote *r);
/* The process is gone, or what it says is no message (corrupt). */
void cs_revive_died(struct cs_remote *r, struct cs_peer *peer, bool corrupt);
/* The process of one call has served it. */
void cs_revive_dismiss(struct cs_remote *r, struct cs_peer *peer);
/* Has it introduced itself? That must be the first that it says. 0 or CS_ECORRUPT. */
bool cs_revive_knows(const struct cs_peer *peer);
int cs_revive_hello(struct cs_remote *r, struct cs_peer *peer, const struct cs_wire_hello *m);
/* A call of this peer has ended. */
void cs_revive_served(struct cs_remote *r, struct cs_peer *peer);

#endif
