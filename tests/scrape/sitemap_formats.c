/* What each kind of sitemap gives, whichever way it is read and in whatever chunks. */
#include "sitemap_dump.h"
#include "test.h"

#define NS "xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\""

#define LOCS(doc, want)                                     \
    do {                                                    \
        struct dump d_;                                     \
        ck_assert_str_eq(dump_locs(&d_, STR(doc)).p, want); \
        dump_close(&d_);                                    \
    } while (0)
#define TEXT(doc, type_, want)                   \
    do {                                         \
        struct dump d_;                          \
        dump_every_way(&d_, STR(doc));           \
        ck_assert_str_eq(d_.text.p, want);       \
        ck_assert_int_eq(d_.result.type, type_); \
        dump_close(&d_);                         \
    } while (0)

START_TEST(a_urlset_gives_its_four_fields)
{
    TEXT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset " NS ">\n<url>\n <loc> https://a.example/x </loc>\n"
         " <lastmod>2024-05-06</lastmod><changefreq>Weekly</changefreq>\n<priority>0.8</priority></url>"
         "<url><loc>/relative</loc><lastmod>2024-05-06T07:08:09+02:00</lastmod></url></urlset>\n",
         SITEMAP_URLSET,
         "{\"loc\":\"https://a.example/x\",\"lastmod\":\"2024-05-06T00:00:00Z\",\"changefreq\":\"weekly\","
         "\"priority\":0.8}\n{\"loc\":\"/relative\",\"lastmod\":\"2024-05-06T05:08:09Z\"}\n");
}
END_TEST

START_TEST(an_index_gives_the_locations_of_sitemaps)
{
    TEXT("<sitemapindex " NS "><sitemap><loc>http://a/1.xml</loc><lastmod>2024</lastmod></sitemap>"
         "<sitemap><loc>http://a/2.xml.gz</loc></sitemap></sitemapindex>",
         SITEMAP_INDEX,
         "{\"loc\":\"http://a/1.xml\",\"lastmod\":\"2024-01-01T00:00:00Z\",\"index\":true}\n"
         "{\"loc\":\"http://a/2.xml.gz\",\"index\":true}\n");
}
END_TEST

START_TEST(elements_are_told_by_their_local_names)
{
    LOCS("<urlset><url><loc>http://a/1</loc></url></urlset>", "http://a/1 ");
    LOCS("<sm:urlset xmlns:sm=\"http://www.google.com/schemas/sitemap/0.84\"><sm:url><sm:loc>http://a/2</sm:loc>"
         "</sm:url></sm:urlset>",
         "http://a/2 ");
    LOCS("<urlset><ns2:url xmlns:ns2='x'><ns2:loc>http://a/3</ns2:loc></ns2:url></urlset>", "http://a/3 ");
    LOCS("<urlset><url " NS "><loc>http://a/4</loc></url></urlset>", "http://a/4 ");
    LOCS("<urlset a='>' b=\"'/>\"><url id='1' ><loc class=\"x\">http://a/5</loc></url ></urlset >", "http://a/5 ");
}
END_TEST

START_TEST(cdata_comments_and_references_are_read_in_text)
{
    LOCS("<urlset><!-- <url><loc>no</loc></url> --><url><loc><![CDATA[http://a/?x=1&y=2]]></loc></url>"
         "<?pi <url>?><url><!-- a --><loc>http://a/?x=1&amp;y=2&#38;z=&#x33;</loc></url>"
         "<url><loc>http://a/<!-- > -->b<![CDATA[c]]>d</loc></url></urlset>",
         "http://a/?x=1&y=2 http://a/?x=1&y=2&z=3 http://a/bcd ");
}
END_TEST

START_TEST(line_ends_vanish_from_locations_and_become_a_space_elsewhere)
{
    TEXT("<urlset><url><loc>http://a/x\r\n y\tz</loc><image:image><image:loc>http://a/i</image:loc>"
         "<image:title>two\r\n  words</image:title></image:image></url></urlset>",
         SITEMAP_URLSET, "{\"loc\":\"http://a/x yz\",\"images\":[{\"loc\":\"http://a/i\",\"title\":\"two words\"}]}\n");
}
END_TEST

