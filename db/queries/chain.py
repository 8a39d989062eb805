"""The chain of events as it stands: its bytes, its head, and what should say the same as it.

Nothing here calls a function of the schema `handrail`: whoever can edit a row can replace these too. The expressions
are those of handrail.canonical and handrail.content, written out.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Generator, Iterator
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

CHUNK = 1000
# Where names are looked up, how values become text, and that no row policy hides one: the same for every session.
SETTINGS = {
    "search_path": "pg_catalog, pg_temp",
    "row_security": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "statement_timeout": "0",
    "jit": "off",
}
SET = text(
    """
    SELECT pg_catalog.set_config(name, value, true)
    FROM pg_catalog.jsonb_each_text(CAST(:wanted AS pg_catalog.jsonb)) AS wanted (name, value)
    """
)

# A time without end, and what somebody has made NULL, is a fault of the row and not an error of ours.
EVENTS = b"""
    SELECT coalesce(e.id, 0), coalesce(e.hash, ''), convert_to(
        coalesce(length(e.id::text)::text || ':' || e.id::text, '-')
        || coalesce(length(e.run_id::text)::text || ':' || e.run_id::text, '-')
        || coalesce(length(e.step)::text || ':' || e.step, '-')
        || coalesce(length(e.kind)::text || ':' || e.kind, '-')
        || coalesce(length(e.detail::text)::text || ':' || e.detail::text, '-')
        || coalesce(length(e.by_login)::text || ':' || e.by_login, '-')
        || coalesce(length(t.at)::text || ':' || t.at, '-'), 'UTF8')
    FROM handrail.event e CROSS JOIN LATERAL (
        SELECT CASE WHEN isfinite(e.at) THEN (extract(epoch FROM e.at) * 1000000)::bigint::text END AS at) t
    ORDER BY e.id
