/* SPDX-License-Identifier: Apache-2.0 */
/* test_sync.c - a secret that was changed in a file, with the rest of its connection. */
#include "config.h"
#include "fixture.h"
#include <fcntl.h>
#include "daemon/sync.h"
#include "log/log.h"

static int64_t told_of;
static int n_told;

static void
note(void *ctx CS_UNUSED, int64_t conn_id, const char *crm)
{
	ck_assert_str_eq(crm, "acme");
	told_of = conn_id;
	n_told++;
}

/* The files say this, and are read. */
static struct cs_sync_result
sync_with(const char *refresh_token)
{
	struct cs_conf_secret secret = said("refresh_token", refresh_token);
	struct cs_conf_connection c = { .name = "main", .account = "acct_1", .crm_account_id = "", .label = "", .timezone = "",
		.values = { .settings = json_object_new_object(), .secrets = &secret, .n_secrets = 1 }, .subscribe = CS_CONF_SUB_ROUTED };
	struct cs_conf_crm crm = { .name = "acme", .enabled = true, .connections = &c, .n_connections = 1 };
	struct cs_conf conf = { .crms = &crm, .n_crms = 1, .alerts = { .webhook = "" } };
	struct cs_sync_result result;

	n_told = 0;
	ok(cs_sync_connections(store, vault, &conf, NOW, 0, note, NULL, &result, &err));
	json_object_put(c.values.settings);
	return result;
}

START_TEST(a_changed_secret_changes_its_connection_and_the_log_says_so_without_it)
{
	struct cs_sync_result r;
	int pipe_fd[2];
	char text[4096];
	ssize_t n;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK), 0);
	cs_log_init(&(struct cs_log_conf){ .level = CS_LOG_INFO, .fd = pipe_fd[1] });
	sync_with("first");
	r = sync_with("first");
	ck_assert_int_eq(r.changed, 0);
	ck_assert_int_eq(n_told, 0);
	ck_assert_int_lt(read(pipe_fd[0], text, sizeof(text)), 0); /* no line */

	r = sync_with("second");
	ck_assert_int_eq(r.changed, 1);
	ck_assert_int_eq(n_told, 1);
	ck_assert_int_eq(told_of, conn);
	n = read(pipe_fd[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, " info conf: a secret was changed in the files"));
	ck_assert_ptr_nonnull(strstr(text, "crm=acme connection=main\n"));
	ck_assert_ptr_null(strstr(text, "first"));
	ck_assert_ptr_null(strstr(text, "second"));
	ck_assert(!has(conn_owner, "refresh_token"));

	ck_assert_int_eq(sync_with("second").changed, 0);
	ck_assert_int_lt(read(pipe_fd[0], text, sizeof(text)), 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}
END_TEST

static void
fill(TCase *t)
{
	tcase_add_test(t, a_changed_secret_changes_its_connection_and_the_log_says_so_without_it);
}

int
main(void)
{
	return run_case("daemon/sync", setup, teardown, fill);
}
