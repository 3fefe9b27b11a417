#include "strata/migrate/private.h"
#include "test.h"

static st_err nothing(st_ops *o)
{
    (void)o;
    return 0;
}

#define REV(id_, ...) (&(const st_revision){.id = (id_), .message = "m", .upgrade = nothing, __VA_ARGS__})
#define LIST(...) ((const st_revision *const[]){__VA_ARGS__, NULL})

static arena *a;

static struct migrate_graph graph(const st_revision *const *list)
{
    struct migrate_graph g;
    a = a ? a : arena_new(NULL, 0);
    ck_assert_ptr_nonnull(a);
    OK(migrate_graph_of(a, list, &g));
    return g;
}

/* Ids of the flagged nodes, in their order. */
static const char *ids(const struct migrate_graph *g, const bool *flags)
{
    const char *s = "";
    for (size_t i = 0; i < g->n; i++) {
        if (!flags || flags[i]) {
            s = arena_printf(a, "%s%s%s", s, s[0] ? " " : "", g->nodes[i].rev->id);
        }
    }
    return s;
}

static const char *after_upgrade(const struct migrate_graph *g, const char *target, const char *applied)
{
    bool have[8] = {false}, wanted[8];
    for (size_t i = 0; i < g->n; i++) {
        have[i] = strstr(applied, g->nodes[i].rev->id) != NULL;
    }
    st_err rc = migrate_resolve_upgrade(g, target, have, wanted);
    return rc ? diag_last()->message : ids(g, wanted);
}

static const char *undone(const struct migrate_graph *g, const char *target, const char *applied)
{
    bool have[8] = {false}, undo[8];
    for (size_t i = 0; i < g->n; i++) {
        have[i] = strstr(applied, g->nodes[i].rev->id) != NULL;
    }
    st_err rc = migrate_resolve_downgrade(a, g, target, have, undo);
    return rc ? diag_last()->message : ids(g, undo);
}

static const char *wrong(const st_revision *const *list)
{
    struct migrate_graph g;
    a = a ? a : arena_new(NULL, 0);
    CODE(migrate_graph_of(a, list, &g), ST_E_INVALID);
    return diag_last()->message;
}

/* a1 <- b1 <- c1 and a1 <- b2, merged by d1 when asked. */
#define FORK \
    REV("c1", .parents = {"b1"}), REV("a1"), REV("b2", .parents = {"a1"}, .label = "side"), REV("b1", .parents = {"a1"})
#define MERGE REV("d1", .parents = {"c1", "b2"})

START_TEST(parents_come_first_whatever_the_order_of_the_list)
{
    struct migrate_graph g = graph(LIST(MERGE, FORK));
    ck_assert_str_eq(ids(&g, NULL), "a1 b2 b1 c1 d1");
    struct migrate_graph h = graph(LIST(FORK, MERGE));
    ck_assert_str_eq(ids(&h, NULL), "a1 b2 b1 c1 d1");
    ck_assert_uint_eq(h.n_heads, 1);
    ck_assert_uint_eq(graph(LIST(FORK)).n_heads, 2);
    ck_assert_uint_eq(graph((const st_revision *const[]){NULL}).n, 0);
}
END_TEST

START_TEST(broken_histories_are_named)
{
    ck_assert_str_eq(wrong(LIST(REV("a1", .parents = {"zz"}))),
                     "revision a1: its parent zz is not among the revisions");
    ck_assert_str_eq(wrong(LIST(REV("a1"), REV("a1"))), "two revisions have the id a1");
    ck_assert_str_eq(wrong(LIST(REV("a1", .parents = {"b1"}), REV("b1", .parents = {"c1"}),
                                REV("c1", .parents = {"b1"}), REV("o1"))),
                     "the revisions go in a circle: b1 needs c1 needs b1");
    ck_assert_str_eq(wrong(LIST(REV("a1", .parents = {"a1"}))), "the revisions go in a circle: a1 needs a1");
    ck_assert_ptr_nonnull(strstr(wrong(LIST(REV("a 1"))), "not \"a 1\""));
    ck_assert_ptr_nonnull(
        strstr(wrong(LIST((&(const st_revision){.id = "a1", .message = "m"}))), ".upgrade is missing"));
}
END_TEST

