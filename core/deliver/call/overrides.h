/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overrides.h - what a connection's owner wants different from the plugin's mapping.
 *
 * Overrides are a JSON merge patch (RFC 7396) laid on the document that map made. Strings in it may hold ${/pointer}: the
 * text at that place of the lead, or nothing. "${/contact/phone}" alone keeps the lead's type (number, boolean). Pure.
 */
#ifndef CS_DELIVER_OVERRIDES_H
#define CS_DELIVER_OVERRIDES_H

#include "util/json.h"

/* The patched document as text appended to out. CS_EINVAL when the document is no JSON object. */
int cs_overrides_apply(const char *document, size_t n, const json_object *overrides, json_object *lead, struct cs_buf *out,
                       struct cs_err *err);

#endif
