"""What the code behind a route can do, read from its text: the problems it raises, the fields that it reads.

Starting from a function, every function that it names is looked into, and every function that these name. A method is
found by its name alone, in whichever class has one, so that what is found is never too little: a route's description
may name a problem that it never gives, and cannot leave one out that it does.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

HOUSE = Path(__file__).parents[2]
RAISING = "federation"
"""Beside the applications themselves, the one room that knows of problems and of requests."""

BUILT_IN = frozenset(name for kind in (dict, list, set, str, bytes, tuple, Path) for name in dir(kind))
"""Methods of Python's own values, which are not looked for in ours."""

BEFORE_REQUESTS = (".app", ".server")
"""Modules that run before there is a request: nothing is answered from there."""

ANY_CODE = ""
"""Stands for the code of whatever refused, which is handed on."""

PASSED_ON = (400, 401, 403, 404, 409, 413, 422, 429, 503)
"""What a problem can be that another party raised, and that is handed on with its own status."""

FORM, FILES, ADDRESS = ("request.form", "form"), ("request.files",), ("request.args",)
"""Where a page's code finds what was filled in, what was sent in, and what stands in the address."""

_PAGES = ("hub.pages", "node.pages", "federation.web")
_STATUSES = (303, 400, 403, 404, 409, 422, 429, 503)

Place = tuple[str, str]
"""A function, or a constant that names some: its module, and its name there."""


@dataclass
class Found:
    """What stands in one function: what it names, and what it does itself."""

    names: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    problems: set[tuple[int, str]] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    redirects: bool = False


@dataclass(frozen=True)
class Reach:
    """What a function and everything that it reaches can do."""

    problems: frozenset[tuple[int, str]]
    fields: frozenset[str]
    files: frozenset[str]
    parameters: frozenset[str]
    statuses: frozenset[int]
    redirects: bool


def list_own_problems(place: Place, room: str) -> set[tuple[int, str]]:
    """Return the problems that stand in one function itself."""
    return _read_house(room).found[place].problems


def find_reach(*starts: Place, room: str) -> Reach:
    """Return what functions can do, looked for in one application and in what it may import."""
    index = _read_house(room)
    seen: set[Place] = set()
    waiting = [place for place in starts if place in index.found]
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting += index.follow(place)
    all_found = [index.found[place] for place in seen]
    return Reach(
        frozenset(problem for found in all_found for problem in found.problems),
        frozenset(name for found in all_found for name in found.fields),
        frozenset(name for found in all_found for name in found.files),
        frozenset(name for found in all_found for name in found.parameters),
        frozenset(status for found in all_found for status in found.statuses),
        any(found.redirects for found in all_found),
    )


@dataclass
class _House:
    """Every function of an application's rooms, with what stands in it, and how modules name each other's."""

    found: dict[Place, Found] = field(default_factory=dict)
    imports: dict[str, dict[str, Place]] = field(default_factory=dict)
    methods: dict[str, list[Place]] = field(default_factory=dict)
    makers: dict[Place, list[Place]] = field(default_factory=dict)
    """Of each class, what runs when one is made."""

    def follow(self, place: Place) -> Iterator[Place]:
        """Yield what a function names."""
        module, found = place[0], self.found[place]
        for name in found.names:
            yield from self._resolve(module, *name.split("."))
        for name in found.methods - BUILT_IN:
            yield from self.methods.get(name, ())

    def _resolve(self, module: str, first: str, rest: str = "") -> Iterator[Place]:
        """Yield what a name stands for: a function, one of a module that was imported, or the method of a value."""
        inner, name = self.imports[module].get(first, (module, first))
        target = (inner, name or rest)
        if target in self.found:
            yield target
        yield from self.makers.get(target, ())
        if rest and name and rest not in BUILT_IN:
            yield from self.methods.get(rest, ())


@cache
def _read_house(room: str) -> _House:
    house = _House()
    for top in (room, RAISING):
        for path in sorted((HOUSE / top).rglob("*.py")):
            _read_module(house, path)
    return house


