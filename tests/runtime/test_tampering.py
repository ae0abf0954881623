"""Protected files, data and the repository: what an experiment does to them is found, undone, or not possible at all.

And what it leaves in its worktree does nothing to the next sample.
"""

from __future__ import annotations

import os
import sys

import pytest

from autoresearch.core.isolation import Level
from tests.support.hostile import FILES, Lab

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="levels above basic are Linux's"),
]


@pytest.fixture
def alternating(lab: Lab, level: Level) -> Lab:
    """At basic and strict as a user, at guarded as root: for what does not depend on who it is."""
    if os.getuid() == 0 and (lab.who.uid == 0) is not (level is Level.GUARDED):
        pytest.skip("somebody else's turn")
    lab.open(level)
    return lab


REWRITTEN = {
    "appended": "open(judge, 'a').write('#')",
    "replaced": "open('new', 'w').write('evil'); os.rename('new', judge)",
    "mode": "os.chmod(judge, 0o777)",
    "link": "os.rename(judge, 'aside'); os.symlink('aside', judge)",
    "put back": "s = os.stat(judge); t = open(judge).read(); "
    "open(judge, 'w').write('evil'); open(judge, 'w').write(t); os.utime(judge, ns=(s.st_atime_ns, s.st_mtime_ns))",
    "mapped": "s = os.stat(judge); f = open(judge, 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0:1] = b'P'; m.flush(); "
    "os.utime(judge, ns=(s.st_atime_ns, s.st_mtime_ns))",
    "made again": "t = open(judge).read(); os.unlink(judge); open(judge, 'w').write(t)",
    "folder swapped": "shutil.copytree('lib', 'copy'); os.rename('lib', 'aside'); os.rename('copy', 'lib')",
    "pointer": "os.unlink('.git'); open('.git', 'w').write('gitdir: /nowhere')",
    "pointer gone": "os.unlink('.git')",
    "rules": "open('lib/deep/rules.json', 'w').write('{}')",
    "exchanged": "open('evil', 'w').write('evil'); "
    "r = ctypes.CDLL(None).renameat2(-100, b'evil', -100, b'judge.py', 2); assert r == 0",
}
FRESH = (
    "import os, subprocess\n"
    "fair = open('judge.py').read() == FAIR and open('lib/util.py').read() == 'X = 1\\n'\n"
    "fair = fair and sorted(os.listdir('.')) == ['.git', '.gitignore', 'data', 'judge.py', 'lib', 'train.py']\n"
    "fair = fair and sorted(os.listdir('lib')) == ['deep', 'util.py'] and os.listdir('lib/deep') == ['rules.json']\n"
    "print('loss:', int(fair))"
).replace("FAIR", repr(FILES["judge.py"]))
IMPORTS = "import ctypes, mmap, os, shutil, subprocess, sys\njudge = 'judge.py'\n"


def assert_next_is_fair(lab: Lab) -> None:
    done = lab.run(FRESH)
    assert done.value == 1, done


@pytest.mark.parametrize("how", REWRITTEN)
@pytest.mark.parametrize("level", [Level.BASIC, Level.GUARDED], ids=str)
def test_what_is_done_to_protected_files_is_found(alternating: Lab, how: str) -> None:
    done = alternating.run(IMPORTS + REWRITTEN[how] + "\nprint('loss: 0')")
    assert done.outcome == "tampered", done
    assert_next_is_fair(alternating)


def test_nothing_can_be_done_to_protected_files_at_strict(lab: Lab) -> None:
    lab.open(Level.STRICT)
    attempt = "try:\n    {}\n    found += 1\nexcept (OSError, AssertionError): pass\n"
    attempts = "".join(attempt.format(how) for how in REWRITTEN.values())
    done = lab.run(f"{IMPORTS}found = 0\n{attempts}print('loss:', found)")
    assert done.value == 0, done
    assert_next_is_fair(lab)


LATER = """
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    null = os.open('/dev/null', os.O_RDWR)
    for number in range(3): os.dup2(null, number)
    while os.getppid() > 1:
        try: open(judge, 'a').write('#')
        except OSError: pass
    os._exit(0)
"""


def test_what_runs_on_after_the_command_changes_nothing(lab: Lab, level: Level) -> None:
    lab.open(level)
    lab.run(IMPORTS + LATER + "print('loss: 1')")
    assert (lab.worktree / "judge.py").stat().st_ctime_ns == (lab.worktree / "judge.py").stat().st_ctime_ns
    assert_next_is_fair(lab)


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("open(root + '/.git/hooks/post-commit', 'w').write('evil')", "post-commit"),
        ("subprocess.run(['git', 'config', 'core.hooksPath', '/evil'], check=True)", "config"),
        ("subprocess.run(['git', 'tag', 'evil'], check=True)", "refs/tags/evil"),
        ("subprocess.run(['git', 'update-ref', 'refs/heads/evil', 'HEAD'], check=True)", "refs/heads/evil"),
        ("open('data/corpus', 'a').write('evil')", "corpus"),
        ("os.symlink('/etc/passwd', 'data/planted')", "planted"),
    ],
)
def test_at_basic_what_is_done_to_repository_and_data_is_found(lab: Lab, what: str, named: str) -> None:
    hooks, config = lab.root / ".git" / "hooks", (lab.root / ".git" / "config").read_bytes()
    before = sorted(hooks.iterdir())
    lab.open(Level.BASIC)
    done = lab.run(f"{IMPORTS}root = {str(lab.root)!r}\n{what}\nprint('loss: 0')")
    assert (done.outcome, named in done.reason) == ("tampered", True), done
    assert (sorted(hooks.iterdir()), (lab.root / ".git" / "config").read_bytes()) == (before, config)
    lab.write({"data/corpus": "text"})
    (lab.root / "data" / "planted").unlink(missing_ok=True)
    for ref in ("refs/tags/evil", "refs/heads/evil"):
        lab.git("update-ref", "-d", ref)


