/* Hooks hear of what a session writes, may change or refuse it, and are told what became of it. */
#include "session_support.h"

enum { LOG_MAX = 64 };
struct listener {
    struct world *w;
    char log[1024];
    const char *tag;
    st_err veto_flush, veto_commit; /* returned for "Veto", or from before_commit */
    bool say;                       /* with a diagnosis of its own */
    bool audits, tidies, asks, multiplies, queries, commits, counts, rolls_back;
    int64_t seen; /* what a session of its own sees in after_commit */
    st_err got;
};

static void note(struct listener *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct listener *l, const char *fmt, ...)
{
    va_list ap;
    size_t at = strlen(l->log);
    if (at && at < sizeof l->log - 1) {
        l->log[at++] = ' ';
    }
    va_start(ap, fmt);
    (void)vsnprintf(l->log + at, sizeof l->log - at, fmt, ap);
    va_end(ap);
}

static const char *took(struct listener *l, struct world *w)
{
    const char *log = arena_strdup(w->a, l->log);
    l->log[0] = '\0';
    return log;
}

static st_err before_flush(void *arg, struct st_session *s, enum st_change what, const st_model *m, const void *obj)
{
    struct listener *l = arg;
    const char *sign = what == ST_INSERT ? "+" : what == ST_UPDATE ? "~" : "-";
    const char *name = m == &Author_model ? ((const Author *)obj)->name
                       : m == &Book_model ? ((const Book *)obj)->title
                       : m == &Note_model ? ((const Note *)obj)->body
                                          : "?";
    note(l, "%s%s%s", l->tag ? l->tag : "", sign, name);
    if (l->veto_flush && strcmp(name, "Veto") == 0) {
        return l->say ? diag_set(l->veto_flush, "no Veto here") : l->veto_flush;
    }
    if (l->tidies && m == &Author_model && what != ST_DELETE) {
        Author *a = st_edit(s, (const Author *)obj);
        ck_assert_ptr_nonnull(a);
        a->email = "tidy@example.org";
    }
    if (l->audits && m == &Author_model) {
        ck_assert_ptr_nonnull(st_add(s, Note, .body = what == ST_INSERT ? "added" : "changed"));
    }
    if (l->multiplies) {
        ck_assert_ptr_nonnull(st_add(s, Note, .body = "more"));
    }
    if (l->asks) {
        int64_t n;
        l->got = st_count(s, Author, NULL, &n);
    }
    return 0;
}

static void after_flush(void *arg, struct st_session *s, size_t n)
{
    (void)s;
    note(arg, "flushed:%zu", n);
}

static st_err before_commit(void *arg, struct st_session *s)
{
    struct listener *l = arg;
    note(l, "committing");
    if (l->queries) {
        const Author *a = st_first(s, Author, ST_EQ(Author, name, "Anna"));
        ck_assert_ptr_nonnull(a);
        st_edit(s, a)->born = (st_opt_int32){1900, true};
    }
    if (l->commits) {
        l->got = st_commit(s);
    }
    if (l->rolls_back) {
        l->got = st_rollback(s);
    }
    return l->veto_commit;
}

