/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_lead.c - any bytes as a lead: no fault of memory, and what the reader promises holds.
 * `make fuzz` runs it; make check replays the seeds with replay.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
check_text(const char *s)
{
	must(s != NULL && cs_utf8_valid(s, strlen(s), true));
}

static void
check_view(const struct cs_lead *v)
{
	const char *const texts[] = {
		v->schema_version, v->event, v->event_id, v->timestamp_utc, v->account, v->destination_crm, v->crm_account_id,
		v->assigned_to, v->warnings, v->call->call_id, v->call->direction, v->call->started_at, v->call->ended_at,
		v->call->recording_url, v->call->transcript_url, v->call->transcript_summary, v->contact->first_name,
		v->contact->last_name, v->contact->phone, v->contact->email, v->contact->address->street,
		v->contact->address->city, v->contact->address->state, v->contact->address->zip,
		v->contact->address->country, v->request->service_type, v->request->sub_type, v->request->urgency,
		v->request->issue_description, v->request->preferred_schedule, v->analysis->sentiment,
		v->analysis->qualification_status, v->analysis->disqualification_reason, v->analysis->qualifier_answers.ptr,
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(texts); i++)
		check_text(texts[i]);
	must(v->analysis->qualifier_answers.len == strlen(v->analysis->qualifier_answers.ptr));
	must(!v->analysis->has_score || (v->analysis->score >= 0 && v->analysis->score <= 1));
	must(v->call->duration_s >= 0);
}

static void
check_faults(const struct cs_lead_doc *d)
{
	enum cs_fault_class worst = CS_FAULT_NONE;

	for (size_t i = 0; i < d->n_faults; i++) {
		const struct cs_fault *f = &d->faults[i];

		must(f->class > CS_FAULT_NONE && f->class <= CS_FAULT_ENVELOPE);
		must(f->pointer[0] == '\0' || f->pointer[0] == '/');
		check_text(f->pointer);
		check_text(f->detail);
		if (f->class > worst)
			worst = f->class;
	}
	must(d->n_more == 0 || d->n_faults == CS_LEAD_FAULTS_MAX);
	must(d->worst == worst || d->n_more > 0);
}

/* Read again, as from the store: the same verdict. */
static void
check_stored(const char *s, size_t n, const struct cs_lead_doc *d)
{
	struct cs_lead_doc *again = cs_lead_read_stored(s, n, 7);

	must(again != NULL || d->worst == CS_FAULT_ENVELOPE);
	must(again == NULL || again->is_event || (again->worst == d->worst && again->view.received_ms == 7 &&
	     again->phone_key == d->phone_key && again->email_key == d->email_key));
	cs_lead_doc_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cs_lead_doc *d = cs_lead_read((const char *)data, n, 1);

	must(d != NULL && (cs_lead_json(d) != NULL || d->worst == CS_FAULT_ENVELOPE));
	check_faults(d);
	check_view(&d->view);
	cs_lead_resolve_time(d, "");
	check_stored((const char *)data, n, d);
	cs_lead_doc_free(d);
	return 0;
}
