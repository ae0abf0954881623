"""What an experiment can reach: files outside of its worktree, secrets, the network, the kernel's settings."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from pathlib import Path

import pytest

from autoresearch.core.isolation import Level
from tests.support.hostile import SECRET, Lab

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="levels above basic are Linux's"),
]

CONFINED = pytest.mark.parametrize("level", [Level.GUARDED, Level.STRICT], ids=str)
ATTEMPTS = r"""
import ctypes, os, shutil, socket, subprocess, sys

root, outside, home = sys.argv[1:]
precious, git = outside + '/precious', root + '/.git'
here = os.getcwd()

def write(path, mode='w'):
    with open(path, mode) as file: file.write('evil')

def through_a_descriptor():
    with open(precious) as file: write(f'/proc/self/fd/{file.fileno()}')

def hard_link():
    os.link(precious, 'linked')
    write('linked')

def through_a_link():
    os.symlink(outside, 'door')
    write('door/precious')

def swap_out():
    libc = ctypes.CDLL(None, use_errno=True)
    write('evil')
    if libc.renameat2(-100, b'evil', -100, precious.encode(), 2): raise OSError(ctypes.get_errno(), 'exchange')

def device():
    os.mknod('disk', 0o60600, os.makedev(7, 0))
    os.close(os.open('disk', os.O_RDONLY))
    write(precious)

def in_a_user_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000 | 0x00020000): raise OSError(ctypes.get_errno(), 'unshare')
    write(precious)

def by_a_child():
    if subprocess.run(['sh', '-c', f'echo evil > "{precious}"'], stderr=subprocess.DEVNULL).returncode: raise OSError

attempts = [
    *(lambda path=path: write(path) for path in (
        precious, home + '/new', home + '/.profile', '/tmp/ar-evil', '/var/tmp/ar-evil', '/etc/ar-evil',
        root + '/judge.py', root + '/new', git + '/config', git + '/hooks/post-commit', git + '/refs/heads/evil',
        git + '/HEAD', git + '/packed-refs',
        git + '/objects/info/alternates', git + '/info/attributes', git + '/index', git + '/autoresearch.lock',
        git + '/worktrees/0/commondir', git + '/worktrees/0/index', root + '/.autoresearch/runs/t/0000/reply.md',
        root + '/.autoresearch/new', 'data/corpus', 'data/new',
    )),
    lambda: write(precious, 'a'), lambda: write(precious, 'r+'),
    lambda: os.truncate(precious, 0), lambda: os.unlink(precious), lambda: os.rename(precious, 'taken'),
    lambda: os.rename('train.py', outside + '/given'), lambda: os.mkdir(outside + '/folder'),
    lambda: os.symlink('x', outside + '/link'), lambda: os.mkfifo(outside + '/pipe'),
    lambda: os.rename(os.path.dirname(here), outside + '/moved'), lambda: os.rmdir(root + '/.autoresearch/worktrees'),
    lambda: shutil.rmtree(outside), lambda: os.unlink('data/corpus'), lambda: os.truncate('data/corpus', 1),
    lambda: subprocess.run(['git', '-C', root, 'config', 'a.b', here], check=True, stderr=subprocess.DEVNULL),
    lambda: subprocess.run(['git', 'tag', 'evil'], check=True, stderr=subprocess.DEVNULL),
    lambda: subprocess.run(['git', 'stash'], check=True, stderr=subprocess.DEVNULL),
    through_a_descriptor, hard_link, through_a_link, swap_out, device, in_a_user_namespace, by_a_child,
]
refused = 0
for number, attempt in enumerate(attempts):
    try:
        attempt()
        print('done', number)
    except (OSError, subprocess.CalledProcessError, shutil.Error):
        refused += 1
print('refused:', refused)
print('loss: 1')
"""


def seen(*folders: Path) -> dict[str, tuple[int, str]]:
    """Everything below some folders: type and mode, content."""
    found = {}
    for folder in folders:
        for place, names, files in os.walk(folder):
            # Its own, which the levels leave to it or to `ar`.
            names[:] = [name for name in names if name not in (".autoresearch", "worktrees")]
            for path in (Path(place, name) for name in (*names, *files)):
                is_file = path.is_file() and not path.is_symlink()
                content = hashlib.sha1(path.read_bytes()).hexdigest() if is_file else ""
                found[str(path)] = (path.lstat().st_mode, content)
    return found


@CONFINED
def test_nothing_outside_is_changed(lab: Lab, level: Level) -> None:
    command = f"'{lab.python}' train.py '{lab.root}' '{lab.outside}' '{lab.home}'"
    commit = lab.commit({"train.py": ATTEMPTS})
    lab.open(level, command)
    ours = lab.root / ".autoresearch" / "runs" / "t" / "0000" / "reply.md"
    before = seen(lab.home, lab.outside)
    done = lab.run(commit=commit)
    # In what stands for the home and for /tmp strict lets it write: nobody ever sees that.
    refused = 40 if level is Level.STRICT else 47
    assert (done.value, f"refused: {refused}\n" in done.tail) == (1, True), done.tail
    assert seen(lab.home, lab.outside) == before
    assert ours.read_text() == "ours"
    assert not any(map(os.path.lexists, ("/tmp/ar-evil", "/var/tmp/ar-evil", "/etc/ar-evil")))
    assert "refs/heads/evil" not in lab.git("for-each-ref")


READS = """
import glob, os, subprocess
found = [path for path in glob.glob('/proc/*/environ') if SECRET in read(path)]
found += [name for name, value in os.environ.items() if SECRET in value.encode()]
found += ['ps'] if SECRET in subprocess.run(['ps', 'eww', '-A'], capture_output=True).stdout else []
found += [path for path in ('/proc/self/mountinfo', '/proc/1/cmdline', '/proc/self/cmdline') if SECRET in read(path)]
print('found:', sorted(found))
print('home:', SECRET in read(os.path.expanduser('~/secret')))
print('loss: 1')
"""


def test_no_secret_is_found_in_any_process(lab: Lab, level: Level) -> None:
    half = len(SECRET) // 2
    code = f"SECRET = b'{SECRET[:half]}' + b'{SECRET[half:]}'\n"
    code += "def read(path):\n    try: return open(path, 'rb').read()\n    except OSError: return b''\n"
    lab.open(level)
    done = lab.run(code + READS)
    assert "found: []" in done.tail
    assert f"home: {level is not Level.STRICT}" in done.tail


@pytest.mark.parametrize("network", [False, True], ids=["off", "on"])
def test_the_network_is_off_at_strict_unless_it_is_wanted(lab: Lab, network: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        lab.open(Level.STRICT, network=network)
        done = lab.run(
            f"import socket\ntry: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)\n"
            "except OSError: print('loss: 0')\nelse: print('loss: 1')"
        )
    assert done.value == network


SETTINGS = """
import os
found = []
for name in ('sys/vm/swappiness', 'sys/kernel/core_pattern', 'sys/kernel/panic', 'sysrq-trigger'):
    try: os.close(os.open('/proc/' + name, os.O_WRONLY))
    except OSError: continue
    found.append(name)
