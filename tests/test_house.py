"""The house stands: imports go down its floors only, never round in circles, and ask for few packages."""

import ast
import functools
import graphlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The ground floor first. A module imports from floors below its own folder's; modules of one folder may
# import each other.
FLOORS = [
    {"autograd.support"},
    {"autograd.primitives"},
    {"autograd.graph"},
    {"autograd.derivatives"},
    {"autograd.programs"},
    {"autograd.engines"},
    {"autograd.running"},
    {"autograd.checking", "autograd.derivation", "autograd.drawing"},
    {"autograd.comparing", "autograd.notebooks", "autograd.random", "autograd.testing"},
    {"autograd.explaining"},
    {"autograd"},
    {"optim"},
    {"models"},
]
CORE_PACKAGES = {"numpy", "graphviz", "optree"}


def _modules() -> dict[str, Path]:
    paths = [path for package in ("autograd", "optim", "models") for path in (ROOT / package).rglob("*.py")]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]
    return dict(sorted(zip(names, paths)))


MODULES = _modules()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(module: str, everywhere: bool) -> set[str]:
    """The modules that a module imports: when it is imported itself, or anywhere in it."""
    modules = set()
    for node in _statements(parsed(MODULES[module]), everywhere):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively: name the module in full"
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            modules |= (parts & MODULES.keys()) or {str(node.module)}
    return modules


def _statements(tree: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        yield node
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        types_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if everywhere or not (function or types_only):
            yield from _statements(node, everywhere)


def room(module: str) -> str:
    """The entry of FLOORS that a module belongs to: itself, or the nearest folder that has one."""
    listed = set().union(*FLOORS)
    while module not in listed:
        module, dot, _ = module.rpartition(".")
        assert dot, "no floor"
    return module


def floor(module: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if room(module) in rooms)


def test_every_module_has_a_floor():
    homeless = [module for module in MODULES if room(module) == "autograd" != module]
    assert not homeless, f"name their floors in FLOORS: {homeless}"
    missing = set().union(*FLOORS) - MODULES.keys()
    assert not missing, f"named in FLOORS, but not there: {missing}"


def test_imports_go_down():
    wrong = [
        f"{module} (floor {floor(module)}) imports {other} (floor {floor(other)})"
        for module in MODULES
        for other in sorted(imported(module, everywhere=True) & MODULES.keys())
        if floor(other) >= floor(module) and not room(other) == room(module) != "autograd"
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_do_not_go_round():
    graph = {module: imported(module, everywhere=False) & MODULES.keys() - {module} for module in MODULES}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


def test_only_the_core_packages_are_imported_at_once():
    """Everything else is an extra: imported in the function that needs it."""
    own = {name.partition(".")[0] for name in MODULES}
    allowed = sys.stdlib_module_names | CORE_PACKAGES | own
    wrong = [
        f"{module} imports {name} at module level"
        for module in MODULES
        for name in sorted(imported(module, everywhere=False))
        if name.partition(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_imported_is_seen(monkeypatch, tmp_path):
    """The tests above would find an import upwards, a circle, and an extra package."""
    source = "import scipy.optimize\ndef f():\n    from autograd.graph.value import Value\n    import rich\n"
    (tmp_path / "ieee.py").write_text(source)
    monkeypatch.setitem(MODULES, "autograd.primitives.ieee", tmp_path / "ieee.py")
    assert imported("autograd.primitives.ieee", everywhere=True) == {
        "scipy.optimize",
        "autograd.graph.value",
        "rich",
    }
    assert imported("autograd.primitives.ieee", everywhere=False) == {"scipy.optimize"}
    for test in (test_imports_go_down, test_only_the_core_packages_are_imported_at_once):
        with pytest.raises(AssertionError, match=r"autograd\.primitives\.ieee"):
            test()
    (tmp_path / "circle.py").write_text("from autograd.primitives.primitive import primitive\n")
    monkeypatch.setitem(MODULES, "autograd.primitives.ieee", tmp_path / "circle.py")
    with pytest.raises(graphlib.CycleError):
        test_imports_do_not_go_round()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def test_functions_import_optional_packages_only():
    required = sys.stdlib_module_names | CORE_PACKAGES
    wrong = []
    for module, path in MODULES.items():
        for function in _functions(path):
            nodes = list(ast.walk(function))
            names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
            wrong += [
                f"{module}.{function.name} imports {name}: import it at the head of the file"
                for name in sorted(names)
                if name.partition(".")[0] in required or name in MODULES
            ]
    assert not wrong, "\n".join(wrong)


def test_a_function_has_at_most_60_lines():
    """Its docstring aside."""
    wrong = []
    for module, path in MODULES.items():
        for function in _functions(path):
            docstring = function.body[0] if ast.get_docstring(function) is not None else None
            lines = function.end_lineno - function.lineno + 1
            lines -= docstring.end_lineno - docstring.lineno + 1 if docstring else 0
            if lines > 60:
                wrong.append(f"{module}.{function.name} has {lines} lines")
    assert not wrong, "\n".join(wrong)


def test_each_file_and_each_class_has_a_name_of_its_own():
    files = Counter(path.stem for path in MODULES.values() if not path.stem.startswith("__"))
    trees = (parsed(path) for path in MODULES.values())
    classes = Counter(
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )
    repeated = [name for counts in (files, classes) for name, count in counts.items() if count > 1]
    assert not repeated, f"used more than once: {repeated}"


def _longer_than(limit: int, paths: Iterable[Path]) -> list[str]:
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in paths}
    return [f"{path.relative_to(ROOT)}: {count} lines" for path, count in counts.items() if count > limit]


def test_a_file_of_the_library_has_at_most_400_lines():
    assert not _longer_than(400, MODULES.values())


def test_a_file_of_tests_has_at_most_500_lines():
    assert not _longer_than(500, (ROOT / "tests").rglob("*.py"))


def test_a_folder_has_at_most_12_files():
    for folder in {
        path.parent for path in (ROOT / "autograd").rglob("*.*") if "__pycache__" not in path.parts
    }:
        count = sum(path.is_file() for path in folder.iterdir())
        assert count <= 12, f"{folder.relative_to(ROOT)} has {count} files"


def test_what_checks_derives_draws_and_explains_is_imported_when_it_is_asked_for():
    code = """
import sys, autograd
late = {"autograd.checking", "autograd.comparing", "autograd.derivation", "autograd.drawing",
        "autograd.explaining", "graphviz"}
assert not late & sys.modules.keys(), late & sys.modules.keys()
from autograd import check_gradients, compare, derive, draw, explain
assert late <= sys.modules.keys()
assert not hasattr(autograd, "unknown") and {*autograd.__all__} <= {*dir(autograd)}
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
