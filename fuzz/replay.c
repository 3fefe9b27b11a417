/* replay.c: runs a fuzz target over every file of its corpus, as an ordinary test: replay CORPUS-FOLDER.
 *
 * Each input stands alone in a heap block of its exact size, so that a sanitizer or valgrind sees the first byte read
 * too far. TAP on standard output: one test, failed when the folder holds nothing; a crash is what a target reports a
 * finding with, and the last line before it names the file. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        return -1;
    }
    long size = ftell(f);
    uint8_t *data = size < 0 ? NULL : malloc(size > 0 ? (size_t)size : 1);
    rewind(f);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        free(data);
        (void)fclose(f);
        return -1;
    }
    (void)fclose(f);
    int r = LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return r;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    struct dirent **files;
    int n = scandir(argv[1], &files, visible, alphasort), failed = 0;
    if (n < 0) {
        perror(argv[1]);
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], files[i]->d_name);
        (void)printf("# %s\n", files[i]->d_name);
        (void)fflush(stdout);
        failed += run_file(path) != 0;
        free(files[i]);
    }
    if (n >= 0) {
        free(files);
    }
    bool ok = n > 0 && failed == 0;
    const char *slash = strrchr(argv[1], '/');
    (void)printf("1..1\n%s 1 - %s: %d inputs, %d failed\n", ok ? "ok" : "not ok", slash ? slash + 1 : argv[1], n,
                 failed);
    return ok ? 0 : 1;
}
