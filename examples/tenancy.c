/* Many customers in one table: a session is opened for one tenant, and every statement it makes is kept to that
 * tenant's rows by the compiler. Nothing in this program filters by tenant. */
#include <stdio.h>
#include <strata/define.h>
#include <strata/strata.h>

typedef struct Project {
    st_uuid tenant_id, id;
    const char *name;
    bool archived;
} Project;

#define T Project
ST_MODEL(Project, "projects", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true),
         COL(name, .max = 80, .unique = true), /* unique within the tenant */
         COL(archived));
#undef T
static const st_model *const models[] = {&Project_model};

/* A program takes these from whoever signs in. */
static const st_uuid acme = {{0xac, 0x3e, [15] = 1}}, globex = {{0x91, 0x0b, [15] = 2}};

static st_err add(st_engine *e, st_uuid tenant, const char *name, st_uuid *ret_id)
{
    ST_SESSION(s, e, .tenant = tenant);
    Project *p = st_add(s, Project, .name = name);
    if (p) {
        *ret_id = p->id; /* given by st_add, with the tenant */
    }
    return st_commit(s);
}

static st_err count(st_engine *e, st_uuid tenant, const char *who, const st_expr *where, const char *what)
{
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    int64_t n;
    st_err rc = st_count(s, Project, where, &n);
    if (!rc) {
        printf("%s has %d %s\n", who, (int)n, what);
    }
    return rc;
}

static st_err look_over_the_fence(st_engine *e, st_uuid id_of_acme)
{
    ST_SESSION(s, e, .tenant = globex);
    const Project *p = st_get(s, Project, id_of_acme);
    printf("globex asks for acme's project by its id: %s\n", p ? p->name : "not found");
    int64_t n = 0;
    st_err rc = st_update_where(s, Project, NULL, &n, ST_SET(Project, archived, true)); /* "all rows": all of its own */
    printf("globex archives every project there is: %d\n", (int)n);
    return rc ? rc : st_commit(s);
}

/* Work for all tenants needs a reason, and the engine's on_audit hears it. */
static st_err report(st_engine *e)
{
    ST_SESSION(s, e, .system = "monthly report", .read_only = true);
    int64_t n;
    st_err rc = st_count(s, Project, NULL, &n);
    if (!rc) {
        printf("all tenants together: %d projects\n", (int)n);
    }
    return rc;
}

static void on_audit(void *arg, const char *reason)
{
    (void)arg;
    printf("audit: across tenants for a %s\n", reason);
}

static st_err run(st_engine *e)
{
    st_uuid id, other;
    st_err rc = st_create_all(e, models, 1, FIBER_FOREVER);
    rc = rc ? rc : add(e, acme, "website", &id);
    rc = rc ? rc : add(e, acme, "intranet", &other);
    rc = rc ? rc : add(e, globex, "website", &other); /* the same name, of another tenant */
    rc = rc ? rc : look_over_the_fence(e, id);
    rc = rc ? rc : count(e, acme, "acme", ST_EQ(Project, archived, false), "open projects");
    rc = rc ? rc : count(e, globex, "globex", ST_EQ(Project, archived, false), "open projects");
    return rc ? rc : report(e);
}

int main(int argc, char **argv)
{
    st_engine *e = NULL;
    const struct st_engine_options options = {.on_audit = on_audit};
    st_err rc = st_engine_open(argc > 1 ? argv[1] : "sqlite:///:memory:", &options, &e);
    rc = rc ? rc : run(e);
    if (rc) {
        fprintf(stderr, "tenancy: %s\n", diag_last()->message);
    }
    st_engine_close(e);
    return rc ? 1 : 0;
}
