"""The law of gates, for psql as for the console (I-5, I-6): triggers that run as the owner of the tables.

Errors that a person meets have states of their own: HR001 a gate is closed, HR002 the answers have been used, HR003
the evidence is not the newest, HR004 the evidence is sealed.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic import op

revision = "handrail_0005"
down_revision = "handrail_0004"

APPEND_ONLY = ("gate", "answer", "evidence", "sign_off", "break_glass", "acknowledgement")

LAWS = {
    "require_unsealed": (
        "verdict",
        "verdict_unsealed BEFORE INSERT",
        """
        IF EXISTS (SELECT FROM handrail.evidence e WHERE e.run_id = NEW.run_id AND e.gate = NEW.checkpoint
                   AND e.measurement = NEW.measurement) THEN
            RAISE EXCEPTION 'measurement % of % is sealed', NEW.measurement, NEW.checkpoint USING ERRCODE = 'HR004';
        END IF;
        RETURN NEW;
        """,
    ),
    # with its run, or never: a gate that comes later could only stand in the light of another
    "require_new_run": (
        "gate",
        "gate_of_new_run BEFORE INSERT",
        """
        IF NOT EXISTS (SELECT FROM handrail.run r WHERE r.id = NEW.run_id AND r.xmin = pg_current_xact_id()::xid) THEN
            RAISE EXCEPTION 'run % has begun; it gets no gate now', NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
        """,
    ),
    "require_unused": (
        "answer",
        "answer_unused BEFORE INSERT",
        """
        PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.gate = NEW.decision AND g.kind = 'decision'
            FOR UPDATE;
        IF NOT FOUND OR NEW.version <> (SELECT coalesce(max(a.version), 0) + 1 FROM handrail.answer a
                                        WHERE a.run_id = NEW.run_id AND a.decision = NEW.decision) THEN
            RAISE EXCEPTION '% is no decision, or % is not its next version', NEW.decision, NEW.version
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF EXISTS (SELECT FROM handrail.step_run s JOIN handrail.gate g USING (run_id)
                   WHERE s.run_id = NEW.run_id AND g.gate = NEW.decision AND s.position > g.position
                   AND s.state NOT IN ('waiting', 'undone')) THEN
            RAISE EXCEPTION 'steps that use the answers to % have begun', NEW.decision USING ERRCODE = 'HR002';
        END IF;
        RETURN NEW;
        """,
    ),
    "seal": (
        "evidence",
        "evidence_sealed BEFORE INSERT",
        """
        SELECT r.digest, r.starter, r.asked_by INTO STRICT NEW.plan_digest, NEW.starter, NEW.asked_by
            FROM handrail.run r WHERE r.id = NEW.run_id;
        IF NEW.measurement <= (SELECT max(e.measurement) FROM handrail.evidence e
                               WHERE e.run_id = NEW.run_id AND e.gate = NEW.gate) THEN
            RAISE EXCEPTION 'measurement % of % is sealed', NEW.measurement, NEW.gate USING ERRCODE = 'HR004';
        END IF;
        NEW.sealer := handrail.me();
        NEW.sealed_by := session_user;
        NEW.sealed_at := clock_timestamp();
        NEW.digest := handrail.digest_of(handrail.content(NEW.run_id, NEW.gate, NEW.measurement));
        NEW.basis := handrail.basis(NEW.run_id, CASE WHEN EXISTS (SELECT FROM handrail.gate g
            WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate AND g.kind = 'decision') THEN 'decision' ELSE '' END,
            NEW.sealed_at);
        NEW.passed := NOT EXISTS (SELECT FROM handrail.verdict v WHERE v.run_id = NEW.run_id AND v.checkpoint = NEW.gate
                                  AND v.measurement = NEW.measurement AND NOT v.passed);
        RETURN NEW;
        """,
    ),
    "judge": (
        "sign_off",
        "sign_off_judged BEFORE INSERT",
        """
        NEW.login := session_user;
        NEW.at := clock_timestamp();
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE EXCEPTION 'a sign-off is given in a transaction that sees what others commit' USING ERRCODE = 'HR003';
        END IF;
        -- in turn with the step that is just beginning: it sees this sign-off, or was there first (FM-C9)
        PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate FOR UPDATE;
        IF NOT EXISTS (SELECT FROM handrail.gate_status g WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate
                       AND g.measurement = NEW.measurement AND g.state NOT IN ('void', 'returned')) THEN
            RAISE EXCEPTION 'measurement % of % is not the newest, or is void', NEW.measurement, NEW.gate
                USING ERRCODE = 'HR003';
        END IF;
        IF NOT EXISTS (SELECT FROM handrail.operator o WHERE o.login = NEW.login AND o.removed_at IS NULL
                       AND NOT o.shared) THEN
            RAISE EXCEPTION 'login % may not sign: it is nobody''s, removed or shared', NEW.login
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NOT EXISTS (SELECT FROM handrail.sign_off_role h JOIN handrail.gate g ON h.role = ANY (g.roles)
                       WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate AND h.role = NEW.role
                       AND h.person = NEW.person AND h.removed_at IS NULL) THEN
            RAISE EXCEPTION '% does not hold the role %, or % does not ask for it', NEW.person, NEW.role, NEW.gate
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NEW.decision = 'approve' AND NEW.person NOT IN (NEW.starter, NEW.asked_by, NEW.sealer)
           AND NEW.person IN (handrail.person_of(NEW.starter), handrail.person_of(NEW.asked_by),
                              handrail.person_of(NEW.sealer)) THEN
            RAISE EXCEPTION '% was named by a login when run % began, and does not sign it', NEW.person, NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        -- who is named in the evidence is refused by a constraint
        IF NEW.decision = 'approve' AND NEW.person NOT IN (NEW.starter, NEW.asked_by, NEW.sealer) AND EXISTS (
            SELECT FROM handrail.event e WHERE e.run_id = NEW.run_id AND e.kind IN ('step began', 'undo began')
            AND handrail.person_of(e.by_login) = NEW.person) THEN
            RAISE EXCEPTION '% has run steps of run %, and does not sign it', NEW.person, NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
        """,
    ),
    "require_gates": (
        "step_run",
        "step_run_gates BEFORE UPDATE",
        """
        IF NEW.state IN ('running', 'done', 'skipped') AND NOT (OLD.state = 'running' AND NEW.state = 'done')
           AND (NEW.state <> OLD.state OR NEW.attempts <> OLD.attempts) THEN
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE EXCEPTION 'a step begins in a transaction that sees what others commit' USING ERRCODE = 'HR001';
            END IF;
            PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.position < NEW.position
                ORDER BY g.position, g.gate FOR SHARE;
            SELECT g.gate, g.state INTO closed FROM handrail.gate_status g
                WHERE g.run_id = NEW.run_id AND g.position < NEW.position AND g.state NOT IN ('signed', 'glass broken')
                -- what an older gate let through has begun; only the nearest of its kind is asked if it holds
                AND NOT (g.state = 'expired' AND g.position < (SELECT max(n.position) FROM handrail.gate n
                         WHERE n.run_id = NEW.run_id AND n.position < NEW.position AND n.kind = g.kind))
                ORDER BY g.position, g.gate LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'gate % is closed: %', closed.gate, closed.state USING ERRCODE = 'HR001';
            END IF;
            SELECT g.gate, g.needed + g.more - g.fresh_people AS missing INTO closed FROM handrail.gate_status g
                WHERE NEW.irreversible AND g.run_id = NEW.run_id AND g.position < NEW.position
                AND g.state <> 'glass broken' AND g.fresh_people < g.needed + g.more AND g.position =
                    (SELECT max(n.position) FROM handrail.gate n
                     WHERE n.run_id = NEW.run_id AND n.position < NEW.position AND n.kind = g.kind)
                ORDER BY g.gate LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'gate % is closed: % cannot be undone, and wants % more to sign', closed.gate, NEW.step,
                    closed.missing USING ERRCODE = 'HR001';
            END IF;
        END IF;
        RETURN NEW;
        """,
    ),
}


def upgrade() -> None:
    for statement in _laws():
        op.execute(statement)


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON handrail.{table}")
    for name, (table, trigger, _body) in LAWS.items():
        op.execute(f"DROP TRIGGER {trigger.split()[0]} ON handrail.{table}")
        op.execute(f"DROP FUNCTION handrail.{name}()")


def _laws() -> Iterator[str]:
    """Triggers that run as the owner of the tables, whoever acts; ALWAYS, so that no setting switches them off."""
    for name, (table, trigger, body) in LAWS.items():
        declared = "DECLARE closed record; " if "closed" in body else ""
        yield (
            f"CREATE FUNCTION handrail.{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = pg_catalog, pg_temp AS $$ {declared}BEGIN {body} END $$"
        )
        yield f"REVOKE EXECUTE ON FUNCTION handrail.{name}() FROM PUBLIC"
        yield f"CREATE TRIGGER {trigger} ON handrail.{table} FOR EACH ROW EXECUTE FUNCTION handrail.{name}()"
        yield f"ALTER TABLE handrail.{table} ENABLE ALWAYS TRIGGER {trigger.split()[0]}"
    for table in APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handrail.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change()"
        )
        yield f"ALTER TABLE handrail.{table} ENABLE ALWAYS TRIGGER {table}_append_only"
