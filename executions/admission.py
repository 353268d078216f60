"""The queue: how many runs of an account may run at once, and who is next.

AWS, "Automation endpoints and quotas": 100 executions run at once, up to 400 more may be blocked
in a step that waits for a time or a person, and 5,000 wait, first in, first out. A run that
another one started shares that one's slot, so that no run waits for one that waits in the queue.

Those who start share what there is: of an account's principals, the one with the fewest running
is next, and of each one's runs the first that came. So whoever starts thousands lets others pass.

`slot` of a row is the truth; nothing else is counted. A run in the queue is not due (`wake_at` is
NEVER) until one UPDATE has given it a slot. Slots are given under a lock on the account's row;
they are taken away and blocked without it, in the commits that end a run or let it wait, since
fewer in use can do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from executions import clock, queue
from executions.errors import Refused
from executions.models import Execution, rows
from executions.states import NEVER, Slot

# The actions whose steps let a run be blocked: AWS names these three.
BLOCKING: Final = frozenset({"aws:approve", "aws:pause", "aws:sleep"})
IN_USE: Final = (
    "SELECT slot, COUNT(*) FROM executions_execution"
    " WHERE account_id = %(account)s AND slot IN ('running', 'blocked') GROUP BY slot"
)
# The principals who wait, each found by one look into the index, and what each has at the front.
# Materialized, since PostgreSQL may run a plain subquery again for each row, and so admit more.
ADMIT: Final = """
    WITH RECURSIVE who (arn) AS (
        SELECT MIN(executed_by) FROM executions_execution
        WHERE account_id = %(account)s AND slot = 'queued'
        UNION ALL
        SELECT (SELECT MIN(executed_by) FROM executions_execution
                WHERE account_id = %(account)s AND slot = 'queued' AND executed_by > who.arn)
        FROM who WHERE who.arn IS NOT NULL
    ), first AS MATERIALIZED (
        SELECT e.id FROM who JOIN executions_execution e ON e.id = (
            SELECT id FROM executions_execution
            WHERE account_id = %(account)s AND slot = 'queued' AND executed_by = who.arn
            ORDER BY created_at, id LIMIT 1)
        ORDER BY (SELECT COUNT(*) FROM executions_execution
                  WHERE account_id = %(account)s AND slot = 'running' AND executed_by = who.arn),
                 e.created_at, e.id
        LIMIT 1
    )
    UPDATE executions_execution SET slot = 'running', wake_at = %(now)s
    WHERE slot = 'queued' AND id IN (SELECT id FROM first) RETURNING id
"""
# In the order in which they would be admitted, if nothing else happened.
IN_ORDER: Final = """
    SELECT id FROM (
        SELECT w.id, w.created_at, COALESCE(r.running, 0)
               + ROW_NUMBER() OVER (PARTITION BY w.executed_by ORDER BY w.created_at, w.id) AS turn
        FROM executions_execution w LEFT JOIN (
            SELECT executed_by, COUNT(*) AS running FROM executions_execution
            WHERE account_id = %(account)s AND slot = 'running' GROUP BY executed_by
        ) r ON r.executed_by = w.executed_by
        WHERE w.account_id = %(account)s AND w.slot = 'queued'
    ) AS waiting ORDER BY turn, created_at, id
