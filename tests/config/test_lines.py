"""Line numbers of keys, in everything that TOML allows."""

import tomllib

import pytest

from autoresearch.config.lines import Lines

TEXT = '''\
# a = 1
top = 1
"quoted key" = 2
dotted . inner = 3
many = [
  "x = 1", # y = 2 ]
  [1, 2],
]
inline = { a = 1, b = [
  1 ] }
long = """
[not_a_table]
no_key = 1 \\
""" # """
literal = \'\'\'
x = "
\'\'\'
braces = "[{" # [
[table]  # comment
key = '# no comment ['
  [ table . "sub table" ]
  key = 1

[[list]]
item = 1
[[list]]
item = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("dotted", "inner"), 4),
        (("dotted",), 4),
        (("many",), 5),
        (("inline",), 9),
        (("inline", "b"), 9),
        (("long",), 11),
        (("literal",), 15),
        (("braces",), 18),
        (("table",), 19),
        (("table", "key"), 20),
        (("table", "missing"), 19),
        (("table", "sub table", "key"), 22),
        (("list", "item"), 25),
        (("not_a_table",), None),
        (("no_key",), None),
        (("x",), None),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[str, ...], line: int | None):
    assert Lines(TEXT).line(path) == line


def test_every_key_that_the_parser_knows_is_found():
    lines = Lines(TEXT)
    assert {path[0] for path in lines.found} == set(tomllib.loads(TEXT))


def test_an_empty_text_has_no_keys():
    assert Lines("").line(("a",)) is None
