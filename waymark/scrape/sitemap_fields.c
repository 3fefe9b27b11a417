/* Which element of which parent fills which field. */
#include <assert.h>

#include "waymark/scrape/sitemap_impl.h"

#define TEXT(in_, name_, type, member)                                                     \
    {                                                                                      \
        .in = (in_), .name = (name_), .action = ACT_TEXT, .offset = offsetof(type, member) \
    }
#define OWN(in_, name_, member)                                                                                 \
    {                                                                                                           \
        .in = (in_), .name = (name_), .action = ACT_TEXT, .offset = offsetof(struct draft, member), .own = true \
    }
#define ENTER(in_, name_, enters_)                                             \
    {                                                                          \
        .in = (in_), .name = (name_), .action = ACT_ENTER, .enters = (enters_) \
    }
#define ACT(in_, name_, action_, own_)                                   \
    {                                                                    \
        .in = (in_), .name = (name_), .action = (action_), .own = (own_) \
    }

/* Rows of one context stand together. */
static const struct element elements[] = {
    OWN(IN_URL, "loc", loc),
    OWN(IN_URL, "lastmod", lastmod),
    OWN(IN_URL, "changefreq", changefreq),
    OWN(IN_URL, "priority", priority),
    ENTER(IN_URL, "image", IN_IMAGE),
    ENTER(IN_URL, "video", IN_VIDEO),
    ENTER(IN_URL, "news", IN_NEWS),
    ENTER(IN_URL, "PageMap", IN_PAGEMAP),
    ACT(IN_URL, "link", ACT_ALTERNATE, false),
    ACT(IN_URL, "mobile", ACT_MOBILE, false),

    ACT(IN_ITEM, "link", ACT_LINK, false),
    ACT(IN_ITEM, "guid", ACT_GUID, true),
    OWN(IN_ITEM, "title", title),
    OWN(IN_ITEM, "pubDate", published),
    TEXT(IN_ITEM, "date", struct draft, published), /* Dublin Core */
    TEXT(IN_ITEM, "updated", struct draft, lastmod),
    ACT(IN_ITEM, "content", ACT_MEDIA, false), /* Media RSS */
    ACT(IN_ITEM, "thumbnail", ACT_MEDIA, false),
    ACT(IN_ITEM, "enclosure", ACT_MEDIA, true),
    ENTER(IN_ITEM, "group", IN_GROUP),
    ACT(IN_GROUP, "content", ACT_MEDIA, false),
    ACT(IN_GROUP, "thumbnail", ACT_MEDIA, false),

    ACT(IN_ATOM, "link", ACT_LINK, true),
    OWN(IN_ATOM, "title", title),
    OWN(IN_ATOM, "id", guid),
    OWN(IN_ATOM, "updated", lastmod),
    OWN(IN_ATOM, "modified", lastmod), /* Atom 0.3 */
    OWN(IN_ATOM, "published", published),
    OWN(IN_ATOM, "issued", published),
    ACT(IN_ATOM, "thumbnail", ACT_MEDIA, false),
    ENTER(IN_ATOM, "group", IN_GROUP),

    TEXT(IN_IMAGE, "loc", struct sitemap_image, loc),
    TEXT(IN_IMAGE, "title", struct sitemap_image, title),
    TEXT(IN_IMAGE, "caption", struct sitemap_image, caption),
    TEXT(IN_IMAGE, "geo_location", struct sitemap_image, geo_location),
    TEXT(IN_IMAGE, "license", struct sitemap_image, license),

    TEXT(IN_VIDEO, "thumbnail_loc", struct sitemap_video, thumbnail_loc),
    TEXT(IN_VIDEO, "title", struct sitemap_video, title),
    TEXT(IN_VIDEO, "description", struct sitemap_video, description),
    TEXT(IN_VIDEO, "content_loc", struct sitemap_video, content_loc),
    TEXT(IN_VIDEO, "player_loc", struct sitemap_video, player_loc),
    TEXT(IN_VIDEO, "duration", struct sitemap_video, duration),
    TEXT(IN_VIDEO, "publication_date", struct sitemap_video, publication_date),
    TEXT(IN_VIDEO, "expiration_date", struct sitemap_video, expiration_date),
    TEXT(IN_VIDEO, "category", struct sitemap_video, category),
    TEXT(IN_VIDEO, "rating", struct sitemap_video, rating),
    TEXT(IN_VIDEO, "view_count", struct sitemap_video, view_count),
    TEXT(IN_VIDEO, "family_friendly", struct sitemap_video, family_friendly),
    TEXT(IN_VIDEO, "live", struct sitemap_video, live),
    TEXT(IN_VIDEO, "uploader", struct sitemap_video, uploader),

    ENTER(IN_NEWS, "publication", IN_NEWS),
    TEXT(IN_NEWS, "name", struct sitemap_news, publication),
    TEXT(IN_NEWS, "language", struct sitemap_news, language),
    TEXT(IN_NEWS, "publication_date", struct sitemap_news, publication_date),
    TEXT(IN_NEWS, "title", struct sitemap_news, title),
    TEXT(IN_NEWS, "genres", struct sitemap_news, genres),
    TEXT(IN_NEWS, "keywords", struct sitemap_news, keywords),
    TEXT(IN_NEWS, "stock_tickers", struct sitemap_news, stock_tickers),
    TEXT(IN_NEWS, "access", struct sitemap_news, access),

    ENTER(IN_PAGEMAP, "DataObject", IN_OBJECT),
    ACT(IN_OBJECT, "Attribute", ACT_DATA, false),
};

const struct element *sitemap_element(enum context in, str local, bool own)
{
    assert(in != IN_NOTHING);
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        const struct element *e = &elements[i];
        if (e->in == in && e->name[0] == local.p[0] && (own || !e->own) && str_eq(str_of(e->name), local)) {
            return e;
        }
    }
    return NULL;
}

int sitemap_attribute(str local)
{
    static const str names[ATTRS] = {
        [ATTR_HREF] = {"href", 4},     [ATTR_HREFLANG] = {"hreflang", 8},
        [ATTR_REL] = {"rel", 3},       [ATTR_MEDIA] = {"media", 5},
        [ATTR_TYPE] = {"type", 4},     [ATTR_URL] = {"url", 3},
        [ATTR_MEDIUM] = {"medium", 6}, [ATTR_NAME] = {"name", 4},
        [ATTR_VALUE] = {"value", 5},   [ATTR_PERMALINK] = {"isPermaLink", 11},
    };
    for (int i = 0; i < ATTRS; i++) {
        if (str_eq(names[i], local)) {
            return i;
        }
    }
    return -1;
}
