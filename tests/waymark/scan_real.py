"""A scan of a real site: Debian's HTML documentation of PostgreSQL behind nginx, on SQLite and on PostgreSQL."""

import gzip
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import wm

DOCS = "/usr/share/doc/postgresql-doc-15/html"
HOST = "docs.site.test"
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def build_site(root):
    """The documents, a robots.txt naming an index of three gzipped sitemaps, one listed twice, one with a URL on another
    host, and a redirect. Gives the URLs that a scan must store."""
    wm.need(DOCS, "postgresql-doc-15")
    shutil.copytree(DOCS, os.path.join(root, "docs"), symlinks=False)
    names = sorted(n for n in os.listdir(os.path.join(root, "docs")) if n.endswith(".html"))
    assert len(names) > 1000, len(names)
    urls = [f"http://{HOST}/docs/{n}" for n in names]
    with open(os.path.join(root, "index.html"), "w") as f:
        f.write('<!doctype html><html lang="en"><head><title>  Documents &amp; more </title>'
                '<meta name="description" content="Everything about a database"></head><body>'
                '<a href="/docs/index.html">docs</a></body></html>')
    third = (len(urls) + 2) // 3
    for i in range(3):
        part = urls[i * third:(i + 1) * third]
        extra = ["http://elsewhere.test/stranger.html"] if i == 1 else []
        body = XML + f"<urlset {NS}>" + "".join(
            f"<url><loc>{u}</loc><lastmod>2026-01-0{i + 1}</lastmod></url>\n" for u in part + extra) + "</urlset>"
        with gzip.open(os.path.join(root, f"sitemap{i}.xml.gz"), "wt") as f:
            f.write(body)
    with open(os.path.join(root, "index.xml"), "w") as f:
        f.write(XML + f"<sitemapindex {NS}>" + "".join(
            f"<sitemap><loc>http://{HOST}/{n}</loc></sitemap>"
            for n in ["sitemap0.xml.gz", "old/sitemap1.xml.gz", "sitemap2.xml.gz", "sitemap0.xml.gz"]) + "</sitemapindex>")
    with open(os.path.join(root, "robots.txt"), "w") as f:
        f.write(f"User-agent: *\nDisallow: /private/\nSitemap: http://{HOST}/index.xml\n")
    return urls


def scan_into(database):
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        os.mkdir(root)
        urls = build_site(root)
        with wm.nginx(root, "port_in_redirect off; rewrite ^/old/(.*)$ /$1 permanent;") as port:
            door = ["--allow-private", "--resolve", f"{HOST}:80:127.0.0.1:{port}"]
            db = ["--db", database(d)]
            p = wm.waymark("scan", f"http://{HOST}", *door, *db, "--json", check=0)
            result = wm.json_lines(p.stdout)[-1]
            assert result["status"] == "complete", result
            pages = wm.json_lines(wm.waymark("pages", "--json", *db, check=0).stdout)
            wm.same_set([page["url"] for page in pages], urls, "pages")
            domains = wm.json_lines(wm.waymark("domains", "--json", *db, check=0).stdout)
            assert len(domains) == 1
            domain = domains[0]
            assert domain["domain"] == HOST, domain
            assert domain["title"] == "Documents & more", domain
            assert domain["description"] == "Everything about a database", domain
            assert domain["language"] == "en", domain
            assert domain["total_sitemaps"] == 4, domain
            assert domain["sitemap_urls"] == len(urls), domain
            again = wm.waymark("scan", f"http://{HOST}", *door, *db, "--json", check=0)
            pages = wm.json_lines(wm.waymark("pages", "--json", *db, check=0).stdout)
            wm.same_set([page["url"] for page in pages], urls, "pages after a second scan")
            assert wm.json_lines(again.stdout)[-1]["pages_new"] == 0
            jobs = wm.json_lines(wm.waymark("jobs", "--json", *db, check=0).stdout)
            assert [j["status"] for j in jobs] == ["complete", "complete"], jobs


@wm.case
def a_scan_into_sqlite_stores_exactly_the_urls_that_the_site_lists():
    scan_into(lambda d: f"sqlite:///{d}/waymark.db")


@wm.case
def a_scan_into_postgresql_stores_exactly_the_urls_that_the_site_lists():
    scan_into(lambda d: wm.postgres_url())


@wm.case
def map_prints_each_url_once_and_keeps_no_database():
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        os.mkdir(root)
        urls = build_site(root)
        with wm.nginx(root, "port_in_redirect off; rewrite ^/old/(.*)$ /$1 permanent;") as port:
            p = wm.waymark("map", f"http://{HOST}", "--allow-private", "--resolve", f"{HOST}:80:127.0.0.1:{port}",
                           check=0, env={"XDG_DATA_HOME": os.path.join(d, "data")})
            wm.same_set(p.stdout.split(), urls, "lines")
            assert not os.path.exists(os.path.join(d, "data"))


wm.main()
