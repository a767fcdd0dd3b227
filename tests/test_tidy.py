"""The house rules that a linter does not know, held over every source file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("chain", "client", "network", "genesis", "consensus", "runtime", "inference")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PROGRAMS = sorted(path for folder in ("benchmarks", "examples") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

# What runs in a block is integer-only. Executors may use float kernels where exactness is proved, and say so.
INTEGER_ONLY = ("runtime", "consensus", "inference/ir", "inference/verifier")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _swallows(handler: ast.ExceptHandler) -> bool:
    broad = handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    )
    return broad and all(isinstance(step, ast.Pass | ast.Continue) for step in handler.body)


@pytest.mark.parametrize("path", [*SOURCES, *PROGRAMS], ids=_name)
def test_a_source_file_stays_small_finished_and_loud(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= MAX_FILE_LINES, "a file this long is two rooms: split it"
    assert ast.get_docstring(tree), "a file opens with what it is for"
    for function in _functions(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= MAX_FUNCTION_LINES, f"{function.name} has {length} lines: split it"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert not _swallows(node), f"line {node.lineno} swallows every error"
    for number, line in enumerate(text.splitlines(), 1):
        assert not UNFINISHED.search(line), f"line {number} is unfinished"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_public_names_are_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
            assert ast.get_docstring(node), f"{node.name} (line {node.lineno}) has no docstring"


@pytest.mark.parametrize("path", [p for p in SOURCES if _name(p).startswith(INTEGER_ONLY)], ids=_name)
def test_code_that_runs_in_a_block_is_integer_only_and_ordered(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        line = getattr(node, "lineno", 0)
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"float, line {line}"
        division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        assert not division, f"true division, line {line}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("hash", "id", "float"), f"{node.func.id}(), line {line}"
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Set | ast.SetComp):
            pytest.fail(f"iteration over a set without sorted(), line {line}")


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_test_names_are_sentences(path: Path) -> None:
    for function in _functions(ast.parse(path.read_text())):
        if function.name.startswith("test_"):
            assert function.name.count("_") >= 3, f"{function.name} does not say what holds"


def test_no_file_names_the_machine_it_was_written_on() -> None:
    foreign = re.compile(r"/(?:root|home|work|tmp/fixpoint)/|pyenv")
    for path in [*SOURCES, *PROGRAMS, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]:
        match = foreign.search(path.read_text())
        assert match is None, f"{_name(path)} names {match.group() if match else ''}"
