"""operator: whose a login is, what it may do, and what the person behind it signs as."""

from __future__ import annotations

import argparse

from console.commands import targeting
from console.commands.telling import line, tell
from console.engine import operators
from db.queries import people
from db.text import one_line


def show_all(options: argparse.Namespace) -> int:
    with targeting.target(options).session() as session:
        known, groups = people.operators(session), operators.groups_of(session)
        tenants = operators.tenants_of(session)
    for operator, person, roles in known:
        held = groups.get(operator.login, [])
        if options.json:
            tell({"login": operator.login, "person": person.id, "name": person.name, "shared": operator.shared,
                  "groups": held, "roles": roles, "tenants": tenants.get(operator.login, [])})  # fmt: skip
        else:
            signs = "shared, signs nothing" if operator.shared else ", ".join(roles) or "signs nothing"
            sees = f"; sees {one_line(', '.join(tenants[operator.login]))}" if operator.login in tenants else ""
            line(f"{operator.login:<16} {one_line(person.name):<24} {', '.join(held) or 'no group':<22} {signs}{sees}")
    if not known and not options.json:
        line("Nobody yet. Add one with: handrail operator add LOGIN --name NAME --group engineer")
    return 0


def add(options: argparse.Namespace) -> int:
    with targeting.target(options).session() as session:
        operators.add(session, options.login, options.person or options.login, name=options.name, roles=options.role,
                      groups=options.group, shared=options.shared)  # fmt: skip
        for tenant in options.tenant:
            operators.open_tenant(session, options.login, tenant)
    return show_all(options)


def remove(options: argparse.Namespace) -> int:
    with targeting.target(options).session() as session:
        for tenant in options.tenant:
            operators.close_tenant(session, options.login, tenant)
        if options.role or options.group or not options.tenant:
            operators.remove(session, options.login, options.role, options.group)
    return show_all(options)
