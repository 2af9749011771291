/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cs/helpers.h - what most CRM plugins need, on json-c; compiled into the plugin from sdk/helpers, never
 * part of the ABI.
 *
 * Host and call always go together, so they travel as one struct csh. Texts that a function makes live in
 * the memory of the call (host->alloc) and need no free; they are never NULL, "" is nothing. JSON values are
 * json-c objects: what a comment calls "new" is the caller's (CSH_JSON puts it at the end of the block),
 * everything else is borrowed. Nothing here is static, so nothing is held across a host call that switches.
 */
#ifndef CS_HELPERS_H
#define CS_HELPERS_H

#include <json-c/json.h>
#include <cs/plugin_v1.h>

struct csh {
	const struct cs_host_v1 *host;
	struct cs_call *call;
};
#define CSH(host_, call_) (&(struct csh){ (host_), (call_) })
#define CSH_JSON __attribute__((cleanup(csh_json_putp))) json_object *

/* ---- text.c: text, encodings, time, money */
struct cs_bytes csh_bytes(const char *s);
char *csh_printf(const struct csh *h, const char *fmt, ...) CS_PRINTF(2, 3);
char *csh_strndup(const struct csh *h, const char *s, size_t n);
/* A text that grows in the call's memory; stops quietly at 1 MiB (nothing a CRM takes is longer). */
struct csh_str {
	const struct csh *h;
	char *ptr;
	size_t len, cap;
};
#define CSH_STR(h_) { (h_), NULL, 0, 0 }
void csh_add(struct csh_str *s, const char *p, size_t n);
void csh_adds(struct csh_str *s, const char *text);
void csh_add_json(struct csh_str *s, const char *text); /* as a JSON string, with its quotes */
void csh_add_html(struct csh_str *s, const char *p, size_t n); /* & < > " ' escaped, line feeds as <br> */
const char *csh_text(const struct csh_str *s);
char *csh_url(const struct csh *h, const char *s);  /* percent-encoded but for RFC 3986 unreserved */
char *csh_form(const struct csh *h, const char *s); /* application/x-www-form-urlencoded value */
char *csh_base64(const struct csh *h, struct cs_bytes in);
char *csh_time(const struct csh *h, int64_t ms);    /* 2026-05-26T14:32:00Z; "" for 0 and for what is no year */
char *csh_cents(const struct csh *h, int64_t cents); /* "850.00" */
int csh_same_text(const char *a, const char *b);    /* ASCII case ignored; "" is like nothing */
int csh_is_one_of(const char *s, const char *const *list); /* the list ends with NULL */
int csh_is_digits(const char *s);                   /* nothing but digits, and at least one */
/* At most `max` bytes of s, no character cut in two. */
const char *csh_cut(const struct csh *h, const char *s, size_t max);
/* "name=value" behind what is there, with & between; nothing for "". The one percent-encodes, the other form-encodes. */
void csh_query_add(struct csh_str *s, const char *name, const char *value);
void csh_form_add(struct csh_str *s, const char *name, const char *value);

/* ---- doc.c: JSON. Pointers are RFC 6901. */
json_object *csh_json_parse(struct cs_bytes text);  /* new; NULL when it is no JSON */
void csh_json_putp(json_object **o);
json_object *csh_at(json_object *o, const char *pointer);         /* NULL: nothing there, or null */
const char *csh_get(json_object *o, const char *pointer);         /* scalar as text; "" */
const char *csh_get_or(json_object *o, const char *pointer, const char *dflt);
int64_t csh_get_int(json_object *o, const char *pointer, int64_t dflt);
size_t csh_count(json_object *array);                             /* 0 for anything that is no array */
void csh_put(json_object *o, const char *key, const char *text);  /* left out when "" */
/* takes value; an empty object or array is left out */
void csh_put_new(json_object *o, const char *key, json_object *value);
/* The whole number that the text says; left out when it says none. */
void csh_put_number(json_object *o, const char *key, const char *text);
void csh_put_bool(json_object *o, const char *key, int value);
json_object *csh_child(json_object *o, const char *key); /* a new object in o; borrowed */
/* Each element of an array, as in csh_each(i, row, csh_at(answer, "/rows")): row is declared by the caller. */
#define csh_each(i, item, array) \
	for (size_t i = 0; i < csh_count(array) && ((item) = json_object_array_get_idx((array), i), 1); i++)
