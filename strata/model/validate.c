#include "strata/model/validate.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/json.h"
#include "base/mem.h"
#include "strata/model/value.h"

/* A pattern may not take longer than this many steps on one text, nor more memory than the heap limit. */
enum { MATCH_STEPS = 100000, MATCH_HEAP_KIB = 1024 };

static void *pcre_alloc(size_t size, void *arg)
{
    (void)arg;
    return mem_alloc(size);
}

static void pcre_release(void *p, void *arg)
{
    (void)arg;
    mem_free(p);
}

st_err st_pattern_compile(const char *pattern, pcre2_code **ret)
{
    pcre2_general_context *general = pcre2_general_context_create(pcre_alloc, pcre_release, NULL);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    int error = 0;
    size_t where = 0;
    pcre2_code *code = context ? pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                               PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C,
                                               &error, &where, context)
                               : NULL;
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    if (code) {
        *ret = code;
        return 0;
    }
    if (!context || error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED) {
        return diag_nomem();
    }
    char text[160] = "";
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
    return diag_set(ST_E_INVALID, "the pattern \"%s\" is wrong at offset %zu: %s", pattern, where, text);
}

void st_pattern_free(pcre2_code *code)
{
    pcre2_code_free(code);
}

/* 1: matches, 0: does not, negative: a code. */
static int pattern_matches(const pcre2_code *code, str s)
{
    pcre2_general_context *general = pcre2_general_context_create(pcre_alloc, pcre_release, NULL);
    pcre2_match_context *context = general ? pcre2_match_context_create(general) : NULL;
    pcre2_match_data *data = context ? pcre2_match_data_create(1, general) : NULL;
    int n = PCRE2_ERROR_NOMEMORY;
    if (data) {
        (void)pcre2_set_match_limit(context, MATCH_STEPS);
        (void)pcre2_set_heap_limit(context, MATCH_HEAP_KIB);
        n = pcre2_match(code, (PCRE2_SPTR)s.p, s.len, 0, PCRE2_NO_UTF_CHECK, data, context);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_general_context_free(general);
    return n >= 0 ? 1 : n == PCRE2_ERROR_NOMEMORY ? -ENOMEM : 0; /* over the limits counts as no match */
}

/* rule: the code in which field errors name what was broken. */
static st_err bad(const st_model *m, const st_attr *a, const char *rule, const char *problem)
{
    st_err rc = diag_set(ST_E_INVALID, "%s.%s %s", m->name, a->name, problem);
    struct diag *d = diag_last();
    (void)snprintf(d->table, sizeof d->table, "%s", m->table);
    (void)snprintf(d->column, sizeof d->column, "%s", a->name);
    (void)snprintf(d->constraint, sizeof d->constraint, "%s", rule);
    return rc;
}

/* As most texts are. Eight bytes at a time, the last of them twice. */
static bool is_ascii(str s)
{
    uint64_t bits = 0, word;
    if (s.len < sizeof word) {
        for (size_t i = 0; i < s.len; i++) {
            bits |= (unsigned char)s.p[i];
        }
        return !(bits & 0x80);
    }
    for (size_t i = 0; i + sizeof word <= s.len; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        bits |= word;
    }
    memcpy(&word, s.p + s.len - sizeof word, sizeof word);
    return !((bits | word) & 0x8080808080808080ull);
}

/* Characters of s, or SIZE_MAX when it is not UTF-8. */
static size_t count_characters(str s)
{
    if (is_ascii(s)) {
        return s.len;
    }
    if (!str_is_utf8(s)) {
        return SIZE_MAX;
    }
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return n;
}

st_err st_validate_text(const st_model *m, const st_attr *a, str s, const pcre2_code *code)
{
    size_t n = count_characters(s);
    if (n == SIZE_MAX) {
        return bad(m, a, "encoding", "is not valid UTF-8");
    }
    char problem[96];
    if (a->max && n > a->max) {
        (void)snprintf(problem, sizeof problem, "has %zu characters; at most %u are allowed", n, a->max);
        return bad(m, a, "too_long", problem);
    }
    if (!code) {
        return 0;
    }
    int match = pattern_matches(code, s);
    if (match == 0) {
        return bad(m, a, "pattern", "does not have the form that its pattern asks for");
    }
    return match < 0 ? diag_nomem() : 0;
}

static st_err check_texts(const st_model *m, const st_attr *a, st_texts t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (!t.v[i]) {
            return bad(m, a, "null", "holds a null; array items may not be null");
        }
        if (count_characters(str_of(t.v[i])) == SIZE_MAX) {
            return bad(m, a, "encoding", "holds text that is not valid UTF-8");
        }
    }
    return 0;
}

static st_err check_length(const st_model *m, const st_attr *a, size_t n, const char *unit)
{
    if (!a->max || n <= a->max) {
        return 0;
    }
    char problem[96];
    (void)snprintf(problem, sizeof problem, "has %zu %s; at most %u are allowed", n, unit, a->max);
    return bad(m, a, "too_long", problem);
}

static st_err check_number(const st_model *m, const st_attr *a, double x)
{
    if (isnan(x)) {
        return bad(m, a, "type", "is not a number");
    }
    char problem[96];
    if (a->min_value && x < *a->min_value) {
        (void)snprintf(problem, sizeof problem, "is %.15g; the least is %.15g", x, *a->min_value);
        return bad(m, a, "range", problem);
    }
    if (a->max_value && x > *a->max_value) {
        (void)snprintf(problem, sizeof problem, "is %.15g; the most is %.15g", x, *a->max_value);
        return bad(m, a, "range", problem);
    }
    return 0;
}

st_err st_validate_attr(const st_model *m, const st_attr *a, const void *obj, const pcre2_code *code)
{
    st_value v = st_value_get(a, obj);
    if (v.null) {
        return st_attr_nullable(a) ? 0 : bad(m, a, "required", "is missing");
    }
    switch (v.type) {
    case ST_TEXT:
        return st_validate_text(m, a, str_n(v.text.p, v.text.len), code);
    case ST_JSON:
        return json_is_valid(str_n(v.text.p, v.text.len)) ? 0 : bad(m, a, "json", "is not valid JSON");
    case ST_BYTES:
        return check_length(m, a, v.bytes.len, "bytes");
    case ST_TEXTS: {
        st_err rc = check_length(m, a, v.texts.n, "items");
        return rc ? rc : check_texts(m, a, v.texts);
    }
    case ST_UUIDS:
        return check_length(m, a, v.uuids.n, "items");
    case ST_INT16:
        return check_number(m, a, v.i16);
    case ST_INT32:
        return check_number(m, a, v.i32);
    case ST_INT64:
        return check_number(m, a, (double)v.i64);
    case ST_DOUBLE:
        return check_number(m, a, v.d);
    case ST_ENUM:
        return v.e.v < a->enumeration->n ? 0 : bad(m, a, "enum", "is not a value of its enumeration");
    case ST_BOOL:
    case ST_UUID:
    case ST_TIME:
        return 0;
    case ST_TYPE_MAX:
        break;
    }
    assert(0);
    return ST_E_INVALID;
}

st_err st_validate(const st_model *m, const void *obj)
{
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        if (a->kind != ST_A_COLUMN) {
            continue;
        }
        pcre2_code *code = NULL;
        st_err rc = a->pattern ? st_pattern_compile(a->pattern, &code) : 0;
        if (!rc) {
            rc = st_validate_attr(m, a, obj, code);
        }
        st_pattern_free(code);
        if (rc) {
            return rc;
        }
    }
    return 0;
}
