#include "parse_peer.h"

#ifdef HAVE_LIBXML2

#include <libxml/HTMLparser.h>

static void on_start(void *arg, const xmlChar *name, const xmlChar **atts)
{
    (void)name;
    (void)atts;
    ++*(uint64_t *)arg;
}

static void on_end(void *arg, const xmlChar *name)
{
    (void)name;
    ++*(uint64_t *)arg;
}

static void on_text(void *arg, const xmlChar *p, int len)
{
    (void)p;
    (void)len;
    ++*(uint64_t *)arg;
}

uint64_t peer_html_events(const char *p, size_t len, size_t chunk)
{
    uint64_t n = 0;
    htmlSAXHandler sax = {.startElement = on_start, .endElement = on_end, .characters = on_text};
    htmlParserCtxtPtr c = htmlCreatePushParserCtxt(&sax, &n, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!c) {
        return 0;
    }
    for (size_t at = 0; at < len; at += chunk) {
        (void)htmlParseChunk(c, p + at, (int)(len - at < chunk ? len - at : chunk), at + chunk >= len);
    }
    htmlFreeParserCtxt(c);
    return n;
}

#else

uint64_t peer_html_events(const char *p, size_t len, size_t chunk)
{
    (void)p;
    (void)len;
    (void)chunk;
    return 0;
}

#endif
