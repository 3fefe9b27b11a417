"""What the tests of the whole program share: TAP, temporary directories, nginx, PostgreSQL, and the binary.

Everything listens on loopback, on free ports, as an unprivileged user, in a temporary directory, and ends with the test.
"""

import contextlib
import ctypes
import functools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get("WAYMARK_BUILD_ROOT", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
WAYMARK = os.path.abspath(os.path.join(BUILD, "waymark", "waymark"))
PG_BIN = "/usr/lib/postgresql/15/bin"
SANITIZED = "asan" in os.path.basename(os.path.abspath(BUILD)) or "tsan" in os.path.basename(os.path.abspath(BUILD))

_cases = []


def case(f):
    """Registers a test; its name is the sentence it proves."""
    _cases.append(f)
    return f


def main():
    wanted = sys.argv[1:]
    run = [f for f in _cases if not wanted or f.__name__ in wanted]
    print(f"1..{len(run)}", flush=True)
    failed = 0
    for i, f in enumerate(run, 1):
        try:
            f()
            print(f"ok {i} {f.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {i} {f.__name__}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(1 if failed or not run else 0)


def unprivileged():
    """The user that servers run as: ourselves, or nobody when we are root."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


_libc = ctypes.CDLL(None, use_errno=True)


def _become(user):
    def f():
        _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with us, however we end
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            _libc.prctl(1, signal.SIGKILL)  # changing the user cleared it
    return f


@contextlib.contextmanager
def tempdir():
    d = tempfile.mkdtemp(prefix="waymark-test-")
    try:
        user = unprivileged()
        os.chown(d, user.pw_uid, user.pw_gid)
        os.chmod(d, 0o755)
        yield d
    finally:
        shutil.rmtree(d, ignore_errors=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, seconds=20):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def need(path, package):
    if not os.path.exists(path):
        raise AssertionError(f"{path} is missing: install the Debian package {package}")
    return path


@contextlib.contextmanager
def nginx(root, server="", port=None):
    """Serves the folder root; server is more text for the server block. Gives the port."""
    port = port or free_port()
    with tempdir() as d:
        conf = os.path.join(d, "nginx.conf")
        with open(conf, "w") as f:
            f.write(f"""
daemon off; worker_processes 1; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000;
  client_body_temp_path {d}/b; proxy_temp_path {d}/p; fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;
  types {{ text/html html htm; text/plain txt; application/xml xml; application/gzip gz; text/css css; }}
  default_type application/octet-stream;
  server {{ listen 127.0.0.1:{port}; root {root}; {server} }}
}}
""")
        exe = need("/usr/sbin/nginx", "nginx-light")
        p = subprocess.Popen([exe, "-c", conf, "-e", f"{d}/error.log"], preexec_fn=_become(unprivileged()),
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for("nginx answering", lambda: answers(port) or p.poll() is not None)
            if p.poll() is not None:
                raise AssertionError("nginx ended: " + open(f"{d}/error.log").read())
            yield port
        finally:
            p.terminate()
            p.wait()


@functools.lru_cache(maxsize=1)
def _postgres():
    """A server of our own, for as long as this process lives: (port, folder)."""
    need(f"{PG_BIN}/initdb", "postgresql-15")
    user = unprivileged()
    d = tempfile.mkdtemp(prefix="waymark-pg-")
    os.chown(d, user.pw_uid, user.pw_gid)
    env = {"LC_ALL": "C", "PATH": os.environ["PATH"], "HOME": d}
    subprocess.run([f"{PG_BIN}/initdb", "-D", f"{d}/data", "-U", "waymark", "-A", "trust", "-N", "--no-instructions"],
                   check=True, preexec_fn=_become(user), env=env, cwd=d, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    port = free_port()
    p = subprocess.Popen([f"{PG_BIN}/postgres", "-D", f"{d}/data", "-p", str(port), "-h", "127.0.0.1", "-k", d,
                          "-c", "fsync=off", "-c", "shared_buffers=64MB"],
                         preexec_fn=_become(user), env=env, cwd=d, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=open(f"{d}/log", "w"))

    import atexit

    def stop():
        p.send_signal(signal.SIGQUIT)
        p.wait()
        shutil.rmtree(d, ignore_errors=True)
    atexit.register(stop)

    def up():
        return subprocess.run([f"{PG_BIN}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode == 0
    wait_for("PostgreSQL answering", up, 60)
    return port


_databases = 0


def postgres_url():
    """The URL of a fresh, empty database on a real PostgreSQL 15."""
    global _databases
    port = _postgres()
    _databases += 1
    name = f"t{os.getpid()}_{_databases}"
    subprocess.run(["psql", "-qX", "-h", "127.0.0.1", "-p", str(port), "-U", "waymark", "-d", "postgres",
                    "-c", f"create database {name}"], check=True)
    return f"postgresql://waymark@127.0.0.1:{port}/{name}"


def waymark(*args, check=None, timeout=120, stdin=None, env=None):
    """Runs the program; check: the exit status it must have. Gives the finished process, its output as text."""
    e = {k: v for k, v in os.environ.items() if not k.startswith("WAYMARK_") and k != "http_proxy"}
    e.update(env or {})
    p = subprocess.run([WAYMARK, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=timeout, env=e)
    if check is not None and p.returncode != check:
        raise AssertionError(f"waymark {' '.join(map(str, args))} ended with {p.returncode}, not {check}\n"
                             f"stdout:\n{p.stdout[-4000:]}\nstderr:\n{p.stderr[-4000:]}")
    return p


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line]


def same_set(got, want, what="set"):
    got, want = list(got), list(want)
    extra, missing = set(got) - set(want), set(want) - set(got)
    assert not extra and not missing, \
        f"{what}: {len(extra)} too many {sorted(extra)[:5]}, {len(missing)} missing {sorted(missing)[:5]}"
    assert len(got) == len(set(got)), f"{what}: {len(got) - len(set(got))} listed twice"
