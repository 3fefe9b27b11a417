/* Values that the session makes: in new rows where nothing was given, and at updates; by every way in, on both
 * databases. */
#include "session_support.h"
#include "strata/define.h"

ST_ENUM_DEFINE(urgency_enum, "whenever", "soon", "now");
enum urgency { WHENEVER, SOON, NOW };

/* clang-format off */
typedef struct Ticket {
    st_uuid tenant_id, id;
    const char *title;
    const char *language;
    const char *code;   /* of the title */
    st_opt_bool open;
    st_opt_enum urgency;
    int32_t effort;
    st_texts tags;
    const char *editor;
    int32_t edits;
    const char *note;
    int32_t version;
} Ticket;
ST_DECLARE(Ticket);

static st_err code_of(struct st_session *s, const void *row, arena *a, st_value *ret);
static st_err editor_of(struct st_session *s, const void *row, arena *a, st_value *ret);
static st_err one_more(struct st_session *s, const void *row, arena *a, st_value *ret);

#define T Ticket
ST_MODEL(Ticket, "tickets", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(title),
    COL(language, .client_value = CONSTANT(language, "en")),
    COL(open, .not_null = true, .client_value = CONSTANT(open, true, true)),
    COL(code, .max = 40, .client_default = code_of),
    COL(editor, .null = true, .client_default = editor_of, .client_update = editor_of),
    COL(urgency, .not_null = true, .enumeration = &urgency_enum, .client_value = CONSTANT(urgency, SOON, true)),
    COL(effort, .min_value = ST_NUMBER(1), .client_value = CONSTANT(effort, 3)),
    COL(tags, .client_value = CONSTANT(tags, (const char *const[]){"new"}, 1)),
    COL(edits, .client_update = one_more),
    COL(note, .null = true, .client_value = CONSTANT(note, "none")),
    COL(version, .version = true), UNIQUE("tickets_title_key", "title"));
#undef T
/* clang-format on */

static const char *editing = "Ann"; /* the program's notion of who is at work */

static st_err code_of(struct st_session *s, const void *row, arena *a, st_value *ret)
{
    const Ticket *t = row;
    *ret = st_v_text(arena_printf(a, "%s-%d", t->title, t->title[0]));
    ck_assert(uuid_eq(t->tenant_id, tenant_a) && !uuid_is_nil(t->id) && t->language && t->open.set);
    ck_assert_int_eq(st_flush(s), -EBUSY);
    if (strcmp(t->title, "broken") == 0) {
        return diag_set(-EIO, "the printer is out of codes");
    }
    if (strcmp(t->title, "number") == 0) {
        *ret = st_v_int32(1);
        return 0;
    }
    return ret->null ? -ENOMEM : 0;
}

static st_err editor_of(struct st_session *s, const void *row, arena *a, st_value *ret)
{
    (void)s;
    (void)row;
    (void)a;
    *ret = st_v_text(editing);
    return 0;
}

static st_err one_more(struct st_session *s, const void *row, arena *a, st_value *ret)
{
    (void)s;
    (void)a;
    *ret = st_v_int32(row ? ((const Ticket *)row)->edits + 1 : -1);
    return 0;
}

