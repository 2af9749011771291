/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi.h - the description of the whole HTTP API that this daemon was built with.
 *
 * sdk/schema/openapi.yaml is written by hand, openapi.json beside it is made of it (make update-openapi) and goes into the
 * program at build time. So what a daemon serves is what it was tested with, whatever is installed beside it.
 */
#ifndef CS_API_OPENAPI_H
#define CS_API_OPENAPI_H

extern const char cs_openapi_text[]; /* JSON */
extern const char cs_openapi_etag[]; /* an entity tag of it, quoted */

#endif