static void after_commit(void *arg, struct st_session *s)
{
    struct listener *l = arg;
    note(l, "committed");
    if (l->counts) {
        l->seen = authors_in(l->w, tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Later")); /* the session is free, in a new transaction */
        OK(st_commit(s));
    }
}

static void after_rollback(void *arg, struct st_session *s)
{
    int64_t n;
    note(arg, "rolled back:%s", st_count(s, Author, NULL, &n) == 0 ? "free" : "closing");
}

static struct st_hooks hooks(struct listener *l)
{
    return (struct st_hooks){before_flush, after_flush, before_commit, after_commit, after_rollback, l};
}

SESSION_TEST(each_object_is_shown_once_before_it_is_written)
{
    (void)author_put(w, tenant_a, "Anna");
    (void)author_put(w, tenant_a, "Otto");
    struct listener l = {.w = w};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    const Author *anna = st_first(s, Author, ST_EQ(Author, name, "Anna"));
    const Author *otto = st_first(s, Author, ST_EQ(Author, name, "Otto"));
    ck_assert_str_eq(took(&l, w), "");
    ck_assert_ptr_nonnull(st_edit(s, anna)); /* nothing changed: nothing to be written */
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Zoe"));
    Author *gone = st_add(s, Author, .name = "Gone");
    OK(st_delete(s, gone));
    OK(st_delete(s, otto));
    OK(st_flush(s));
    ck_assert_str_eq(took(&l, w), "+Zoe -Otto flushed:2");
    st_edit(s, anna)->born = (st_opt_int32){1901, true};
    int64_t n;
    OK(st_count(s, Author, NULL, &n)); /* flushes */
    ck_assert_str_eq(took(&l, w), "~Anna flushed:1");
    OK(st_commit(s));
    ck_assert_str_eq(took(&l, w), "committing committed");
    OK(st_commit(s)); /* nothing to commit */
    ck_assert_str_eq(took(&l, w), "");
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Zita"));
    OK(st_commit(s));
    ck_assert_str_eq(took(&l, w), "committing +Zita flushed:1 committed");
}

SESSION_TEST(a_hook_may_change_what_is_written_and_add_to_it)
{
    struct listener l = {.w = w, .audits = true, .tidies = true};
    const struct st_hooks h = hooks(&l);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
        OK(st_commit(s));
        ck_assert_str_eq(took(&l, w), "committing +Anna +added flushed:2 committed");
        const Author *a = st_first(s, Author, NULL);
        st_edit(s, a)->name = "Zoe";
        OK(st_commit(s));
        ck_assert_str_eq(took(&l, w), "committing ~Zoe +changed flushed:2 committed");
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_first(s, Author, ST_EQ(Author, name, "Zoe"));
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->email, "tidy@example.org");
    int64_t n;
    OK(st_count(s, Note, NULL, &n));
    ck_assert_int_eq(n, 2);
}

SESSION_TEST(what_a_delete_takes_along_is_shown_too)
{
    struct listener l = {.w = w};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    Author *a = st_add(s, Author, .name = "Anna");
    ck_assert_ptr_nonnull(st_add(s, Book, .author_id = a->id, .title = "First"));
    OK(st_commit(s));
    (void)took(&l, w);
    const Author *anna = st_first(s, Author, NULL, .with = ST_SELECTIN(Author, books));
    OK(st_delete(s, anna));
    OK(st_commit(s));
    const char *log = took(&l, w);
    ck_assert_msg(strstr(log, "-Anna") && strstr(log, "flushed:"), "%s", log);
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
}

SESSION_TEST(a_refusal_fails_the_session_and_nothing_is_written)
{
    for (int say = 0; say < 2; say++) {
        struct listener l = {.w = w, .veto_flush = -EPERM, .say = say};
        const struct st_hooks h = hooks(&l);
        ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Fine"));
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Veto"));
        CODE(st_commit(s), -EPERM);
        ck_assert_msg(strstr(test_diag(), say ? "no Veto here" : "Author"), "%s", test_diag());
        CODE(st_session_error(s), -EPERM);
        ck_assert_str_eq(took(&l, w), "committing +Fine +Veto");
        OK(st_rollback(s));
        ck_assert_str_eq(took(&l, w), "rolled back:free");
        OK(st_commit(s));
        ck_assert_int_eq(authors_in(w, tenant_a), 0);
    }
    struct listener l = {.w = w, .veto_commit = -EPERM};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Fine"));
    OK(st_flush(s));
    CODE(st_commit(s), -EPERM);
    CODE(st_flush(s), -EPERM);
    OK(st_rollback(s));
    ck_assert_str_eq(took(&l, w), "+Fine flushed:1 committing rolled back:free");
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
}