def _read_module(house: _House, path: Path) -> None:
    module = ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text())
    house.imports[module] = dict(_read_imports(tree))
    listed = {} if module.endswith(BEFORE_REQUESTS) else house.methods
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name):
                house.found[module, name] = _look_into(node, module)
            case ast.ClassDef(name=owner, body=body):
                for inner in body:
                    if isinstance(inner, ast.FunctionDef):
                        place = (module, f"{owner}.{inner.name}")
                        house.found[place] = _look_into(inner, module)
                        kept = house.makers.setdefault((module, owner), []) if inner.name.startswith("__") else None
                        (listed.setdefault(inner.name, []) if kept is None else kept).append(place)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                house.found[module, name] = _look_into(node, module)


def _read_imports(tree: ast.Module) -> Iterator[tuple[str, Place]]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                for each in names:
                    inner = f"{module}.{each.name}"
                    is_module = (HOUSE / inner.replace(".", "/")).with_suffix(".py").exists()
                    yield each.asname or each.name, (inner, "") if is_module else (module, each.name)


def _look_into(node: ast.AST, module: str) -> Found:
    found = Found()
    _find_answers(node, module, found)
    for each in _walk(node):
        match each:
            case ast.Call(func=ast.Name(id="ProblemRaised"), args=[status, code, *_]):
                found.problems |= {(one, _word(code)) for one in _read_statuses(status)}
            case ast.Name(id=name):
                found.names.add(name)
            case ast.Attribute(value=ast.Name(id=first), attr=name):
                found.names.add(f"{first}.{name}")
            case ast.Attribute(attr=name):
                found.methods.add(name)
    return found


def _find_answers(node: ast.AST, module: str, found: Found) -> None:
    """Add what a function reads of the request, and how else it answers."""
    for each in ast.walk(node):
        for kind, places in ((found.fields, FORM), (found.files, FILES), (found.parameters, ADDRESS)):
            kind |= set(_read_names(each, places, node, module))
        match each:
            case ast.Call(func=ast.Name(id="redirect")):
                found.redirects = True
            case ast.Constant(value=int(status)) if module.startswith(_PAGES) and status in _STATUSES:
                found.statuses.add(status)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a function may raise and name, less what it tries and, where that raises a problem, answers itself."""
    if isinstance(node, ast.Try) and any(_takes_problems(handler) for handler in node.handlers):
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            yield from _walk(part)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _takes_problems(handler: ast.ExceptHandler) -> bool:
    """Whether problems end here: caught, and nothing raised instead."""
    caught = handler.type is not None and "ProblemRaised" in ast.unparse(handler.type)
    return caught and not any(isinstance(each, ast.Raise) for each in ast.walk(handler))


def _read_statuses(node: ast.expr) -> tuple[int, ...]:
    match node:
        case ast.Constant(value=int(status)):
            return (status,)
        case ast.IfExp(body=ast.Constant(value=int(one)), orelse=ast.Constant(value=int(other))):
            return one, other
        case _:
            return PASSED_ON


def _word(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ANY_CODE


def _read_names(node: ast.AST, places: tuple[str, ...], within: ast.AST, module: str) -> Iterator[str]:
    """Yield the names of fields that an expression reads from one of these places."""
    match node:
        case ast.Call(func=ast.Attribute(value=place, attr="get" | "getlist"), args=[name, *_]):
            pass
        case ast.Subscript(value=place, slice=name):
            pass
        case ast.Compare(left=name, ops=[ast.In()], comparators=[place]):
            pass
        case _:
            return
    if ast.unparse(place) not in places:
        return
    if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier():
        yield name.value
    elif isinstance(name, ast.Name):
        yield from _read_loop(name.id, within, module)


def _read_loop(name: str, within: ast.AST, module: str) -> Iterator[str]:
    """Yield what a name stands for in a loop over names that the module lists."""
    for each in ast.walk(within):
        if isinstance(each, ast.comprehension) and isinstance(each.target, ast.Name) and each.target.id == name:
            match each.iter:
                case ast.Tuple(elts=elements):
                    yield from (str(one.value) for one in elements if isinstance(one, ast.Constant))
                case ast.Name(id=listed):
                    yield from getattr(import_module(module), listed, ())
