/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - see story.h.
 */
#include "config.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/show/story.h"

#define ANSWER_COLUMNS 300
#define URL_COLUMNS 90

#define ARRAY_EACH(item, array)                                                                              \
	for (size_t i_ = 0, n_ = cs_ctl_json_count(array); i_ < n_; i_++)                                    \
		for (json_object *item = json_object_array_get_idx(array, i_), *once_ = (json_object *)&n_;  \
		     once_ != NULL; once_ = NULL)

static struct cs_ctl_line *
add(struct cs_ctl_story *s, enum cs_ctl_line_kind kind, int64_t delivery, int64_t at_ms, const char *fmt, ...)
    CS_PRINTF_LIKE(5, 6);

static struct cs_ctl_line *
add(struct cs_ctl_story *s, enum cs_ctl_line_kind kind, int64_t delivery, int64_t at_ms, const char *fmt, ...)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_line *l = cs_arena_alloc(s->mem, sizeof(*l));
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	*l = (struct cs_ctl_line){ .kind = kind, .delivery = delivery, .at_ms = at_ms, .tail = "" };
	l->text = cs_arena_strdup(s->mem, cs_buf_str(&b));
	if (s->last != NULL)
		s->last->next = l;
	else
		s->head = l;
	return s->last = l;
}

static const char *
text(const struct cs_ctl_story *s, const json_object *o, const char *key)
{
	return cs_ctl_json_text(s->mem, o, key);
}

/* ---- the lead */

static void
tell_caller(struct cs_ctl_story *s, const json_object *body)
{
	const json_object *contact = cs_json_get(body, "contact"), *want = cs_json_get(body, "service_request");
	const char *first = text(s, contact, "first_name"), *last = text(s, contact, "last_name");
	const char *phone = text(s, contact, "phone"), *mail = text(s, contact, "email"),
		   *type = text(s, want, "service_type");

	if (contact == NULL)
		return;
	add(s, CS_LINE_FACT, 0, 0, "caller %s%s%s%s%s%s%s%s%s", first,
	    first[0] != '\0' && last[0] != '\0' ? " " : "", last, phone[0] != '\0' ? ", " : "", phone,
	    mail[0] != '\0' ? ", " : "", mail, type[0] != '\0' ? ", wants " : "", type);
}

static void
tell_rows(struct cs_ctl_story *s, json_object *rows, const char *what)
{
	if (cs_ctl_json_count(rows) == 0)
		return;
	add(s, CS_LINE_FACT, 0, 0, "%s", what)->paint = CS_PAINT_WARN;
	ARRAY_EACH(row, rows)
		add(s, CS_LINE_FACT, 0, 0, "  %s: %s", text(s, row, "pointer"), text(s, row, "detail"));
}

static void
tell_lead(struct cs_ctl_story *s, json_object *lead)
{
	int64_t received = cs_ctl_json_time(lead, "received_at");
	const char *kind = text(s, lead, "kind");

	add(s, CS_LINE_HEAD, 0, 0, "lead %" PRId64 ", event_id %s", cs_json_int(lead, "id", 0),
	    text(s, lead, "event_id"));
	add(s, CS_LINE_FACT, 0, 0, "%s of account %s, urgency %s", text(s, lead, "event"),
	    text(s, lead, "account"), text(s, lead, "urgency"));
	tell_caller(s, cs_json_get(lead, "body"));
	add(s, CS_LINE_FACT, 0, 0, "received and on disk %s", cs_ctl_time(s->mem, received))->tail =
	    cs_arena_printf(s->mem, " (%s ago)", cs_ctl_span(s->mem, received, s->now_ms));
	tell_rows(s, cs_json_get(lead, "warnings"),
		  strcmp(kind, "invalid") == 0
		      ? "kept although it breaks rules:"
		      : "accepted; these fields count as absent, their text is in the note:");
}

static const char *
blame_words(const char *blame)
{
	static const char *const words[][2] = { { "lead", "the lead" },
						{ "credential", "the credential" },
						{ "crm", "the CRM" },
						{ "connection", "the connection" },
						{ "us", "csrelay itself" } };

	for (size_t i = 0; i < CS_ARRAY_LEN(words); i++)
		if (strcmp(words[i][0], blame) == 0)
			return words[i][1];
	return blame;
}

/* ---- one request and its answer */

static const char *
doubt_words(const json_object *x)
{
	return cs_json_bool(x, "doubt", false) ? "; nobody knows whether it happened" : "";
}

/* Long texts are cut, unless all of it is wanted. */
static const char *
shortened(const struct cs_ctl_story *s, const char *t, int columns)
{
	size_t n = s->full ? strlen(t) : cs_ctl_cut(t, columns);

	return t[n] == '\0' ? t : cs_arena_printf(s->mem, "%.*s\xe2\x80\xa6", (int)n, t);
}

