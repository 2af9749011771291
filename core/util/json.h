/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - reading JSON from strangers and writing it, on top of json-c.
 *
 * cs_json_parse is strict: RFC 8259 only, UTF-8 without NUL, no duplicate member in any object, bounded depth,
 * nothing behind the value. Values are json-c objects; the caller owns the result (json_object_put).
 */
#ifndef CS_UTIL_JSON_H
#define CS_UTIL_JSON_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdbool.h>
#include "util/err.h"
#include "util/mem.h"

/* 0, or CS_EINVAL with a message that names the byte offset and what is wrong there. */
int cs_json_parse(const char *s, size_t n, int max_depth, json_object **out, struct cs_err *err);
/* For CS_CLEANUP on a json_object pointer. */
void cs_json_putp(json_object **o);
/* A whole file, at most `max` bytes. */
int cs_json_read_file(const char *path, size_t max, json_object **out, struct cs_err *err);

/* Members with a default; a wrong type counts as absent. Texts are borrowed from the object. */
const char *cs_json_str(const json_object *o, const char *key, const char *dflt);
int64_t cs_json_int(const json_object *o, const char *key, int64_t dflt);
bool cs_json_bool(const json_object *o, const char *key, bool dflt);
json_object *cs_json_get(const json_object *o, const char *key); /* borrowed; NULL when absent or JSON null */
/* RFC 6901. NULL when there is nothing; JSON null too. Borrowed. */
json_object *cs_json_pointer(json_object *o, const char *pointer);
/* The scalar at a pointer as text ("" when absent); numbers as written. Borrowed from the object. */
const char *cs_json_pointer_text(json_object *o, const char *pointer);

/* RFC 7396: lay `patch` on `target` (may be NULL); consumes neither; returns a new object. */
json_object *cs_json_merge_patch(json_object *target, const json_object *patch);
/* Same members and values, whatever the order: sorted, no spaces (the idea of RFC 8785; numbers as json-c prints). */
void cs_json_canonical(const json_object *o, struct cs_buf *out);
/* Compact text; borrowed from the object until it changes. */
const char *cs_json_text(const json_object *o);

#endif