START_TEST(extensions_are_read_with_any_prefix)
{
    TEXT("<urlset " NS " xmlns:i=\"http://www.google.com/schemas/sitemap-image/1.1\"><url><loc>http://a/</loc>"
         "<i:image><i:loc>http://a/1.png</i:loc><i:caption>A &amp; B</i:caption></i:image>"
         "<i:image><i:loc>http://a/2.png</i:loc><i:title>T</i:title><i:license>L</i:license></i:image>"
         "<video:video><video:thumbnail_loc>http://a/t</video:thumbnail_loc><video:title>V</video:title>"
         "<video:player_loc allow_embed=\"yes\">http://a/p</video:player_loc><video:duration>60</video:duration>"
         "<video:unknown><video:title>no</video:title></video:unknown></video:video>"
         "<news:news><news:publication><news:name>N</news:name><news:language>en</news:language></news:publication>"
         "<news:publication_date>2024-01-02</news:publication_date><news:title>Head</news:title></news:news>"
         "<mobile:mobile/></url></urlset>",
         SITEMAP_URLSET,
         "{\"loc\":\"http://a/\",\"images\":[{\"loc\":\"http://a/1.png\",\"caption\":\"A & B\"},"
         "{\"loc\":\"http://a/2.png\",\"title\":\"T\",\"license\":\"L\"}],"
         "\"videos\":[{\"thumbnail_loc\":\"http://a/t\",\"title\":\"V\",\"player_loc\":\"http://a/p\","
         "\"duration\":\"60\"}],\"news\":{\"publication\":\"N\",\"language\":\"en\","
         "\"publication_date\":\"2024-01-02\",\"title\":\"Head\"},\"mobile\":true}\n");
}
END_TEST

START_TEST(an_image_location_outside_an_image_is_not_the_pages_own)
{
    LOCS("<urlset><url><image:loc>http://a/i.png</image:loc><loc>http://a/</loc></url></urlset>", "http://a/ ");
}
END_TEST

START_TEST(alternates_give_language_and_address)
{
    TEXT("<urlset xmlns:xhtml=\"http://www.w3.org/1999/xhtml\"><url><loc>http://a/en</loc>"
         "<xhtml:link rel=\"alternate\" hreflang=\"de\" href=\"http://a/de?x=1&amp;y\"/>"
         "<xhtml:link href='http://a/m' media='only screen' rel='alternate'></xhtml:link>"
         "<xhtml:link rel=\"stylesheet\" href=\"http://a/css\"/></url></urlset>",
         SITEMAP_URLSET,
         "{\"loc\":\"http://a/en\",\"alternates\":[{\"hreflang\":\"de\",\"href\":\"http://a/de?x=1&y\"},"
         "{\"href\":\"http://a/m\",\"media\":\"only screen\"}]}\n");
}
END_TEST

START_TEST(pagemaps_give_their_attributes)
{
    TEXT("<urlset><url><loc>http://a/</loc><PageMap xmlns=\"http://www.google.com/schemas/sitemap-pagemap/1.0\">"
         "<DataObject type=\"document\" id=\"d\"><Attribute name=\"title\">The Title</Attribute>"
         "<Attribute name=\"n\" value=\"7\"/></DataObject></PageMap></url></urlset>",
         SITEMAP_URLSET,
         "{\"loc\":\"http://a/\",\"data\":[{\"object\":\"document\",\"name\":\"title\",\"value\":\"The Title\"},"
         "{\"object\":\"document\",\"name\":\"n\",\"value\":\"7\"}]}\n");
}
END_TEST

START_TEST(a_list_of_urls_is_one_a_line)
{
    LOCS("http://a/1\r\nhttps://a/2\n\n  HTTP://A/3  \rhttp://a/4", "http://a/1 https://a/2 HTTP://A/3 http://a/4 ");
    LOCS("\xef\xbb\xbfhttp://a/1\n", "http://a/1 ");
    LOCS("# ours\nhttp://a/1\nftp://a/2\n", "http://a/1 ");
}
END_TEST

START_TEST(rss_gives_items_and_their_dates)
{
    TEXT("<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>"
         "<title>C</title><link>http://a/</link><atom:link href=\"http://a/feed\" rel=\"self\"/>"
         "<item><title>One</title><link>http://a/1</link><pubDate>Tue, 05 Mar 2024 10:00:00 +0100</pubDate>"
         "<media:content url=\"http://a/1.jpg\" medium=\"image\"/><guid isPermaLink=\"false\">g1</guid></item>"
         "<item><guid>http://a/2</guid><enclosure url=\"http://a/2.png\" type=\"image/png\" length=\"1\"/></item>"
         "<item><atom:link href=\"http://a/3\"/><dc:date>2024-03-05</dc:date></item>"
         "<item><guid isPermaLink=\"false\">http://a/none</guid></item></channel></rss>",
         SITEMAP_RSS,
         "{\"loc\":\"http://a/1\",\"lastmod\":\"2024-03-05T09:00:00Z\",\"title\":\"One\","
         "\"images\":[{\"loc\":\"http://a/1.jpg\"}]}\n"
         "{\"loc\":\"http://a/2\",\"images\":[{\"loc\":\"http://a/2.png\"}]}\n"
         "{\"loc\":\"http://a/3\",\"lastmod\":\"2024-03-05T00:00:00Z\"}\n");
    LOCS("<rdf:RDF xmlns:rdf=\"x\" xmlns=\"http://purl.org/rss/1.0/\"><channel rdf:about=\"http://a/\">"
         "<link>http://a/</link></channel><item rdf:about=\"http://a/1\"><link>http://a/1</link></item></rdf:RDF>",
         "http://a/1 ");
    LOCS("<rss version=\"0.91\"><channel><item><link>http://a/1</link></item></channel></rss>", "http://a/1 ");
}
END_TEST

