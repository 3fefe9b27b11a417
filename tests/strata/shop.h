/* shop.h: the command line in a test, and the C that it writes, compiled and loaded. */
#ifndef TEST_STRATA_SHOP_H
#define TEST_STRATA_SHOP_H

#include "engine_support.h"
#include "strata/migrate.h"

/* Where compiled parts go: beside the world's database. */
struct shop {
    struct world *w;
    char dir[64];
    unsigned n;
};
void shop_open(struct shop *s, struct world *w);
void shop_close(struct shop *s);
/* Compiles the file as strictly as the project itself, and gives what it defines by that name. */
const void *shop_load(struct shop *s, const char *path, const char *symbol);
const char *shop_text(struct world *w, const char *path);
void shop_write(const char *path, const char *text);

/* What the last command printed. */
extern char *shop_out, *shop_err;
int shop_run(struct world *w, const struct st_migrations *m, const char *const *args);
#define RUN_IT(m, code, ...)                                                               \
    do {                                                                                   \
        int got_ = shop_run(w, (m), (const char *const[]){__VA_ARGS__, NULL});             \
        ck_assert_msg(got_ == (code), "it ended with %d: %s%s", got_, shop_out, shop_err); \
    } while (0)
/* The path behind "wrote ", and the name in it. */
const char *shop_written(struct world *w, const char **ret_name);

#endif