/*
 * What fills the gaps of a record: the members of `want` whose place in `have` is missing, null, "" or an empty list. New.
 * Where a record of the CRM is completed, nothing that stands there is written over.
 */
json_object *csh_gaps(json_object *have, json_object *want);
/*
 * Take the names out of `gaps` where the record has names of somebody else: half of a spouse's name must not be completed with
 * the caller's. `first` and `last` are members of all three. Returns 1 then: the caller's e-mail is not that person's either.
 */
int csh_gaps_keep_name(json_object *gaps, json_object *have, json_object *want, const char *first, const char *last);
/*
 * Take the parts of an address out of `gaps` where the record has a street, city or zip, the first three of `parts` (which ends
 * with NULL): the caller's street does not belong to another city.
 */
void csh_gaps_keep_address(json_object *gaps, json_object *have, const char *const *parts);
/* An amount as decimal text: "350.00" from 350, 350.0, "350" or "1,350.5"; "" where there is none. */
const char *csh_money(const struct csh *h, json_object *o, const char *pointer);
/* compact; lives as long as o is not changed */
struct cs_bytes csh_json_bytes(json_object *o);

/* ---- lead.c: phone, name, address */
/* The digits; at most cap-1. */
size_t csh_phone_digits(const char *phone, char *out, size_t cap);
/* Ten digits for a number of the +1 area, the number as it stands for others. */
const char *csh_phone_national(const struct csh *h, const char *phone);
/* +13055550182 from any way of writing it, without extension; ten digits without + and country code are taken for
 * the +1 area. "" if it is none, or of a country that cannot be told. */
const char *csh_phone_e164(const struct csh *h, const char *phone);
/* The same number, however it is written: (305) 555-0182 and +13055550182, 030 1234567 and +49 30 1234567. Never by
 * fewer than seven digits, and never by a part of an American number. */
int csh_phone_same(const char *a, const char *b);
/* "Maria Gonzalez"; without a name the phone number, then the e-mail. */
const char *csh_full_name(const struct csh *h, const struct cs_lead_contact *c);
/* "1420 NW 7th Ave, Miami, FL 33136" */
const char *csh_address_line(const struct csh *h, const struct cs_lead_address *a);

/* ---- note.c: one note for all CRMs */
enum { CSH_PLAIN = 0, CSH_HTML = 1 };
/*
 * The note of a lead, at most `max` bytes (long texts are cut first, the marker never). The connection's
 * setting `note_template` replaces the built-in template: lines with {names}; a line whose names are all
 * empty is left out. The text "CallSetter <event_id>" is always in it: csh_marker finds the note again.
 */
const char *csh_note(const struct csh *h, const struct cs_lead *lead, int format, size_t max);
const char *csh_marker(const struct csh *h, const struct cs_lead *lead);
/* "HVAC / heating repair" */
const char *csh_service(const struct csh *h, const struct cs_lead *lead);
/* "HVAC / heating repair - Maria Gonzalez (same day)", at most max bytes. */
const char *csh_title(const struct csh *h, const struct cs_lead *lead, size_t max);

/* ---- event.c: what handle_webhook emits */
/* New. `dedupe` is the CRM's own identity of the happening. */
json_object *csh_event(const char *event, const char *occurred_at, const char *dedupe);
/* A record that belongs to it: listed, and used to find the lead. Nothing for "". */
void csh_event_record(json_object *event, const char *type, const char *id);
/* Listed only: it belongs to it, but does not tell which lead (a customer has many). */
void csh_event_also(json_object *event, const char *type, const char *id);
/* Another way to find the lead, tried after the records: "marker" (event_id), "phone", "email". Nothing
 * for "". */
