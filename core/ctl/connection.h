/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - what the commands about one connection share.
 */
#ifndef CS_CTL_CONNECTION_H
#define CS_CTL_CONNECTION_H

#include "ctl/ctl.h"

/* "/v1/connections/NAME" of the first argument, with what stands behind it ("/verify"). In the arena. */
const char *cs_ctl_connection_path(struct cs_ctl *c, const char *behind);
/*
 * The words FIELD=TEXT and FIELD:=JSON from argument `from` on as a body. secrets.NAME=@FILE and =- (standard input) are read: a
 * secret on a command line is seen by everybody on the machine. CS_CTL_OK with *out the caller's, or an exit status that was told.
 */
int cs_ctl_connection_body(struct cs_ctl *c, int from, json_object **out);
/* A connection that was answered: as JSON, or one line that says how it is, and why. */
void cs_ctl_connection_print(struct cs_ctl *c, json_object *conn);

#endif
