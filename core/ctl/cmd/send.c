/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send.c - csrelay send: leads from files into intake.
 *
 * A document goes as one lead, NDJSON in batches. What is not accepted is told line by line; the rest is
 * counted. Sending the same file again does no harm: intake knows an event_id for ever, unless --fresh makes
 * new ones.
 */
#include "config.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/edit.h"
#include "ctl/talk/intake.h"
#include "ctl/show/progress.h"
#include "ctl/source.h"
#include "ctl/show/text.h"
#include "util/clock.h"
#include "util/text.h"

#define BATCH_BYTES ((size_t)2 << 20)
#define BATCH_LINES 500
#define PATIENCE_S 60

struct sending {
	struct cs_ctl *c;
	struct cs_ctl_intake intake;
	struct cs_ctl_edit edit;
	struct cs_ctl_source source;
	struct cs_ctl_progress progress;
	struct cs_buf text;      /* of the lead at hand, edited */
	struct cs_buf batch;
	int64_t lines[BATCH_LINES]; /* their numbers in the file */
	int n_batch;
	int64_t accepted, known, refused, kept;
	int status;              /* worst so far */
	bool stop;               /* no use in going on */
};

/* ---- what came of it */

static void
count(struct sending *s, int status)
{
	if (status == 202)
		s->accepted++;
	else if (status == 200)
		s->known++;
	else if (status == 422)
		s->kept++;
	else
		s->refused++;
	if (status != 200 && status != 202 && s->status == CS_CTL_OK)
		s->status = CS_CTL_FAILED;
}

