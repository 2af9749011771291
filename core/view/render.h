/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render.h - rows of the store as JSON text, written straight into a buffer.
 *
 * Times are RFC 3339 or null, absent texts null. What the store keeps as JSON text goes in as it is when it is JSON, else
 * as a string: a broken row must not break the answer.
 */
#ifndef CS_VIEW_RENDER_H
#define CS_VIEW_RENDER_H

#include "store/store.h"
#include "util/map.h"

/* ---- pieces. key NULL: an element of an array. Commas come by themselves. */
void cs_out_open(struct cs_buf *b, const char *key, char bracket); /* '{' or '[' */
void cs_out_close(struct cs_buf *b, char bracket);                 /* '}' or ']' */
void cs_out_text(struct cs_buf *b, const char *key, const char *text);  /* NULL and "" are null */
void cs_out_string(struct cs_buf *b, const char *key, const char *text); /* "" stays "" */
void cs_out_int(struct cs_buf *b, const char *key, int64_t n);
void cs_out_bool(struct cs_buf *b, const char *key, bool yes);
void cs_out_null(struct cs_buf *b, const char *key);
void cs_out_time(struct cs_buf *b, const char *key, int64_t ms); /* 0: null */
void cs_out_json(struct cs_buf *b, const char *key, const char *text, size_t n, const char *when_empty);
/* {"items":[ … ],"next":…}: open_list, the items, close_list with the cursor (0: null). */
void cs_out_open_list(struct cs_buf *b);
void cs_out_close_list(struct cs_buf *b, int64_t next);

/* ---- connections by id, read once each */
struct cs_conns {
	struct cs_store *store;
	struct cs_arena *mem;
	struct cs_map rows;
};
void cs_conns_init(struct cs_conns *c, struct cs_store *s, struct cs_arena *mem);
void cs_conns_fini(struct cs_conns *c);
const struct cs_conn_row *cs_conns_get(struct cs_conns *c, int64_t id); /* NULL: there is none */
/* The CRM a delivery goes to now. Its own row keeps what the lead said at first. */
const char *cs_conns_crm(struct cs_conns *c, const struct cs_delivery_row *d);

/* ---- rows. Objects without their braces, so that callers can add members. */
const char *cs_lead_kind_name(int kind);
const char *cs_delivery_state_name(enum cs_state s); /* both kinds of in hand are "in_hand" */
void cs_render_lead(struct cs_buf *b, const struct cs_lead_row *l); /* without body and warnings */
void cs_render_delivery_short(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns);
void cs_render_delivery(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns);
void cs_render_attempt(struct cs_buf *b, const struct cs_attempt_row *a);
void cs_render_connection(struct cs_buf *b, const struct cs_conn_row *c);
void cs_render_key(struct cs_buf *b, const struct cs_key_row *k);
void cs_render_replay(struct cs_buf *b, const struct cs_replay_row *r);
void cs_render_alert(struct cs_buf *b, const struct cs_alert_row *a);
/* Everything known about a delivery: the row, its attempts, what its steps left. 0 or a negative CS_E*. */
int cs_render_story(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns, struct cs_err *err);

#endif
