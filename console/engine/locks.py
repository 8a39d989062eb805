"""Which locks a script takes on tables that others use, read from the script by PostgreSQL's own grammar.

Tables that the script itself makes are left out: nobody else can wait for them. What a function or a DO block does
inside is not seen (FM-D6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from console.engine.errors import PlanError
from console.engine.statements import STAND_INS, stood_in, switched_on

# PostgreSQL's table locks, weakest first, and who waits behind each.
STRENGTH = {
    "ROW SHARE": "",
    "ROW EXCLUSIVE": "",
    "SHARE UPDATE EXCLUSIVE": "",
    "SHARE": "writers wait",
    "SHARE ROW EXCLUSIVE": "writers wait",
    "EXCLUSIVE": "writers wait",
    "ACCESS EXCLUSIVE": "readers and writers wait",
}
RANK = list(STRENGTH)
GENTLE = "SHARE UPDATE EXCLUSIVE"

# Subcommands of ALTER TABLE that do not need the strongest lock (F4, F12).
ALTERATIONS = {
    "AT_ValidateConstraint": GENTLE,
    "AT_SetStatistics": GENTLE,
    "AT_SetOptions": GENTLE,
    "AT_ClusterOn": GENTLE,
    "AT_AttachPartition": GENTLE,
    "AT_DetachPartitionFinalize": GENTLE,
    "AT_EnableTrig": "SHARE ROW EXCLUSIVE",
    "AT_DisableTrig": "SHARE ROW EXCLUSIVE",
}
PARTITIONS = ("AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize")
STATEMENTS = {
    "InsertStmt": "ROW EXCLUSIVE",
    "UpdateStmt": "ROW EXCLUSIVE",
    "DeleteStmt": "ROW EXCLUSIVE",
    "CreateTrigStmt": "SHARE ROW EXCLUSIVE",
    "RenameStmt": "ACCESS EXCLUSIVE",
    "RuleStmt": "ACCESS EXCLUSIVE",
}
POLICIES = ("CreatePolicyStmt", "AlterPolicyStmt")


@dataclass(frozen=True)
class Lock:
    mode: str
    table: str

    @property
    def waits(self) -> str:
        """Who waits while it is held; empty where nobody does."""
        return STRENGTH[self.mode]


def of(script: str) -> list[Lock]:
    """The strongest lock on each table, the strongest first."""
    from pglast.parser import ParseError, parse_sql

    try:
        statements: list[Any] = [raw.stmt for raw in parse_sql(stood_in(script))]
    except (ParseError, PlanError):
        return []  # a script that is no SQL: instructions for a person
    made = {_name(node.relation) for node in statements if type(node).__name__ == "CreateStmt"}
    made |= {_name(node.into.rel) for node in statements if type(node).__name__ == "CreateTableAsStmt"}
    strongest: dict[str, str] = {}
    for node in statements:
        for mode, table in _locks(node):
            if table not in made and RANK.index(mode) >= RANK.index(strongest.get(table, RANK[0])):
                strongest[table] = mode
    return sorted(
        (Lock(mode, table) for table, mode in strongest.items()), key=lambda one: (-RANK.index(one.mode), one.table)
    )


def told(script: str) -> str:
    """Comment lines that say the locks; empty where there is none to speak of."""
    lines = [f"-- locks {lock.table}: {lock.mode}, {lock.waits}" for lock in of(script) if lock.waits]
    words = "\n".join([*lines, ""]) if lines else ""
    return words.replace(STAND_INS["run_date"], "{{run_date}}")


def _locks(node: Any) -> Iterator[tuple[str, str]]:
    kind = type(node).__name__
    if kind == "AlterTableStmt":
        yield from _altered(node)
    elif kind == "CreateStmt":
        yield from (("SHARE ROW EXCLUSIVE", parent) for parent in _parents(node.tableElts or ()))
    elif kind == "IndexStmt":
        yield GENTLE if node.concurrent else "SHARE", _name(node.relation)
    elif kind in POLICIES:
        yield "ACCESS EXCLUSIVE", _name(node.table)
    elif kind == "DropStmt":
        yield from _dropped(node)
    elif kind == "TruncateStmt":
        yield from (("ACCESS EXCLUSIVE", _name(relation)) for relation in node.relations)
    elif kind == "LockStmt":
        yield from ((RANK[node.mode - 2], _name(relation)) for relation in node.relations if node.mode >= 2)
    elif kind == "VacuumStmt":
        mode = "ACCESS EXCLUSIVE" if switched_on(node.options, "full") else GENTLE
        yield from ((mode, _name(table.relation)) for table in node.rels or ())
    elif kind == "ReindexStmt" and node.kind.name == "REINDEX_OBJECT_TABLE":
        yield GENTLE if switched_on(node.params, "concurrently") else "SHARE", _name(node.relation)
    elif kind in STATEMENTS and getattr(node, "relation", None):
        yield STATEMENTS[kind], _name(node.relation)


def _altered(node: Any) -> Iterator[tuple[str, str]]:
    if node.objtype.name != "OBJECT_TABLE":
        return
    for command in node.cmds:
        parents = list(_parents([command.def_])) if command.subtype.name == "AT_AddConstraint" else []
        mode = "SHARE ROW EXCLUSIVE" if parents else ALTERATIONS.get(command.subtype.name, "ACCESS EXCLUSIVE")
        yield GENTLE if getattr(command.def_, "concurrent", False) else mode, _name(node.relation)
        if command.subtype.name in PARTITIONS:
            yield "ACCESS EXCLUSIVE", _name(command.def_.name)
        yield from (("SHARE ROW EXCLUSIVE", parent) for parent in parents)


def _parents(elements: Any) -> Iterator[str]:
    """The tables that foreign keys among the elements of a table refer to."""
    for element in elements:
        for constraint in (element, *(getattr(element, "constraints", None) or ())):
            if getattr(getattr(constraint, "contype", None), "name", "") == "CONSTR_FOREIGN":
                yield _name(constraint.pktable)


def _dropped(node: Any) -> Iterator[tuple[str, str]]:
    """A table is locked by its own DROP; a trigger's or policy's DROP locks the table it is on."""
    kind = node.removeType.name
    for named in node.objects:
        parts = [part.sval for part in named] if isinstance(named, tuple) else []
        if kind == "OBJECT_TABLE" and parts:
            yield "ACCESS EXCLUSIVE", ".".join(parts)
        elif kind in ("OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE") and len(parts) > 1:
            yield "ACCESS EXCLUSIVE", ".".join(parts[:-1])


def _name(relation: Any) -> str:
    return ".".join(part for part in (relation.schemaname, relation.relname) if part)
