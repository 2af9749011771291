/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - a listening socket from "127.0.0.1:8080", "[::1]:8080" or "unix:/run/csrelay/admin.sock".
 */
#ifndef CS_HTTP_LISTEN_H
#define CS_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include "util/err.h"

struct cs_listen_addr {
	bool is_unix, loopback;
	unsigned port;            /* 0: any free one */
	char path[108];           /* of a unix socket */
	char ip[64];
};

/* 0 or CS_EINVAL with a hint. */
int cs_listen_parse(const char *text, struct cs_listen_addr *out, struct cs_err *err);
/*
 * A non-blocking listening socket. A unix socket has mode 0660 from its first moment; a stale one in its place is
 * removed, a living one is CS_EBUSY, anything else there is CS_EEXIST. Fills addr->port. Returns the socket or a negative CS_E*.
 */
int cs_listen_open(struct cs_listen_addr *addr, int backlog, struct cs_err *err);

#endif
