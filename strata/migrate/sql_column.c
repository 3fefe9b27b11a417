/* Columns in SQL: their types and what their constraints do to a table that has rows. */
#include "strata/migrate/sql_words.h"

static const char *const ends[] = {"not",     "null",       "default",   "check",      "unique",
                                   "primary", "references", "collate",   "constraint", "deferrable",
                                   "storage", "initially",  "generated", NULL};

static bool with_time_zone(const struct sql_words *w, size_t at, size_t to)
{
    at += 1;
    if (words_is(w, at, "(")) {
        at = words_close(w, at, to);
    }
    return at + 1 < to && words_is(w, at, "with") && words_is(w, at + 1, "time");
}

void words_type(struct sql_words *w, size_t from, size_t to)
{
    static const struct {
        const char *word;
        enum sql_hazard first, second;
    } types[] = {{"json", SQL_JSON, SQL_SAFE},           {"int", SQL_SMALL_INT, SQL_SAFE},
                 {"int2", SQL_SMALL_INT, SQL_SAFE},      {"int4", SQL_SMALL_INT, SQL_SAFE},
                 {"integer", SQL_SMALL_INT, SQL_SAFE},   {"smallint", SQL_SMALL_INT, SQL_SAFE},
                 {"serial", SQL_SERIAL, SQL_SMALL_INT},  {"serial2", SQL_SERIAL, SQL_SMALL_INT},
                 {"serial4", SQL_SERIAL, SQL_SMALL_INT}, {"smallserial", SQL_SERIAL, SQL_SMALL_INT},
                 {"serial8", SQL_SERIAL, SQL_SAFE},      {"bigserial", SQL_SERIAL, SQL_SAFE},
                 {"bpchar", SQL_CHAR, SQL_SAFE},         {"nchar", SQL_CHAR, SQL_SAFE}};
    static const char *const chars[] = {"char", "character", NULL};
    from += words_is(w, from, "pg_catalog") && words_is(w, from + 1, ".") ? 2 : 0;
    for (size_t i = 0; from < to && i < sizeof types / sizeof *types; i++) {
        if (words_is(w, from, types[i].word)) {
            words_found(w, types[i].first);
            words_found(w, types[i].second);
            return;
        }
    }
    if (from < to && words_is(w, from, "timestamp") && !with_time_zone(w, from, to)) {
        words_found(w, SQL_TIMESTAMP);
    } else if (from < to && words_is(w, from, "national")) {
        words_type(w, from + 1, to);
    } else if (from < to && words_among(w, from, chars) && !words_is(w, from + 1, "varying")) {
        words_found(w, SQL_CHAR);
    } else if (from < to && (words_is(w, from, "varchar") || words_is(w, from + 1, "varying")) &&
               words_have(w, from, to, "(", NULL)) {
        words_found(w, SQL_VARCHAR);
    }
}

/* What PostgreSQL computes once for all rows, because it is not volatile; of any other name nothing is known. */
bool words_constant(const struct sql_words *w, size_t from, size_t to)
{
    static const char once[] =
        "now transaction_timestamp statement_timestamp coalesce nullif greatest least lower upper concat "
        "concat_ws md5 length octet_length abs round floor ceil date_trunc date_part extract make_date "
        "make_interval make_timestamptz to_date to_timestamp to_char jsonb_build_object jsonb_build_array "
        "json_build_object json_build_array to_jsonb array_fill encode decode convert_to current_setting "
        "timezone cast row int4range int8range tstzrange daterange numrange current_timestamp localtimestamp "
        "current_time localtime in and or then when else array not numeric decimal varchar char character "
        "bit varying time timestamp timestamptz interval float";
    for (size_t i = from; i < to; i++) {
        bool name = w->v[i].kind == SQL_WORD || w->v[i].kind == SQL_NAME;
        if (words_is(w, i, "select") || (name && words_is(w, i + 1, "(") && !words_listed(w, i, once))) {
            return false;
        }
    }
    return true;
}

static size_t next_of(const struct sql_words *w, size_t from, size_t to, const char *const *list)
{
    int64_t depth = 0;
    for (size_t i = from; i < to; i++) {
        if (depth <= 0 && words_among(w, i, list)) {
            return i;
        }
        depth += words_is(w, i, "(") || words_is(w, i, "[");
        depth -= words_is(w, i, ")") || words_is(w, i, "]");
    }
    return to;
}

static void references(struct sql_words *w, size_t at, size_t to)
{
    if (at + 1 < to) {
        size_t kept = w->at;
        w->at = at + 1;
        (void)words_take(w, "only", NULL);
        words_other(w, SRX, words_name(w));
        w->at = kept;
    }
}

void words_column(struct sql_words *w, size_t from, size_t to, bool added)
{
    size_t type = from + 1 < to ? from + 1 : to, behind = next_of(w, type, to, ends);
    size_t value = words_find(w, behind, to, "default", NULL), refers = words_find(w, behind, to, "references", NULL);
    uint64_t before = w->look->hazards;
    w->look->hazards = 0;
    words_type(w, type, behind);
    bool serial = sql_look_has(w->look, SQL_SERIAL);
    w->look->hazards |= before;
    references(w, refers, to);
    if (!added) {
        return;
    }
    static const char *const last[] = {"not",        "check",      "unique",    "primary",   "references",
                                       "constraint", "deferrable", "initially", "generated", NULL};
    size_t value_end = value < to ? next_of(w, value + 1, to, last) : to;
    bool varies = value < to && !words_constant(w, value + 1, value_end);
    bool computed = serial || words_have(w, behind, to, "generated", NULL);
    bool key = words_have(w, behind, to, "primary", "key"), unique = words_have(w, behind, to, "unique", NULL);
    bool must = (key || words_have(w, behind, to, "not", "null")) && value == to && !computed;
    bool check = words_have(w, behind, to, "check", NULL);
    words_lock(w, AX);
    w->look->rewrites = w->look->rewrites || computed || varies;
    w->look->scans = w->look->scans || check || key || unique || refers < to;
    words_found(w, computed ? SQL_COMPUTED : varies ? SQL_VOLATILE_DEFAULT : SQL_SAFE);
    words_found(w, must ? SQL_ADD_NOT_NULL : SQL_SAFE);
    words_found(w, check ? SQL_CHECK : SQL_SAFE);
    words_found(w, refers < to ? SQL_FOREIGN_KEY : SQL_SAFE);
    words_found(w, key || unique ? SQL_UNIQUE : SQL_SAFE);
}
