/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - the rules of lead-1.0 on the members of a parsed body.
 */
#ifndef CS_LEAD_FIELDS_H
#define CS_LEAD_FIELDS_H

#include "lead/lead.h"
#include "util/json_tree.h"

void cs_lead_add_fault(struct cs_lead_doc *d, enum cs_fault_class class, const char *pointer, const char *detail);
/*
 * Every field of `top`, an object: sets the view (pointers into the tree's text), event_id, urgency and unqualified, adds
 * faults and writes the warnings. *answers: the JSON of qualifier_answers from malloc, NULL if there are none.
 */
void cs_lead_read_fields(struct cs_lead_doc *d, const struct cs_json_node *top, char event_id[], char **answers);

#endif
