"""The ways around safe text are closed (I-10, UX-C10, FM-E5): what a row may hold reaches widgets, the terminal and
SQL through one door each. A rule is a function of a syntax tree that yields what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
Rule = Callable[[ast.AST], Iterator[ast.AST]]

SHOWN = {"Static", "Label", "Button", "Input", "Box", "Markdown", "Option", "OptionList", "Select", "SelectionList", "Tree",
         "RadioButton", "Checkbox", "Collapsible", "TabPane", "Link", "Digits", "TextArea", "Toast"}  # fmt: skip
SHOWS = {"update", "add_option", "add_options", "set_options", "add_leaf", "set_label", "write_line"}
SAID = {"content", "renderable", "label", "prompt", "value", "placeholder", "title", "tooltip"}
TITLES = {"border_title", "border_subtitle", "tooltip", "placeholder", "title", "sub_title"}
OF_LEDGER = {"DataTable", "add_row", "add_rows", "add_column", "add_columns", "update_cell", "update_cell_at"}
OF_MARKUP = {"from_markup", "from_ansi"}
CLEANERS = {"clean", "line", "one_line", "content", "cell"}
HOLDERS = {"Content", "Text", "highlight"}

SENT = {"execute", "exec_driver_sql", "text", "scalar", "scalars", "stream", "send", "SQL"}
QUOTED = {"quoted", "relation", "Identifier", "Literal", "as_string", "as_bytes", "filled", "int"}
# What stands in SQL and is neither a constant nor quoted there: the file, the expression, and whose word it is.
PUT = {
    ("console/engine/hold.py", "table"): "regclass, which the server quotes",
    ("console/engine/hold.py", "mode"): "a word of pg_locks",
    ("console/engine/checks/rows.py", "one"): "columns, which are Names of the plan",
    ("console/engine/checks/rows.py", "self.key"): "a Name of the plan",
    ("console/engine/online/partitions.py", "parent"): "a relation(), quoted",
    ("console/engine/online/partitions.py", "child"): "a relation(), quoted",
    ("console/engine/online/partitions.py", "self.names['child']"): "a relation(), quoted",
    ("console/engine/operators.py", "verb"): "admit or dismiss",
    ("console/engine/steps/backfill.py", "numbered"): "the step's own SQL, of Names of the plan",
    ("console/engine/steps/backfill.py", "table"): "a Name of the plan",
    ("console/engine/dumping.py", "name"): "made there, of letters and numbers",
    ("db/pool.py", "script"): "constants and Identifiers, joined in the same file",
}


def files(*folders: str, but: tuple[str, ...] = ()) -> list[Path]:
    found = [path for one in folders for path in ([ROOT / one] if one.endswith(".py") else (ROOT / one).rglob("*.py"))]
    return [path for path in sorted(found) if path.name not in but]


def name_of(node: ast.AST) -> str:
    """f, of f, a.f, f() and f[T]"""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Subscript):
        return name_of(node.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def values_of(tree: ast.AST, wanted: ast.AST) -> Iterator[ast.AST]:
    """All that a file sets a name, or an attribute of self, to; an argument is a value of its own."""
    said = ast.unparse(wanted)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=False) if both else [(target, node.value)]  # type: ignore[attr-defined]
                yield from (value for one, value in pairs if ast.unparse(one) == said)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            if node.value is not None and ast.unparse(node.target) == said:
                yield node.value
        elif isinstance(node, ast.For | ast.comprehension):
            if said in [ast.unparse(one) for one in ast.walk(node.target)]:
                yield node.iter
        elif isinstance(node, ast.arg) and node.arg == said:
            yield node


def known(tree: ast.AST, node: ast.AST, calls: Callable[[ast.Call], bool], seen: tuple[str, ...] = ()) -> bool:
    """Whether all of an expression stands in the file itself, or comes from a call that makes it safe."""

    def all_known(parts: list[ast.expr]) -> bool:
        return all(known(tree, part, calls, seen) for part in parts)

    match node:
        case ast.Constant():
            return True
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all_known(parts)
        case ast.FormattedValue(value=value) | ast.Starred(value=value):
            return all_known([value])
        case ast.BinOp(left=left, right=right):
            return all_known([left, right])
        case ast.IfExp(body=left, orelse=right):
            return all_known([left, right])
        case ast.Call():
            return calls(node)
        case ast.Name() | ast.Attribute():
            said = ast.unparse(node)
            values = list(values_of(tree, node))
            inside = bool(values) and said not in seen
            return name_of(node).isupper() or (inside and all(known(tree, v, calls, (*seen, said)) for v in values))
    return False


def safe(tree: ast.AST, node: ast.AST) -> bool:
    """Whether it may be shown: no word of it comes from outside and was not cleaned."""

    def cleaned(call: ast.Call) -> bool:
        name = name_of(call)
        return name in CLEANERS or (name in HOLDERS and bool(call.args) and safe(tree, call.args[0]))

    return known(tree, node, cleaned)


def calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) in names)


def shows_only_safe(tree: ast.AST) -> Iterator[ast.AST]:
    """Widgets, their texts, their titles; what stands in a field, where a widget's own `value` is no field's."""
    for call in calls(tree, SHOWN | SHOWS):
        words = [*call.args, *(key.value for key in call.keywords if key.arg in SAID)]
        yield from (one for one in words if not safe(tree, one))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in [part for whole in node.targets for part in ast.walk(whole)]:
                mine = isinstance(target, ast.Attribute) and name_of(target.value) == "self"
                if isinstance(target, ast.Attribute) and target.attr in TITLES | (set() if mine else {"value"}):
                    yield from (value for value in values_of(node, target) if not safe(tree, value))


def no_markup(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if name_of(node) in OF_MARKUP and not isinstance(node, ast.Call):
            yield node
        if isinstance(node, ast.keyword) and node.arg == "markup" and ast.unparse(node.value) != "False":
            yield node.value
        if isinstance(node, ast.Import | ast.ImportFrom) and "rich.markup" in ast.unparse(node):
            yield node
        if isinstance(node, ast.FunctionDef) and node.name in ("render", "render_line", "render_lines"):
            yield node


def notices_are_lines(tree: ast.AST) -> Iterator[ast.AST]:
    for call in calls(tree, {"notify"}):
        plain = any(key.arg == "markup" and ast.unparse(key.value) == "False" for key in call.keywords)
        titles = [key.value for key in call.keywords if key.arg in ("title", "message")]
        if not plain or not all(safe(tree, one) for one in [*call.args[:1], *titles]):
            yield call


def ledger_alone_has_rows(tree: ast.AST) -> Iterator[ast.AST]:
    yield from calls(tree, OF_LEDGER)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (base for base in node.bases if name_of(base) in OF_LEDGER | SHOWN)


def commands_say_through_telling(tree: ast.AST) -> Iterator[ast.AST]:
    """Standard output and error; a literal, or what was cleaned, may go there."""
    for call in calls(tree, {"print", "write", "writelines"}):
        stream = isinstance(call.func, ast.Name) or ast.unparse(call.func).startswith(("sys.std", "sys.__std"))
        if stream and not all(safe(tree, one) for one in call.args):
            yield call


def sql_is_constant(tree: ast.AST) -> Iterator[ast.AST]:
    """What a string of SQL is made of stands in the file, or is quoted; a whole string from elsewhere may be sent."""

    def quoted(call: ast.Call) -> bool:
        """filled() puts literals into the plan's own SQL."""
        inner = call.func.value if name_of(call) == "encode" and isinstance(call.func, ast.Attribute) else None
        return name_of(call) in QUOTED | SENT or (inner is not None and known(tree, inner, quoted))

    def composed(node: ast.AST) -> bool:
        """psycopg's SQL() quotes what is put into it; as a name, where it is nothing else in the file."""
        made = list(values_of(tree, node)) if isinstance(node, ast.Name) else [node]
        return bool(made) and all(name_of(one) == "SQL" for one in made)

    def parts(node: ast.AST, seen: tuple[str, ...] = ()) -> Iterator[ast.AST]:
        for one in ast.walk(node):
            if isinstance(one, ast.FormattedValue):
                yield one.value
            elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mod | ast.Add):
                yield from (side for side in (one.left, one.right) if not isinstance(side, ast.BinOp | ast.JoinedStr))
            elif isinstance(one, ast.Call) and name_of(one) == "format" and not composed(one.func.value):  # type: ignore[attr-defined]
                yield from [*one.args, *(key.value for key in one.keywords)]
        if isinstance(node, ast.Name) and node.id not in seen:
            for value in values_of(tree, node):
                yield from parts(value, (*seen, node.id))

    for call in calls(tree, SENT):
        sql = call.args[1:2] if name_of(call) == "send" and isinstance(call.func, ast.Name) else call.args[:1]
        for one in sql:
            yield from (part for part in parts(one) if not known(tree, part, quoted))