"""
WAITING: Final = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM executions_execution"
    " WHERE account_id = %(account)s AND slot = 'queued' LIMIT %(most)s) AS waiting"
)
OWN_WAITING: Final = WAITING.replace(" LIMIT", " AND executed_by = %(arn)s LIMIT")
CROWDED: Final = (
    "SELECT account_id FROM executions_account a WHERE EXISTS (SELECT 1 FROM executions_execution e"
    " WHERE e.account_id = a.account_id AND e.slot = 'queued')"
)


def enter(execution: Execution) -> None:
    """Give a new execution a slot or a place in the queue, in the transaction that inserts it.

    Refused (AutomationExecutionLimitExceededException) if the queue is full.
    """
    if execution.parent_id is not None:
        return
    account = execution.account_id
    _lock(account)
    if not _count_waiting(account, 1) and _count_free(account) > 0:
        execution.slot = Slot.RUNNING
        return
    if _is_full(execution):
        raise Refused(
            f"The queue of account {account} is full: it has room for {settings.MOST_QUEUED:,}."
            " Start this execution again when others have ended, or cancel some that wait.",
            code="AutomationExecutionLimitExceededException",
        )
    execution.slot, execution.wake_at = Slot.QUEUED, NEVER
    # A slot that was freed since we counted was freed by somebody who did not see this row.
    transaction.on_commit(partial(refill, account), robust=True)


def resume(execution: Execution) -> Mapping[str, Any]:
    """What changes in the row of a run that begins a step: it holds a whole slot again.

    It is not made to wait for one. So more may run than the setting says, if many wake at once,
    but never more than that and the extra slots together: `refill` counts both.
    """
    return {"slot": Slot.RUNNING} if execution.slot == Slot.BLOCKED else {}


def rest(execution: Execution, action: str) -> Mapping[str, Any]:
    """What changes in the row of a run whose step of this action begins to wait."""
    blocks = action in BLOCKING and execution.slot == Slot.RUNNING
    return {"slot": Slot.BLOCKED} if blocks else {}


def refill(account_id: str) -> int:
    """Admit the next ones of the queue, as far as slots are free; how many.

    Called after each commit that frees a slot, and by the clock, should a worker die before that.
    """
    if not _count_waiting(account_id, 1) or _count_free(account_id) <= 0:
        return 0
    with transaction.atomic():
        _lock(account_id)
        free = _count_free(account_id)
        admitted = _admit(account_id, free) if free > 0 else 0
        for _ in range(min(admitted, settings.WORKERS)):
            queue.ring()
    return admitted


def refill_all() -> int:
    """The same for every account that has a queue."""
    return sum(refill(account_id) for (account_id,) in _ask(CROWDED))


def find_places(executions: Iterable[Execution]) -> None:
    """Set `place` of each: 1 for the next of its account's queue, None for what is not in it."""
    orders: dict[str, dict[UUID, int]] = {}
    for execution in executions:
        execution.place = None
        if execution.slot == Slot.QUEUED:
            account = execution.account_id
            if account not in orders:
                orders[account] = _find_order(account)
            execution.place = orders[account].get(execution.pk)


def _find_order(account_id: str) -> dict[UUID, int]:
    listed = _ask(IN_ORDER, account=account_id)
    return {UUID(str(key)): place for place, (key,) in enumerate(listed, start=1)}


def _lock(account_id: str) -> None:
    """Let no other give slots of this account until the transaction ends.

    On SQLite every transaction that may write has the whole database to itself.
    """
    if connection.vendor == "postgresql":
        lock = "SELECT 1 FROM executions_account WHERE account_id = %(account)s FOR NO KEY UPDATE"
        _ask(lock, account=account_id)


def _is_full(execution: Execution) -> bool:
    """Whether the queue has no place for it.

    A tenth more than the setting is kept for principals who have fewer than that waiting, so that
    one who starts thousands does not keep the others out.
    """
    extra = settings.MOST_QUEUED // 10
    waiting = _count_waiting(execution.account_id, settings.MOST_QUEUED + extra)
    if waiting < settings.MOST_QUEUED or waiting == settings.MOST_QUEUED + extra:
        return waiting >= settings.MOST_QUEUED
    own = _ask(OWN_WAITING, account=execution.account_id, arn=execution.executed_by, most=extra)
    return bool(own[0][0] >= extra)


def _count_free(account_id: str) -> int:
    """Free slots; runs blocked beyond the extra slots hold usual ones. Below 0 if too many run."""
    in_use = dict(_ask(IN_USE, account=account_id))
    excess = max(0, in_use.get(Slot.BLOCKED, 0) - settings.MOST_BLOCKED)
    free: int = settings.MOST_RUNNING - in_use.get(Slot.RUNNING, 0) - excess
    return free


def _count_waiting(account_id: str, most: int) -> int:
    """How many wait, counted no further than that."""
    ((waiting,),) = _ask(WAITING, account=account_id, most=most)
    return int(waiting)


def _admit(account_id: str, most: int) -> int:
    """Make the next ones of the queue due, one after the other, if they still wait."""
    admitted, now = 0, rows.adapt(clock.now())
    while admitted < most:
        if _ask(ADMIT, account=account_id, now=now):
            admitted += 1
        elif not _count_waiting(account_id, 1):  # else the first one has just been cancelled
            break
    return admitted


def _ask(question: str, **params: str | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, params)
        return list(cursor.fetchall())
