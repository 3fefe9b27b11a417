/* Types of PostgreSQL whose values are in the same bytes: a change from one to the other leaves the rows alone. */
#include <stdlib.h>

#include "strata/migrate/plan_safe.h"
#include "strata/migrate/sql_text.h"

enum { NAME = 64, NO_ARGUMENT = -1 };

struct type {
    char name[NAME]; /* in lower case, "timestamp with time zone" */
    int64_t args[2];
};

static void add_word(struct type *t, str word)
{
    size_t n = strlen(t->name);
    if (n + 1 + word.len >= NAME) {
        return;
    }
    if (n) {
        t->name[n++] = ' ';
    }
    for (size_t i = 0; i < word.len; i++) {
        t->name[n++] = ascii_lower(word.p[i]);
    }
    t->name[n] = '\0';
}

static struct type type_of(const char *text)
{
    static const char *const same[][2] = {{"character varying", "varchar"},
                                          {"decimal", "numeric"},
                                          {"bit varying", "varbit"},
                                          {"timestamp without time zone", "timestamp"},
                                          {"timestamp with time zone", "timestamptz"},
                                          {"time without time zone", "time"},
                                          {"time with time zone", "timetz"},
                                          {"text", "varchar"}};
    struct type t = {.args = {NO_ARGUMENT, NO_ARGUMENT}};
    struct sql_reader r = {.rest = str_of(text), .postgresql = true};
    size_t n = 0;
    bool inside = false;
    for (struct sql_token w = sql_next(&r); w.kind != SQL_END && !sql_is(w, "collate"); w = sql_next(&r)) {
        uint64_t value;
        if (sql_is(w, "(") || sql_is(w, ")")) {
            inside = sql_is(w, "(");
        } else if (!inside) {
            add_word(&t, w.text);
        } else if (w.kind == SQL_NUMBER && n < 2 && str_to_u64(w.text, INT32_MAX, &value)) {
            t.args[n++] = (int64_t)value;
        }
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (strcmp(t.name, same[i][0]) == 0) {
            (void)snprintf(t.name, sizeof t.name, "%s", same[i][1]);
        }
    }
    return t;
}

/* A limit that goes or grows. */
static bool wider(int64_t old, int64_t new)
{
    return new == NO_ARGUMENT || (old != NO_ARGUMENT && new >= old);
}

static bool is_among(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

bool migrate_same_bytes(const char *old_type, const char *type)
{
    static const char *const limited[] = {"varchar", "varbit", NULL};
    static const char *const clocks[] = {"timestamp", "timestamptz", "time", "timetz", "interval", NULL};
    struct type old = type_of(old_type), new = type_of(type);
    if (strcmp(old.name, "cidr") == 0 && strcmp(new.name, "inet") == 0) {
        return true;
    }
    if (strcmp(old.name, new.name) != 0) {
        return false;
    }
    if (is_among(new.name, limited) || is_among(new.name, clocks)) {
        return wider(old.args[0], new.args[0]) || (new.args[0] >= 6 && is_among(new.name, clocks));
    }
    if (strcmp(new.name, "numeric") == 0) {
        int64_t was = old.args[1] == NO_ARGUMENT ? 0 : old.args[1], is = new.args[1] == NO_ARGUMENT ? 0 : new.args[1];
        return new.args[0] == NO_ARGUMENT || (wider(old.args[0], new.args[0]) && was == is);
    }
    return false;
}
