/* Copies of policies, triggers and enums. */
#include "strata/migrate/private.h"

st_err migrate_copy_policy(arena *a, const char *table, const st_table_policy *p, st_table_policy *ret)
{
    static const char *const commands[] = {"ALL", "SELECT", "INSERT", "UPDATE", "DELETE"};
    bool known = !p->command;
    for (size_t i = 0; !known && i < sizeof commands / sizeof *commands; i++) {
        known = str_eq_nocase(str_of(p->command), str_of(commands[i]));
    }
    if (!migrate_name_ok(p->name) || !known || (!p->using_sql && !p->check_sql)) {
        return diag_set(
            ST_E_INVALID,
            "table %s: the policy \"%.80s\" needs a name of 1 to %d bytes, a command that is SELECT, INSERT, "
            "UPDATE, DELETE or none, and .using_sql or .check_sql",
            table, p->name ? p->name : "", ST_NAME_MAX);
    }
    bool ok = true;
    *ret = *p;
    ret->name = migrate_copy_text(a, p->name, &ok);
    ret->command = migrate_copy_text(a, p->command, &ok);
    ret->roles = migrate_copy_text(a, p->roles, &ok);
    ret->using_sql = migrate_copy_text(a, p->using_sql, &ok);
    ret->check_sql = migrate_copy_text(a, p->check_sql, &ok);
    return ok ? 0 : diag_nomem();
}

/* The next word of *s, or the empty slice. */
static str word(str *s)
{
    *s = str_trim(*s);
    size_t n = 0;
    while (n < s->len && !ascii_is_space(s->p[n]) && s->p[n] != ',') {
        n++;
    }
    str w = str_n(s->p, n);
    *s = str_from(*s, n);
    return w;
}

/* What stands in front of the word OR, or everything; quoted names may hold it. */
static str until_or(str *s)
{
    char quote = 0;
    for (size_t i = 0; i < s->len; i++) {
        char c = s->p[i];
        quote = quote ? (c == quote ? 0 : quote) : c == '"' ? c : 0;
        str rest = str_from(*s, i + 1);
        if (!quote && ascii_is_space(c) && str_starts_nocase(rest, STR("or")) && rest.len > 2 &&
            ascii_is_space(rest.p[2])) {
            str before = str_n(s->p, i);
            *s = str_from(rest, 2);
            return str_trim(before);
        }
    }
    str all = str_trim(*s);
    *s = (str){NULL, 0};
    return all;
}

static bool event_of(str part, struct migrate_event *ret)
{
    static const char *const words[] = {"INSERT", "UPDATE", "DELETE"};
    str first = word(&part), of = str_trim(part);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq_nocase(first, str_of(words[i]))) {
            *ret = (struct migrate_event){words[i], {NULL, 0}};
            if (of.len == 0) {
                return true;
            }
            bool columns = i == 1 && str_eq_nocase(word(&of), STR("of"));
            ret->of = str_trim(of);
            return columns && ret->of.len > 0;
        }
    }
    return false;
}

bool migrate_trigger_events(const char *when, bool *ret_before, struct migrate_event ret[static ST_EVENTS_MAX],
                            size_t *ret_n)
{
    str s = str_of(when), time = word(&s);
    *ret_before = str_eq_nocase(time, STR("before"));
    *ret_n = 0;
    if (!*ret_before && !str_eq_nocase(time, STR("after"))) {
        return false;
    }
    for (size_t n = 0; n < ST_EVENTS_MAX; n++) {
        if (!event_of(until_or(&s), &ret[n])) {
            return false;
        }
        for (size_t k = 0; k < n; k++) {
            if (ret[k].word == ret[n].word) {
                return false;
            }
        }
        *ret_n = n + 1;
        if (!s.p) {
            return true;
        }
    }
    return false;
}

st_err migrate_copy_trigger(arena *a, const char *table, const st_table_trigger *t, st_table_trigger *ret)
{
    struct migrate_event events[ST_EVENTS_MAX];
    size_t n;
    bool before;
    if (!migrate_name_ok(t->name) || strlen(t->name) + sizeof "_insert" - 1 > ST_NAME_MAX) {
        return diag_set(ST_E_INVALID, "table %s: the name of the trigger \"%.80s\" must have 1 to %d bytes", table,
                        t->name ? t->name : "", ST_NAME_MAX - (int)sizeof "_insert" + 1);
    }
    if (!migrate_trigger_events(t->when, &before, events, &n)) {
        diag_set(ST_E_INVALID, "table %s: the trigger %s does not say when: \"%.100s\"", table, t->name,
                 t->when ? t->when : "");
        diag_hint("such as \"BEFORE INSERT OR UPDATE OF a, b\" or \"AFTER DELETE\"");
        return ST_E_INVALID;
    }
    if (t->postgresql && strstr(t->postgresql, "$strata$")) {
        return diag_set(ST_E_INVALID, "table %s: the body of the trigger %s holds $strata$, which quotes it", table,
                        t->name);
    }
    bool ok = true;
    *ret = *t;
    ret->name = migrate_copy_text(a, t->name, &ok);
    ret->when = migrate_copy_text(a, t->when, &ok);
    ret->condition = migrate_copy_text(a, t->condition, &ok);
    ret->postgresql = migrate_copy_text(a, t->postgresql, &ok);
    ret->sqlite = migrate_copy_text(a, t->sqlite, &ok);
    return ok ? 0 : diag_nomem();
}

st_err migrate_copy_enum(arena *a, const st_enum_type *t, st_enum_type *ret)
{
    if (!migrate_name_ok(t->name) || !t->values || !t->values[0]) {
        return diag_set(ST_E_INVALID, "the enum \"%.80s\" needs a name of 1 to %d bytes and values",
                        t->name ? t->name : "", ST_NAME_MAX);
    }
    for (size_t i = 0; t->values[i]; i++) {
        if (strlen(t->values[i]) > ST_NAME_MAX) {
            return diag_set(ST_E_INVALID, "the enum %s: value %zu must have at most %d bytes", t->name, i + 1,
                            ST_NAME_MAX);
        }
    }
    bool ok = true;
    *ret = *t;
    ret->name = migrate_copy_text(a, t->name, &ok);
    ret->values = migrate_copy_texts(a, t->values, &ok);
    return ok ? 0 : diag_nomem();
}
