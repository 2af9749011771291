/* SPDX-License-Identifier: Apache-2.0 */
/* Links and sessions at the pages for connecting: who gets in, for how long, and what a form must bring. The way through a whole CRM is
 * walked by tests/system. */
#include "config.h"
#include "fixture.h"
#include "api/list/links.h"
#include "connect/connect.h"
#include "deliver/call/ask.h"

#define HOST "127.0.0.1:8081"

/* As in deliver/call/ask.c, which would bring the engine with it. */
const char *
cs_said_name(enum cs_said s)
{
	return s == CS_SAID_YES ? "connected" : s == CS_SAID_CANNOT ? "cannot" : "other";
}

static char cookie[200], form[100], last[400];

static void
handle(void *ctx, struct cs_http_request *req)
{
	if (cs_connect_is(req))
		cs_connect_handle(ctx, req);
	else
		cs_api_handle(ctx, req, false);
}

static void
begin(void)
{
	struct cs_http_server_conf c = { .listen = "127.0.0.1:0", .handle = handle, .ctx = &fx.api };
	struct cs_err err;

	fx.conf->public_url = "http://" HOST;
	serve();
	cs_http_server_stop(fx.server, 0);
	cs_http_server_free(fx.server);
	fx.server = cs_http_server_start(&c, &err);
	ck_assert_ptr_nonnull(fx.server);
	cookie[0] = form[0] = '\0';
}

/* The value of a header of the last answer; "" when absent. */
static const char *
header(const char *name)
{
	static char value[400];
	const char *at = strstr(fx.head, name);

	value[0] = '\0';
	if (at != NULL)
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
	return value;
}

static int
browse(const char *method, const char *path, const char *more, const char *body)
{
	const char *at;

	call_with(method, path, path_of("Host: " HOST "\r\nSec-Fetch-Site: same-origin\r\nCookie: other=1; %s\r\n%s", cookie, more), body);
	if (header("Set-Cookie: ")[0] != '\0')
		snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(header("Set-Cookie: "), ";"), header("Set-Cookie: "));
	if ((at = strstr(fx.body, "name=\"form\" value=\"")) != NULL)
		snprintf(form, sizeof(form), "%.43s", at + 19);
	return fx.status;
}

static int
look(const char *path)
{
	return browse("GET", path, "", NULL);
}

static int
send_form(const char *path, const char *fields)
{
	char body[1000];

	snprintf(body, sizeof(body), "form=%s&%s", form, fields);
	return browse("POST", path, "", body);
}

static const char *
make_link(const char *body)
{
	ck_assert_int_eq(POST(body, "/v1/connect-links"), 201);
	snprintf(last, sizeof(last), "%s", text_at("/url") + strlen("http://" HOST));
	return last;
}

static void
enter(const char *body)
{
	ck_assert_int_eq(look(make_link(body)), 303);
	ck_assert_str_eq(header("Location: "), "/connect");
}

#define ANY "{\"account\":\"acct_1\"}"
#define ACME "{\"account\":\"acct_1\",\"crm\":\"acme\"}"

/* Another browser, or this one again with what it had. */
static void
use(const char *with)
{
	snprintf(cookie, sizeof(cookie), "%s", with);
	form[0] = '\0';
}

static int64_t
openings(void)
{
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	return int_at("/items/0/openings");
}

START_TEST(each_browser_with_the_link_gets_a_session_of_its_own_and_nobody_else_gets_in)
{
	char mine[200];

	begin();
	make_link(ANY);
	ck_assert_int_eq(browse("HEAD", last, "", NULL), 200); /* of a program that looks at links */
	ck_assert_str_eq(cookie, "");
	ck_assert_int_eq(browse("GET", last, "Sec-Purpose: prefetch\r\n", NULL), 503);
	ck_assert_int_eq(browse("POST", last, "", ""), 405);
	ck_assert_str_eq(header("Allow: "), "GET, HEAD");
	ck_assert_int_eq(openings(), 0);
	ck_assert_int_eq(look(last), 303); /* of one that opens them, before the person does */
	use("");
	ck_assert_int_eq(look(last), 303);
	ck_assert_ptr_nonnull(strstr(fx.head, "HttpOnly; SameSite=Lax; Max-Age=1800"));
	ck_assert_int_eq(look("/connect"), 303);
	ck_assert_str_eq(header("Location: "), "/connect/crm");
	ck_assert_int_eq(look("/connect/crm"), 200);
	snprintf(mine, sizeof(mine), "%s", cookie);
	ck_assert_int_eq(look(last), 303); /* a second click in the mail */
	ck_assert_str_eq(cookie, mine);
	ck_assert_int_eq(openings(), 2);
	use("");
	ck_assert_int_eq(look("/connect/crm"), 410);
	snprintf(cookie, sizeof(cookie), "csrelay-connect=%s", strrchr(last, '/') + 1); /* the link's own text is no cookie */
	ck_assert_int_eq(look("/connect/crm"), 410);
	snprintf(cookie, sizeof(cookie), "%s", mine);
	ck_assert_int_eq(look("/connect/crm"), 200);
}
END_TEST

