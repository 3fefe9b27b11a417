"""SIGKILL at random moments of a scan never leaves a broken database, and the next scan completes."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import wm

HOST = "kill.site.test"
SITEMAPS, URLS = 12, 4000
KILLS = 10 if wm.SANITIZED else 50


def build_site(root):
    for i in range(SITEMAPS):
        with open(os.path.join(root, f"s{i}.xml"), "w") as f:
            f.write('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">')
            f.writelines(f"<url><loc>http://{HOST}/s{i}/page-{n}</loc></url>\n" for n in range(URLS))
            f.write("</urlset>")
    with open(os.path.join(root, "robots.txt"), "w") as f:
        f.writelines(f"Sitemap: http://{HOST}/s{i}.xml\n" for i in range(SITEMAPS))
    with open(os.path.join(root, "index.html"), "w") as f:
        f.write("<title>Kill me</title>")


def check(path):
    """What must hold at every moment. Gives the number of pages."""
    db = sqlite3.connect(path)
    try:
        tables = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert db.execute("pragma foreign_key_check").fetchall() == []
        if "pages" not in tables:
            return 0
        (orphans,) = db.execute("""select count(*) from pages p where sitemap_file_id is null or not exists (
            select 1 from sitemap_files s where s.tenant_id = p.tenant_id and s.id = p.sitemap_file_id)""").fetchone()
        assert orphans == 0, f"{orphans} pages without their sitemap"
        wrong = db.execute("""select domain, sitemap_urls, total_sitemaps, pages, files from (
            select domain, sitemap_urls, total_sitemaps,
                (select count(*) from pages p where p.tenant_id = d.tenant_id and p.domain_id = d.id) as pages,
                (select count(*) from sitemap_files f where f.tenant_id = d.tenant_id and f.domain_id = d.id) as files
            from domains d) where sitemap_urls <> pages or total_sitemaps <> files""").fetchall()
        assert not wrong, f"counts that are not the rows: {wrong}"
        return db.execute("select count(*) from pages").fetchone()[0]
    finally:
        db.close()


@wm.case
def killing_a_scan_at_random_moments_leaves_a_consistent_database():
    seed = int(os.environ.get("WAYMARK_TEST_SEED", time.time_ns() % 2**32))
    print(f"# seed {seed} (WAYMARK_TEST_SEED repeats it)")
    rng = random.Random(seed)
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        os.mkdir(root)
        build_site(root)
        with wm.nginx(root) as port:
            def args(path):
                return ["scan", f"http://{HOST}", "--allow-private", "--resolve", f"{HOST}:80:127.0.0.1:{port}",
                        "--db", f"sqlite:///{path}"]
            start = time.monotonic()
            whole = os.path.join(d, "whole.db")
            wm.waymark(*args(whole), check=0)
            duration = time.monotonic() - start
            assert check(whole) == SITEMAPS * URLS

            partial = 0
            path = os.path.join(d, "killed.db")
            for i in range(KILLS):
                if i % 5 == 0:  # a fresh file now and then: the first moments of a database count too
                    for f in os.listdir(d):
                        if f.startswith("killed.db"):
                            os.unlink(os.path.join(d, f))
                p = subprocess.Popen([wm.WAYMARK, *args(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                if i % 5 == 0:  # at random moments alone, a busy machine may hit none between first and last page
                    wm.wait_for("the scan's first pages", lambda: p.poll() is not None or _has_rows(path, "pages"), 60)
                else:
                    time.sleep(rng.uniform(0, duration))
                p.send_signal(signal.SIGKILL)
                p.wait()
                if os.path.exists(path):
                    partial += 0 < check(path) < SITEMAPS * URLS
            print(f"# {KILLS} kills, {partial} of them with some pages stored, a whole scan takes {duration:.2f} s")
            assert partial > 0, "no kill hit the middle of a scan"
            wm.waymark(*args(path), check=0)
            assert check(path) == SITEMAPS * URLS


@wm.case
def an_interrupted_scan_says_cancelled_and_leaves_a_consistent_database():
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        os.mkdir(root)
        build_site(root)
        path = os.path.join(d, "waymark.db")
        with wm.nginx(root, "limit_rate 200k;") as port:
            db = ["--db", f"sqlite:///{path}"]
            p = subprocess.Popen([wm.WAYMARK, "scan", f"http://{HOST}", "--allow-private", "--resolve",
                                  f"{HOST}:80:127.0.0.1:{port}", *db], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            wm.wait_for("the scan's first pages", lambda: _has_rows(path, "jobs where status = 'running'"), 30)
            time.sleep(0.2)
            p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=30)
            assert p.returncode == 1, (p.returncode, err)
            check(path)
            jobs = wm.json_lines(wm.waymark("jobs", "--json", *db, check=0).stdout)
            assert [j["status"] for j in jobs] == ["cancelled"], jobs


def _has_rows(path, of):
    if not os.path.exists(path):
        return False
    db = sqlite3.connect(path)
    try:
        return db.execute(f"select exists (select 1 from {of})").fetchone()[0] > 0
    except sqlite3.OperationalError:
        return False
    finally:
        db.close()


wm.main()