static void
tell_answer(struct cs_ctl_story *s, int64_t delivery, const json_object *x)
{
	const char *answer = shortened(s, text(s, x, "answer"), ANSWER_COLUMNS);
	json_object *headers = cs_json_get(x, "headers");

	if (s->full && headers != NULL && json_object_is_type(headers, json_type_object)) {
		json_object_object_foreach(headers, name, value) {
			add(s, CS_LINE_MORE, delivery, 0, "%s: %s", cs_ctl_clean(s->mem, name),
			    cs_ctl_clean(s->mem, json_object_get_string(value)))->paint = CS_PAINT_DIM;
		}
	}
	if (answer[0] != '\0')
		add(s, CS_LINE_MORE, delivery, 0, "answer: %s", answer)->paint = CS_PAINT_DIM;
}

static void
tell_exchange(struct cs_ctl_story *s, int64_t delivery, const json_object *x)
{
	int64_t at = cs_json_int(x, "at_ms", 0), ms = cs_json_int(x, "ms", 0);
	int status = (int)cs_json_int(x, "status", 0);
	const char *fault = text(s, x, "fault"), *what;
	struct cs_ctl_line *l;

	what = cs_arena_printf(s->mem, "%s: %s %s", text(s, x, "step"), text(s, x, "method"),
			       shortened(s, text(s, x, "url"), URL_COLUMNS));
	if (fault[0] == '\0') {
		l = add(s, CS_LINE_EVENT, delivery, at, "%s answered %d in %" PRId64 " ms%s", what, status,
			ms, doubt_words(x));
		l->paint = status >= 200 && status < 300 ? CS_PAINT_NONE : CS_PAINT_WARN;
	} else {
		l = add(s, CS_LINE_EVENT, delivery, at, "%s: no answer after %" PRId64 " ms (%s: %s), %s%s",
			what, ms, fault, text(s, x, "detail"),
			cs_json_bool(x, "sent", true) ? "sent" : "not sent", doubt_words(x));
		l->paint = CS_PAINT_WARN;
	}
	tell_answer(s, delivery, x);
}

/* ---- one try */

static const struct {
	const char *outcome, *words;
	enum cs_ctl_paint paint;
} ends[] = {
	{ "done", "worked", CS_PAINT_GOOD },
	{ "retry", "failed", CS_PAINT_WARN },
	{ "unknown", "left it open whether the record was made", CS_PAINT_WARN },
	{ "wait", "was told to wait (not counted)", CS_PAINT_WARN },
	{ "reauth", "was refused: the sign-in no longer works", CS_PAINT_BAD },
	{ "reject", "was refused", CS_PAINT_BAD },
};

static void
tell_attempt(struct cs_ctl_story *s, int64_t delivery, json_object *a)
{
	const char *outcome = text(s, a, "outcome"), *words = outcome, *reason = text(s, a, "reason"),
		   *blame = text(s, a, "blame");
	enum cs_ctl_paint paint = CS_PAINT_WARN;
	bool blamed = strcmp(blame, "none") != 0 && blame[0] != '\0';

	ARRAY_EACH(x, cs_json_get(a, "exchanges"))
		tell_exchange(s, delivery, x);
	for (size_t i = 0; i < CS_ARRAY_LEN(ends); i++)
		if (strcmp(ends[i].outcome, outcome) == 0) {
			words = ends[i].words;
			paint = ends[i].paint;
		}
	add(s, CS_LINE_EVENT, delivery, cs_ctl_json_time(a, "ended_at"), "try %" PRId64 " %s%s%s%s%s",
	    cs_json_int(a, "number", 0), words, reason[0] != '\0' ? ": " : "", reason,
	    blamed ? "; blamed on " : "", blamed ? blame_words(blame) : "")
	    ->paint = paint;
}

/* ---- how it stands */

static void
tell_records(struct cs_ctl_story *s, int64_t delivery, json_object *records)
{
	ARRAY_EACH(r, records) {
		const char *url = text(s, r, "url");

		add(s, CS_LINE_MORE, delivery, 0, "%s %s%s%s", text(s, r, "type"), text(s, r, "id"),
		    url[0] != '\0' ? "  " : "", url);
	}
}

static void
tell_delivered(struct cs_ctl_story *s, int64_t id, json_object *d)
{
	int64_t done = cs_ctl_json_time(d, "done_at"), from = cs_ctl_json_time(d, "created_at");
	const char *remark = text(s, d, "warnings");

	add(s, CS_LINE_STATE, id, done, "delivered, %s after it came in", cs_ctl_span(s->mem, from, done))
	    ->paint = CS_PAINT_GOOD;
	tell_records(s, id, cs_json_get(d, "records"));
	if (remark[0] != '\0')
		add(s, CS_LINE_MORE, id, 0, "with a remark: %s", remark)->paint = CS_PAINT_WARN;
}

