/* What markup becomes which tokens, in chunks of any size. */
#include "html_dump.h"
#include "test.h"

static const struct html_options all = {.want = HTML_WANT_ALL, .charset = "utf-8"};

#define TOKENS(page, want) ck_assert_str_eq(html_dump_every_way(&all, STR(page)), want)

START_TEST(tags_and_text)
{
    TOKENS("a<p>b</p>c", "a|<p>|b|</p>|c|");
    TOKENS("<P CLASS=X>", "<p class=\"X\">|");
    TOKENS("<br/><br / ><a/b>", "<br/>|<br>|<a b=\"\">|");
    TOKENS("</p x=\"y>\">z", "</p>|z|");
    TOKENS("1 < 2 <3 <", "1 < 2 <3 <|");
    TOKENS("a</>b</ c>d</", "ab|<!-- c-->|d</|");
    TOKENS("<?xml v?>a", "<!--?xml v?-->|a|");
    TOKENS("x<unended attr=\"", "x|");
}
END_TEST

START_TEST(attributes_in_every_quoting)
{
    TOKENS("<a b c=d e='f g' h = \"i>j\" k=>", "<a b=\"\" c=\"d\" e=\"f g\" h=\"i>j\" k=\"\">|");
    TOKENS("<a b='1'c=\"2\"d=3/>", "<a b=\"1\" c=\"2\" d=\"3/\">|");
    TOKENS("<a =b ==c \"d\" e<f>", "<a =b=\"=c\" \"d\"=\"\" e<f=\"\">|");
    TOKENS("<a x=1 X=2>", "<a x=\"1\" x=\"2\">|");
    TOKENS("<a\nb\t=\r\n'c'\f>", "<a b=\"c\">|");
}
END_TEST

START_TEST(references_in_text)
{
    TOKENS("a&amp;b&lt;&gt;&quot;&apos;", "a&b<>\"'|");
    TOKENS("&eacute;&copy&reg;&notit;&notin;&xyz;&", "\xc3\xa9\xc2\xa9\xc2\xae\xc2\xacit;\xe2\x88\x89&xyz;&|");
    TOKENS("&#65;&#x42;&#X43&#128;&#0;&#xD800;&#x110000;&#;&#x;&#99999999999;",
           "ABC\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&#;&#x;\xef\xbf\xbd|");
    TOKENS("&CounterClockwiseContourIntegral;&nGt;&AMP&ampx", "\xe2\x88\xb3\xe2\x89\xab\xe2\x83\x92&&x|");
    TOKENS("&&amp;&a<b>&am", "&&&a|<b>|&am|");
}
END_TEST

START_TEST(references_in_attributes_leave_queries_alone)
{
    TOKENS("<a href=\"?a=1&copy=2&amp;b&lt;c&copyx&copy\">", "<a href=\"?a=1&copy=2&b<c&copyx\xc2\xa9\">|");
    TOKENS("<a b=&#65;&notit; c=\"&nGt;&nGt;\">",
           "<a b=\"A&notit;\" c=\"\xe2\x89\xab\xe2\x83\x92\xe2\x89\xab\xe2\x83\x92\">|");
}
END_TEST

START_TEST(comments)
{
    TOKENS("<!-- a -- b --->c", "<!-- a -- b --->|c|");
    TOKENS("<!-->a<!--->b<!---->c", "<!---->|a|<!---->|b|<!---->|c|");
    TOKENS("<!--a--!>b<!--a--!-->c", "<!--a-->|b|<!--a--!-->|c|");
    TOKENS("<!--<!-- a --> b -->", "<!--<!-- a -->| b -->|");
    TOKENS("<!x>a<!>b<!-x>c<!--d", "<!--x-->|a|<!---->|b|<!---x-->|c|<!--d-->|");
    TOKENS("<!ELEMENT br EMPTY><![CDATA[x]]>", "<!--ELEMENT br EMPTY-->|<!--[CDATA[x]]-->|");
}
END_TEST

START_TEST(document_types)
{
    TOKENS("<!DOCTYPE html>a", "<!DOCTYPE html>|a|");
    TOKENS("<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"x\">", "<!DOCTYPE html>|");
    TOKENS("<!doctype>", "<!DOCTYPE >|");
    TOKENS("<!doctyp>", "<!--doctyp-->|");
}
END_TEST