START_TEST(a_link_opens_so_often_and_says_what_to_do_then)
{
	char mine[200];

	begin();
	make_link(ANY);
	for (int i = 0; i < CS_LINK_OPENINGS; i++) {
		use("");
		ck_assert_int_eq(look(last), 303);
	}
	snprintf(mine, sizeof(mine), "%s", cookie);
	use("");
	ck_assert_int_eq(look(last), 410);
	ck_assert_ptr_nonnull(strstr(fx.body, "opened too often"));
	ck_assert_str_eq(cookie, "");
	ck_assert_int_eq(openings(), CS_LINK_OPENINGS);
	use(mine);
	ck_assert_int_eq(look(last), 303); /* who is in goes on */
	ck_assert_int_eq(look("/connect/crm"), 200);
}
END_TEST

START_TEST(link_and_session_end_by_time_and_by_word)
{
	char link[400];

	begin();
	make_link(ANY);
	cs_clock_set(&fx.clock, NOW + 30 * 60000);
	ck_assert_int_eq(look(last), 410);
	ck_assert_ptr_nonnull(strstr(fx.body, "Its time has passed"));
	enter(ANY);
	cs_clock_set(&fx.clock, NOW + 59 * 60000);
	ck_assert_int_eq(look("/connect/crm"), 200);
	ck_assert_int_eq(look(last), 303); /* as often as it likes */
	cs_clock_set(&fx.clock, NOW + 60 * 60000);
	ck_assert_int_eq(look("/connect/crm"), 410);
	enter(ANY);
	snprintf(link, sizeof(link), "%s", last);
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)int_at("/items/0/id")), ADMIN, NULL), 200);
	ck_assert_int_eq(look("/connect/crm"), 410);
	use("");
	ck_assert_int_eq(look(link), 410);
}
END_TEST

/* With the link of `last`, as far as the question whose account it is; the cookie is what is left. */
static void
get_to_the_question(void)
{
	use("");
	ck_assert_int_eq(look(last), 303);
	look("/connect/setup");
	ck_assert_int_eq(send_form("/connect/setup", "way=static&key_token=tok-2"), 303);
	ck_assert_str_eq(header("Location: "), "/connect/who");
}

static void
is_too_late(const char *method, const char *path)
{
	ck_assert_int_eq(browse(method, path, "", method[0] == 'P' ? "form=" : NULL), 410);
	ck_assert_msg(strstr(fx.body, "It is connected already") != NULL, "%s: %s", path, fx.body);
}

START_TEST(the_first_session_that_says_yes_ends_the_link_and_the_others)
{
	char first[200], second[200], form1[100];

	begin();
	make_link(ACME);
	get_to_the_question();
	snprintf(first, sizeof(first), "%s", cookie);
	snprintf(form1, sizeof(form1), "%s", form);
	get_to_the_question();
	snprintf(second, sizeof(second), "%s", cookie);
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_uint_eq(length_at("/items"), 2); /* neither sees what the other has entered */
	use(first);
	snprintf(form, sizeof(form), "%s", form1);
	ck_assert_int_eq(send_form("/connect/who", ""), 303);
	ck_assert_str_eq(header("Location: "), "/connect/settings");
	use(second);
	is_too_late("GET", "/connect/setup");
	is_too_late("POST", "/connect/who");
	is_too_late("POST", "/connect/finish");
	ck_assert_int_eq(look(last), 410);
	ck_assert_ptr_nonnull(strstr(fx.body, "has done its work"));
	use(first);
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_str_eq(text_at("/items/0/state"), "connected");
	snprintf(form, sizeof(form), "%s", form1);
	ck_assert_int_eq(send_form("/connect/who", ""), 303); /* again: it is its own yes */
	ck_assert_str_eq(header("Location: "), "/connect");
	ck_assert_int_eq(send_form("/connect/finish", ""), 303);
	ck_assert_str_eq(header("Location: "), "/connect/done");
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
	use(second);
	is_too_late("GET", "/connect");
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_uint_eq(length_at("/items"), 2); /* the loser's is pending, and goes with its session */
}
END_TEST