static void
tell_due(struct cs_ctl_story *s, int64_t id, json_object *d)
{
	int64_t due = cs_ctl_json_time(d, "due_at"), since = cs_ctl_json_time(d, "waiting_since");
	int64_t expires = cs_ctl_json_time(d, "expires_at");
	struct cs_ctl_line *l;

	if (due > s->now_ms) {
		l = add(s, CS_LINE_STATE, id, 0, "waits; next try %s", cs_ctl_time(s->mem, due));
		l->tail = cs_arena_printf(s->mem, " (in %s)", cs_ctl_span(s->mem, s->now_ms, due));
	} else
		l = add(s, CS_LINE_STATE, id, 0, "waits for its turn");
	l->paint = CS_PAINT_WARN;
	if (since > 0)
		add(s, CS_LINE_HINT, id, 0, "the CRM has only said \"wait\" since %s",
		    cs_ctl_time(s->mem, since));
	if (cs_json_bool(d, "doubt", false))
		add(s, CS_LINE_HINT, id, 0,
		    "a step may have happened already: the CRM is searched for it before anything is sent "
		    "again");
	if (expires > s->now_ms)
		add(s, CS_LINE_HINT, id, 0, "a dead letter if it has not worked by %s",
		    cs_ctl_time(s->mem, expires));
}

static const struct {
	const char *blame, *before, *after; /* of the delivery's id */
} hints[] = {
	{ "lead", "mend it: csrelay dlq fix ", " contact.phone=+13055550182 (it then goes out)" },
	{ "credential", "the owner has to sign in again; it goes out with that, or by: csrelay dlq replay ", "" },
	{ "connection", "mend the connection, or send it elsewhere: csrelay dlq reroute ", " CONNECTION" },
	{ "crm", "it goes out when the CRM works again, or by: csrelay dlq replay ", "" },
	{ "us", "the daemon's log says more; then: csrelay dlq replay ", "" },
};

/* Did the last try say the same already? */
static bool
is_told(const struct cs_ctl_story *s, const json_object *d, const char *reason)
{
	json_object *attempts = cs_json_get(d, "attempts");
	size_t n = cs_ctl_json_count(attempts);

	return n > 0 && strcmp(text(s, json_object_array_get_idx(attempts, n - 1), "reason"), reason) == 0;
}

static void
tell_dead(struct cs_ctl_story *s, int64_t id, json_object *d)
{
	const char *blame = text(s, d, "blame"), *reason = text(s, d, "reason");

	if (is_told(s, d, reason))
		reason = "";
	add(s, CS_LINE_STATE, id, cs_ctl_json_time(d, "done_at"), "dead letter, blamed on %s%s%s",
	    blame_words(blame), reason[0] != '\0' ? ": " : "", reason)
	    ->paint = CS_PAINT_BAD;
	if (cs_json_bool(d, "doubt", false))
		add(s, CS_LINE_HINT, id, 0,
		    "it may have arrived: look into the CRM first; if it is there: csrelay dlq done %" PRId64,
		    id);
	for (size_t i = 0; i < CS_ARRAY_LEN(hints); i++)
		if (strcmp(hints[i].blame, blame) == 0)
			add(s, CS_LINE_HINT, id, 0, "%s%" PRId64 "%s", hints[i].before, id, hints[i].after);
}

static void
tell_state(struct cs_ctl_story *s, int64_t id, json_object *d)
{
	const char *state = text(s, d, "state"), *reason = text(s, d, "reason");

	if (strcmp(state, "delivered") == 0) {
		s->n_delivered++;
		tell_delivered(s, id, d);
	} else if (strcmp(state, "dead") == 0)
		tell_dead(s, id, d);
	else if (strcmp(state, "discarded") == 0) {
		s->n_delivered += strncmp(reason, "done by hand", 12) == 0;
		add(s, CS_LINE_STATE, id, cs_ctl_json_time(d, "done_at"), "%s",
		    reason[0] != '\0' ? reason : "discarded");
	} else {
		s->n_open++;
		if (strcmp(state, "due") == 0)
			tell_due(s, id, d);
		else
			add(s, CS_LINE_STATE, id, 0, "under way");
	}
}

static void
tell_delivery(struct cs_ctl_story *s, json_object *d)
{
	int64_t id = cs_json_int(d, "id", 0);
	const char *crm = text(s, d, "crm"), *name = text(s, d, "connection_name"),
		   *conn = text(s, d, "connection");

	s->n_deliveries++;
	add(s, CS_LINE_HEAD, id, 0, "delivery %" PRId64 " to %s%s%s%s%s%s", id,
	    crm[0] != '\0' ? crm : "nowhere", name[0] != '\0' ? " " : "", name,
	    conn[0] != '\0' ? " (" : ", no connection known", conn, conn[0] != '\0' ? ")" : "");
	ARRAY_EACH(a, cs_json_get(d, "attempts"))
		tell_attempt(s, id, a);
	tell_state(s, id, d);
}