print(found)
print(f'loss: {len(found)}')
"""


@CONFINED
def test_the_settings_of_the_kernel_cannot_be_written(lab: Lab, level: Level) -> None:
    lab.open(level)
    assert lab.run(SETTINGS).value == 0


def test_what_root_may_do_without_files_is_taken_away(lab: Lab) -> None:
    lab.open(Level.GUARDED)
    done = lab.run(
        "import os, time\nfound = 0\nclock = time.CLOCK_REALTIME\n"
        "for attempt in (lambda: time.clock_settime(clock, time.time()), lambda: os.mknod('d', 0o20600, 259)):\n"
        "    try: attempt()\n    except OSError: continue\n    found += 1\n"
        "print('loss:', found)"
    )
    assert done.value == 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed with SIGSEGV"),
        ("import os; os.execvp('sh', ['sh', '-c', 'no-such-program'])", "command not found: no-such-program"),
    ],
)
def test_how_it_ended_is_told_truly(lab: Lab, level: Level, code: str, reason: str) -> None:
    lab.open(level)
    done = lab.run(code)
    assert (done.outcome, done.reason.startswith(reason)) == ("crashed", True), done


@pytest.mark.parametrize("command", ["no-such-program", ["no-such-program", "x"]], ids=["shell", "list"])
def test_a_command_that_is_not_there_is_named(lab: Lab, level: Level, command: str | list[str]) -> None:
    lab.open(level, command)  # type: ignore[arg-type]
    done = lab.run(commit=lab.git("rev-parse", "HEAD"))
    assert (done.outcome, done.reason) == ("crashed", "command not found: no-such-program")


ODD = ("two words", "-dash", "naïve ☃", "line\nbreak", "q'uo\"te", "$(x) *")


def test_odd_names_are_names_like_any_other(lab: Lab, level: Level) -> None:
    """In protected files, data, caches and the folder of the configuration."""
    lab.commit({f"{name}/judge {name}": "fair" for name in ODD})
    lab.write({f"{name}/data {name}": "text" for name in ODD})
    for name in ODD[: 6 if level is Level.STRICT else 2]:
        code = (
            f"name = {name!r}\nimport os\n"
            "try: open('judge ' + name, 'a').write('!')\nexcept OSError: pass\n"
            "try: open('data ' + name, 'a').write('!')\nexcept OSError: pass\n"
            "open('cache ' + name + '/x', 'w').close()\n"
            "print('loss:', len(open('judge ' + name).read() + open('data ' + name).read()))"
        )
        options = {"sub": name, "data": [f"data {name}"], "cache": [f"cache {name}"]}
        lab.open(level, [lab.python, "../train.py"], **options)  # type: ignore[arg-type]
        done = lab.run(code)
        if level is Level.STRICT:
            assert done.value == 8
        else:
            assert (done.outcome, "judge" in done.reason) == ("tampered", True)
        lab.write({f"{name}/data {name}": "text"})


def test_three_hundred_protected_files_are_unwritable_at_strict(lab: Lab) -> None:
    files = {f"many/{a}/{b}/{c}.txt": "1" for a in range(6) for b in range(5) for c in range(10)}
    lab.commit(files)
    lab.open(Level.STRICT)
    done = lab.run(
        "import glob, os\nfound = 0\n"
        "for path in glob.glob('many/**/*.txt', recursive=True):\n"
        "    for attempt in (lambda: open(path, 'w'), lambda: os.unlink(path), lambda: os.rename(path, 'x')):\n"
        "        try: attempt()\n        except OSError: continue\n        found += 1\n"
        "    try: os.rename(os.path.dirname(path), 'away')\n    except OSError: continue\n    found += 1\n"
        "print(f'loss: {found}')"
    )
    assert done.value == 0
