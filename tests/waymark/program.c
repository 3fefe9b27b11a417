#include "program.h"

#include "test.h"

int program(const char *args, str input, buf *out)
{
    char in_path[] = "/tmp/waymark-test-XXXXXX", command[512];
    int fd = mkstemp(in_path);
    ck_assert_int_ge(fd, 0);
    FILE *in = fdopen(fd, "w");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_eq(fwrite(input.p, 1, input.len, in), input.len);
    ck_assert_int_eq(fclose(in), 0);
    (void)snprintf(command, sizeof command, "'%s/waymark/waymark' %s < %s 2>&1", getenv("WAYMARK_BUILD_ROOT"), args,
                   in_path);
    FILE *f = popen(command, "r"); /* NOLINT(cert-env33-c) */
    ck_assert_ptr_nonnull(f);
    buf_clear(out);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) {
        OK(buf_put(out, chunk, n));
    }
    int status = pclose(f);
    (void)remove(in_path);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}