void
cs_ctl_story_tell(struct cs_ctl_story *s, struct cs_arena *mem, json_object *told, int64_t now_ms, bool full)
{
	json_object *lead = cs_json_get(told, "lead"), *deliveries = cs_json_get(told, "deliveries");
	json_object *one = cs_json_get(told, "delivery");

	*s = (struct cs_ctl_story){ .mem = mem, .now_ms = now_ms, .full = full };
	if (lead != NULL)
		tell_lead(s, lead);
	if (one != NULL)
		tell_delivery(s, one);
	ARRAY_EACH(d, deliveries)
		tell_delivery(s, d);
	if (deliveries != NULL && s->n_deliveries == 0)
		add(s, CS_LINE_FACT, 0, 0, "no connection wanted it: it is kept, and goes nowhere");
}

/* ---- printing */

void
cs_ctl_teller_init(struct cs_ctl_teller *t)
{
	*t = (struct cs_ctl_teller){ .delivery = -1 };
	cs_map_init(&t->seen);
}

void
cs_ctl_teller_fini(struct cs_ctl_teller *t)
{
	cs_map_fini(&t->seen);
}

static bool
is_new(struct cs_ctl_teller *t, const struct cs_ctl_line *l)
{
	char *identity = cs_xasprintf("%d %" PRId64 " %" PRId64 " %s", l->kind, l->delivery, l->at_ms, l->text);
	uint64_t key = cs_hash64_str(identity);
	bool fresh = cs_map_get(&t->seen, key) == NULL;

	if (fresh)
		cs_map_put(&t->seen, key, t);
	free(identity);
	return fresh;
}

/* A line of its own for the day, where it is another than that of the event before. */
static void
print_day(struct cs_ctl_teller *t, const struct cs_ctl *c, const struct cs_ctl_line *l, struct cs_arena *mem,
	  struct cs_buf *out)
{
	const char *at = cs_ctl_time(mem, l->at_ms);

	if (strncmp(t->day, at, 10) == 0)
		return;
	snprintf(t->day, sizeof(t->day), "%.10s", at);
	cs_buf_printf(out, "  %s%s%s\n", cs_ctl_paint(c, CS_PAINT_DIM), t->day,
		      cs_ctl_unpaint(c, CS_PAINT_DIM));
}

static void
print_line(struct cs_ctl_teller *t, const struct cs_ctl *c, const struct cs_ctl_line *l, struct cs_arena *mem,
	   struct cs_buf *out)
{
	enum cs_ctl_paint paint = l->kind == CS_LINE_HEAD ? CS_PAINT_BOLD : l->paint;
	const char *on = cs_ctl_paint(c, paint), *off = cs_ctl_unpaint(c, paint);

	if (l->at_ms > 0)
		print_day(t, c, l, mem, out);
	if (l->kind == CS_LINE_HEAD)
		cs_buf_printf(out, "%s%s%s%s\n", out->len > 0 ? "\n" : "", on, l->text, off);
	else if (l->kind == CS_LINE_FACT)
		cs_buf_printf(out, "  %s%s%s%s\n", on, l->text, off, l->tail);
	else if (l->at_ms > 0)
		cs_buf_printf(out, "  %s  %s%s%s%s\n", cs_ctl_clock(mem, l->at_ms), on, l->text, off, l->tail);
	else
		cs_buf_printf(out, "  %12s  %s%s%s%s\n", "", on, l->text, off, l->tail);
}

static const struct cs_ctl_line *
head_of(const struct cs_ctl_story *s, int64_t delivery)
{
	for (const struct cs_ctl_line *l = s->head; l != NULL; l = l->next)
		if (l->kind == CS_LINE_HEAD && l->delivery == delivery)
			return l;
	return NULL;
}

void
cs_ctl_teller_print(struct cs_ctl_teller *t, const struct cs_ctl *c, const struct cs_ctl_story *s,
		    struct cs_buf *out)
{
	bool event_is_new = false;

	for (const struct cs_ctl_line *l = s->head; l != NULL; l = l->next) {
		const struct cs_ctl_line *head;

		/* what stands under an event is new with it: two equal answers are two */
		if (l->kind != CS_LINE_MORE)
			event_is_new = is_new(t, l);
		if (!event_is_new)
			continue;
		if (l->kind != CS_LINE_HEAD && l->delivery != t->delivery &&
		    (head = head_of(s, l->delivery)) != NULL)
			print_line(t, c, head, s->mem, out);
		t->delivery = l->delivery;
		print_line(t, c, l, s->mem, out);
	}
}