START_TEST(atom_gives_the_alternate_link_of_each_entry)
{
    TEXT("<feed xmlns=\"http://www.w3.org/2005/Atom\"><link href=\"http://a/\"/><id>urn:x</id>"
         "<entry><title type=\"html\">T</title><link rel=\"edit\" href=\"http://a/e\"/><link href=\"http://a/1\"/>"
         "<published>2024-01-01T00:00:00Z</published><updated>2024-02-01T00:00:00Z</updated></entry>"
         "<entry><id>http://a/2</id><published>2024-01-01T00:00:00Z</published></entry></feed>",
         SITEMAP_ATOM,
         "{\"loc\":\"http://a/1\",\"lastmod\":\"2024-02-01T00:00:00Z\",\"title\":\"T\"}\n"
         "{\"loc\":\"http://a/2\",\"lastmod\":\"2024-01-01T00:00:00Z\"}\n");
}
END_TEST

START_TEST(other_encodings_are_read)
{
    LOCS("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><urlset><url><loc>http://a/\xe9</loc></url></urlset>",
         "http://a/\xc3\xa9 ");
    LOCS("<?xml version='1.0' encoding='windows-1251'?><urlset><url><loc>http://a/\xe6</loc></url></urlset>",
         "http://a/\xd0\xb6 ");
    LOCS("<?xml version='1.0' encoding='Shift_JIS'?><urlset><url><loc>http://a/\x93\xfa</loc></url></urlset>",
         "http://a/\xe6\x97\xa5 ");
    LOCS("\xef\xbb\xbf<?xml version='1.0' "
         "encoding='ISO-8859-1'?><urlset><url><loc>http://a/\xc3\xa9</loc></url></urlset>",
         "http://a/\xc3\xa9 ");
}
END_TEST

START_TEST(utf_16_is_read_with_and_without_a_mark)
{
    static const char ascii[] =
        "<?xml version='1.0' encoding='UTF-16'?><urlset><url><loc>http://a/1</loc></url></urlset>";
    char le[2 * sizeof ascii + 2] = "\xff\xfe", be[2 * sizeof ascii];
    size_t n = sizeof ascii - 1;
    for (size_t i = 0; i < n; i++) {
        le[2 + 2 * i] = be[2 * i + 1] = ascii[i];
        le[3 + 2 * i] = be[2 * i] = '\0';
    }
    struct dump d;
    ck_assert_str_eq(dump_locs(&d, str_n(le, 2 + 2 * n)).p, "http://a/1 ");
    ck_assert_str_eq(d.result.encoding, "UTF-16LE");
    dump_close(&d);
    ck_assert_str_eq(dump_locs(&d, str_n(be, 2 * n)).p, "http://a/1 ");
    ck_assert_str_eq(d.result.encoding, "UTF-16BE");
    dump_close(&d);
}
END_TEST

START_TEST(an_empty_urlset_is_a_sitemap_without_entries)
{
    TEXT("<urlset/>", SITEMAP_URLSET, "");
    TEXT("<urlset " NS "></urlset>", SITEMAP_URLSET, "");
    TEXT("<?xml version=\"1.0\"?><?xml-stylesheet type=\"text/xsl\" href=\"/s.xsl\"?><!-- c --><sitemapindex/>",
         SITEMAP_INDEX, "");
}
END_TEST

RUN("sitemap_formats", 20, CASE(a_urlset_gives_its_four_fields), CASE(an_index_gives_the_locations_of_sitemaps),
    CASE(elements_are_told_by_their_local_names), CASE(cdata_comments_and_references_are_read_in_text),
    CASE(line_ends_vanish_from_locations_and_become_a_space_elsewhere), CASE(extensions_are_read_with_any_prefix),
    CASE(an_image_location_outside_an_image_is_not_the_pages_own), CASE(alternates_give_language_and_address),
    CASE(pagemaps_give_their_attributes), CASE(a_list_of_urls_is_one_a_line), CASE(rss_gives_items_and_their_dates),
    CASE(atom_gives_the_alternate_link_of_each_entry), CASE(other_encodings_are_read),
    CASE(utf_16_is_read_with_and_without_a_mark), CASE(an_empty_urlset_is_a_sitemap_without_entries));