WIDGETS = ("console/screens", "console/widgets", "console/app.py")
RULES: dict[Rule, list[Path]] = {
    shows_only_safe: files(*WIDGETS, but=("told.py", "safe_text.py", "box.py")),
    no_markup: files(*WIDGETS, but=("told.py", "safe_text.py", "box.py")),
    notices_are_lines: files(*WIDGETS),
    ledger_alone_has_rows: files(*WIDGETS, but=("told.py", "ledger.py", "box.py")),
    commands_say_through_telling: files("console", "db", but=("telling.py",)),
    sql_is_constant: files("console/engine", "db"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_there_is_no_way_around(rule: Rule) -> None:
    broken = []
    for path in RULES[rule]:
        where, tree = str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))
        broken += [
            f"{where}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
            for node in rule(tree)
            if (where, ast.unparse(node)) not in PUT
        ]
    assert broken == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (shows_only_safe, "yield Static(title)"),
        (shows_only_safe, "yield Static(f'run {run.title}')"),
        (shows_only_safe, "yield Label('run ' + title, id='x')"),
        (shows_only_safe, "yield Button(label=name)"),
        (shows_only_safe, "widget.update(row.name)"),
        (shows_only_safe, "self.update(Content(row.name))"),
        (shows_only_safe, "yield Input(str(value))"),
        (shows_only_safe, "yield Input(placeholder=name)"),
        (shows_only_safe, "yield OptionList(*names)"),
        (shows_only_safe, "yield Select([(n, n) for n in names])"),
        (shows_only_safe, "tree = Tree(name)"),
        (shows_only_safe, "options.add_option(name)"),
        (shows_only_safe, "panel.border_title = run.title"),
        (shows_only_safe, "panel.border_subtitle = f'{name}'"),
        (shows_only_safe, "self.tooltip = Content(name)"),
        (shows_only_safe, "self.app.title = name"),
        (shows_only_safe, "box.value = kept[0].asked"),
        (shows_only_safe, "a.border_title, b.border_title = 'x', name"),
        (shows_only_safe, "class A:\n def f(self, t):\n  self._t = t\n def g(self):\n  Static(self._t)"),
        (no_markup, "Content.from_markup('[b]x')"),
        (no_markup, "Told(x, markup=True)"),
        (no_markup, "from rich.markup import render"),
        (no_markup, "class A(Widget):\n def render(self): return self.name"),
        (notices_are_lines, "self.notify('done')"),
        (notices_are_lines, "self.notify(error.message, markup=False)"),
        (notices_are_lines, "self.notify(f'{error}', markup=False)"),
        (notices_are_lines, "self.notify(line(error), title=name, markup=False)"),
        (ledger_alone_has_rows, "table.add_row('x')"),
        (ledger_alone_has_rows, "table.update_cell('a', 'b', name)"),
        (ledger_alone_has_rows, "yield DataTable()"),
        (ledger_alone_has_rows, "class Mine(DataTable[str]): pass"),
        (ledger_alone_has_rows, "class Mine(Static): pass"),
        (commands_say_through_telling, "print(row.name)"),
        (commands_say_through_telling, "print(f'{row.name}', file=sys.stderr)"),
        (commands_say_through_telling, "sys.stdout.write(name)"),
        (sql_is_constant, "connection.execute(f'SELECT * FROM {table}')"),
        (sql_is_constant, "session.execute(text(f'SELECT * FROM {table}'))"),
        (sql_is_constant, "session.execute(text('SELECT * FROM ' + table))"),
        (sql_is_constant, "connection.exec_driver_sql('SELECT %s' % name)"),
        (sql_is_constant, "connection.exec_driver_sql('SELECT {}'.format(name))"),
        (sql_is_constant, "def f(n):\n sql = f'DROP TABLE {n}'\n connection.execute(sql)"),
        (sql_is_constant, "connection.execute(SQL(f'SELECT {name}'))"),
        (sql_is_constant, "send(connection, f'DROP TABLE {name}')"),
        (sql_is_constant, "KEEP = 'TABLE {}'\nsend(connection, KEEP.format(name))"),
    ],
)
def test_a_way_around_is_found(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (shows_only_safe, "yield Static(TOO_SMALL, classes=name)"),
        (shows_only_safe, "for id, title in (('a', 'A'), ('b', 'B')):\n self.query_one(id).border_title = title"),
        (shows_only_safe, "panel.border_title = Content(clean(run.title))"),
        (shows_only_safe, "panel.border_title = 'Rows' if rows else 'Answer'"),
        (shows_only_safe, "self.query_one('.script', Static).update(highlight(clean(script), language='sql'))"),
        (notices_are_lines, "self.notify(line(f'{error}'), severity=severity, markup=False)"),
        (commands_say_through_telling, "sys.stderr.write(clean(question))"),
        (commands_say_through_telling, "print('Interrupted.', file=sys.stderr)"),
        (sql_is_constant, "connection.execute(text('SELECT :name'), {'name': name})"),
        (sql_is_constant, "connection.execute(SQL('DROP TABLE {}').format(Identifier(name)))"),
        (sql_is_constant, "session.execute(text(f'SELECT {COLUMNS} ' + FROM))"),
        (sql_is_constant, "KEEP = SQL('TABLE {}')\nsend(connection, KEEP.format(Identifier(name)).as_string())"),
        (sql_is_constant, "send(connection, f'SELECT * FROM {quoted(name)}')"),
    ],
)
def test_a_right_way_is_left_alone(rule: Rule, source: str) -> None:
    assert not list(rule(ast.parse(source)))
