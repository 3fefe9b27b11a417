#include "strata/model/key.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

size_t st_key_brackets(const char *s)
{
    size_t depth = 0;
    char quote = '\0';
    for (size_t i = 0; s[i]; i++) {
        if (quote) {
            quote = s[i] == quote ? '\0' : quote;
        } else if (s[i] == '\'' || s[i] == '"') {
            quote = s[i];
        } else if (s[i] == '(') {
            depth++;
        } else if (s[i] == ')' && --depth == 0) {
            return i + 1;
        }
        if (!depth) {
            return 0;
        }
    }
    return 0;
}

static const st_attr *column_of(const st_model *m, const char *name, size_t len)
{
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        bool column = a->kind == ST_A_COLUMN || a->kind == ST_A_UNMAPPED;
        if (column && a->name && str_eq(str_of(a->name), str_n(name, len))) {
            return a;
        }
    }
    return NULL;
}

bool st_key_part_read(const st_model *m, const char *entry, struct st_key_part *ret)
{
    assert(m && entry);
    *ret = (struct st_key_part){.descends = entry[0] == '-'};
    const char *s = entry + ret->descends;
    size_t len = s[0] == '(' ? st_key_brackets(s) : 0;
    if (len && (!s[len] || ascii_is_space(s[len]))) {
        ret->expression = s;
    } else {
        for (len = strlen(s); len && !ret->attr; len -= !ret->attr) {
            ret->attr = !s[len] || ascii_is_space(s[len]) ? column_of(m, s, len) : NULL;
        }
    }
    ret->how = s + len;
    while (ascii_is_space(*ret->how)) {
        ret->how++;
    }
    return ret->attr || ret->expression;
}
