"""Globs and paths: what a proposal may change, what it is shown, what nobody may touch."""

import pytest

from autoresearch.core.scope import Scope, literal, misread, path_problem

NO_FILES = ("unlikely/name.txt",)


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("train.py", ["train.py"], ["a/train.py", "train.pyc", "xtrain.py", "trainxpy", "TRAIN.py"]),
        ("*.py", ["a.py", ".py", ".hidden.py"], ["a/b.py", "a.pyx"]),
        ("src", ["src", "src/a.py", "src/a/b/c.txt"], ["srcs/a.py", "a/src/b.py", "Src/a"]),
        ("src/", ["src/a.py", "src/a/b"], ["src", "srcs/a"]),
        ("src/*", ["src/a.py"], ["src/a/b.py", "src"]),
        ("src/**", ["src/a.py", "src/a/b.py"], ["src", "a/src/b"]),
        ("src/**/*.py", ["src/a.py", "src/a/b.py", "src/a/b/c.py"], ["src/a.txt", "src.py", "a.py"]),
        ("**/*.py", ["a.py", "a/b.py", "a/b/c.py"], ["a.txt", "a.py/b"]),
        ("**/conf", ["conf", "a/conf", "a/conf/x/y"], ["a/confs", "aconf"]),
        ("**", ["a", "a/b/c"], []),
        (".", ["a", "a/b/c"], []),
        ("./train.py", ["train.py"], ["a/train.py"]),
        ("a//b.py", ["a/b.py"], ["a/x/b.py"]),
        ("packages/*/src", ["packages/x/src/a.py", "packages/y/src"], ["packages/src/a.py", "packages/x/y/src/a"]),
        ("src/**.py", ["src/a.py", "src/a/b.py"], ["src/a.txt"]),
        ("a?.py", ["ab.py"], ["a.py", "abc.py", "a/.py"]),
        ("[ab].py", ["a.py", "b.py"], ["c.py", "ab.py"]),
        ("[!ab].py", ["c.py"], ["a.py", "/.py"]),
        ("[a-c]x[0-9].py", ["bx3.py"], ["dx3.py", "bxx.py"]),
        ("x[--0]y", ["x-y", "x.y"], ["x/y"]),
        ("a[]]b[[]c", ["a]b[c"], ["ab"]),
        ("a[&&~~||]b", ["a&b", "a|b"], ["ab"]),
        ("[abc", ["[abc"], ["a"]),
        ("my notes/über*.md", ["my notes/überlegung.md"], ["my notes/uber.md"]),
        ("caf\u00e9.py", ["cafe\u0301.py", "caf\u00e9.py"], ["cafe.py"]),
        ("a+b(c).py", ["a+b(c).py"], ["aab(c).py"]),
        ("a/../b.py", ["b.py"], ["a/b.py"]),
    ],
)
def test_a_glob_matches_what_it_says_and_nothing_else(glob, matching, others):
    scope = Scope((glob,))
    assert [path for path in matching if not scope.is_editable(path)] == []
    assert [path for path in others if scope.is_editable(path)] == []


@pytest.mark.parametrize(
    ("base", "glob", "path", "expected"),
    [
        ("pkg", "train.py", "pkg/train.py", True),
        ("pkg", "train.py", "train.py", False),
        ("pkg/sub", "**/*.py", "pkg/sub/a/b.py", True),
        ("pkg/sub", "**/*.py", "pkg/a.py", False),
        ("pkg", "../shared/*.py", "shared/a.py", True),
        ("pkg", ".", "pkg/a/b", True),
        ("pkg", ".", "other/a", False),
        ("pkg", "..", "other/a", True),
        ("we[ir]d*", "a.py", "we[ir]d*/a.py", True),
        ("we[ir]d*", "a.py", "weidx/a.py", False),
        ("./pkg/", "a.py", "pkg/a.py", True),
    ],
)
def test_globs_are_relative_to_the_folder_of_the_configuration(base, glob, path, expected):
    assert Scope((glob,), base=base).is_editable(path) is expected


