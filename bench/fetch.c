/* The fetch door against a plain libcurl multi loop, on a server in a child that does as little as it can. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"
#include "waymark/scrape/fetch.h"

enum { AT_ONCE = 32, SMALL = 1 << 10, LARGE = 64 << 20, PIECE = 64 << 10 };

/* ---- the server ---- */

static char piece[PIECE];

static bool send_all(int fd, const void *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0) {
            return false;
        }
        p = (const char *)p + done;
        n -= (size_t)done;
    }
    return true;
}

static bool respond(int fd, size_t n)
{
    char response[128 + SMALL];
    int head = snprintf(response, 128, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n", n);
    size_t first = n < SMALL ? n : SMALL;
    memcpy(response + head, piece, first);
    bool ok = send_all(fd, response, (size_t)head + first);
    for (n -= first; ok && n; n -= n < PIECE ? n : PIECE) {
        ok = send_all(fd, piece, n < PIECE ? n : PIECE);
    }
    return ok;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[4096];
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0) {
        n += (size_t)got;
        request[n] = '\0';
        if (strstr(request, "\r\n\r\n")) {
            n = 0;
            if (!respond(fd, strncmp(request, "GET /large", 10) == 0 ? LARGE : SMALL)) {
                break;
            }
        }
    }
    (void)close(fd);
    return NULL;
}

static _Noreturn void serve_all(int listener)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0) {
            (void)pthread_detach(thread);
        }
    }
}

/* The port, once it is there; 0 on failure. */
static uint16_t server_port(void)
{
    static uint16_t port;
    if (port) {
        return port;
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        bench_say("no server: %s", strerror(errno));
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve_all(fd);
    }
    (void)close(fd);
    if (pid > 0) {
        port = ntohs(a.sin_port);
    }
    return port;
}

static void url_of(char url[static 64], const char *path)
{
    (void)snprintf(url, 64, "http://127.0.0.1:%u%s", server_port(), path);
}

/* ---- ours ---- */

struct work {
    fetcher *door;
    const char *url;
    uint64_t left, bytes;
};

static int worker(void *arg)
{
    struct work *w = arg;
    char chunk[8 << 10];
    while (w->left) {
        w->left--;
        FETCH_AUTO fetch *f = NULL;
        int r = fetch_open(w->door, &(struct fetch_request){.url = str_of(w->url)}, &f);
        if (r < 0) {
            return r;
        }
        ssize_t n;
        while ((n = fetch_read(f, chunk, sizeof chunk)) > 0) {
            w->bytes += (uint64_t)n;
        }
        if (n < 0 || fetch_result(f)->outcome != FETCH_OK) {
            bench_say("fetch: %s", fetch_result(f)->detail);
            return -EIO;
        }
    }
    return 0;
}

static int ours(const char *path, uint64_t n, unsigned at_once)
{
    char url[64];
    fiber_loop *loop;
    struct work w = {.url = url, .left = n};
    url_of(url, path);
    int r = fiber_loop_open(NULL, &loop);
    if (r < 0) {
        return r;
    }
    const struct fetcher_options o = {.rules.allow_private = true, .limits.body_max = 2ull * LARGE};
    r = fetcher_open(&o, &w.door);
    if (r == 0) {
        FIBER_BUNDLE(b);
        for (unsigned i = 0; r == 0 && i < at_once; i++) {
            r = fiber_start(&b, worker, &w);
        }
        r = r < 0 ? r : fiber_bundle_wait(&b, FIBER_FOREVER);
    }
    fetcher_close(w.door);
    fiber_loop_close(loop);
    return r;
}

/* ---- theirs: curl_multi_poll and curl_multi_perform, handles used again, nothing vetted ---- */

static size_t take(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    *(uint64_t *)arg += size * n;
    return size * n;
}

static int theirs(const char *path, uint64_t n, unsigned at_once)
{
    char url[64];
    uint64_t bytes = 0, started = 0;
    CURLM *m = curl_multi_init();
    CURL *easy[AT_ONCE] = {0};
    int running = 0, left, r = 0;
    url_of(url, path);
    for (; started < at_once && started < n; started++) {
        CURL *e = easy[started] = curl_easy_init();
        (void)curl_easy_setopt(e, CURLOPT_URL, url);
        (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take);
        (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, &bytes);
        (void)curl_multi_add_handle(m, e);
    }
    do {
        (void)curl_multi_perform(m, &running);
        CURLMsg *msg;
        while ((msg = curl_multi_info_read(m, &left))) {
            CURL *e = msg->easy_handle;
            r = msg->data.result == CURLE_OK ? r : -EIO;
            (void)curl_multi_remove_handle(m, e);
            if (started < n) {
                started++;
                running++;
                (void)curl_multi_add_handle(m, e);
            }
        }
        if (running) {
            (void)curl_multi_poll(m, NULL, 0, 1000, NULL);
        }
    } while (running && r == 0);
    for (unsigned i = 0; i < at_once; i++) {
        curl_easy_cleanup(easy[i]);
    }
    (void)curl_multi_cleanup(m);
    return r;
}

static int small_ours(uint64_t n)
{
    return ours("/small", n, AT_ONCE);
}

static int small_theirs(uint64_t n)
{
    return theirs("/small", n, AT_ONCE);
}

static int large_ours(uint64_t n)
{
    return ours("/large", n, 1);
}

static int large_theirs(uint64_t n)
{
    return theirs("/large", n, 1);
}

static double in_mib(double bodies)
{
    return bodies < 0 ? bodies : bodies * (LARGE >> 20);
}

static double requests(void)
{
    return bench_rate(small_ours);
}

static double requests_theirs(void)
{
    return bench_rate(small_theirs);
}

static double bytes(void)
{
    return in_mib(bench_rate(large_ours));
}

static double bytes_theirs(void)
{
    return in_mib(bench_rate(large_theirs));
}

extern const struct bench_case fetch_cases[];
const struct bench_case fetch_cases[] = {
    {"fetch_requests", "/s",
     "1 KiB bodies over 32 loopback connections; theirs: a bare libcurl multi loop, nothing vetted", requests,
     requests_theirs, false, 0},
    {"fetch_bytes", "MiB/s", "one 64 MiB body; theirs: a bare libcurl multi loop", bytes, bytes_theirs, false, 0},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
