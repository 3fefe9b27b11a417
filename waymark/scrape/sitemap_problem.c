/* Names and sentences of what the sitemap reader reports. */
#include <assert.h>

#include "waymark/scrape/sitemap.h"

static const struct {
    const char *name, *text;
} problems[SITEMAP_PROBLEMS] = {
    [SITEMAP_EMPTY] = {"empty", "the file is empty"},
    [SITEMAP_NOT_A_SITEMAP] = {"not-a-sitemap", "neither XML nor a list of URLs, one a line"},
    [SITEMAP_UNKNOWN_ROOT] = {"unknown-root", "the root element is not urlset, sitemapindex, rss, RDF or feed"},
    [SITEMAP_IS_HTML] = {"html", "a web page stands where the sitemap should be"},
    [SITEMAP_TRUNCATED] = {"truncated", "the file ends before its root element is closed; what came before was kept"},
    [SITEMAP_MALFORMED] = {"malformed", "markup that is not well-formed XML; reading went on at the next entry"},
    [SITEMAP_LEADING_JUNK] = {"leading-junk", "something else stands in front of the XML"},
    [SITEMAP_TRAILING_JUNK] = {"trailing-junk", "something else stands behind the root element"},
    [SITEMAP_DOCTYPE] = {"doctype", "a document type declaration, which was skipped"},
    [SITEMAP_ENTITY_DECLARED] = {"entity-declared", "an entity declaration, which was ignored"},
    [SITEMAP_ENTITY_UNDEFINED] = {"entity-undefined",
                                  "a reference to an entity XML does not define, which was left out"},
    [SITEMAP_BAD_REFERENCE] = {"bad-reference",
                               "an & that starts no reference (write &amp;), or the number of no character"},
    [SITEMAP_BAD_ENCODING] = {"bad-encoding", "bytes that are not valid in the file's encoding"},
    [SITEMAP_UNKNOWN_ENCODING] = {"unknown-encoding", "the declared encoding is unknown; the file was read as UTF-8"},
    [SITEMAP_OVER_URLS] = {"over-50000-urls", "entries past the 50,000 that one file may hold"},
    [SITEMAP_OVER_SIZE] = {"over-50-mb", "larger than the 52,428,800 bytes that one file may have"},
    [SITEMAP_URLS_CAPPED] = {"urls-capped", "reading stopped at the limit of entries"},
    [SITEMAP_SIZE_CAPPED] = {"size-capped", "reading stopped at the limit of bytes"},
    [SITEMAP_LOC_MISSING] = {"loc-missing", "an entry without a location, which was dropped"},
    [SITEMAP_LOC_TOO_LONG] = {"loc-too-long", "a location longer than 2,048 characters, which was dropped"},
    [SITEMAP_LINE_NOT_URL] = {"line-not-url", "a line that is no http or https URL, which was dropped"},
    [SITEMAP_BAD_LASTMOD] = {"bad-lastmod", "a lastmod that is no date"},
    [SITEMAP_BAD_PRIORITY] = {"bad-priority", "a priority that is no number from 0 to 1"},
    [SITEMAP_BAD_CHANGEFREQ] = {"bad-changefreq", "a changefreq that the protocol does not know"},
    [SITEMAP_EXTRAS_DROPPED] = {"extras-dropped", "images, alternates or other extensions past the limit of one entry"},
    [SITEMAP_TEXT_CUT] = {"text-cut", "an element with more than 64 KiB of text, which was cut"},
    [SITEMAP_TOO_DEEP] = {"too-deep", "elements nested too deeply; reading went on at the next entry"},
    [SITEMAP_MARKUP_TOO_LONG] = {"markup-too-long", "a tag or comment without end; reading went on at the next entry"},
    [SITEMAP_GZIP_CORRUPT] = {"gzip-corrupt", "the compressed data is corrupt; what could be opened was kept"},
    [SITEMAP_GZIP_TRUNCATED] = {"gzip-truncated", "the compressed data has no end; what could be opened was kept"},
    [SITEMAP_GZIP_TRAILING] = {"gzip-trailing", "something else stands behind the compressed data"},
    [SITEMAP_GZIP_RATIO] = {"gzip-ratio", "the data expands beyond measure; reading stopped"},
    [SITEMAP_GZIP_DEPTH] = {"gzip-depth", "gzip within gzip within gzip, which was not opened"},
};

const char *sitemap_problem_name(enum sitemap_problem p)
{
    assert(p < SITEMAP_PROBLEMS && problems[p].name);
    return problems[p].name;
}

const char *sitemap_problem_text(enum sitemap_problem p)
{
    assert(p < SITEMAP_PROBLEMS && problems[p].text);
    return problems[p].text;
}

const char *sitemap_type_name(enum sitemap_type type)
{
    static const char *const names[] = {
        [SITEMAP_NONE] = "none", [SITEMAP_HTML] = "html", [SITEMAP_URLSET] = "urlset", [SITEMAP_INDEX] = "index",
        [SITEMAP_TEXT] = "text", [SITEMAP_RSS] = "rss",   [SITEMAP_ATOM] = "atom",
    };
    assert((size_t)type < sizeof names / sizeof *names);
    return names[type];
}
