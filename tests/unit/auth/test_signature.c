/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_signature.c - Standard Webhooks against the vectors of its reference libraries; HMACs against RFC 4231; API keys.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "util/clock.h"
#include "util/text.h"

#define TOLERANCE_MS (300 * CS_SECOND_MS)

/* The vector of the reference libraries' tests. */
static const char secret_a[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char id_a[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char body_a[] = "{\"test\": 2432232314}";
static const char signature_a[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
#define TIME_A 1614265330LL
#define TIME_A_TEXT "1614265330"

/* The rotation example: the new secret and then the old one. */
static const char new_secret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static const char rotation_id[] = "3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11";
static const char rotation_body[] =
    "{\"event\":\"lead.qualified\",\"event_id\":\"3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11\"}";
static const char rotation_new[] = "v1,BOa/WCKxqp5WK+7F/merEbqwzC7/LjwhlF8PkdMByos=";
static const char rotation_old[] = "v1,GMpPw+3bIeN9SS3mV+2UgBEyIOsu2TnMrXaPbxFx2gc=";
#define ROTATION_TIME 1779805920LL

static int
verify_a(const char *signatures, int64_t now_ms, struct cs_err *err)
{
	const char *secrets[] = { secret_a };

	return cs_stdwebhooks_verify(secrets, 1, id_a, TIME_A_TEXT, signatures, body_a, strlen(body_a), now_ms, TOLERANCE_MS,
	                             err);
}

static const char *
hex(const uint8_t *p, size_t n)
{
	static struct cs_buf b;

	cs_buf_reset(&b);
	cs_hex_add(&b, p, n);
	return cs_buf_str(&b);
}

START_TEST(the_vectors_of_the_reference_libraries_are_made_and_accepted)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	static const char body[] = "{\"email\":\"test@example.com\",\"username\":\"test_user\"}";
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_stdwebhooks_sign(secret_a, id_a, TIME_A, body_a, strlen(body_a), &b), 0);
	ck_assert_str_eq(b.ptr, signature_a);
	ck_assert_int_eq(verify_a(signature_a, TIME_A * 1000, &err), 0);
	cs_buf_reset(&b);
	ck_assert_int_eq(cs_stdwebhooks_sign("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
	                                     1649367553, body, strlen(body), &b), 0);
	ck_assert_str_eq(b.ptr, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}
END_TEST

START_TEST(either_secret_of_a_rotation_and_either_signature_is_enough)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *both[] = { new_secret, secret_a }, *only_new[] = { new_secret }, *only_old[] = { secret_a };
	char two[200];
	size_t n = strlen(rotation_body);

	ck_assert_int_eq(cs_stdwebhooks_sign(new_secret, rotation_id, ROTATION_TIME, rotation_body, n, &b), 0);
	ck_assert_str_eq(b.ptr, rotation_new);
	snprintf(two, sizeof(two), "%s %s", rotation_new, rotation_old);
	for (int i = 0; i < 3; i++) {
		const char *signatures[] = { two, rotation_new, rotation_old };

		ck_assert_int_eq(cs_stdwebhooks_verify(both, 2, rotation_id, "1779805920", signatures[i], rotation_body, n,
		                                       ROTATION_TIME * 1000, TOLERANCE_MS, NULL), 0);
		ck_assert_int_eq(cs_stdwebhooks_verify(only_new, 1, rotation_id, "1779805920", signatures[i], rotation_body, n,
		                                       ROTATION_TIME * 1000, TOLERANCE_MS, NULL), i == 2 ? CS_EPERM : 0);
		ck_assert_int_eq(cs_stdwebhooks_verify(only_old, 1, rotation_id, "1779805920", signatures[i], rotation_body, n,
		                                       ROTATION_TIME * 1000, TOLERANCE_MS, NULL), i == 1 ? CS_EPERM : 0);
	}
}
END_TEST

START_TEST(one_right_entry_among_four_is_enough)
{
	char four[400];

	snprintf(four, sizeof(four), "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,%s  %s v1,AAAA", signature_a + 3,
	         signature_a);
	ck_assert_int_eq(verify_a(four, TIME_A * 1000, NULL), 0);
}
END_TEST

START_TEST(wrong_signatures_are_refused)
{
	static const char *const wrong[] = {
		"v1,", "v1,g0hM9SsE", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", "v1", "g0hM9SsE", " ", "v1,====",
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=,v1", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	};
	struct cs_err err = { 0 };

	for (size_t i = 0; i < CS_ARRAY_LEN(wrong); i++)
		ck_assert_int_eq(verify_a(wrong[i], TIME_A * 1000, &err), CS_EPERM);
	ck_assert_ptr_null(strstr(err.msg, "MfKQ"));
	ck_assert_int_eq(verify_a("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", TIME_A * 1000, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "webhook-signature has no entry that begins with v1,");
}
END_TEST

START_TEST(a_changed_body_id_or_timestamp_is_refused)
{
	const char *secrets[] = { secret_a };
	const size_t n = strlen(body_a);

	ck_assert_int_eq(cs_stdwebhooks_verify(secrets, 1, id_a, TIME_A_TEXT, signature_a, body_a, n - 1, TIME_A * 1000,
	                                       TOLERANCE_MS, NULL), CS_EPERM);
	ck_assert_int_eq(cs_stdwebhooks_verify(secrets, 1, "msg_other", TIME_A_TEXT, signature_a, body_a, n, TIME_A * 1000,
	                                       TOLERANCE_MS, NULL), CS_EPERM);
	ck_assert_int_eq(cs_stdwebhooks_verify(secrets, 1, id_a, "1614265331", signature_a, body_a, n, TIME_A * 1000,
	                                       TOLERANCE_MS, NULL), CS_EPERM);
}
END_TEST

START_TEST(the_timestamp_may_be_off_by_the_tolerance_and_no_more)
{
	struct cs_err err = { 0 };

	ck_assert_int_eq(verify_a(signature_a, (TIME_A + 300) * 1000, &err), 0);
	ck_assert_int_eq(verify_a(signature_a, (TIME_A - 300) * 1000, &err), 0);
	ck_assert_int_eq(verify_a(signature_a, (TIME_A + 301) * 1000, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "header webhook-timestamp is 301 s old; at most 300 s are allowed");
	ck_assert_int_eq(verify_a(signature_a, (TIME_A - 301) * 1000, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "header webhook-timestamp is 301 s ahead; at most 300 s are allowed");
}
END_TEST

START_TEST(missing_or_malformed_headers_are_refused)
{
	const char *secrets[] = { secret_a };
	const struct {
		const char *id, *timestamp, *signatures;
	} bad[] = {
		{ NULL, TIME_A_TEXT, signature_a }, { "", TIME_A_TEXT, signature_a }, { id_a, NULL, signature_a },
		{ id_a, "", signature_a }, { id_a, TIME_A_TEXT, NULL }, { id_a, TIME_A_TEXT, "" },
		{ "a.b", TIME_A_TEXT, signature_a }, { id_a, "soon", signature_a }, { id_a, "-5", signature_a },
		{ id_a, "1614265330.5", signature_a }, { id_a, "99999999999999999999", signature_a },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_int_eq(cs_stdwebhooks_verify(secrets, 1, bad[i].id, bad[i].timestamp, bad[i].signatures, body_a,
		                                       strlen(body_a), TIME_A * 1000, TOLERANCE_MS, NULL), CS_EPERM);
}
END_TEST

START_TEST(without_a_usable_secret_nothing_is_accepted)
{
	const char *bad[] = { "", "whsec_", "whsec_!!" };
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_stdwebhooks_verify(NULL, 0, id_a, TIME_A_TEXT, signature_a, body_a, strlen(body_a), TIME_A * 1000,
	                                       TOLERANCE_MS, &err), CS_EPERM);
	ck_assert_int_eq(cs_stdwebhooks_verify(bad, 3, id_a, TIME_A_TEXT, signature_a, body_a, strlen(body_a), TIME_A * 1000,
	                                       TOLERANCE_MS, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "no usable signing secret is configured");
}
END_TEST

START_TEST(a_secret_is_base64_behind_whsec_and_plain_text_otherwise)
{
	uint8_t key[64];

	ck_assert_int_eq(cs_secret_key("whsec_AAECAw==", key, sizeof(key)), 4);
	ck_assert_mem_eq(key, "\0\1\2\3", 4);
	ck_assert_int_eq(cs_secret_key("s3cret", key, sizeof(key)), 6);
	ck_assert_mem_eq(key, "s3cret", 6);
	ck_assert_int_eq(cs_secret_key("", key, sizeof(key)), CS_EINVAL);
	ck_assert_int_eq(cs_secret_key("whsec_", key, sizeof(key)), CS_EINVAL);
	ck_assert_int_eq(cs_secret_key("whsec_A", key, sizeof(key)), CS_EINVAL);
	ck_assert_int_eq(cs_secret_key("longer than four", key, 4), CS_EINVAL);
	ck_assert_int_eq(cs_secret_key(secret_a, key, 4), CS_EINVAL);
	ck_assert_int_eq(cs_stdwebhooks_sign("", "id", 1, "", 0, &(struct cs_buf)CS_BUF_INIT(0)), CS_EINVAL);
}
END_TEST

/* RFC 4231 test 2 and RFC 2202 test 2. */
/* ---- by a manifest's row */

struct owned { /* what a connection has */
	const char *setting, *secret, *old;
};

static const char *
owned_setting(void *ctx, const char *key)
{
	ck_assert_str_eq(key, "sign");
	return ((struct owned *)ctx)->setting;
}

static const char *
owned_secret(void *ctx, const char *name)
{
	const struct owned *o = ctx;

	return strcmp(name, "signing_secret") == 0 ? o->secret : o->old;
}

/* The value, or NULL where rc is not 0. */
static const char *
header_of(struct owned *o, const char *id, const char *timestamp, int *rc, struct cs_buf *out, struct cs_err *err)
{
	static const char *names[] = { "signing_secret", "signing_secret_old" };
	const struct cs_sign_row row = { .secrets = names, .n_secrets = 2, .setting = "sign" };
	const struct cs_lookup lk = { .setting = owned_setting, .secret = owned_secret, .ctx = o };

	cs_buf_reset(out);
	*rc = cs_stdwebhooks_header(&row, &lk, id, timestamp, rotation_body, strlen(rotation_body), out, err);
	return *rc == 0 ? cs_buf_str(out) : NULL;
}

START_TEST(a_request_is_signed_with_each_secret_that_there_is)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct owned both = { "true", new_secret, secret_a }, one = { "true", new_secret, NULL }, unusable = { "true", new_secret, "whsec_!" };
	char two[200];
	int rc;

	snprintf(two, sizeof(two), "%s %s", rotation_new, rotation_old);
	ck_assert_str_eq(header_of(&both, rotation_id, "1779805920", &rc, &b, NULL), two);
	ck_assert_str_eq(header_of(&one, rotation_id, "1779805920", &rc, &b, NULL), rotation_new);
	ck_assert_str_eq(header_of(&unusable, rotation_id, "1779805920", &rc, &b, NULL), rotation_new);
}
END_TEST

START_TEST(a_request_is_left_as_it_is_where_signing_is_off_or_nothing_says_what_is_signed)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct owned off = { "false", new_secret, NULL }, unset = { NULL, new_secret, NULL }, on = { "true", new_secret, NULL };
	const struct cs_sign_row always = { .secrets = (const char *[]){ "signing_secret" }, .n_secrets = 1 }, none = { 0 };
	const struct cs_lookup lk = { .setting = owned_setting, .secret = owned_secret, .ctx = &off };
	int rc;

	ck_assert_ptr_null(header_of(&off, rotation_id, "1779805920", &rc, &b, NULL));
	ck_assert_int_eq(rc, 1);
	ck_assert_ptr_null(header_of(&unset, rotation_id, "1779805920", &rc, &b, NULL));
	ck_assert_ptr_null(header_of(&on, NULL, "1779805920", &rc, &b, NULL));
	ck_assert_ptr_null(header_of(&on, rotation_id, NULL, &rc, &b, NULL));
	ck_assert_int_eq(rc, 1);
	ck_assert_int_eq(cs_stdwebhooks_header(&none, &lk, rotation_id, "1", "", 0, &b, NULL), 1);
	ck_assert_int_eq(cs_stdwebhooks_header(&always, &lk, rotation_id, "1", "", 0, &b, NULL), 0);
}
END_TEST

START_TEST(a_request_that_cannot_be_signed_says_which_secret_is_missing)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct owned none = { "true", NULL, secret_a }, no_key = { "true", "whsec_!!", secret_a };
	struct cs_err err = { 0 };
	int rc;

	ck_assert_ptr_null(header_of(&none, rotation_id, "1779805920", &rc, &b, &err));
	ck_assert_int_eq(rc, CS_ENOTFOUND);
	ck_assert_str_eq(err.msg, "the message cannot be signed: the secret signing_secret is not set, or is no key");
	ck_assert_ptr_null(header_of(&no_key, rotation_id, "1779805920", &rc, &b, &err));
	ck_assert_int_eq(rc, CS_ENOTFOUND);
}
END_TEST

START_TEST(hmacs_are_those_of_the_rfcs)
{
	static const char in[] = "what do ya want for nothing?";
	uint8_t mac[64];

	ck_assert_int_eq(cs_hmac(CS_HMAC_SHA256, "Jefe", 4, in, strlen(in), mac), 32);
	ck_assert_str_eq(hex(mac, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	ck_assert_int_eq(cs_hmac(CS_HMAC_SHA1, "Jefe", 4, in, strlen(in), mac), 20);
	ck_assert_str_eq(hex(mac, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	ck_assert_int_eq(cs_hmac(CS_HMAC_SHA512, "Jefe", 4, in, strlen(in), mac), 64);
	ck_assert_str_eq(hex(mac, 64), "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	                               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
	ck_assert_int_eq(cs_hmac(3, "Jefe", 4, in, strlen(in), mac), CS_EINVAL);
	ck_assert_int_eq(cs_hmac(-1, "Jefe", 4, in, strlen(in), mac), CS_EINVAL);
}
END_TEST

/* RFC 4231 test 6 and RFC 2202 test 6: a key longer than a block. Then one of just a block, and none; those by another library. */
START_TEST(a_key_may_be_as_long_as_a_block_longer_or_empty)
{
	static const struct {
		int alg;
		size_t key_len, len;
		const char *mac;
	} cases[] = {
		{ CS_HMAC_SHA256, 131, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ CS_HMAC_SHA1, 80, 20, "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
		{ CS_HMAC_SHA512, 131, 64, "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
		                           "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
		{ CS_HMAC_SHA256, 64, 32, "84332a7580ed3cf75de83c644c8d2c1c262ad90e0190e5c5ae4b82b2102e8e75" },
		{ CS_HMAC_SHA1, 64, 20, "070a98992c4c1a83474cb780fc564608df3cf503" },
		{ CS_HMAC_SHA512, 128, 64, "3509e3c2f595a04cded036836e06094146d866a0834de4839f4c349292e8a03e"
		                           "91f29070f7e414b64f286c29aacd4c19baebcda0d529abcbfb6caf189fb3079f" },
	};
	static const char in[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	uint8_t key[131], mac[64];

	memset(key, 0xaa, sizeof(key));
	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(cs_hmac(cases[i].alg, key, cases[i].key_len, in, strlen(in), mac), (int)cases[i].len);
		ck_assert_str_eq(hex(mac, cases[i].len), cases[i].mac);
	}
	ck_assert_int_eq(cs_hmac(CS_HMAC_SHA256, NULL, 0, "", 0, mac), 32);
	ck_assert_str_eq(hex(mac, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(an_api_key_is_random_and_found_again_by_its_hash)
{
	char one[CS_API_KEY_TEXT], two[CS_API_KEY_TEXT];
	uint8_t hash_one[32], hash_two[32], again[32];

	cs_api_key_new(one, hash_one);
	cs_api_key_new(two, hash_two);
	ck_assert_int_eq((int)strlen(one), CS_API_KEY_TEXT - 1);
	ck_assert_int_eq(strncmp(one, "csk_", 4), 0);
	ck_assert_str_ne(one, two);
	cs_api_key_hash(one, strlen(one), again);
	ck_assert_mem_eq(hash_one, again, 32);
	ck_assert_mem_ne(hash_one, hash_two, 32);
	cs_api_key_hash("abc", 3, again);
	ck_assert_str_eq(hex(again, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signature");
	TCase *t = tcase_create("signature");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_vectors_of_the_reference_libraries_are_made_and_accepted);
	tcase_add_test(t, either_secret_of_a_rotation_and_either_signature_is_enough);
	tcase_add_test(t, one_right_entry_among_four_is_enough);
	tcase_add_test(t, wrong_signatures_are_refused);
	tcase_add_test(t, a_changed_body_id_or_timestamp_is_refused);
	tcase_add_test(t, the_timestamp_may_be_off_by_the_tolerance_and_no_more);
	tcase_add_test(t, missing_or_malformed_headers_are_refused);
	tcase_add_test(t, without_a_usable_secret_nothing_is_accepted);
	tcase_add_test(t, a_secret_is_base64_behind_whsec_and_plain_text_otherwise);
	tcase_add_test(t, a_request_is_signed_with_each_secret_that_there_is);
	tcase_add_test(t, a_request_is_left_as_it_is_where_signing_is_off_or_nothing_says_what_is_signed);
	tcase_add_test(t, a_request_that_cannot_be_signed_says_which_secret_is_missing);
	tcase_add_test(t, hmacs_are_those_of_the_rfcs);
	tcase_add_test(t, a_key_may_be_as_long_as_a_block_longer_or_empty);
	tcase_add_test(t, an_api_key_is_random_and_found_again_by_its_hash);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