static void tickets_create(struct world *w)
{
    OK(st_create_all(w->e, (const st_model *const[]){&Ticket_model}, 1, FIBER_FOREVER));
}
#define TICKET_TEST(name)                                                                                 \
    static void name##_in(struct world *w);                                                               \
    START_TEST(name)                                                                                      \
    {                                                                                                     \
        in_worlds(WORLD_SQLITE, WORLD_ADMIN, tickets_create, name##_in); /* COPY runs in the last only */ \
    }                                                                                                     \
    END_TEST                                                                                              \
    static void name##_in(struct world *w)

/* Fails unless the ticket has what nobody gave. */
static void has_defaults(const Ticket *t, const char *code)
{
    ck_assert_str_eq(t->language, "en");
    ck_assert_str_eq(t->code, code);
    ck_assert(t->open.set && t->open.v && t->urgency.set && t->urgency.v == SOON && t->effort == 3);
    ck_assert_uint_eq(t->tags.n, 1);
    ck_assert_str_eq(t->tags.v[0], "new");
    ck_assert_str_eq(t->editor, "Ann");
    ck_assert_str_eq(t->note, "none");
}

static const Ticket *titled(st_session *s, const char *title)
{
    const Ticket *t = st_first(s, Ticket, ST_EQ(Ticket, title, title));
    ck_assert_msg(t != NULL, "no ticket %s: %s", title, st_session_error(s) ? test_diag() : "not found");
    return t;
}

TICKET_TEST(a_new_row_gets_what_was_not_given)
{
    st_uuid id;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Ticket *t = st_add(s, Ticket, .title = "a");
        has_defaults(t, "a-97"); /* at once, not at the flush */
        t->note = NULL;          /* null for good, as it was said behind */
        id = t->id;
        st_add(s, Ticket, .title = "given", .language = "de", .code = "c", .open = {false, true},
               .urgency = {WHENEVER, true}, .effort = 9, .tags = {(const char *const[]){"x", "y"}, 2}, .editor = "Bob");
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_null(st_get(s, Ticket, id)->note);
    const Ticket *given = titled(s, "given");
    ck_assert_str_eq(given->language, "de");
    ck_assert_str_eq(given->code, "c");
    ck_assert(given->open.set && !given->open.v && given->urgency.v == WHENEVER && given->effort == 9);
    ck_assert_uint_eq(given->tags.n, 2);
    ck_assert_str_eq(given->editor, "Bob");
    ck_assert_int_eq(given->edits, 0);
}

TICKET_TEST(an_update_makes_what_it_does_not_change)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Ticket *t = st_add(s, Ticket, .title = "a");
    OK(st_commit(s));
    editing = "Cleo";
    st_edit(s, t)->language = "fr";
    OK(st_commit(s));
    st_expunge_all(s);
    const Ticket *row = titled(s, "a");
    ck_assert_str_eq(row->editor, "Cleo");
    ck_assert(row->edits == 1 && row->version == 2);
    (void)st_edit(s, row); /* nothing changed: nothing is made, nothing written */
    OK(st_commit(s));
    ck_assert(row->edits == 1 && row->version == 2);
    Ticket *edit = st_edit(s, row);
    edit->editor = "Dora";
    edit->edits = 40;
    OK(st_commit(s));
    OK(st_refresh(s, row));
    ck_assert_str_eq(row->editor, "Dora");
    ck_assert_int_eq(row->edits, 40);
    editing = "Ann";
    st_edit(s, row)->language = "es";
    OK(st_flush(s));
    OK(st_rollback(s));
    ck_assert_str_eq(row->editor, "Dora"); /* what was made is undone, too */
}

TICKET_TEST(criteria_update_it_too)
{
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_add(s, Ticket, .title = "a");
    st_add(s, Ticket, .title = "b");
    OK(st_flush(s));
    editing = "Emil";
    OK(st_update_where(s, Ticket, ST_EQ(Ticket, title, "a"), &n, ST_SET(Ticket, language, "it")));
    OK(st_update_where(s, Ticket, ST_EQ(Ticket, title, "b"), &n, ST_SET(Ticket, editor, "Fay"),
                       ST_ADD(Ticket, edits, 5)));
    editing = "Ann";
    st_expunge_all(s);
    ck_assert_str_eq(titled(s, "a")->editor, "Emil");
    ck_assert_int_eq(titled(s, "a")->edits, -1);
    ck_assert_str_eq(titled(s, "b")->editor, "Fay");
    ck_assert_int_eq(titled(s, "b")->edits, 5);
}

TICKET_TEST(many_rows_get_them_and_an_upsert_makes_its_updates)
{
    enum { N = 12 };
    char titles[N][8];
    Ticket rows[N], *at[N];
    for (int i = 0; i < N; i++) {
        (void)snprintf(titles[i], sizeof titles[i], "t%d", i);
        rows[i] = (Ticket){.title = titles[i]};
        at[i] = &rows[i];
    }
    struct st_bulk_result r;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Ticket, at, 2, NULL));
    has_defaults(&rows[1], "t1-116"); /* in the caller's structs, too */
    has_defaults(titled(s, "t1"), "t1-116");
    ck_assert_int_eq(titled(s, "t1")->edits, 0);
    editing = "Gus";
    for (int i = 0; i < N; i++) {
        rows[i] = (Ticket){.title = titles[i], .language = "en", .open = {false, true}, .editor = "nobody"};
    }
    OK(st_insert_many(s, Ticket, at, N, &r, .conflict = ST_MEMBERS(Ticket, title), .update = ST_MEMBERS(Ticket, open)));
    editing = "Ann";
    ck_assert(r.inserted == N - 2 && r.updated == 2);
    OK(st_commit(s));
    st_expunge_all(s);
    const Ticket *old = titled(s, "t1"), *fresh = titled(s, "t11");
    ck_assert(!old->open.v && !fresh->open.v && old->effort == 3 && fresh->effort == 3);
    ck_assert_str_eq(old->editor, "Gus");
    ck_assert_str_eq(fresh->editor, "Gus"); /* nobody knows beforehand which of the two a row is */
    ck_assert(old->edits == 1 && fresh->edits == 1);
    rows[0] = (Ticket){.title = titles[0]}; /* what was made for it went with st_expunge_all */
    OK(st_insert_many(s, Ticket, at, 1, &r, .conflict = ST_MEMBERS(Ticket, title)));
    ck_assert_int_eq(r.kept, 1);
    rows[0].editor = "Hal";
    OK(st_insert_many(s, Ticket, at, 1, &r, .conflict = ST_MEMBERS(Ticket, title),
                      .update = ST_MEMBERS(Ticket, editor)));
    ck_assert_str_eq(titled(s, "t0")->editor, "Hal"); /* named: as given */
}

