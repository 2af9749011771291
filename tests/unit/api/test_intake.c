/* SPDX-License-Identifier: Apache-2.0 */
/* When intake says "not now". The rest of intake is tested with the whole daemon, tests/system/test_intake.py. */
#include "config.h"
#include "fixture.h"
#include "api/intake.h"
#include "deliver/engine.h"
#include "deliver/events.h"

#include <semaphore.h>

#define SENDER "Host: localhost\r\nAuthorization: Bearer csk_sender\r\n"

static struct cs_intake in;
static sem_t busy, go_on, all_done;

static void
serve_intake(void)
{
	struct cs_http_server_conf c = { .listen = "127.0.0.1:0", .handle = cs_intake_handle, .on_headers = cs_intake_on_headers,
		.ctx = &in };
	struct cs_err err;

	put_key("csk_sender", "intake", "", 0);
	in = (struct cs_intake){ .conf = fx.conf, .clock = &fx.clock };
	ok(fx.store->ops->reader(fx.store, &in.reader, &err));
	serve();
	in.writer = fx.writer;
	cs_http_server_stop(fx.server, 1000);
	cs_http_server_free(fx.server);
	fx.server = cs_http_server_start(&c, &err);
	ck_assert_msg(fx.server != NULL, "%s", err.msg);
}

static int
apply_slowly(struct cs_wop *op CS_UNUSED, struct cs_store *s CS_UNUSED, int64_t now_ms CS_UNUSED, struct cs_err *err CS_UNUSED)
{
	sem_post(&busy);
	sem_wait(&go_on);
	return 0;
}

static int
apply_nothing(struct cs_wop *op CS_UNUSED, struct cs_store *s CS_UNUSED, int64_t now_ms CS_UNUSED, struct cs_err *err CS_UNUSED)
{
	return 0;
}

static void
committed(struct cs_wop *op CS_UNUSED)
{
	sem_post(&all_done);
}

START_TEST(more_than_the_writer_can_take_is_refused_until_it_has_caught_up)
{
	struct cs_wop slow = { .apply = apply_slowly, .committed = committed }, more[20];

	sem_init(&busy, 0, 0);
	sem_init(&go_on, 0, 0);
	sem_init(&all_done, 0, 0);
	fx.conf->limits.writer_queue = 16;
	serve_intake();
	ck_assert_int_eq(call_with("POST", "/v1/leads", SENDER, "{}"), 400);
	ck_assert(cs_writer_put(fx.writer, &slow));
	sem_wait(&busy); /* the writer is at it; what comes now waits */
	for (size_t i = 0; i < CS_ARRAY_LEN(more); i++) {
		more[i] = (struct cs_wop){ .apply = apply_nothing, .committed = committed };
		ck_assert(cs_writer_put(fx.writer, &more[i]));
	}
	ck_assert_int_eq(call_with("POST", "/v1/leads", SENDER, "{}"), 503);
	ck_assert(head_has("\r\nRetry-After: 2\r\n"));
	ck_assert_str_eq(text_at("/detail"), "too many leads at once");
	sem_post(&go_on);
	for (size_t i = 0; i <= CS_ARRAY_LEN(more); i++)
		sem_wait(&all_done);
	ck_assert_int_eq(call_with("POST", "/v1/leads", SENDER, "{}"), 400);
	cs_store_close(in.reader);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { more_than_the_writer_can_take_is_refused_until_it_has_caught_up, NULL };

	return run_tests("intake", tests);
}
