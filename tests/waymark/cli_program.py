"""The program as a person meets it: the demo, the schema's commands, listings, wrong usage."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import wm


@wm.case
def the_demo_needs_nothing_and_leaves_nothing():
    with wm.tempdir() as d:
        p = wm.waymark("demo", "--once", check=0, env={"TMPDIR": d, "HOME": d})
        assert "complete" in p.stdout and " 88 " in p.stdout, p.stdout
        assert os.listdir(d) == [], os.listdir(d)


@wm.case
def the_demo_stays_up_until_it_is_interrupted_and_can_be_mapped():
    with wm.tempdir() as d:
        port = wm.free_port()
        p = subprocess.Popen([wm.WAYMARK, "demo", "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             env={**os.environ, "TMPDIR": d}, text=True)
        try:
            wm.wait_for("the demo answering", lambda: wm.answers(port))
            lines = wm.waymark("map", f"http://127.0.0.1:{port}", "--allow-private", "--quiet", check=0).stdout.split()
            assert len(lines) == 88 == len(set(lines)), len(lines)
        finally:
            p.send_signal(signal.SIGINT)
            out, _ = p.communicate(timeout=30)
        assert p.returncode == 0, (p.returncode, out)
        assert os.listdir(d) == [], os.listdir(d)


def schema_goes_up_and_down(url):
    db = ["--db", url]
    wm.waymark("migrate", "upgrade", *db, check=0)
    head = wm.waymark("migrate", "current", *db, check=0).stdout.split()[0]
    assert head in wm.waymark("migrate", "history", *db, check=0).stdout
    wm.waymark("migrate", "check", *db, check=0)
    wm.waymark("migrate", "downgrade", "base", *db, check=0)
    assert head not in wm.waymark("migrate", "current", *db, check=0).stdout
    assert wm.waymark("migrate", "check", *db).returncode == 1
    wm.waymark("migrate", "upgrade", *db, check=0)
    wm.waymark("doctor", *db, check=0)


@wm.case
def the_schema_goes_up_and_down_on_sqlite():
    with wm.tempdir() as d:
        schema_goes_up_and_down(f"sqlite:///{d}/waymark.db")


@wm.case
def the_schema_goes_up_and_down_on_postgresql():
    schema_goes_up_and_down(wm.postgres_url())


@wm.case
def a_database_that_is_not_there_is_said_with_the_remedy():
    with wm.tempdir() as d:
        p = wm.waymark("pages", "--data", os.path.join(d, "none"), check=1)
        assert "waymark scan" in p.stderr, p.stderr
        p = wm.waymark("domains", "--db", "postgresql://nobody@127.0.0.1:1/none", check=1)
        assert "127.0.0.1" in p.stderr, p.stderr
        p = wm.waymark("domains", "--db", "mysql://x/y", check=1)
        assert "sqlite" in p.stderr and "postgresql" in p.stderr, p.stderr


@wm.case
def a_site_that_does_not_answer_fails_with_the_reason():
    with wm.tempdir() as d:
        db = ["--db", f"sqlite:///{d}/waymark.db"]
        port = wm.free_port()
        p = wm.waymark("scan", f"http://127.0.0.1:{port}", "--allow-private", *db, "--json", check=1)
        result = wm.json_lines(p.stdout)[-1]
        assert result["status"] == "failed" and "connect" in result["error"], result
        p = wm.waymark("scan", f"http://127.0.0.1:{port}", *db, check=1)
        assert "--allow-private" in p.stdout, p.stdout
        jobs = wm.json_lines(wm.waymark("jobs", "--json", *db, check=0).stdout)
        assert [j["status"] for j in jobs] == ["failed", "failed"], jobs
        assert all(j["error"] for j in jobs), jobs


@wm.case
def several_sites_are_scanned_and_one_that_fails_does_not_stop_the_others():
    with wm.tempdir() as d:
        root = os.path.join(d, "www")
        os.mkdir(root)
        for name, text in {"index.html": "<title>One</title>", "robots.txt": "Sitemap: /s.txt\n",
                           "s.txt": "http://one.test/a\nhttp://two.test/b\n"}.items():
            with open(os.path.join(root, name), "w") as f:
                f.write(text)
        db = ["--db", f"sqlite:///{d}/waymark.db"]
        with wm.nginx(root) as port:
            pins = [x for host in ("one.test", "two.test") for x in ("--resolve", f"{host}:80:127.0.0.1:{port}")]
            p = wm.waymark("scan", "http://one.test", "http://none.invalid", "http://two.test", *pins, *db, "--json", check=1)
        results = {r["domain"]: r for r in wm.json_lines(p.stdout)}
        assert {k: r["status"] for k, r in results.items()} == \
            {"one.test": "complete", "none.invalid": "failed", "two.test": "complete"}, results
        assert [p["url"] for p in wm.json_lines(wm.waymark("pages", "two.test", "--json", *db, check=0).stdout)] == \
            ["http://two.test/b"]
        assert wm.waymark("pages", "three.test", *db).returncode == 1


@wm.case
def wrong_usage_ends_with_2_and_says_what_is_wrong():
    for args, says in {("scan",): "SITE", ("scan", "http://"): "host", ("scna",): "scan", ("scan", "--jsn", "x.test"): "--json",
                       ("map",): "SITE", ("map", "a.test", "b.test"): "one", ("pages", "--limit", "x"): "limit",
                       ("scan", "x.test", "--resolve", "nonsense"): "--resolve", ("demo", "what"): "what",
                       ("scan", "http://user:pw@x.test"): "password"}.items():
        p = wm.waymark(*args, check=2)
        assert says in p.stderr, (args, p.stderr)
        assert p.stdout == "", (args, p.stdout)


@wm.case
def every_command_explains_itself():
    top = wm.waymark("--help", check=0).stdout
    for command in ("scan", "map", "pages", "domains", "jobs", "migrate", "demo", "doctor", "robots", "sitemap", "url"):
        assert f"  {command} " in top, command
        assert "Usage" in wm.waymark(command, "--help", check=0).stdout, command
    assert wm.waymark("--version", check=0).stdout.startswith("waymark ")


wm.main()