SESSION_TEST(a_hook_before_a_flush_does_not_ask_the_database)
{
    struct listener l = {.w = w, .asks = true};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    CODE(st_commit(s), ST_E_INVALID);
    CODE(l.got, ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(test_diag(), "before_flush"));
    OK(st_rollback(s));
    l.asks = false;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    OK(st_commit(s));
    l.multiplies = true;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Otto"));
    CODE(st_commit(s), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(test_diag(), "without end"));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

SESSION_TEST(a_hook_before_the_commit_may_do_anything_but_end_the_transaction)
{
    (void)author_put(w, tenant_a, "Anna");
    struct listener l = {.w = w, .queries = true};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Otto"));
    OK(st_commit(s));
    ck_assert_str_eq(took(&l, w), "committing +Otto flushed:1 ~Anna flushed:1 committed");
    const Author *a = st_first(s, Author, ST_EQ(Author, name, "Anna"));
    ck_assert_int_eq(a->born.v, 1900);
    l.queries = false;
    for (int way = 0; way < 2; way++) {
        l.commits = way == 0;
        l.rolls_back = way == 1;
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Zoe"));
        st_err rc = st_commit(s);
        CODE(l.got, ST_E_INVALID);
        CODE(rc, way ? 0 : ST_E_INVALID);
        OK(st_rollback(s));
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 3);
}

SESSION_TEST(a_commit_is_told_when_others_see_it)
{
    struct listener l = {.w = w, .counts = true};
    const struct st_hooks h = hooks(&l);
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    OK(st_commit(s));
    ck_assert_int_eq(l.seen, 1);
    ck_assert_str_eq(took(&l, w), "committing +Anna flushed:1 committed committing +Later"); /* not told of its own */
    ck_assert_int_eq(authors_in(w, tenant_a), 2);
    l.counts = false;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    CODE(st_commit(s), ST_E_UNIQUE);
    ck_assert_str_eq(took(&l, w), "committing +Anna");
}

SESSION_TEST(a_session_closed_with_work_not_committed_tells_of_the_rollback)
{
    (void)author_put(w, tenant_a, "Anna");
    struct listener l = {.w = w};
    const struct st_hooks h = hooks(&l);
    for (int way = 0; way < 3; way++) {
        {
            ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
            const Author *a = st_first(s, Author, NULL);
            if (way) {
                st_edit(s, a)->born = (st_opt_int32){1900, true};
            }
            if (way == 2) {
                OK(st_flush(s));
            }
        }
        static const char *const logs[] = {"", "rolled back:closing", "~Anna flushed:1 rolled back:closing"};
        ck_assert_str_eq(took(&l, w), logs[way]);
    }
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
}

SESSION_TEST(the_engines_hooks_come_before_the_sessions)
{
    struct listener first = {.w = w, .tag = "1"}, own = {.w = w, .tag = "2"};
    const struct st_hooks all = {.before_flush = before_flush, .arg = &first};
    world_reopen(w, w->url, &(const struct st_engine_options){.hooks = &all});
    const struct st_hooks h = {.before_flush = before_flush, .after_flush = after_flush, .arg = &own};
    {
        ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
        OK(st_commit(s));
    }
    ck_assert_str_eq(took(&first, w), "1+Anna");
    ck_assert_str_eq(took(&own, w), "2+Anna flushed:1");
    (void)author_put(w, tenant_a, "Otto");
    ck_assert_str_eq(took(&first, w), "1+Otto");
    ck_assert_str_eq(took(&own, w), "");
    first.veto_flush = -EPERM;
    ST_SESSION(s, w->e, .tenant = tenant_a, .hooks = &h);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Veto"));
    CODE(st_commit(s), -EPERM);
    ck_assert_str_eq(took(&own, w), "");
}

RUN("session_hooks", 60, CASE(each_object_is_shown_once_before_it_is_written),
    CASE(a_hook_may_change_what_is_written_and_add_to_it), CASE(what_a_delete_takes_along_is_shown_too),
    CASE(a_refusal_fails_the_session_and_nothing_is_written), CASE(a_hook_before_a_flush_does_not_ask_the_database),
    CASE(a_hook_before_the_commit_may_do_anything_but_end_the_transaction), CASE(a_commit_is_told_when_others_see_it),
    CASE(a_session_closed_with_work_not_committed_tells_of_the_rollback),
    CASE(the_engines_hooks_come_before_the_sessions));