"""

HEAD = text("SELECT count, hash FROM handrail.head")

SIGN_OFFS = text(
    """
    SELECT s.id AS sign_off, e.id AS event, CASE
        WHEN e.id IS NULL THEN 'no event says it'
        WHEN s.id IS NULL THEN 'the event is there, the sign-off is not'
        WHEN e.turn > 1 THEN 'another event says it already'
        WHEN v.run_id IS NULL THEN 'its evidence is another, or is gone'
        ELSE 'it is not what its event says' END AS fault
    FROM handrail.sign_off s
    FULL JOIN (SELECT e.*, row_number() OVER (PARTITION BY e.detail ->> 'id' ORDER BY e.id) AS turn
               FROM handrail.event e WHERE e.kind IN ('approved', 'rejected')) e ON e.detail ->> 'id' = s.id::text
    LEFT JOIN handrail.evidence v
        ON (v.run_id, v.gate, v.measurement, v.digest, v.passed, v.starter, v.asked_by, v.sealer)
         = (s.run_id, s.gate, s.measurement, s.digest, s.passed, s.starter, s.asked_by, s.sealer)
    WHERE s.id IS NULL OR e.id IS NULL OR e.turn > 1 OR v.run_id IS NULL
       OR (e.run_id, e.step, e.by_login, e.kind, e.detail) IS DISTINCT FROM
          (s.run_id, s.gate, s.login, CASE s.decision WHEN 'approve' THEN 'approved' ELSE 'rejected' END,
           to_jsonb(s) - ARRAY['at', 'run_id', 'gate'] || jsonb_build_object('at', CASE WHEN isfinite(s.at)
               THEN (extract(epoch FROM s.at) * 1000000)::bigint END))
    ORDER BY e.id, s.id
    """
)

EVIDENCE = text(
    """
    SELECT e.run_id, e.gate, e.measurement
    FROM handrail.evidence e
    LEFT JOIN LATERAL (
        SELECT string_agg(coalesce(length(p.value)::text || ':' || p.value, '-'), ''
                          ORDER BY v.position, v.check_id COLLATE "C", p.n) AS said,
               bool_and(v.passed) AS passed
        FROM handrail.verdict v CROSS JOIN LATERAL (
            VALUES (1, v.check_id), (2, v.kind), (3, v.title), (4, v.passed::text), (5, v.expected), (6, v.found),
                   (7, v.rows::text), (8, v.query)) p (n, value)
        WHERE v.run_id = e.run_id AND v.checkpoint = e.gate AND v.measurement = e.measurement) v ON true
    LEFT JOIN handrail.answer a ON (a.run_id, a.decision, a.version) = (e.run_id, e.gate, e.measurement)
    WHERE e.passed IS DISTINCT FROM coalesce(v.passed, true)
       OR e.digest IS DISTINCT FROM encode(sha256(convert_to(
            length(e.run_id::text)::text || ':' || e.run_id::text || length(e.gate)::text || ':' || e.gate
            || length(e.measurement::text)::text || ':' || e.measurement::text
            || coalesce(v.said, length(a.answers::text)::text || ':' || a.answers::text), 'UTF8')), 'hex')
    ORDER BY 1, 2, 3
    """
)

# The other rows that say themselves in the chain (handrail.tell), beside what they said; `what` is for people.
TOLD = text(
    """
    WITH now (kind, key, run_id, step, login, detail, at) AS (
        SELECT 'glass broken', b.id::text, b.run_id, b.gate, b.login,
               to_jsonb(b) - ARRAY['at', 'run_id', 'gate'], b.at FROM handrail.break_glass b
        UNION ALL
        SELECT 'broken glass acknowledged', a.break_glass_id::text, NULL, NULL, a.login,
               to_jsonb(a) - ARRAY['at'], a.at FROM handrail.acknowledgement a
        UNION ALL
        SELECT 'answered', concat_ws(' ', a.run_id, a.decision, a.version), a.run_id, a.decision, a.answered_by,
               to_jsonb(a) - ARRAY['run_id', 'decision', 'answered_at', 'answered_by'], NULL FROM handrail.answer a
    ), said AS (
        SELECT e.id, e.kind, e.run_id, e.step, e.by_login, e.detail, CASE e.kind
            WHEN 'glass broken' THEN e.detail ->> 'id'
            WHEN 'broken glass acknowledged' THEN e.detail ->> 'break_glass_id'
            ELSE concat_ws(' ', e.run_id, e.step, e.detail ->> 'version') END AS key
        FROM handrail.event e WHERE e.kind IN ('glass broken', 'broken glass acknowledged', 'answered')
    )
    SELECT coalesce(s.kind, n.kind) AS what, coalesce(s.key, n.key) AS key, s.id AS event
    FROM (SELECT kind, key, run_id, step, login, detail || CASE WHEN at IS NULL THEN '{}' ELSE jsonb_build_object('at',
              CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint END) END AS detail
          FROM now) n
    FULL JOIN said s ON s.kind = n.kind AND s.key = n.key
    WHERE n.kind IS NULL OR s.kind IS NULL
       OR (s.run_id, s.step, s.by_login, s.detail) IS DISTINCT FROM (n.run_id, n.step, n.login, n.detail)
    ORDER BY 3, 1, 2
    """
)

# Who is who, beside what was last said of them. A row says all of itself each time, but when and by whom.
PEOPLE = text(
    """
    WITH now (what, key, detail) AS (
        SELECT 'person', p.id, to_jsonb(p) - 'added_at' - 'added_by' FROM handrail.person p
        UNION ALL
        SELECT 'login', o.login, to_jsonb(o) - 'added_at' - 'added_by' - 'removed_at' FROM handrail.operator o
        UNION ALL
        SELECT 'role', concat_ws(' ', r.person, r.role), to_jsonb(r) - 'given_at' - 'given_by' - 'removed_at'
        FROM handrail.sign_off_role r
    ), said (what, key, id, detail) AS (
        SELECT DISTINCT ON (1, 2) split_part(e.kind, ' ', 1), CASE split_part(e.kind, ' ', 1)
                WHEN 'person' THEN e.detail ->> 'id' WHEN 'login' THEN e.detail ->> 'login'
                ELSE concat_ws(' ', e.detail ->> 'person', e.detail ->> 'role') END, e.id, e.detail
        FROM handrail.event e
        WHERE e.kind IN ('person added', 'login added', 'login removed', 'role given', 'role removed')
        ORDER BY 1, 2, e.id DESC
    )
    SELECT coalesce(n.what, s.what) AS what, coalesce(n.key, s.key) AS key, s.id AS event
    FROM now n FULL JOIN said s ON s.what = n.what AND s.key = n.key
    WHERE s.detail IS DISTINCT FROM n.detail ORDER BY 3, 1, 2
    """
)

# Runs beside the event that opened each; what a run may change of itself is left out.
BEGUN = text(
    """
    SELECT coalesce(r.id, e.run_id) AS run_id, e.id AS event
    FROM handrail.run r FULL JOIN (SELECT * FROM handrail.event WHERE kind = 'run began') e ON e.run_id = r.id
    WHERE r.id IS NULL OR (e.detail ->> 'plan', e.detail ->> 'digest', e.by_login)
                          IS DISTINCT FROM (r.plan, r.digest, r.started_by)
    ORDER BY 2, 1
    """
)

# Journals older than evidence have measurements without a digest.
MEASURED = text(
    """
    SELECT e.id AS event, e.run_id, e.step
    FROM handrail.event e
    WHERE e.kind IN ('checkpoint passed', 'checkpoint failed') AND e.detail ? 'digest' AND NOT EXISTS (
        SELECT FROM handrail.evidence v WHERE v.run_id = e.run_id AND v.gate = e.step
        AND v.digest = e.detail ->> 'digest' AND v.passed = (e.kind = 'checkpoint passed'))
    ORDER BY 1
    """
)

ROWS = text(
    """
    SELECT e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS at, e.by_login AS by,
           coalesce(o.person, e.by_login) AS person, e.run_id AS run, e.step, e.kind, e.detail::text AS detail,
           encode(e.hash, 'hex') AS hash
    FROM handrail.event e LEFT JOIN handrail.operator o ON o.login = e.by_login
    WHERE (CAST(:run AS bigint) IS NULL OR e.run_id = :run)
      AND (CAST(:person AS text) IS NULL OR coalesce(o.person, e.by_login) = :person)
      AND (CAST(:kind AS text) IS NULL OR e.kind = :kind)
      AND (CAST(:since AS timestamptz) IS NULL OR e.at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR e.at < :until)
    ORDER BY e.id
    """
)
KNOWN = text(
    """
    SELECT EXISTS (SELECT FROM handrail.person WHERE id = :person)
        OR EXISTS (SELECT FROM handrail.event WHERE by_login = :person)
    """
)


def snapshot(session: Session) -> None:
    """The rest of the transaction sees one moment and writes nothing. It must not have asked anything before."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    session.execute(SET, {"wanted": json.dumps(SETTINGS)})


