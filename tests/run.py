#!/usr/bin/env python3
"""Runs the tests of one build through meson and says what came of them; ./dev test calls it.

A line a suite, the output of what failed, and the two totals added to a file. Every TAP line counts as one test; a test
program that crashes, times out, skips or runs nothing counts as one failure. While it runs, stderr hears of what failed
or took long, and once a minute how far it has come.
"""
import argparse
import fnmatch
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

SUITES_WITHOUT_SERVERS = {'unit', 'fuzz-regress', 'lint', 'threads', 'slow'}
MARKS = {'threads', 'slow', 'memcheck'}  # suites that only mark a test, beside the one it belongs to
VALGRIND = ['valgrind', '-q', '--error-exitcode=99', '--leak-check=full', '--errors-for-leak-kinds=definite',
            '--suppressions=' + os.path.join(os.path.dirname(os.path.abspath(__file__)), 'valgrind.supp'),
            '--show-leak-kinds=definite', '--num-callers=25', '--main-stacksize=8388608']
SHOWN_LINES = 60  # of one failed program's output
LONG = 30  # seconds, of a program that is named when it is done


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument('--build', required=True)
    p.add_argument('--label', default='plain')
    p.add_argument('--suite', action='append', default=[])
    p.add_argument('--not-suite', action='append', default=[])
    p.add_argument('--name', action='append', default=[])
    p.add_argument('--slower', type=int, default=1)
    p.add_argument('--valgrind', action='store_true')
    p.add_argument('--list', action='store_true')
    p.add_argument('--totals')
    return p.parse_args()


def tests_of(build):
    with open(os.path.join(build, 'meson-info', 'intro-tests.json')) as f:
        tests = json.load(f)
    for t in tests:
        t['suites'] = {s.split(':')[-1] for s in t['suite']}
        t['main_suite'] = sorted(t['suites'] - MARKS)[0] if t['suites'] - MARKS else 'other'
    return tests


def chosen(tests, args):
    def matches(t):
        return any(n in t['suites'] or fnmatch.fnmatch(t['name'], '*' + n + '*') for n in args.name)
    return [t for t in tests
            if (not args.suite or t['suites'] & set(args.suite))
            and not t['suites'] & set(args.not_suite)
            and (not args.name or matches(t))]


def environment(args):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith('PG') and k.lower() not in ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy')}
    env.update(LC_ALL='C.UTF-8', CK_TIMEOUT_MULTIPLIER=str(args.slower))
    if args.valgrind:  # what is drawn at random, fewer times
        env = {'STRATA_RANDOM': '5', **env}
    env['HOME'] = env.get('HOME') or tempfile.gettempdir()
    env.setdefault('ASAN_OPTIONS', 'detect_stack_use_after_return=0:abort_on_error=0')
    env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
    env.setdefault('TSAN_OPTIONS', 'halt_on_error=1:second_deadlock_stack=1')
    return env


