"""Sites that are wrong, or mean harm: each ends in bounded time with what can be had, and a note that names the fault."""

import gzip
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import wm

HOST = "bad.site.test"
ROOT = f"http://{HOST}"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(urls):
    return f"<urlset {NS}>" + "".join(f"<url><loc>{u}</loc></url>" for u in urls) + "</urlset>"


def index(urls):
    return f"<sitemapindex {NS}>" + "".join(f"<sitemap><loc>{u}</loc></sitemap>" for u in urls) + "</sitemapindex>"


def scan(files, *options, server="", expect=0):
    """Serves files (path: text or bytes), scans, and gives (result, URLs, names of notes)."""
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        files = {"index.html": "<title>Bad</title>", **files}
        for path, body in files.items():
            at = os.path.join(root, path)
            os.makedirs(os.path.dirname(at), exist_ok=True)
            with open(at, "wb") as f:
                f.write(body if isinstance(body, bytes) else body.encode())
        with wm.nginx(root, "port_in_redirect off; " + server) as port:
            db = ["--db", f"sqlite:///{d}/waymark.db"]
            start = time.monotonic()
            p = wm.waymark("scan", ROOT, "--allow-private", "--resolve", f"{HOST}:80:127.0.0.1:{port}", "--json", *options,
                           *db, check=expect)
            took = time.monotonic() - start
            assert took < 60, f"took {took:.1f} s"
            result = wm.json_lines(p.stdout)[-1]
            urls = [page["url"] for page in wm.json_lines(wm.waymark("pages", "--json", *db, check=0).stdout)]
            return result, urls, {n["name"] for n in result["notes"]}


def robots(*sitemaps):
    return "".join(f"Sitemap: {ROOT}/{s}\n" for s in sitemaps)


