/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_int.h - the fixture that the files of the suite share.
 *
 * A case finds an open, empty writer in fx.store. Rows are made by number: lead 7 is the same lead in every case. `ok` is for
 * operations that must succeed, `refused` for those that must answer with a certain code.
 */
#ifndef CS_TESTS_STORE_SUITE_INT_H
#define CS_TESTS_STORE_SUITE_INT_H

#include <check.h>
#include "store_suite.h"

#define NOW 1800000000000LL

struct fixture {
	const struct store_engine *engine;
	struct cs_store *store;
	const struct cs_store_ops *ops;
	struct cs_arena arena;
	struct cs_err err;
	char dir[64];
};
extern struct fixture fx;

#define ok(call) \
	({ \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ >= 0, "%s: %d, %s", #call, ok_rc_, fx.err.msg); \
		ok_rc_; \
	})
#define refused(call, want) \
	do { \
		int refused_rc_ = (call); \
		ck_assert_msg(refused_rc_ == (want), "%s: %d instead of %d", #call, refused_rc_, (want)); \
		ck_assert_int_eq(fx.err.code, (want)); \
		ck_assert_str_ne(fx.err.msg, ""); \
	} while (0)

void tx(void);                   /* begin */
void done(void);                 /* commit */
void reopen(void);               /* close and open again */
struct cs_lead_row lead_nr(int n);
int64_t put_lead(int n);         /* in the transaction that is open; returns the id */
/* A delivery of lead `lead_id`, not yet inserted: created NOW, due NOW, of connection conn_id. */
struct cs_delivery_row delivery_of(int64_t lead_id, int64_t conn_id, enum cs_state state);
int64_t put_delivery(int64_t lead_id, int64_t conn_id, enum cs_state state);
struct cs_delivery_row get_delivery(int64_t id);
struct cs_conn_row conn_nr(int n);
int64_t put_conn(int n);
struct cs_filter any_delivery(void);
int64_t count(const struct cs_filter *f);

void store_suite_leads(TCase *tc);
void store_suite_deliveries(TCase *tc);
void store_suite_moves(TCase *tc);
void store_suite_lists(TCase *tc);
void store_suite_rest(TCase *tc);
void store_suite_conns(TCase *tc);
void store_suite_links(TCase *tc);
void store_suite_mail(TCase *tc);
void store_suite_upkeep(TCase *tc);

#endif
