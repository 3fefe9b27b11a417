#include <assert.h>
#include <errno.h>
#include <stdio.h>

/* jansson and base/json.h share these names; here only its reader is used, and its types under other names. */
#define json_object jansson_object
#define json_array jansson_array
#define json_string jansson_string
#define json_null jansson_null
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef json_object
#undef json_array
#undef json_string
#undef json_null
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_NULL

#include "base/diag.h"
#include "base/json.h"

static int fail(struct json_error *err, int code, int line, int column, const char *why)
{
    if (err) {
        err->line = line;
        err->column = column;
        (void)snprintf(err->message, sizeof err->message, "%s", why);
    }
    return diag_set(code, "JSON line %d, column %d: %s", line, column, why);
}

/* The library recurses as deep as the text nests and makes a heap block for each value, so both are bounded before it
 * sees the text. Counting is exact for valid JSON; for the rest it need only not be fooled into letting too much by:
 * a text that is broken inside a string ends the library's parse at the same place. */
static int check_bounds(str text, struct json_error *err)
{
    int depth = 0, line = 1;
    size_t values = 1, line_start = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *why = NULL;
        int code = -EINVAL;
        switch (text.p[i]) {
        case '"':
            for (i++; i < text.len && text.p[i] != '"' && text.p[i] != '\n'; i++) {
                i += text.p[i] == '\\';
            }
            break;
        case '[':
        case '{':
            values++;
            if (++depth > JSON_DEPTH_MAX) {
                why = "nested deeper than 32 levels";
            }
            break;
        case ']':
        case '}':
            depth -= depth > 0;
            break;
        case ',':
        case ':':
            if (++values > JSON_VALUES_MAX) {
                why = "more than 1,048,576 values";
                code = -E2BIG;
            }
            break;
        case '\0': /* the library loses one that stands behind a number */
            why = "a NUL byte";
            break;
        default:
            break;
        }
        if (why) {
            return fail(err, code, line, (int)(i - line_start) + 1, why);
        }
        if (i < text.len && text.p[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return 0;
}

static int convert(arena *a, json_t *from, struct json_value *to);

static bool copy_string(arena *a, const char *p, size_t len, str *ret)
{
    char *copy = arena_memdup0(a, p, len);
    *ret = str_n(copy, len);
    return copy != NULL;
}

static int convert_array(arena *a, json_t *from, struct json_value *to)
{
    size_t n = json_array_size(from);
    struct json_value *items = ARENA_ARRAY(a, struct json_value, n);
    if (!items) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        int r = convert(a, json_array_get(from, i), &items[i]);
        if (r < 0) {
            return r;
        }
    }
    to->array.items = items;
    to->array.n = n;
    return 0;
}

static int convert_object(arena *a, json_t *from, struct json_value *to)
{
    size_t n = json_object_size(from), i = 0;
    struct json_member *members = ARENA_ARRAY(a, struct json_member, n);
    if (!members) {
        return -ENOMEM;
    }
    for (void *it = json_object_iter(from); it; it = json_object_iter_next(from, it)) {
        assert(i < n);
        if (!copy_string(a, json_object_iter_key(it), json_object_iter_key_len(it), &members[i].key)) {
            return -ENOMEM;
        }
        int r = convert(a, json_object_iter_value(it), &members[i++].value);
        if (r < 0) {
            return r;
        }
    }
    assert(i == n);
    to->object.members = members;
    to->object.n = n;
    return 0;
}

/* Recurses at most JSON_DEPTH_MAX deep. */
static int convert(arena *a, json_t *from, struct json_value *to)
{
    switch (json_typeof(from)) {
    case JANSSON_OBJECT:
        to->type = JSON_OBJECT;
        return convert_object(a, from, to);
    case JANSSON_ARRAY:
        to->type = JSON_ARRAY;
        return convert_array(a, from, to);
    case JANSSON_STRING:
        to->type = JSON_STRING;
        return copy_string(a, json_string_value(from), json_string_length(from), &to->string) ? 0 : -ENOMEM;
    case JSON_INTEGER:
        to->type = JSON_INT;
        to->integer = json_integer_value(from);
        return 0;
    case JSON_REAL:
        to->type = JSON_DOUBLE;
        to->number = json_real_value(from);
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        to->type = JSON_BOOL;
        to->boolean = json_typeof(from) == JSON_TRUE;
        return 0;
    case JANSSON_NULL:
        to->type = JSON_NULL;
        return 0;
    }
    return -EINVAL; /* no such type */
}

static int explain(const json_error_t *e, struct json_error *err)
{
    if (e->text[0] == '\0' || json_error_code(e) == json_error_out_of_memory) {
        return fail(err, -ENOMEM, 1, 1, "out of memory"); /* it says nothing when its heap blocks fail */
    }
    char why[sizeof e->text];
    size_t n = 0;
    for (; e->text[n]; n++) { /* it quotes the input, whatever bytes that has */
        why[n] = e->text[n] >= ' ' && e->text[n] <= '~' ? e->text[n] : '?';
    }
    why[n] = '\0';
    return fail(err, -EINVAL, e->line < 1 ? 1 : e->line, e->column < 1 ? 1 : e->column, why);
}

int json_parse(arena *a, str text, const struct json_value **ret, struct json_error *err)
{
    if (text.len > JSON_SIZE_MAX) {
        return fail(err, -E2BIG, 1, 1, "longer than 64 MiB");
    }
    int r = check_bounds(text, err);
    if (r < 0) {
        return r;
    }
    struct json_value *value = ARENA_NEW(a, struct json_value);
    if (!value) {
        return fail(err, -ENOMEM, 1, 1, "out of memory");
    }
    json_error_t e;
    json_t *root =
        json_loadb(text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!root) {
        return explain(&e, err);
    }
    r = convert(a, root, value);
    json_decref(root);
    if (r < 0) {
        return fail(err, r, 1, 1, "out of memory");
    }
    *ret = value;
    return 0;
}

const struct json_value *json_get(const struct json_value *v, const char *key)
{
    if (!v || v->type != JSON_OBJECT) {
        return NULL;
    }
    str wanted = str_of(key);
    for (size_t i = 0; i < v->object.n; i++) {
        if (str_eq(v->object.members[i].key, wanted)) {
            return &v->object.members[i].value;
        }
    }
    return NULL;
}

/* Recurses at most JSON_DEPTH_MAX deep: only json_parse makes values. */
void json_write_value(struct json_writer *w, const struct json_value *v)
{
    switch (v->type) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, v->boolean);
        break;
    case JSON_INT:
        json_int(w, v->integer);
        break;
    case JSON_DOUBLE:
        json_double(w, v->number);
        break;
    case JSON_STRING:
        json_string(w, v->string);
        break;
    case JSON_ARRAY:
        json_array(w);
        for (size_t i = 0; i < v->array.n; i++) {
            json_write_value(w, &v->array.items[i]);
        }
        json_end(w);
        break;
    case JSON_OBJECT:
        json_object(w);
        for (size_t i = 0; i < v->object.n; i++) {
            json_key_str(w, v->object.members[i].key);
            json_write_value(w, &v->object.members[i].value);
        }
        json_end(w);
        break;
    }
}