static int next_ticket(void *arg, void *row)
{
    static char title[16];
    unsigned *given = arg;
    (void)snprintf(title, sizeof title, "c%u", *given);
    ((Ticket *)row)->title = title;
    return (*given)++ < 2500;
}

TICKET_TEST(copied_rows_get_them)
{
    Ticket one = {.title = "one"}, two = {.title = "two", .open = {false, true}}, *at[2] = {&one, &two};
    unsigned given = 0;
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_many(s, Ticket, at, 2, &n));
    OK(st_copy_from(s, Ticket, next_ticket, &given, &n));
    ck_assert_int_eq(n, 2500);
    has_defaults(titled(s, "one"), "one-111");
    ck_assert(!titled(s, "two")->open.v);
    has_defaults(titled(s, "c0"), "c0-99");
    has_defaults(titled(s, "c2499"), "c2499-99");
    OK(st_count(s, Ticket, ST_EQ(Ticket, editor, "Ann"), &n));
    ck_assert_int_eq(n, 2502);
}

TICKET_TEST(json_need_not_say_them)
{
    const struct json_value *in;
    Ticket t = {.title = NULL}, shut = {.title = NULL};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(json_parse(w->a, STR("{\"title\": \"j\", \"edits\": 0}"), &in, NULL));
    OK(st_from_json(w->a, Ticket, in, ST_JSON_CREATE, NULL, &t, NULL));
    ck_assert(t.open.set && t.open.v && t.effort == 3); /* constants at once; what is made, by the session */
    ck_assert_ptr_null(t.code);
    OK(json_parse(w->a, STR("{\"title\": \"k\", \"open\": false, \"urgency\": \"whenever\", \"edits\": 0}"), &in,
                  NULL));
    OK(st_from_json(w->a, Ticket, in, ST_JSON_CREATE, NULL, &shut, NULL));
    st_add_(s, &Ticket_model, &t);
    st_add_(s, &Ticket_model, &shut);
    OK(st_commit(s));
    st_expunge_all(s);
    has_defaults(titled(s, "j"), "j-106");
    ck_assert(!titled(s, "k")->open.v && titled(s, "k")->urgency.v == WHENEVER);
    OK(json_parse(w->a, STR("{\"open\": null}"), &in, NULL));
    CODE(st_from_json(w->a, Ticket, in, ST_JSON_PATCH, NULL, &t, NULL), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->column, "open");
}

TICKET_TEST(a_member_that_is_not_null_stays_so)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Ticket *t = st_add(s, Ticket, .title = "a");
    t->open.set = false;
    CODE(st_flush(s), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->column, "open");
    OK(st_rollback(s));
    st_add(s, Ticket, .title = "a");
    CODE(st_update_where(s, Ticket, NULL, NULL, ST_SET_NULL(Ticket, open)), ST_E_INVALID);
}

TICKET_TEST(what_cannot_be_made_fails_the_session)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_null(st_add(s, Ticket, .title = "broken"));
    CODE(st_session_error(s), -EIO);
    ck_assert_msg(strstr(test_diag(), "Ticket.code") && strstr(test_diag(), "out of codes"), "%s", test_diag());
    OK(st_rollback(s));
    Ticket row = {.title = "number"}, *at = &row;
    CODE(st_insert_many(s, Ticket, &at, 1, NULL), ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), "Ticket.code") && strstr(test_diag(), "another type"), "%s", test_diag());
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Ticket, .title = "fine"));
    OK(st_commit(s));
}

RUN("strata session_defaults", 60, CASE(a_new_row_gets_what_was_not_given),
    CASE(an_update_makes_what_it_does_not_change), CASE(criteria_update_it_too),
    CASE(many_rows_get_them_and_an_upsert_makes_its_updates), CASE(copied_rows_get_them), CASE(json_need_not_say_them),
    CASE(a_member_that_is_not_null_stays_so), CASE(what_cannot_be_made_fails_the_session));
