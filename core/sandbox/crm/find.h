/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.h - the "find" step: reads by id and by unique field, lists, and the vendors' searches.
 */
#ifndef CS_SANDBOX_FIND_H
#define CS_SANDBOX_FIND_H

#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"

/*
 * Run a find step. *found is a new object {items, total, page, size, pages, after}; with *first the first hit's
 * record (NULL: none). CS_EINVAL with *err when the request asks for something the data file does not know (an
 * operator).
 */
int cs_sb_find(struct cs_sb_scope *sc, json_object *step, const struct cs_sb_collection *c, json_object **found,
               struct cs_sb_record **first, struct cs_err *err);

#endif
