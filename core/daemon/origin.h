/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h - a secret in a file that was changed, and what the store has got in its place.
 *
 * A refresh token in a file is good until it is used for the first time; its successors are in the store, and they count. When
 * somebody writes another one into the file, that one counts. So the store remembers of each secret of a file what it was, as a
 * hash that is sealed like a secret. A client secret has no successor, but there is an access token that was got with it.
 */
#ifndef CS_DAEMON_ORIGIN_H
#define CS_DAEMON_ORIGIN_H

#include "conf/conf.h"
#include "store/store.h"
#include "vault/vault.h"

/*
 * The secrets of a static connection, inside a transaction of the writer's handle. Of those that are not what they were, the
 * successors are deleted; and since an access token may have been made from any of them, it is renewed before it is used. vault NULL:
 * the store has no secrets. Returns whether there was a successor or a token, or a negative CS_E*.
 */
int cs_origin_check(struct cs_store *s, const struct cs_vault *vault, int64_t conn_id, const struct cs_conf_values *file, int64_t now_ms,
                    struct cs_err *err);

#endif