void csh_event_match(json_object *event, const char *how, const char *value);
/* "amount" of the event's "job" (made when missing); basis quoted, invoiced or paid. Nothing for "". */
void csh_event_amount(json_object *event, const char *value, const char *currency, const char *basis);
json_object *csh_event_job(json_object *event); /* borrowed; made when missing */

/* ---- hook.c: handle_webhook, a function for each kind of call. NULL: not offered. */
struct csh_hooks {
	int32_t (*received)(const struct csh *h, json_object *message);               /* NULL: it is no JSON */
	int32_t (*poll)(const struct csh *h, struct cs_bytes cursor);                 /* where the setting `poll` is on */
	int32_t (*subscribe)(const struct csh *h, int32_t kind, const char *channel); /* subscribe, renew, unsubscribe */
};
int32_t csh_hook(struct cs_call *call, const struct cs_webhook *w, const struct csh_hooks *hooks);

/* ---- news.c: polls of lists that do not tell what changed */
/*
 * The cursor is what was seen: {"lead/17": "won", ...}, at most max of it. Reporting again is harmless, because the core drops
 * an event whose dedupe it has seen; so is forgetting what has not been among the newest for long.
 *
 *     struct csh_news news = csh_news_since(cursor, 200);
 *     ... for each record, newest first: if (csh_news_take(&news, key, state)) emit what it means ...
 *     return csh_news_end(h, &news, rc);
 */
struct csh_news {
	json_object *before, *after; /* key -> state */
	int max;
};
struct csh_news csh_news_since(struct cs_bytes cursor, int max);
/* 1: new, or in another state than at the last look. A key counts once. */
int csh_news_take(struct csh_news *n, const char *key, const char *state);
/* With CS_DONE the cursor is put. Returns rc. */
int32_t csh_news_end(const struct csh *h, struct csh_news *n, int32_t rc);

/* ---- call.c: settings, requests, answers */
const char *csh_setting(const struct csh *h, const char *key);
int csh_setting_true(const struct csh *h, const char *key);
/* Of a fieldmap: the remote fields with what stands in the lead for them, types kept; new. What the lead does not have is left out. */
json_object *csh_mapped(const struct csh *h, const char *key, const struct cs_lead *lead);
int csh_setting_has(const struct csh *h, const char *key, const char *value); /* of a list */
const char *csh_fact(const struct csh *h, const char *name);
/* The value of a receipt; "" when absent or in doubt. */
const char *csh_receipt(const struct csh *h, const char *step);
int csh_in_doubt(const struct csh *h, const char *step);
const char *csh_remembered(const struct csh *h, const char *step);
void csh_receipt_put(const struct csh *h, const char *step, const char *value);
int32_t csh_emit(const struct csh *h, json_object *o);
/* One {value, label} of a list; nothing without a value, the value where there is no label. */
int32_t csh_emit_choice(const struct csh *h, const char *value, const char *label);
/* FETCH: the id in "lead/17" when type is "lead"; NULL when it is of another type. */
const char *csh_id_of(const char *what, const char *type);
const char *csh_header(const struct cs_http_res *res, const char *lower_case_name);
/* What a header such as x-ratelimit-remaining says is left of a limit; nothing when it is not there. */
void csh_heed_left(const struct csh *h, const struct cs_http_res *res, const char *limit_class, const char *header,
                   int64_t restore_per_s);

/*
 * A request made with CS_REQ, for what the shorter ones below do not offer (limit class, cost, headers, form bodies).
 * *answer: new, or NULL. A 2xx answer to a question (mutates is 0) that is no JSON is CS_RETRY.
 */
int32_t csh_send(const struct csh *h, const struct cs_http_req *req, struct cs_http_res *res, json_object **answer);
/*
 * A GET: path and query are formats' results, ready encoded. *answer: new, NULL when a refusal came without JSON. A 2xx without
 * JSON (a cut body, a landing page) is CS_RETRY: taking it for "nothing found" would create the record twice.
 */
int32_t csh_read(const struct csh *h, const char *step, const char *looks_for, const char *path,
    const char *query,
                 struct cs_http_res *res, json_object **answer);