START_TEST(upgrade_targets)
{
    struct migrate_graph fork = graph(LIST(FORK)), whole = graph(LIST(FORK, MERGE));
    ck_assert_str_eq(after_upgrade(&whole, "head", "a1"), "a1 b2 b1 c1 d1");
    ck_assert_ptr_nonnull(strstr(after_upgrade(&fork, "head", ""), "2 heads"));
    ck_assert_str_eq(after_upgrade(&fork, "heads", ""), "a1 b2 b1 c1");
    ck_assert_str_eq(after_upgrade(&fork, "c", ""), "a1 b1 c1"); /* the beginning of an id */
    ck_assert_str_eq(after_upgrade(&fork, "side", ""), "a1 b2");
    ck_assert_ptr_nonnull(strstr(after_upgrade(&fork, "b", ""), "several revisions begin with \"b\""));
    ck_assert_ptr_nonnull(strstr(after_upgrade(&fork, "x", ""), "no revision \"x\""));
    ck_assert_str_eq(after_upgrade(&fork, "+1", ""), "a1");
}
END_TEST

START_TEST(relative_steps_refuse_to_guess)
{
    struct migrate_graph whole = graph(LIST(FORK, MERGE));
    ck_assert_str_eq(after_upgrade(&whole, "+1", "a1"), "+1 is ambiguous: the next revision could be b2 or b1");
    ck_assert_str_eq(after_upgrade(&whole, "+2", "a1 b2 b1"), "a1 b2 b1 c1 d1");
    ck_assert_str_eq(after_upgrade(&whole, "+3", "a1 b2 b1"), "+3 goes too far: 2 revisions are left");
    ck_assert_ptr_nonnull(strstr(after_upgrade(&whole, "-1", "a1"), "a target for downgrade"));
    ck_assert_str_eq(undone(&whole, "-1", "a1 b2 b1 c1 d1"), "d1");
    ck_assert_str_eq(undone(&whole, "-2", "a1 b2 b1 c1 d1"), "-2 is ambiguous: the next revision could be b2 or c1");
    ck_assert_str_eq(undone(&whole, "-2", "a1 b1"), "a1 b1");
    ck_assert_str_eq(undone(&whole, "-3", "a1 b1"), "-3 goes too far: 2 revisions are applied");
    ck_assert_ptr_nonnull(strstr(undone(&whole, "+1", "a1"), "a target for upgrade"));
}
END_TEST

START_TEST(downgrade_undoes_what_came_after_the_target)
{
    struct migrate_graph fork = graph(LIST(FORK)), whole = graph(LIST(FORK, MERGE));
    ck_assert_str_eq(undone(&whole, "b1", "a1 b2 b1 c1 d1"), "c1 d1");
    ck_assert_str_eq(undone(&fork, "b1", "a1 b2 b1 c1"), "c1"); /* the other branch stays */
    ck_assert_str_eq(undone(&fork, "a1", "a1 b2"), "b2");
    ck_assert_str_eq(undone(&fork, "base", "a1 b2"), "a1 b2");
    ck_assert_str_eq(undone(&fork, "c1", "a1 b1 c1"), "");
    ck_assert_ptr_nonnull(strstr(undone(&fork, "c1", "a1 b1"), "c1 is not applied"));
}
END_TEST

RUN("strata migrate graph", 10, CASE(parents_come_first_whatever_the_order_of_the_list),
    CASE(broken_histories_are_named), CASE(upgrade_targets), CASE(relative_steps_refuse_to_guess),
    CASE(downgrade_undoes_what_came_after_the_target));
