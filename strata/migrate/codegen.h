/* codegen.h: schema as data printed as the C that states it; shared by the writers of revisions and of models. */
#ifndef STRATA_MIGRATE_CODEGEN_H
#define STRATA_MIGRATE_CODEGEN_H

#include "strata/migrate/private.h"

/* "..." with what C wants escaped; lines of a text that has several are strings of their own, by indent. */
void codegen_string(buf *b, const char *s, unsigned indent);
/* Text within a comment: nothing in it ends the comment, or begins another. */
void codegen_remark(buf *b, const char *s);
/* {"name", ST_TEXT, .max = 20, ...} */
void codegen_column(buf *b, const st_table_column *c);
void codegen_index(buf *b, const st_table_index *i);
void codegen_fk(buf *b, const st_table_fk *fk);
void codegen_check(buf *b, const st_table_check *c);
void codegen_policy(buf *b, const st_table_policy *p);
void codegen_trigger(buf *b, const st_table_trigger *t);
/* .name = ..., ST_COLUMNS(...), ...; lines indented by four. */
void codegen_table(buf *b, const st_table *t);
/* ST_VALUES("a", "b") */
void codegen_values(buf *b, const char *const *values);
void codegen_number(buf *b, double v); /* ST_NUMBER(0.5) */
/* ", .word = \"text\"" when text is set. */
void codegen_option(buf *b, const char *word, const char *text);
void codegen_flag(buf *b, const char *word, bool on);
extern const char *const codegen_types[ST_TYPE_MAX];                   /* "ST_TEXT" */
const char *codegen_action(enum st_action a);                          /* "ST_CASCADE" */
const char *codegen_deferral(enum st_deferral d);                      /* "ST_DEFERRED" */
void codegen_deferrable(buf *b, const char *word, enum st_deferral d); /* ", .word = ST_DEFERRED", if it may be */
/* A C identifier from name, not a keyword, in arena a. */
const char *codegen_identifier(arena *a, const char *name);

#endif