START_TEST(every_page_lets_the_browser_do_nothing_else)
{
	static const char *const paths[] = { "/connect/crm", "/connect/setup", "/connect/done", "/connect/nothing", "/connect" };

	begin();
	enter(ANY);
	for (size_t i = 0; i < CS_ARRAY_LEN(paths); i++) {
		look(paths[i]);
		ck_assert_msg(strstr(fx.head, "Content-Security-Policy: default-src 'none';") != NULL, "%s", paths[i]);
		ck_assert_ptr_nonnull(strstr(fx.head, "frame-ancestors 'none'"));
		ck_assert_ptr_nonnull(strstr(fx.head, "Referrer-Policy: no-referrer"));
		ck_assert_ptr_nonnull(strstr(fx.head, "Cache-Control: no-store"));
	}
	ck_assert_int_eq(look("/connect/style.css"), 200);
	ck_assert_str_eq(header("Content-Type: "), "text/css; charset=utf-8");
}
END_TEST

START_TEST(a_form_must_come_from_a_page_of_this_session)
{
	char good[100], body[200];

	begin();
	enter(ANY);
	ck_assert_int_eq(look("/connect/crm"), 200);
	snprintf(good, sizeof(good), "%s", form);
	snprintf(body, sizeof(body), "form=%s&crm=acme", good);
	snprintf(form, sizeof(form), "%s", "guess");
	ck_assert_int_eq(send_form("/connect/crm", "crm=acme"), 403);
	snprintf(form, sizeof(form), "%s", good);
	ck_assert_int_eq(call_with("POST", "/connect/crm", path_of("Host: " HOST "\r\nCookie: %s\r\nSec-Fetch-Site: cross-site\r\n", cookie), body), 403);
	ck_assert_int_eq(call_with("POST", "/connect/crm", path_of("Host: " HOST "\r\nCookie: %s\r\nOrigin: https://evil.example\r\n", cookie), body), 403);
	ck_assert_int_eq(call_with("GET", "/connect/crm", path_of("Host: evil.example\r\nCookie: %s\r\n", cookie), NULL), 403);
	look("/connect");
	ck_assert_str_eq(header("Location: "), "/connect/crm"); /* nothing was chosen by all that */
	ck_assert_int_eq(send_form("/connect/crm", "crm=acme"), 303);
	ck_assert_str_eq(header("Location: "), "/connect/setup");
	enter(ANY); /* another session in the same browser: the old form is not its own */
	ck_assert_int_eq(send_form("/connect/crm", "crm=acme"), 403);
}
END_TEST

START_TEST(a_key_makes_one_connection_of_the_links_account)
{
	begin();
	enter(ACME);
	look("/connect");
	ck_assert_str_eq(header("Location: "), "/connect/setup");
	ck_assert_int_eq(look("/connect/crm"), 303); /* there is nothing to choose */
	ck_assert_int_eq(look("/connect/setup"), 200);
	ck_assert_ptr_nonnull(strstr(fx.body, "<label for=\"key_token\">Token</label>"));
	ck_assert_int_eq(send_form("/connect/setup", "way=static&key_token=+"), 422);
	ck_assert_ptr_nonnull(strstr(fx.body, "id=\"key_token-fault\""));
	ck_assert_int_eq(send_form("/connect/setup", "way=static&key_token=+tok-%3Cb%3E+"), 303);
	ck_assert_str_eq(header("Location: "), "/connect/who");
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_str_eq(text_at("/items/0/account"), "acct_1");
	ck_assert_str_eq(text_at("/items/0/state"), "pending"); /* until somebody has said that it is the right one */
	ck_assert_str_eq(text_at("/items/0/secrets/0"), "token");
	ck_assert_int_eq(look("/connect/setup"), 200);
	ck_assert_ptr_null(strstr(fx.body, "tok-"));
	ck_assert_ptr_nonnull(strstr(fx.body, "Kept; type here"));
	ck_assert_int_eq(send_form("/connect/setup", "way=static&key_token=tok-2"), 303); /* back, and again */
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(send_form("/connect/finish", ""), 303);
	ck_assert_str_eq(header("Location: "), "/connect"); /* not before it is confirmed */
	ck_assert_int_eq(send_form("/connect/who", ""), 303);
	ck_assert_str_eq(header("Location: "), "/connect/settings");
	ck_assert_int_eq(send_form("/connect/finish", ""), 303);
	ck_assert_str_eq(header("Location: "), "/connect/done");
	ck_assert_int_eq(look("/connect/done"), 200);
	ck_assert_int_eq(look("/connect"), 410);
	use("");
	ck_assert_int_eq(look(last), 410);
	ck_assert_ptr_nonnull(strstr(fx.body, "has done its work"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { each_browser_with_the_link_gets_a_session_of_its_own_and_nobody_else_gets_in,
		a_link_opens_so_often_and_says_what_to_do_then, link_and_session_end_by_time_and_by_word,
		the_first_session_that_says_yes_ends_the_link_and_the_others,
		every_page_lets_the_browser_do_nothing_else, a_form_must_come_from_a_page_of_this_session,
		a_key_makes_one_connection_of_the_links_account, NULL };

	return run_tests("connect", tests);
}