/* The same for an answer that is there: CS_DONE with *answer, or CS_RETRY. For questions that are asked by POST. */
int32_t csh_understand(const struct csh *h, const struct cs_http_res *res, json_object **answer);
/*
 * A look-up that answers 2xx with an error, or with another form than it always had, must not pass for "nothing found":
 * CS_DONE when there is a value (a list) at the pointer, else fail(CS_RETRY).
 */
int32_t csh_need(const struct csh *h, json_object *answer, const char *pointer);
int32_t csh_need_list(const struct csh *h, json_object *answer, const char *pointer);
/* A mutating request with a JSON body. */
int32_t csh_write(const struct csh *h, const char *step, const char *method, const char *path,
    json_object *body,
                  struct cs_http_res *res, json_object **answer);
/* What an "errors" member of any of the usual shapes says: texts, lists, messages by field. "" when it says nothing. */
const char *csh_errors_text(const struct csh *h, json_object *errors);
/* What the vendor says went wrong, from any of the usual shapes, at most 500 bytes; "HTTP 400" when it
 * says nothing. */
const char *csh_vendor_error(const struct csh *h, const struct cs_http_res *res);
/* fail(CS_REJECT, "<what>: <the vendor's words>") */
int32_t csh_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

/*
 * Page after page of a list. Fill in step, path, query and either next and next_param (cursor paging:
 * pointer in the answer, parameter of the next request) or page_param and total (numbered from 1; pointer to
 * the number of pages).
 *
 *     struct csh_pages p = { .step = "find", .path = "/leads", .items = "/leads", .page_param = "page",
 *             .total = "/total_pages", .max = 5 };
 *     while (csh_next_page(h, &p))
 *             ... p.answer ...
 *     if (p.rc != CS_DONE) return p.rc;
 *
 * To leave the loop early, call csh_pages_end. An answer other than 2xx ends it with what `refused` makes of it; without one,
 * with CS_REJECT and the vendor's words.
 */
struct csh_pages {
	const char *step, *looks_for, *path, *query, *next, *next_param, *page_param, *total;
	const char *items;   /* where the list stands; a page without it ends with CS_RETRY */
	const char *limit_class; /* NULL, 0: as in cs_http_req */
	int64_t cost;
	int32_t (*refused)(const struct csh *h, const struct cs_http_res *res, const char *what); /* NULL: csh_refused */
	int max;             /* pages; a bound against endless lists */
	int page;            /* pages read */
	int more;            /* ended by max: there is more */
	json_object *answer; /* of this page; the loop's */
	int32_t rc;          /* how it ended */
	char *cursor;
};
int csh_next_page(const struct csh *h, struct csh_pages *p);
void csh_pages_end(struct csh_pages *p);

/* ---- graphql.c: questions and mutations by GraphQL, whose errors come with status 200 */
/*
 * Errors without data are classed by extensions.code: THROTTLED waits for its points, UNAUTHENTICATED renews the token and tries
 * again, FORBIDDEN needs the owner, errors of the server's own are tried again (a mutation is in doubt then, because the host
 * saw 2xx and no receipt), everything else is refused with the vendor's words. Errors beside data are left alone: what could be
 * read was read. extensions.cost is reported as what is left of limit_class.
 */
struct csh_graphql {
	const char *step, *looks_for;
	const char *path;        /* NULL: /graphql */
	const char *text;        /* of the query */
	json_object *variables;  /* taken over; NULL: none */
	int mutates;
	const char *limit_class; /* NULL: points */
	int64_t cost;            /* expected */
};
/* CS_DONE: *data is the answer's data, new. */
int32_t csh_graphql(const struct csh *h, const struct csh_graphql *q, json_object **data);
/* A mutation's answer: CS_DONE with *id, or CS_REJECT with "<what>: <its userErrors>". Nothing was made then. */
int32_t csh_graphql_id(const struct csh *h, json_object *data, const char *at_errors, const char *at_id, const char *what,
                       const char **id);

#endif