START_TEST(titles_hold_text_and_references)
{
    TOKENS("<title>a <b> &amp; </titlex> </TITLE ><p>", "<title>|a <b> & </titlex> |</title>|<p>|");
    TOKENS("<textarea></textarea/>x<title>&am", "<textarea>|</textarea>|x|<title>|&am|");
    TOKENS("<title><</title>", "<title>|<|</title>|");
}
END_TEST

START_TEST(scripts_and_styles_hold_raw_text)
{
    TOKENS("<script>if (a<b && c) '</scrip' + \"<p>\"</script >x",
           "<script>|~if (a<b && c) '</scrip' + \"<p>\"|</script>|x|");
    TOKENS("<style>a>b{}</styl></style>", "<style>|~a>b{}</styl>|</style>|");
    TOKENS("<xmp>&amp;<b></xmp><iframe><p></iframe><noembed><i></noembed><noframes></b></noframes>",
           "<xmp>|~&amp;<b>|</xmp>|<iframe>|~<p>|</iframe>|<noembed>|~<i>|</noembed>|<noframes>|~</b>|</noframes>|");
    TOKENS("<noscript><p></noscript>", "<noscript>|<p>|</noscript>|");
    TOKENS("<plaintext>a</plaintext><b>", "<plaintext>|a</plaintext><b>|");
}
END_TEST

START_TEST(scripts_in_comments_in_scripts)
{
    TOKENS("<script><!-- <script> </script> --></script>x", "<script>|~<!-- <script> </script> -->|</script>|x|");
    TOKENS("<script><!-- </script>x", "<script>|~<!-- |</script>|x|");
    TOKENS("<script><!--><script></script>x", "<script>|~<!--><script>|</script>|x|");
    TOKENS("<script><!-- <script> --> </script>x", "<script>|~<!-- <script> --> |</script>|x|");
    TOKENS("<script><!-- <scriptx> </script>x", "<script>|~<!-- <scriptx> |</script>|x|");
    TOKENS("<script><!-<script></script>x", "<script>|~<!-<script>|</script>|x|");
}
END_TEST

START_TEST(svg_and_math_are_foreign)
{
    TOKENS("<svg><title><g>x</title><![CDATA[a<b]]]>]]>c</svg><![CDATA[d]]>",
           "<svg>|<title>|<g>|x|</title>|a<b]]]>c|</svg>|<!--[CDATA[d]]-->|");
    TOKENS("<svg/><title><b></title>", "<svg/>|<title>|<b>|</title>|");
    TOKENS("<math><style><p><style><q></style>", "<math>|<style>|<p>|<style>|~<q>|</style>|");
}
END_TEST

START_TEST(nul_bytes_become_replacement_characters_in_values)
{
    ck_assert_str_eq(html_dump_every_way(&all, str_n("<a b=\"x\0&amp;y\" c='\0'>", 23)),
                     "<a b=\"x\xef\xbf\xbd&y\" c=\"\xef\xbf\xbd\">|");
}
END_TEST

START_TEST(only_what_is_wanted_comes)
{
    static const char page[] = "<!DOCTYPE html><!--c--><p>text</p><script>raw</script><title>t&amp;</title>";
    static const struct {
        unsigned want;
        const char *tokens;
    } cases[] = {{0, "<p>|<script>|<title>|"},
                 {HTML_WANT_TEXT, "<p>|text|<script>|<title>|t&|"},
                 {HTML_WANT_RAW, "<p>|<script>|~raw|<title>|"},
                 {HTML_WANT_COMMENT | HTML_WANT_DOCTYPE, "<!DOCTYPE html>|<!--c-->|<p>|<script>|<title>|"},
                 {HTML_WANT_END, "<p>|</p>|<script>|</script>|<title>|</title>|"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct html_options o = {.want = cases[i].want};
        ck_assert_str_eq(html_dump_every_way(&o, str_of(page)), cases[i].tokens);
    }
}
END_TEST

RUN("html_tokens", 20, CASE(tags_and_text), CASE(attributes_in_every_quoting), CASE(references_in_text),
    CASE(references_in_attributes_leave_queries_alone), CASE(comments), CASE(document_types),
    CASE(titles_hold_text_and_references), CASE(scripts_and_styles_hold_raw_text), CASE(scripts_in_comments_in_scripts),
    CASE(svg_and_math_are_foreign), CASE(nul_bytes_become_replacement_characters_in_values),
    CASE(only_what_is_wanted_comes));