@wm.case
def an_index_that_names_itself_is_read_once():
    result, urls, _ = scan({"robots.txt": robots("i.xml"), "i.xml": index([f"{ROOT}/i.xml", f"{ROOT}/s.xml"]),
                            "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert result["sitemaps"] == 2, result


@wm.case
def a_cycle_of_two_indexes_ends():
    result, urls, _ = scan({"robots.txt": robots("i.xml"), "i.xml": index([f"{ROOT}/j.xml"]),
                            "j.xml": index([f"{ROOT}/i.xml", f"{ROOT}/s.xml"]), "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert result["sitemaps"] == 3, result


@wm.case
def indexes_in_indexes_end_at_a_depth():
    files = {f"i{n}.xml": index([f"{ROOT}/i{n + 1}.xml"]) for n in range(20)}
    result, _, notes = scan({"robots.txt": robots("i0.xml"), **files})
    assert "too_deep" in notes and result["sitemaps"] <= 7, result


@wm.case
def more_than_fifty_thousand_urls_are_kept_and_noted():
    _, urls, notes = scan({"robots.txt": robots("s.xml"), "s.xml": urlset(f"{ROOT}/{n}" for n in range(50_010))})
    assert len(urls) == 50_010
    assert any("url" in n and "over" in n for n in notes), notes


@wm.case
def urls_and_sitemaps_of_other_hosts_are_left_out_and_noted():
    result, urls, notes = scan({"robots.txt": robots("i.xml"),
                                "i.xml": index([f"{ROOT}/s.xml", "http://elsewhere.example/s.xml"]),
                                "s.xml": urlset([f"{ROOT}/a", "http://elsewhere.example/b", "http://[::1]/c"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert {"off_host", "off_site_sitemap"} <= notes, notes
    assert result["entries_dropped"] == 2, result


@wm.case
def a_sitemap_that_points_inside_is_refused_by_the_door():
    _, urls, notes = scan({"robots.txt": "Sitemap: http://169.254.169.254/latest/meta-data\n" + robots("s.xml"),
                           "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert "denied_address" in notes, notes


@wm.case
def doctypes_and_entities_do_not_fail_the_tree():
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
    bomb = f'<!DOCTYPE u [<!ENTITY l0 "ha">{laughs}]>' + urlset([f"{ROOT}/&l12;", f"{ROOT}/b"])
    outside = '<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + urlset([f"{ROOT}/&x;c", f"{ROOT}/d"])
    _, urls, notes = scan({"robots.txt": robots("bomb.xml", "outside.xml", "s.xml"), "bomb.xml": bomb,
                           "outside.xml": outside, "s.xml": urlset([f"{ROOT}/a"])})
    assert {f"{ROOT}/a", f"{ROOT}/b", f"{ROOT}/d"} <= set(urls), urls
    assert not any("root:" in u or "haha" in u for u in urls), urls
    assert any("doctype" in n or "entity" in n for n in notes), notes


@wm.case
def a_gzip_bomb_is_cut_and_the_rest_goes_on():
    bomb = gzip.compress(b"<urlset>" + b" " * (300 << 20), 9)
    _, urls, notes = scan({"robots.txt": robots("bomb.xml.gz", "s.xml"), "bomb.xml.gz": bomb,
                           "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert any("gzip" in n or "size" in n for n in notes), notes


@wm.case
def a_truncated_sitemap_keeps_what_was_read():
    whole = urlset(f"{ROOT}/{n}" for n in range(100))
    _, urls, notes = scan({"robots.txt": robots("s.xml"), "s.xml": whole[:len(whole) // 2]})
    assert 40 <= len(urls) <= 50 and "truncated" in notes, (len(urls), notes)


@wm.case
def deeply_nested_markup_ends_quickly():
    _, urls, _ = scan({"robots.txt": robots("deep.xml", "s.xml"), "deep.xml": f"<urlset {NS}>" + "<a>" * 1_000_000,
                       "index.html": "<title>Deep</title>" + "<div>" * 1_000_000, "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])


@wm.case
def robots_txt_of_any_size_and_shape_is_read_as_far_as_it_goes():
    big = robots("s.xml") + "Disallow: /x\n" * 60_000
    _, urls, _ = scan({"robots.txt": big, "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    _, urls, _ = scan({"robots.txt": robots("s.xml") + "Disallow: /" + "x" * 2_000_000, "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])


@wm.case
def a_robots_txt_that_fails_closes_the_site_and_says_so():
    result, urls, notes = scan({"sitemap.xml": urlset([f"{ROOT}/a"])}, server="location = /robots.txt { return 503; }")
    assert urls == [] and "robots_unreadable" in notes and result["status"] == "complete", (urls, result)


@wm.case
def a_robots_txt_is_followed_through_redirects():
    _, urls, _ = scan({"real.txt": robots("s.xml"), "s.xml": urlset([f"{ROOT}/a"])},
                      server="location = /robots.txt { return 302 /real.txt; }")
    wm.same_set(urls, [f"{ROOT}/a"])


@wm.case
def the_usual_paths_are_tried_when_nothing_is_named():
    result, urls, _ = scan({"sitemap_index.xml": index([f"{ROOT}/s.xml"]), "s.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])
    assert result["sitemaps"] == 2, result


@wm.case
def a_site_that_answers_everything_is_recognised():
    _, _, notes = scan({}, server="location / { try_files $uri /index.html; }")
    assert {"answers_everything", "no_sitemap"} <= notes, notes


@wm.case
def a_sitemap_named_by_the_home_page_is_found():
    _, urls, _ = scan({"index.html": '<link rel="sitemap" href="/deep/map.xml"><title>x</title>',
                       "deep/map.xml": urlset([f"{ROOT}/a"])})
    wm.same_set(urls, [f"{ROOT}/a"])


@wm.case
def without_any_sitemap_the_home_pages_links_are_the_pages():
    page = ('<base href="/docs/"><a href="one.html">1</a><a href="mailto:x@y">m</a><a href="http://elsewhere.example/">e</a>'
            '<a href="javascript:void(0)">j</a>')
    _, urls, notes = scan({"index.html": page})
    wm.same_set(urls, [f"{ROOT}/", f"{ROOT}/docs/one.html"])
    assert "no_sitemap" in notes, notes


@wm.case
def session_ids_go_when_asked():
    files = {"robots.txt": robots("s.xml"),
             "s.xml": urlset([f"{ROOT}/p?PHPSESSID={'a' * 26}", f"{ROOT}/p?PHPSESSID={'b' * 26}", f"{ROOT}/q?utm_source=x"])}
    _, urls, _ = scan(files, "--drop-session", "--drop-tracking")
    wm.same_set(urls, [f"{ROOT}/p", f"{ROOT}/q"])
    _, urls, _ = scan(files)
    assert len(urls) == 3, urls


@wm.case
def limits_are_kept_and_said():
    result, urls, notes = scan({"robots.txt": robots("s.xml"), "s.xml": urlset(f"{ROOT}/{n}" for n in range(5000))},
                               "--max-pages", "1000")
    assert len(urls) == 1000 and "too_many_pages" in notes, (len(urls), result)
    _, urls, notes = scan({"robots.txt": robots(*[f"s{n}.xml" for n in range(20)]),
                           **{f"s{n}.xml": urlset([f"{ROOT}/{n}"]) for n in range(20)}}, "--max-sitemaps", "5")
    assert len(urls) == 5 and "too_many_sitemaps" in notes, (urls, notes)


wm.main()
