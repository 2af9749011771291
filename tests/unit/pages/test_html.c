/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from elsewhere is never markup. */
#include "config.h"
#include "pages/html.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(text_is_escaped_for_elements_and_attributes)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *volatile nothing = NULL;

	cs_html(&b, "<p title=\"%s\">%s %d%%</p>", "\" onload='x'", "<script>&amp;</script>", -7);
	ck_assert_str_eq(cs_buf_str(&b), "<p title=\"&quot; onload=&#39;x&#39;\">&lt;script&gt;&amp;amp;&lt;/script&gt; -7%</p>");
	cs_buf_reset(&b);
	cs_html(&b, "[%s]", nothing);
	ck_assert_str_eq(cs_buf_str(&b), "[]");
}
END_TEST

START_TEST(only_web_addresses_become_links)
{
	static const char *const bad[] = { "javascript:alert(1)", "data:text/html,x", "//evil.example/x", "/local", "https://a b/", "", NULL };
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		cs_html_href(&b, bad[i]);
		ck_assert_msg(b.len == 0, "%s", bad[i]);
	}
	cs_html_href(&b, "https://app.example/x?a=1&b=2");
	ck_assert_str_eq(cs_buf_str(&b), " href=\"https://app.example/x?a=1&amp;b=2\"");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("html");
	TCase *t = tcase_create("html");
	SRunner *r;
	int failed;

	tcase_add_test(t, text_is_escaped_for_elements_and_attributes);
	tcase_add_test(t, only_web_addresses_become_links);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
