/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emergency.h - an emergency that is not in its CRM in time is mailed whole to people.
 *
 * Each delivery of an emergency leaves a row in the table "late" when it is made. Once alerts.emergency_after has passed, the row is
 * looked at once: is the lead in the CRM, or settled by a person, nothing happens; else the contacts of the connection get it by
 * mail, whatever the delivery's state. The row goes away and the mails come into the outbox in one transaction, so it is
 * told exactly once. Sending is at least once: a kill between the server's "taken" and our commit repeats a mail, with the same
 * Message-ID. Other leads cost nothing; a queue of any length costs nothing.
 */
#ifndef CS_MAIL_EMERGENCY_H
#define CS_MAIL_EMERGENCY_H

#include "conf/conf.h"
#include "store/writer.h"

/* Look whether something is late (on `reader`, the caller's thread), and have the writer tell. Cheap when nothing is. */
void cs_emergency_sweep(struct cs_store *reader, struct cs_writer *writer, struct cs_conf *conf, int64_t now_ms);
/* The same in a transaction, up to `max` of them. Returns how many were looked at, or a negative CS_E*. */
int cs_emergency_tell(struct cs_store *s, const struct cs_conf *conf, int64_t now_ms, int max, struct cs_err *err);

/* ---- pieces */
/* The whole lead as text for people: each member of its JSON on a line of its own, indented below what it belongs to. */
void cs_emergency_write_lead(struct cs_buf *out, const char *json, size_t n);

#endif