@pytest.mark.parametrize(
    "glob", ["", " ", "/etc/passwd", "~/x", "!a.py", "a\\b", "../x", "a/../../x", "**/../x", "[z-a]", "[]"]
)
def test_a_glob_that_can_never_match_is_an_error(glob):
    with pytest.raises(ValueError, match=r"\S"):
        Scope((glob,))
    with pytest.raises(ValueError, match=r"\S"):
        Scope(("a.py",), context=(glob,))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/a.py",
            "~/a.py",
            "a//b",
            "a/",
            "./a",
            "a/./b",
            "..",
            "a/../b",
            "../a",
            "a\\b",
            "a\nb",
            "a\0b",
            "a\x7fb",
        ),
        *("a\x1b[31mb", "a\udcffb", "a\u2028b", "x" * 256, "x" * 256 + "/a", "ü" * 128, "/".join(["abc"] * 1200)),
        *(".git/config", ".git", ".GIT/hooks/x", "sub/.git/config", "sub/.Git", ".git./x", ".git /x", "GIT~1/x"),
        *(".g\u200cit/config", ".git:stream/x", ".autoresearch/live.json", ".AutoResearch/x"),
    ],
)
def test_some_paths_are_never_editable(path):
    assert path_problem(path)
    assert path_problem(path).isprintable()
    assert not Scope((".", "**")).is_editable(path)
    assert Scope(("**",)).path_problem(path)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "a",
            "a b/c d.py",
            "über/日本語.py",
            ".gitignore",
            ".github/workflows/ci.yml",
            "a.git/x",
            "git/x",
            "..a",
            "a..b",
        ),
        *("...", "-x", "~a", "a~", "x" * 255, "'\"$(`", "pkg/.autoresearch", "tests/autoresearch.toml"),
    ],
)
def test_unusual_names_are_fine(path):
    assert path_problem(path) == ""
    assert Scope(("**",)).is_editable(path)


@pytest.mark.parametrize(
    ("scope", "path", "protected"),
    [
        (Scope(("**",)), "autoresearch.toml", True),
        (Scope(("**",)), "AutoResearch.toml", True),
        (Scope(("**",), base="pkg"), "pkg/autoresearch.toml", True),
        (Scope(("../**",), base="pkg"), "autoresearch.toml", False),
        (Scope(("**",), config_name="fast.toml"), "fast.toml", True),
        (Scope(("**",), config_name="fast.toml"), "autoresearch.toml", True),
        (Scope(("**",), config_name="fast.toml"), "slow.toml", False),
    ],
)
def test_the_configuration_itself_is_never_editable(scope, path, protected):
    assert bool(scope.path_problem(path)) is protected
    assert scope.is_editable(path) is not protected


def test_context_is_shown_and_not_editable():
    scope = Scope(("train.py",), context=("*.py", "autoresearch.toml", ".git/*"))
    assert scope.is_context("prepare.py")
    assert scope.is_context("autoresearch.toml")
    assert not scope.is_editable("prepare.py")
    assert not scope.is_context("train.py")
    assert not scope.is_context(".git/config")
    assert not scope.is_context("README.md")


@pytest.mark.parametrize(
    "name", ["[id].py", "star*[a].py", "a?b", "**", "x[!a]", "[]", "[[", "!a.py", "a+b", "[a/b].py", "a[b]/[c]/d*"]
)
def test_every_name_can_be_written_as_a_glob_of_itself(name):
    scope = Scope((literal(name),))
    assert scope.is_editable(name)
    for other in ("i.py", "staraa.py", "acb", "xx", "b.py", "a", "[", "a/b.py", "abc/d"):
        assert not scope.is_editable(other)


@pytest.mark.parametrize(
    ("glob", "base", "said"),
    [
        ("[id].py", "", 'the file of that name is written "[[]id].py"'),
        ("[id].py", "app", 'the file of that name is written "[[]id].py"'),
        ("we[ir]d", "", 'the folder of that name is written "we[[]ir]d/"'),
        ("a\nb.py", "", "holds control characters"),
        ("[ab].py", "", ""),
    ],
)
def test_a_name_that_is_read_as_a_pattern_is_told(glob, base, said):
    tracked = ["[id].py", "app/[id].py", "we[ir]d/x.py", "a\nb.py"]
    assert (said in misread(glob, base, tracked)) if said else misread(glob, base, tracked) == ""


def test_what_is_told_to_write_matches():
    assert Scope(("we[[]ir]d/",)).is_editable("we[ir]d/x.py")


def test_no_globs_match_nothing():
    assert not Scope(()).is_editable("a.py")
    assert not Scope(NO_FILES).is_context("a.py")
