"""Strata as `meson install` leaves it, in a temporary directory; and a small TAP."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
SOURCE, BUILD, *CC = sys.argv[1:]
SCRATCH = tempfile.mkdtemp(prefix='strata-install-')
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


def run(*command, **options):
    """The output; a failure says the command and all that it printed."""
    options.setdefault('cwd', SCRATCH)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', **options)
    if done.returncode:
        raise AssertionError('%s\nexit code %d\n%s' % (' '.join(command), done.returncode, done.stdout))
    return done.stdout


def install():
    """Sets the places of what was installed, without building anything."""
    run('meson', 'install', '-C', BUILD, '--no-rebuild', '--tags', 'strata,devel,man', '--destdir', SCRATCH)
    found = {}
    for folder, _, names in os.walk(SCRATCH):
        for name in names:
            found.setdefault(name, os.path.join(folder, name))
    config = os.path.dirname(found['strata.pc'])
    os.environ['PKG_CONFIG_PATH'] = config
    return {
        'all': found,
        'include': os.path.dirname(os.path.dirname(found['strata.h'])),
        'lib': os.path.dirname(config),
        'man': os.path.dirname(os.path.dirname(found['strata.3'])),
    }


def pkg_config(*arguments):
    return run('pkg-config', *arguments).split()


def symbols(*options):
    """(kind, name) as nm says."""
    for line in run('nm', *options).splitlines():
        parts = line.split()
        if len(parts) >= 2 and len(parts[-2]) == 1:
            yield parts[-2], parts[-1].split('@')[0]


def headers(include):
    return sorted(os.path.relpath(os.path.join(folder, name), include)
                  for folder, _, names in os.walk(include) for name in names)


def have(program):
    return shutil.which(program) is not None


def main(tests):
    """Each test is a function whose name is the sentence it proves."""
    print('1..%d' % len(tests))
    failed = False
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace('_', ' ')
        try:
            test()
            print('ok %d - %s' % (number, name))
        except Exception as e:  # all of them are told
            failed = True
            said = str(e) if isinstance(e, AssertionError) and str(e) else traceback.format_exc()
            print('not ok %d - %s: %s' % (number, name, said.splitlines()[0]))
            print(''.join('# %s\n' % line for line in said.splitlines()), end='')
        sys.stdout.flush()
    sys.exit(failed)
