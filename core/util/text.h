/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - small facts about bytes and text: encodings, UUIDs, UTF-8, tokens, comparing secrets.
 * All functions are pure and thread-safe.
 */
#ifndef CS_UTIL_TEXT_H
#define CS_UTIL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "util/mem.h"

/* Equal in constant time for equal lengths (lengths are not secret). */
bool cs_secure_equal(const void *a, size_t an, const void *b, size_t bn);
/* From the kernel; aborts when there is none. */
void cs_random_bytes(void *p, size_t n);

/* Encoders add to a buffer; decoders return the number of bytes written to out, or CS_EINVAL / CS_ELIMIT. */
void cs_hex_add(struct cs_buf *b, const void *p, size_t n);            /* lower case (RFC 4648 section 8) */
int cs_hex_decode(const char *s, size_t n, void *out, size_t cap);
void cs_base64_add(struct cs_buf *b, const void *p, size_t n);         /* standard alphabet, padded */
void cs_base64url_add(struct cs_buf *b, const void *p, size_t n);      /* unpadded (RFC 4648 section 5) */
int cs_base64_decode(const char *s, size_t n, void *out, size_t cap);  /* either alphabet, padding optional */
void cs_url_add(struct cs_buf *b, const char *s, size_t n);            /* percent-encode all but unreserved (RFC 3986) */
/* Back: into out, which has room for n + 1; "+" is a space in forms. What is no escape stays as it is. Returns the length. */
size_t cs_url_decode(const char *s, size_t n, bool form, char *out);
void cs_form_add(struct cs_buf *b, const char *s, size_t n);           /* application/x-www-form-urlencoded */

#define CS_UUID_TEXT 37
/* RFC 9562 text in any case to 16 bytes. 0 or CS_EINVAL. */
int cs_uuid_parse(const char *s, size_t n, uint8_t out[16]);
char *cs_uuid_format(const uint8_t uuid[16], char out[CS_UUID_TEXT]); /* lower case */
void cs_uuid_v4(uint8_t out[16]);
int cs_uuid_version(const uint8_t uuid[16]);

/* Valid UTF-8 (RFC 3629: no overlong forms, no surrogates); NUL counts as a fault when refuse_nul. */
bool cs_utf8_valid(const char *s, size_t n, bool refuse_nul);
/* Cut to at most `max` bytes without splitting a character; returns the new length. */
size_t cs_utf8_cut(const char *s, size_t n, size_t max);
/* RFC 9110 token (header names, methods). Header value: no CR, LF, NUL. */
bool cs_is_token(const char *s, size_t n);
bool cs_is_header_value(const char *s, size_t n);
/* 1 to max of A-Z a-z 0-9 and the characters in `extra`. */
bool cs_is_ident(const char *s, size_t max, const char *extra);
/* An address that mail can be sent to as it is: one @, a name before it, a host behind it; no spaces, quotes, brackets or bytes
 * beyond ASCII, at most 254 bytes (RFC 5321 without its rarities). Safe in a header. */
bool cs_is_mail_address(const char *s);
/* The digits of `s`, up to cap-1; returns how many. */
size_t cs_digits(const char *s, char *out, size_t cap);

#endif