static void
tell_faults(struct sending *s, const json_object *o)
{
	json_object *rows = cs_json_get(o, "errors");
	struct cs_arena *mem = &s->c->mem;

	for (size_t i = 0; i < cs_ctl_json_count(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		const char *pointer = cs_ctl_json_text(mem, row, "pointer");

		fprintf(stderr, "  %s%s%s\n", pointer, pointer[0] != '\0' ? ": " : "",
			cs_ctl_json_text(mem, row, "detail"));
	}
}

static const char *
words_of_status(int status)
{
	switch (status) {
	case 202:
		return "accepted";
	case 200:
		return "known already";
	case 409:
		return "refused: this event_id came before with another content";
	case 422:
		return "kept as a dead letter: a required field is missing or wrong";
	default:
		return "refused";
	}
}

static const char *
place(struct sending *s, int64_t line)
{
	return line > 0 ? cs_arena_printf(&s->c->mem, "%s:%" PRId64, s->source.name, line) : s->source.name;
}

static void
tell_deliveries(struct sending *s, const json_object *o)
{
	json_object *list = cs_json_get(o, "deliveries");
	struct cs_arena *mem = &s->c->mem;

	for (size_t i = 0; i < cs_ctl_json_count(list); i++) {
		json_object *d = json_object_array_get_idx(list, i);
		const char *reason = cs_ctl_json_text(mem, d, "reason"), *crm = cs_ctl_json_text(mem, d, "crm");

		printf("  %s: %s%s%s\n", crm[0] != '\0' ? crm : "no connection",
		       cs_ctl_state_words(cs_ctl_json_text(mem, d, "state")), reason[0] != '\0' ? ": " : "",
		       reason);
	}
}

static void
tell_bad(struct sending *s, int status, int64_t line, const json_object *o)
{
	const char *detail = cs_ctl_json_text(&s->c->mem, o, "detail");
	json_object *deliveries = cs_json_get(o, "deliveries");

	if (status == 422 || status == 409 || detail[0] == '\0')
		detail = words_of_status(status);
	cs_ctl_progress_clear(&s->progress);
	cs_ctl_fail(0, "%s: %s (status %d)", place(s, line), detail, status);
	tell_faults(s, o);
	if (status == 422 && cs_ctl_json_count(deliveries) > 0)
		fprintf(stderr, "  mend it: csrelay dlq fix %" PRId64 " FIELD=TEXT...\n",
		        cs_json_int(json_object_array_get_idx(deliveries, 0), "id", 0));
}

/* One lead's answer. In a batch only what is not well is told. */
static void
tell(struct sending *s, int status, int64_t line, const json_object *o, bool alone)
{
	count(s, status);
	if (s->c->json)
		return;
	if (status != 200 && status != 202) {
		tell_bad(s, status, line, o);
	} else if (alone) {
		printf("%s: lead %" PRId64 ", event_id %s\n", words_of_status(status),
		       cs_json_int(o, "lead_id", 0), cs_ctl_json_text(&s->c->mem, o, "event_id"));
		tell_deliveries(s, o);
	}
}

/* The whole request failed: nobody was there, or it was not allowed, or too much. */
static void
tell_failure(struct sending *s, const struct cs_ctl_answer *a, int64_t leads)
{
	cs_ctl_progress_clear(&s->progress);
	if (s->c->json && a->json != NULL)
		cs_ctl_print_json(a->json);
	s->status = cs_ctl_told(a);
	s->refused += leads;
	s->stop = true;
}

/* ---- sending */

static void
send_alone(struct sending *s, int64_t line)
{
	CS_CLEANUP(cs_json_putp) json_object *lead = NULL;
	struct cs_ctl_answer a;
	char random[CS_UUID_TEXT];
	uint8_t uuid[16];
	const char *id;

	cs_uuid_v4(uuid);
	cs_uuid_format(uuid, random);
	cs_json_parse(cs_buf_str(&s->text), s->text.len, 64, &lead, NULL);
	id = cs_json_str(lead, "event_id", "");
	if (!cs_is_ident(id, 64, "-_"))
		id = random;
	cs_ctl_intake_send(&s->intake, cs_buf_str(&s->text), s->text.len, false, id, &a);
	if (a.status == 0 || a.status == 401 || a.status == 403 || a.status >= 500 || a.json == NULL)
		tell_failure(s, &a, 1);
	else {
		if (s->c->json)
			cs_ctl_print_json(a.json);
		tell(s, a.status, line, a.json, true);
	}
	cs_ctl_answer_fini(&a);
}

static void
read_results(struct sending *s, const struct cs_ctl_answer *a)
{
	const char *p = cs_buf_str(&a->body);
	int at = 0;

	while (*p != '\0' && at < s->n_batch) {
		CS_CLEANUP(cs_json_putp) json_object *o = NULL;
		size_t n = strcspn(p, "\n");

		if (n > 0 && cs_json_parse(p, n, 64, &o, NULL) == 0) {
			if (s->c->json)
				cs_ctl_print_json(o);
			tell(s, (int)cs_json_int(o, "status", 0), s->lines[at++], o, false);
		}
		p += n + (p[n] != '\0');
	}
	if (at < s->n_batch) {
		s->status = cs_ctl_fail(CS_CTL_TROUBLE, "%s: intake answered for %d of %d lines",
					s->source.name, at, s->n_batch);
		s->stop = true;
	}
}

static void
flush_batch(struct sending *s)
{
	struct cs_ctl_answer a;
	char id[CS_UUID_TEXT];
	uint8_t uuid[16];

	if (s->n_batch == 0)
		return;
	cs_uuid_v4(uuid);
	cs_ctl_intake_send(&s->intake, cs_buf_str(&s->batch), s->batch.len, true, cs_uuid_format(uuid, id), &a);
	if (a.status == 200)
		read_results(s, &a);
	else
		tell_failure(s, &a, s->n_batch);
	cs_ctl_answer_fini(&a);
	cs_buf_reset(&s->batch);
	s->n_batch = 0;
}

static void
add_to_batch(struct sending *s)
{
	if (s->n_batch == BATCH_LINES || (s->n_batch > 0 && s->batch.len + s->text.len + 1 > BATCH_BYTES))
		flush_batch(s);
	cs_buf_add(&s->batch, s->text.ptr, s->text.len);
	cs_buf_addc(&s->batch, '\n');
	s->lines[s->n_batch++] = s->source.line_no;
}

/* The lead at hand as it is to be sent; false: told. */
static bool
prepare(struct sending *s)
{
	struct cs_err err = { 0 };

	cs_buf_reset(&s->text);
	if (!cs_ctl_edit_any(&s->edit)) {
		cs_buf_add(&s->text, s->source.document.ptr, s->source.document.len);
		return true;
	}
	if (cs_ctl_edit_lead(&s->edit, cs_buf_str(&s->source.document), s->source.document.len, &s->text,
			     &err) == 0)
		return true;
	count(s, 400);
	cs_ctl_progress_clear(&s->progress);
	cs_ctl_fail(0, "%s: not sent: %s", place(s, s->source.line_no), err.msg);
	return false;
}

static void
show_progress(struct sending *s)
{
	int64_t n = s->accepted + s->known + s->kept + s->refused,
		ms = (cs_mono_us() - s->progress.start_us) / 1000;

	if (s->source.ndjson)
		cs_ctl_progress_show(&s->progress, s->source.read, s->source.size,
				     "%" PRId64 " leads, %" PRId64 "/s, %" PRId64 " not accepted", n,
				     ms > 0 ? n * 1000 / ms : 0, s->kept + s->refused);
}

static void
send_file(struct sending *s, const char *path)
{
	struct cs_err err = { 0 };
	int rc = cs_ctl_source_open(&s->source, path, &err);

	while (rc >= 0 && !s->stop && (rc = cs_ctl_source_next(&s->source, &err)) > 0) {
		if (!prepare(s))
			continue;
		if (s->source.ndjson)
			add_to_batch(s);
		else
			send_alone(s, 0);
		show_progress(s);
	}
	if (!s->stop)
		flush_batch(s);
	cs_ctl_progress_clear(&s->progress);
	if (rc < 0) {
		s->status = cs_ctl_fail_err(rc == CS_EIO ? CS_CTL_USAGE : CS_CTL_FAILED, &err);
		s->stop |= rc == CS_EIO;
	}
	cs_ctl_source_close(&s->source);
}

static void
tell_waiting(void *ctx, const char *why)
{
	struct sending *s = ctx;

	if (s->progress.on)
		cs_ctl_progress_show(&s->progress, s->source.read, s->source.size, "waiting: %s",
				     cs_ctl_clean(&s->c->mem, why));
	else
		cs_ctl_fail(0, "waiting: %s", cs_ctl_clean(&s->c->mem, why));
}

static void
tell_sum(const struct sending *s)
{
	int64_t n = s->accepted + s->known + s->kept + s->refused;

	if (s->c->json || n <= 1)
		return;
	printf("%" PRId64 " leads: %" PRId64 " accepted, %" PRId64 " known already, %" PRId64
	       " kept as dead letters, %" PRId64 " refused\n",
	       n, s->accepted, s->known, s->kept, s->refused);
}

static int
run(struct cs_ctl *c)
{
	struct sending *s = cs_xcalloc(1, sizeof(*s));
	int64_t patience_s;
	int status;

	s->c = c;
	s->edit = (struct cs_ctl_edit){ .fresh = cs_ctl_has(c, "fresh"),
					.to = cs_ctl_opt(c, "to"),
					.account = cs_ctl_opt(c, "account"),
					.crm_account_id = cs_ctl_opt(c, "crm-account-id"),
					.now_ms = c->now_ms };
	cs_ctl_progress_init(&s->progress);
	s->status = cs_ctl_opt_int(c, "timeout", 0, 86400, PATIENCE_S, &patience_s) ? CS_CTL_OK : CS_CTL_USAGE;
	if (s->status == CS_CTL_OK)
		s->status = cs_ctl_intake_open(c, &s->intake);
	s->intake.patience_ms = patience_s * 1000;
	s->intake.waiting = tell_waiting;
	s->intake.ctx = s;
	if (s->status == CS_CTL_OK) {
		for (int i = 0; i < c->args.n_pos && !s->stop; i++)
			send_file(s, c->args.pos[i]);
		tell_sum(s);
	}
	status = s->status;
	cs_ctl_intake_close(&s->intake);
	cs_buf_fini(&s->text);
	cs_buf_fini(&s->batch);
	free(s);
	return status;
}

static const struct cs_ctl_opt opts[] = {
	{ "fresh", NULL, "give each lead a new event_id, and times of now" },
	{ "to", "CRM",
	  "send it to this CRM, whatever the lead says (and to the account's only connection there)" },
	{ "account", "ID", "of this CallSetter account, whatever the lead says" },
	{ "crm-account-id", "ID", "into the connection with this account id at the CRM" },
	{ "secret-file", "FILE",
	  "sign with the secret in it; else intake.secrets of the configuration is used" },
	{ "timeout", "SECONDS", "how long to wait while intake asks for patience (60)" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_send = {
	.name = "send",
	.args = "FILE...",
	.help = "send leads from files: one as JSON, or many as NDJSON; - is standard input",
	.more = "Goes to listen.intake of the configuration; --url and --socket name another intake, --key-file "
		"holds a bearer key for it. Exits with 1 when a lead was not accepted. Sending a file twice is "
		"harmless: a lead that is known is not taken again.",
	.min = 1,
	.max = -1,
	.opts = opts,
	.run = run,
};
