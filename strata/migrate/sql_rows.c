/* Statements on rows: which tables they write, how much of them, and what they call. */
#include "strata/migrate/sql_words.h"

/* Whether the condition compares with a value, "id = 1", "kind IN ('a')", so that it is not simply most rows. */
static bool bounded(const struct sql_words *w, size_t where, size_t to)
{
    for (size_t i = where + 1; i + 1 < to; i++) {
        bool after = w->v[i + 1].kind == SQL_STRING || w->v[i + 1].kind == SQL_NUMBER;
        bool before = w->v[i - 1].kind == SQL_STRING || w->v[i - 1].kind == SQL_NUMBER;
        bool names = w->v[i + 1].kind == SQL_WORD || w->v[i + 1].kind == SQL_NAME || w->v[i - 1].kind == SQL_WORD ||
                     w->v[i - 1].kind == SQL_NAME;
        if (words_is(w, i, "not") && !words_is(w, i - 1, "is")) {
            return false;
        }
        bool list = words_is(w, i, "in") && words_is(w, i + 1, "(") && i + 2 < to &&
                    (w->v[i + 2].kind == SQL_STRING || w->v[i + 2].kind == SQL_NUMBER);
        if (list || (words_is(w, i, "=") && (after || before) && names)) {
            return !words_have(w, where + 1, to, "or", NULL);
        }
    }
    return false;
}

/* INSERT, UPDATE, DELETE and MERGE from their table to the end of the statement, or the bracket of a WITH. */
static void write_rows(struct sql_words *w, size_t to, bool all)
{
    (void)words_take(w, "only", NULL);
    const char *table = words_name(w);
    if (w->look->table) {
        words_other(w, MIGRATE_LOCK_ROW_EXCLUSIVE, table);
    } else {
        w->look->table = table;
        words_lock(w, MIGRATE_LOCK_ROW_EXCLUSIVE);
    }
    size_t from = w->at < to ? w->at : to, where = words_find(w, from, to, "where", NULL);
    bool every = all && (where == to || !bounded(w, where, to));
    w->look->scans = w->look->scans || every;
    words_found(w, every ? SQL_ALL_ROWS : SQL_SAFE);
    w->at = to;
}

bool words_write(struct sql_words *w, size_t to)
{
    if (words_take(w, "insert", "into")) {
        write_rows(w, to, false);
    } else if (words_take(w, "update", NULL) || words_take(w, "delete", "from") || words_take(w, "merge", "into")) {
        write_rows(w, to, true);
    } else {
        return false;
    }
    return true;
}

/* Words before a bracket that call nothing, and functions that change nothing others would notice; those of
 * words_constant beside them. */
static const char harmless[] =
    "all any as by conflict distinct except exists filter from having intersect lateral materialized on "
    "over returning select set some union using values where with is like between age array_agg "
    "array_length avg bool_and bool_or btrim char_length clock_timestamp count currval dense_rank "
    "first_value format gen_random_uuid generate_series initcap json_agg jsonb_agg jsonb_array_elements "
    "jsonb_each jsonb_object_agg jsonb_set lag lead left lpad ltrim max min mod nextval "
    "pg_get_serial_sequence pg_notify position power quote_ident quote_literal random rank regexp_match "
    "regexp_replace repeat replace reverse right row_number row_to_json rpad rtrim set_config setval "
    "sign split_part sqrt string_agg strpos substr substring sum to_json to_regclass trim trunc unnest "
    "uuid_generate_v4";

static bool calls_unknown(const struct sql_words *w, size_t i)
{
    static const char *const before[] = {"as", "into", "with", "recursive", NULL}; /* a name, then its columns */
    bool name = w->v[i].kind == SQL_WORD || w->v[i].kind == SQL_NAME;
    return name && words_is(w, i + 1, "(") && !words_listed(w, i, harmless) && !words_constant(w, i, i + 1) &&
           !(i && words_among(w, i - 1, before));
}

void words_read(struct sql_words *w)
{
    for (size_t i = 0; i < w->n; i++) {
        words_found(w, calls_unknown(w, i) ? SQL_UNKNOWN : SQL_SAFE);
        bool setting = words_is(w, i, "set_config") && i + 2 < w->n && w->v[i + 2].kind == SQL_STRING;
        if (setting && str_find_nocase(w->v[i + 2].text, STR("timeout")) >= 0) {
            words_found(w, SQL_TIMEOUT);
        }
    }
}

/* WITH: every part that writes, then what they are for. */
void words_with(struct sql_words *w)
{
    for (size_t i = w->at; i < w->n;) {
        if (words_is(w, i, "(")) {
            size_t close = words_close(w, i, w->n);
            w->at = i + 1;
            (void)words_write(w, close > i + 1 ? close - 1 : close);
            i = close;
            continue;
        }
        w->at = i;
        if (words_is(w, i - 1, ")") && words_write(w, w->n)) {
            break;
        }
        i++;
    }
    words_read(w);
}