def fixed_addresses():
    """ThreadSanitizer cannot run where the kernel spreads addresses too far."""
    prefix = ['setarch', os.uname().machine, '-R']
    try:
        if subprocess.run(prefix + ['true'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return prefix
    except OSError:
        pass
    return []


def say(label, text):
    print('%s: %s' % (label, text), file=sys.stderr, flush=True)


def follow(label, process):
    """What meson printed; says on the way how the tests are getting on."""
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    printed, where, started, said = [], 'no test is done yet', time.monotonic(), time.monotonic()
    while True:
        try:
            line = lines.get(timeout=5)
        except queue.Empty:
            line = ''
        if line is None:
            return ''.join(printed)
        printed.append(line)
        m = re.match(r'\s*(\d+)/(\d+) (?:\S+ / )?(.+?)\s+(OK|FAIL|ERROR|TIMEOUT|SKIP)\s+([\d.]+)s', line)
        if m:
            where = '%s of %s done' % (m.group(1), m.group(2))
            if m.group(4) != 'OK' or float(m.group(5)) >= LONG:
                say(label, '%s: %s, %s, %.0f s' % (where, m.group(3), m.group(4).lower(), float(m.group(5))))
                said = time.monotonic()
        if time.monotonic() - said >= 60:
            said = time.monotonic()
            say(label, '%s after %.0f s' % (where, said - started))


def run_meson(args, tests):
    command = ['meson', 'test', '-C', args.build, '--no-rebuild', '--timeout-multiplier', str(args.slower),
               '--logbase', 'testlog-' + args.label]
    if args.valgrind:
        command += ['--wrapper', ' '.join(VALGRIND)]
    command += sorted({t['name'] for t in tests})
    if sum(not t['suites'] <= SUITES_WITHOUT_SERVERS for t in tests) > 1:
        command = [os.path.join(args.build, 'tests', 'support', 'with_pg')] + command
    if args.label == 'tsan':
        command = fixed_addresses() + command
    with subprocess.Popen(command, env=environment(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace') as process:
        printed = follow(args.label, process)
    suffix = '-valgrind' if args.valgrind else ''
    logs = os.path.join(args.build, 'meson-logs')
    path = os.path.join(logs, 'testlog-%s%s.json' % (args.label, suffix))
    if not os.path.exists(path):
        path = os.path.join(logs, 'testlog-%s.json' % args.label)
    return printed, path


def counts(record):
    """Passed and failed of one test program, and the descriptions of what failed."""
    passed, failed, names = 0, 0, []
    for line in record.get('stdout', '').splitlines():
        m = re.match(r'(not )?ok\b *\d* *-? *(.*)', line)
        if not m:
            continue
        if m.group(1) or re.search(r'#\s*skip', line, re.I):
            failed += 1
            # Check writes file:case:test: message, case and test being the same here.
            names.append(re.sub(r'^\S*/([\w.]+):(\w+):\2: ', r'\1: \2: ', m.group(2)))
        else:
            passed += 1
    if record['result'] != 'OK' and not failed:
        failed = 1
        names.append({'TIMEOUT': 'timed out', 'SKIP': 'skipped', 'INTERRUPT': 'interrupted, and the run with it'}.get(
            record['result'], 'ended with %s' % record.get('returncode')))
    elif record['result'] == 'OK' and passed + failed == 0:
        failed = 1
        names.append('ran no test')
    return passed, failed, names


def show_failure(label, record, names):
    print('--- %s: %s' % (label, record['name']))
    for n in names:
        print('    ' + n)
    lines = [l for l in record.get('stdout', '').splitlines() if l.strip() and not re.match(r'(not )?ok\b|1\.\.|\(test program exited', l)]
    lines += record.get('stderr', '').splitlines()
    if len(lines) > SHOWN_LINES:
        print('    | ... %d lines before' % (len(lines) - SHOWN_LINES))
    for l in lines[-SHOWN_LINES:]:
        print('    | ' + l)


def main():
    args = arguments()
    all_tests = tests_of(args.build)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if args.list:
        for t in sorted(all_tests, key=lambda t: (t['main_suite'], t['name'])):
            print('%-14s %s%s' % (t['main_suite'], t['name'], ''.join(' [%s]' % m for m in sorted(t['suites'] & MARKS))))
        return 0
    tests = chosen(all_tests, args)
    passed = failed = 0
    if not tests:
        print('%s: no test of that name; ./dev test --list shows them' % args.label)
        failed = 1
    else:
        started = time.monotonic()
        suite_of = {t['name']: t['main_suite'] for t in tests}
        printed, log = run_meson(args, tests)
        records = []
        if os.path.exists(log) and os.path.getmtime(log) > time.time() - (time.monotonic() - started) - 5:
            with open(log, errors='replace') as f:
                records = [json.loads(line) for line in f]
        sums = {}
        seen = set()
        for r in records:
            r['name'] = r['name'].split(' / ')[-1]
            seen.add(r['name'])
            p, f, names = counts(r)
            s = sums.setdefault(suite_of.get(r['name'], 'other'), [0, 0, 0.0])
            s[0] += p
            s[1] += f
            s[2] += r.get('duration', 0)
            if f:
                show_failure(args.label, r, names)
        for name in sorted(set(suite_of) - seen):
            print('--- %s: %s did not run' % (args.label, name))
            sums.setdefault(suite_of[name], [0, 0, 0.0])[1] += 1
        if not records:
            print(printed[-4000:])
        for suite in sorted(sums):
            p, f, seconds = sums[suite]
            print('%-9s %-13s %4d passed, %d failed  %6.1f s' % (args.label, suite, p, f, seconds))
            passed += p
            failed += f
    sys.stdout.flush()
    if args.totals:
        with open(args.totals, 'a') as f:
            print(passed, failed, file=f)
    return 0


if __name__ == '__main__':
    sys.exit(main())
