/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - the admin API behind a real server, with a store in memory and a real writer; only the engine is played: what
 * it is told is noted.
 *
 * setup() makes store, configuration and clock; put_* fill the store; serve() starts writer and server; then call().
 */
#ifndef TESTS_API_FIXTURE_H
#define TESTS_API_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "util/json.h"

#define NOW 1800000000000LL
#define ADMIN "csk_admin"   /* keys that setup() made */
#define READER "csk_reader"
#define BOUND "csk_bound"   /* admin, for acct_1 only */

struct told {
	char what[16], crm[65]; /* "backlog", "conn" or "wake" */
	int64_t conn_id, n, earliest_ms;
	enum cs_lane lane;
	bool retry_now;
};

struct fixture {
	struct cs_store *store;     /* before serve() */
	struct cs_store *look;      /* after serve(): the test's own reader */
	struct cs_writer *writer;
	struct cs_conf *conf;
	struct cs_clock clock;
	struct cs_slots slots;
	struct cs_api api;
	struct cs_http_server *server, *control;
	char dir[64], socket[96];
	struct cs_arena mem;
	struct told told[2000];
	size_t n_told;
	/* the last answer */
	int status;
	char *head, *body;
	json_object *json;
};
extern struct fixture fx;

void setup(void);
void teardown(void);
void serve(void);

#define ok(call) \
	({ \
		struct cs_err ok_err_ = { 0 }; \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ >= 0, "%s: %d", #call, ok_rc_); \
		(void)ok_err_; \
		ok_rc_; \
	})

/* ---- rows; return the id */
int64_t put_conn(const char *name, const char *account, const char *crm, const char *crm_account_id, uint32_t subscribe);
int64_t put_lead(int n, const char *account, enum cs_lead_kind kind, const char *contact, const char *routing);
#define GOOD_CONTACT "{\"phone\":\"+13055550182\"}"
#define TO_HUBSPOT "{\"destination_crm\":\"hubspot\"}"
const char *event_id(int n);
int64_t put_delivery(struct cs_delivery_row row); /* created now unless said */
void put_key(const char *key, const char *scopes, const char *accounts, int64_t expires_ms);
struct cs_delivery_row row_of(int64_t delivery_id); /* after serve() */

/* ---- asking. key NULL: none. The answer's JSON is fx.json (NULL: none). Returns the status. */
int call(const char *method, const char *path, const char *key, const char *body);
int call_with(const char *method, const char *path, const char *headers, const char *body);
int call_control(const char *method, const char *path, const char *body);
#define GET(...) call("GET", path_of(__VA_ARGS__), ADMIN, NULL)
#define POST(body, ...) call("POST", path_of(__VA_ARGS__), ADMIN, body)
const char *path_of(const char *fmt, ...) CS_PRINTF_LIKE(1, 2);

/* ---- the answer */
const char *text_at(const char *pointer);  /* "" when absent */
int64_t int_at(const char *pointer);       /* -1 when absent */
size_t length_at(const char *pointer);     /* of an array */
bool head_has(const char *line);
/* What the engine was told of this kind; waits until there are `want` of them (at most a second). */
size_t told(const char *what, size_t want);
struct told *told_nth(const char *what, size_t nth);

int run_tests(const char *name, const TTest *const *tests);

#endif
