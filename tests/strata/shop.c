#include "shop.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

void shop_open(struct shop *s, struct world *w)
{
    const char *tmp = getenv("TMPDIR");
    *s = (struct shop){.w = w};
    (void)snprintf(s->dir, sizeof s->dir, "%.30s/codegen-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
}

void shop_close(struct shop *s)
{
    char *const argv[] = {(char[]){"rm"}, (char[]){"-rf"}, s->dir, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp("rm", argv);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0);
}

const char *shop_text(struct world *w, const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f, "%s", path);
    char *text = arena_alloc(w->a, 1 << 18);
    size_t n = fread(text, 1, (1 << 18) - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    return text;
}

const void *shop_load(struct shop *s, const char *path, const char *symbol)
{
    char so[96], log[96];
    (void)snprintf(so, sizeof so, "%s/part%u.so", s->dir, s->n);
    (void)snprintf(log, sizeof log, "%s/log%u", s->dir, s->n++);
    const char *argv[] = {"cc",
                          "-std=gnu17",
                          "-D_GNU_SOURCE",
                          "-I",
                          TEST_SOURCE_ROOT,
                          "-Wall",
                          "-Wextra",
                          "-Werror",
                          "-Wshadow",
                          "-Wconversion",
                          "-Wsign-conversion",
                          "-Wstrict-prototypes",
                          "-Wmissing-prototypes",
                          "-Wcast-qual",
                          "-Wwrite-strings",
                          "-Wundef",
                          "-Wvla",
                          "-Wformat=2",
                          "-Wswitch-enum",
                          "-Wno-missing-field-initializers",
                          "-Wstack-usage=16384",
                          "-O1",
                          "-shared",
                          "-fPIC",
                          "-o",
                          so,
                          path,
                          NULL};
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen(log, "w", stderr);
        (void)execvp("cc", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "it does not compile:\n%.3000s\n%.4000s", shop_text(s->w, log), shop_text(s->w, path));
    void *part = dlopen(so, RTLD_NOW);
    ck_assert_msg(part, "%s", dlerror());
    const void *found = dlsym(part, symbol);
    ck_assert_msg(found, "%s", dlerror());
    return found;
}

char *shop_out, *shop_err;

int shop_run(struct world *w, const struct st_migrations *m, const char *const *args)
{
    char *argv[16] = {(char[]){"migrate"}};
    int argc = 1;
    while (args[argc - 1]) {
        argv[argc] = arena_strdup(w->a, args[argc - 1]);
        argc++;
    }
    size_t n;
    free(shop_out);
    free(shop_err);
    FILE *o = open_memstream(&shop_out, &n), *x = open_memstream(&shop_err, &n);
    int code = st_migrate_main(w->e, m, argc, argv, o, x);
    (void)fclose(o);
    (void)fclose(x);
    return code;
}
const char *shop_written(struct world *w, const char **ret_name)
{
    const char *at = strstr(shop_out, "wrote ");
    ck_assert_msg(at, "%s%s", shop_out, shop_err);
    const char *path = arena_memdup0(w->a, at + 6, strcspn(at + 6, "\n"));
    const char *base = strrchr(path, '/') + 1;
    *ret_name = arena_memdup0(w->a, base, strlen(base) - 2);
    return path;
}

void shop_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}
