/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post.h - the thread that carries mail from the outbox in the store to its server.
 *
 * A thread of its own, because a mail server may take a minute to answer and a name a minute to resolve, and nobody else may
 * wait for that. It reads the outbox on a handle of its own and has the writer note what became of each mail.
 */
#ifndef CS_MAIL_POST_H
#define CS_MAIL_POST_H

#include "conf/conf.h"
#include "store/writer.h"
#include "util/clock.h"

#define CS_POST_KEEP_MS CS_DAY_MS /* a mail that could not be sent for so long is given up */

struct cs_post;
/* Takes over `reader`. Runs also where no mail is configured: a reload may bring that. */
int cs_post_start(struct cs_store *reader, struct cs_writer *writer, const struct cs_clock *clock, struct cs_conf *conf, struct cs_post **out,
                  struct cs_err *err);
void cs_post_reload(struct cs_post *p, struct cs_conf *conf);
/* Breaks off what is under way; it is sent after the next start. Before the writer is stopped. NULL is fine. */
void cs_post_stop(struct cs_post *p);

/* How long to wait before try number `attempts` + 1. */
int64_t cs_post_wait_ms(int32_t attempts);

#endif
