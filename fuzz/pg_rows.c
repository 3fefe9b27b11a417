/* Whatever a server sends as the binary value of a column, it becomes a struct or an error: first byte the column,
 * the rest its value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "strata/engine/pg_hydrate.h"
#include "strata/engine/pg_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"red", "green"};
static const struct st_enum colour = {"colour", names, 2};
static const struct {
    struct st_field field;
    unsigned oid;
} columns[] = {
    {{.type = ST_BOOL}, PG_BOOL},
    {{.type = ST_INT16}, PG_INT2},
    {{.type = ST_INT32}, PG_INT2},
    {{.type = ST_INT64}, PG_INT4},
    {{.type = ST_INT64, .nullable = true}, PG_INT8},
    {{.type = ST_DOUBLE}, PG_FLOAT4},
    {{.type = ST_TEXT}, PG_TEXT},
    {{.type = ST_TEXT, .nullable = true}, PG_JSONB},
    {{.type = ST_UUID}, PG_UUID},
    {{.type = ST_TIME}, PG_TIMESTAMPTZ},
    {{.type = ST_BYTES}, PG_BYTEA},
    {{.type = ST_JSON}, PG_JSONB},
    {{.type = ST_TEXTS}, PG_TEXT_ARRAY},
    {{.type = ST_TEXTS, .nullable = true}, PG_VARCHAR_ARRAY},
    {{.type = ST_UUIDS}, PG_UUID_ARRAY},
    {{.type = ST_ENUM, .of = &colour}, PG_TEXT},
    {{.type = ST_ENUM, .of = &colour, .as_smallint = true}, PG_INT2},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static void read_one(arena *a, PGresult *res, const struct st_shape *shape)
{
    struct pg_plan plan;
    struct rowmem mem;
    void *obj = NULL;
    rowmem_init(&mem, a, 1, shape->size);
    if (pg_plan_make(a, res, shape, &plan) == 0 && pg_plan_read(plan.parts, res, 0, &mem, &obj) == 0) {
        /* The bytes of what was read must be there. */
        size_t seen = 0;
        const st_texts *texts = obj;
        const st_bytes *bytes = obj;
        for (size_t i = 0; shape->fields->type == ST_TEXTS && i < texts->n; i++) {
            seen += texts->v[i] ? strlen(texts->v[i]) : 0;
        }
        for (size_t i = 0; shape->fields->type == ST_BYTES && i < bytes->len; i++) {
            seen += bytes->p[i];
        }
        seen += shape->fields->type == ST_TEXT && *(char **)obj ? strlen(*(char **)obj) : 0;
        if (seen > (size_t)PQgetlength(res, 0, 0) * UINT8_MAX) {
            abort();
        }
    }
}

/* Arrays again, straight from the input, where a byte read beyond it is seen. */
static void walk_array(const char *p, size_t len)
{
    struct pg_array array;
    const char *item;
    size_t item_len;
    if (pg_array_open(p, len, &array)) {
        while (pg_array_next(&array, &item, &item_len)) {
            if (item && (item < p || item + item_len > p + len)) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    walk_array((const char *)data + 1, size - 1);
    size_t at = data[0] % N_COLUMNS;
    const struct st_shape shape = {&columns[at].field, 1, 64, 16};
    char name[] = "c";
    PGresAttDesc desc = {.name = name, .format = 1, .typid = columns[at].oid, .typlen = -1, .atttypmod = -1};
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char *value = malloc(size);
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    if (res && value && a && PQsetResultAttrs(res, 1, &desc)) {
        memcpy(value, data + 1, size - 1);
        if (PQsetvalue(res, 0, 0, value, (int)size - 1)) {
            read_one(a, res, &shape);
        }
    }
    free(value);
    PQclear(res);
    return 0;
}