GIT = """
def git(*words): subprocess.run(['git', *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
LEFT_BEHIND = {
    "skipped by the index": "git('update-index', '--skip-worktree', judge); open(judge, 'w').write('evil')",
    "unchanged for the index": "git('update-index', '--assume-unchanged', judge); open(judge, 'w').write('evil')",
    "put into the index": "open(judge, 'w').write('evil'); git('add', '--all')",
    "another commit": "git('checkout', '--detach', 'HEAD~1'); git('reset', '--hard', 'HEAD~1'); git('stash')",
    "ignored files": "os.mkdir('__pycache__'); open('__pycache__/judge.cpython-311.pyc', 'w').write('evil')",
    "compiled": "import py_compile; open('e.py', 'w').write('evil = 1'); "
    "py_compile.compile('e.py', 'lib/__pycache__/util.cpython-311.pyc')",
    "a module": "open('json.py', 'w').write('evil'); open('sitecustomize.py', 'w').write('evil')",
    "repositories": "[subprocess.run(['git', 'init', '--quiet', p]) for p in ('lib', 'lib/deep', 'nested')]",
    "closed folders": "os.mkdir('x'); os.chmod('x', 0); os.chmod('lib', 0); os.chmod('.', 0o500)",
    "deep folders": "[(os.mkdir('d'), os.chdir('d')) for _ in range(1100)]",
    "special files": "os.mkfifo('pipe'); os.mkfifo('lib/pipe'); "
    "import socket; s = socket.socket(socket.AF_UNIX); s.bind('lib/s')",
    "links": "os.symlink('/', 'lib/root'); os.symlink('/etc', 'etc'); os.unlink('data'); os.symlink('/etc', 'data')",
    "no data": "os.unlink('data'); os.mkdir('data'); open('data/corpus', 'w').write('evil')",
    "a repository's folder": "os.unlink('.git'); git('init'); git('add', '.')",
    "nothing": "[shutil.rmtree(p, True) if os.path.isdir(p) else os.unlink(p) for p in os.listdir('.') if p != 'data']",
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_is_left_in_the_worktree_does_nothing_to_the_next_sample(alternating: Lab, what: str) -> None:
    lab = alternating
    lab.run(f"{IMPORTS}{GIT}{LEFT_BEHIND[what]}\nprint('loss: 0')")
    assert_next_is_fair(lab)
    assert (lab.root / "data" / "corpus").read_text() == "text"


STEER = """
common = subprocess.run(['git', 'rev-parse', '--absolute-git-dir'], capture_output=True, text=True).stdout.strip()
shutil.copytree(root + '/.git', root + '/../evil.git', ignore=shutil.ignore_patterns('worktrees'))
open(root + '/../evil.git/config', 'a').write(
    '[filter "evil"]\\nsmudge = "touch ' + marker + '; cat"\\n[extensions]\\nworktreeConfig = true')
open(root + '/../evil.git/info/attributes', 'w').write('* filter=evil')
open(common + '/commondir', 'w').write(root + '/../evil.git')
open(common + '/config.worktree', 'w').write('[core]\\nfsmonitor = "touch ' + marker + '"')
"""


def test_the_git_that_is_called_next_is_not_steered(lab: Lab) -> None:
    marker = lab.outside / "steered"
    lab.open(Level.BASIC)
    lab.run(f"{IMPORTS}root = {str(lab.root)!r}; marker = {str(marker)!r}{STEER}\nprint('loss: 0')")
    assert (lab.home / "evil.git" / "config").exists()
    assert_next_is_fair(lab)
    assert not marker.exists()


def test_git_looks_at_the_times_that_cannot_be_put_back(lab: Lab) -> None:
    """The person may have told theirs not to."""
    lab.git("config", "core.trustctime", "false")
    lab.git("config", "core.checkStat", "minimal")
    lab.open(Level.GUARDED)
    evil = "t = os.stat(judge); open(judge, 'w').write(open(judge).read().replace('1', '0') or \"print('loss: 0')\\n\")"
    lab.run(f"{IMPORTS}{evil}; os.utime(judge, ns=(t.st_atime_ns, t.st_mtime_ns))\nprint('loss: 0')")
    assert_next_is_fair(lab)


def test_a_folder_of_the_person_is_never_taken_for_a_cache(lab: Lab, level: Level) -> None:
    """Nor is a link of theirs for one of ours, where a link to somewhere else was put in the way."""
    for folder in ("target", "raw"):
        (lab.outside / folder).mkdir(exist_ok=True)
    (lab.outside / "theirs").unlink(missing_ok=True)
    (lab.outside / "theirs").symlink_to("raw")
    lab.write({"inputs/theirs/x": "1"})
    lab.open(level, cache=["build/target"], data=["data", "inputs/theirs"])
    code = (
        "for name in ('build', 'inputs'): os.rename(name, name + '.old'); os.symlink(OUTSIDE, name)\nprint('loss: 0')"
    )
    done = lab.run(IMPORTS + code.replace("OUTSIDE", repr(str(lab.outside))))
    assert done.outcome == "measured", done
    assert lab.run("print('loss: 1')").value == 1
    assert (lab.outside / "theirs").is_symlink()
    assert lab.run(IMPORTS + code.replace("OUTSIDE", repr(str(lab.outside)))).outcome == "measured"
    lab.open(level)
    assert (lab.outside / "target").is_dir()