def events(session: Session) -> Generator[tuple[int, bytes, bytes], None, None]:
    """(number, hash, canonical bytes) of every event in order, as they come: the server is at work meanwhile.

    Whoever does not go to the end closes it, or the connection answers nothing else.
    """
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor:
        yield from cursor.stream(EVENTS, binary=True, size=CHUNK)


def heads(session: Session) -> list[tuple[int, bytes]]:
    """The head's count and hash. There is one, unless somebody has been at it."""
    return [(int(count or 0), bytes(head or b"")) for count, head in session.execute(HEAD)]


def sign_offs_at_fault(session: Session) -> Iterator[Row[Any]]:
    """(sign_off, event, fault) of each sign-off that its event does not bear out, and of each event without one."""
    yield from session.execute(SIGN_OFFS)


def told_at_fault(session: Session) -> Iterator[Row[Any]]:
    """(what, key, event) of rows that say themselves in the chain, and are not what they said last."""
    yield from session.execute(TOLD)
    yield from session.execute(PEOPLE)


def begun_at_fault(session: Session) -> Iterator[Row[Any]]:
    """(run_id, event) of runs that are not what was begun, or are gone."""
    yield from session.execute(BEGUN)


def evidence_at_fault(session: Session) -> Iterator[Row[Any]]:
    """(run_id, gate, measurement) of evidence whose verdicts or answers are not those that were digested."""
    yield from session.execute(EVIDENCE)


def measured_at_fault(session: Session) -> Iterator[Row[Any]]:
    """(event, run_id, step) of measurements in the journal that no evidence bears out."""
    yield from session.execute(MEASURED)


def knows(session: Session, person: str) -> bool:
    """Whether this is a person here, or a login that has done something and is nobody's."""
    return bool(session.scalar(KNOWN, {"person": person}))


def rows(
    session: Session,
    run: int | None,
    person: str | None,
    kind: str | None,
    since: datetime.datetime | None,
    until: datetime.datetime | None,
) -> Iterator[Row[Any]]:
    """Events as the journal words them, a part at a time; `detail` is the server's own JSON."""
    wanted = {"run": run, "person": person, "kind": kind, "since": since, "until": until}
    yield from session.execute(ROWS, wanted, execution_options={"yield_per": CHUNK})
