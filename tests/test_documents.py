# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents name tests that there are, and every rule of the protocol has one."""

import re
import subprocess

import pytest

import matrix
from rig import paths

TESTS = paths.ROOT / "tests"
DOCUMENTS = sorted((paths.ROOT / "docs").glob("*.md"))
CONFORMANCE = paths.ROOT / "docs" / "conformance.md"
RULES = [f"{letter}{number}" for letter, last in
         {"F": 3, "O": 10, "L": 3, "S": 6, "H": 6, "P": 2, "R": 5}.items()
         for number in range(1, last + 1)]
MESSAGE = re.compile(r'(?:dev|pr)_(?:err|warn|info)\([^"]*"((?:[^"\\]|\\.)*)"')


def _tests():
    return {name for path in TESTS.glob("test_*.py")
            for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)}


def _row(rule):
    [row] = re.findall(rf"^\| {rule} \|.*$", CONFORMANCE.read_text(), re.MULTILINE)
    return row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_each_test_that_a_document_names_is_there(document):
    named = set(re.findall(r"`(test_\w+)`", document.read_text()))
    assert named - _tests() == set()


def test_each_rule_of_the_protocol_has_a_test_with_its_name_and_a_mutant_that_it_notices():
    assert len(RULES) == 35
    for rule in RULES:
        own = {name for name in _tests() if name.startswith(f"test_{rule.lower()}_")}
        assert own, f"no test for {rule}"
        assert own <= set(re.findall(r"`(test_\w+)`", _row(rule))), rule
        assert list((TESTS / "mutants").glob(f"{rule.lower()}-*.patch")), f"no mutant for {rule}"


def test_each_mutant_applies_to_the_driver_as_it_is():
    for mutant in (TESTS / "mutants").glob("*.patch"):
        done = subprocess.run(["patch", "-p1", "--dry-run", "--batch", "--forward", "--fuzz=0",
                               "-i", mutant], cwd=paths.ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"{mutant.name}: {done.stdout}"


def test_what_the_source_cites_is_a_rule():
    cited = {rule for path in (paths.ROOT / "driver").glob("*.[ch]")
             for rule in re.findall(r"\b[FOLSHPR]\d{1,2}\b", path.read_text())}
    assert cited - set(RULES) == set()


def _messages():
    """What the driver says, in the parts between its figures."""
    for path in sorted((paths.ROOT / "driver").glob("*.c")):
        for text in MESSAGE.findall(path.read_text()):
            yield from filter(None, re.split(r"%[-\w]+|\\n", text))


def test_each_message_of_the_driver_is_explained_in_the_readme():
    table = (paths.ROOT / "README.md").read_text().split("\n## What the log says\n")[1]
    table = table.split("\n## ")[0]
    messages = list(_messages())
    assert len(messages) > 20
    assert [part for part in messages if part.strip() not in table] == []


def test_the_table_of_what_ran_where_is_made_from_its_records():
    readme = matrix.README.read_text()
    assert matrix.with_table(readme) == readme
    assert all(file.stem in matrix.KERNELS for file in matrix.RECORDS.glob("*"))
