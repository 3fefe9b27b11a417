/* mapper.h: what the query and session layers derive from a descriptor once and keep with the engine; private.
 *
 * A mapper is made from a descriptor that passed st_model_check and never changes. Columns keep the descriptor's order;
 * a column's index in it is its number everywhere (result fields, bulk fields, change sets). */
#ifndef STRATA_MODEL_MAPPER_H
#define STRATA_MODEL_MAPPER_H

#include "base/arena.h"
#include "strata/engine/driver.h"
#include "strata/model.h"
#include "strata/model/relation.h"

enum { ST_ROW_HEAD = 32, ST_COLUMNS_MAX = 1000 };

struct pcre2_real_code_8;
struct st_column {
    const st_attr *attr;
    struct pcre2_real_code_8 *pattern; /* or NULL */
    bool has_rules;                    /* st_validate_attr can fail on it */
    bool points;                       /* the member points to memory of its own */
};
typedef struct st_mapper {
    const st_model *model;
    struct st_mapper *next; /* the registry's chain */
    uint32_t rank; /* higher than that of every model it references, itself and cycles apart; by the registry */
    uint32_t n_columns;
    uint32_t n_defaults, n_updates; /* columns whose value the session makes: in a new row, at an update */
    const struct st_column *columns;
    struct st_shape shape; /* all columns, with the session's head */
    const uint32_t *key;   /* numbers of the primary key's columns, in order */
    uint32_t n_key;
    const st_attr *tenant, *version, *created, *updated; /* or NULL */
    const st_attr *id;                   /* the key column beside the tenant when there is just one, else NULL */
    uint32_t uuid_key[2];                /* offsets, when the key is one or two uuids */
    uint8_t n_uuid_key;                  /* 0: some other key */
    const struct st_relation *relations; /* by rising offset */
    uint32_t n_relations;
} st_mapper;

/* Makes one in a; a's reset releases it. ST_E_INVALID as st_model_check says. */
st_err st_mapper_new(arena *a, const st_model *m, st_mapper **ret);
/* The number of the column at that offset, or UINT32_MAX. */
uint32_t st_mapper_column_at(const st_mapper *m, uint32_t offset);
/* st_validate with the kept patterns. */
st_err st_mapper_validate(const st_mapper *m, const void *obj);
/* The same, and what obj's members point to is replaced by copies in to, in one pass. */
st_err st_mapper_take(const st_mapper *m, void *obj, arena *to);

uint64_t st_mapper_key_hash(const st_mapper *m, const void *obj, uint64_t seed);
bool st_mapper_key_same(const st_mapper *m, const void *x, const void *y);
/* Whether x and y are the same bytes, relations left out. */
bool st_mapper_image_same(const st_mapper *m, const void *x, const void *y);
/* The relation whose member is at that offset, or NULL. */
const struct st_relation *st_mapper_relation_at(const st_mapper *m, uint32_t offset);
/* Makes every relation of obj one that was not loaded. */
void st_mapper_unload(const st_mapper *m, void *obj);

#endif
