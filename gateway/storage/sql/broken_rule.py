"""Which constraint refused a write, under one name on both engines.

PostgreSQL names the constraint; SQLite names checks and, for uniqueness, the columns. Repositories turn the name into
their port's own error. Foreign keys, which SQLite does not tell apart, are all called `foreign_key`.
"""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.storage.sql.tables import metadata

FOREIGN_KEY = "foreign_key"
_FOREIGN_KEY_VIOLATION = "23503"  # SQLSTATE


class BrokenRuleError(Exception):
    """The database refused the write, and nothing of it is there. `rule` is the constraint's name."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _unique_rules() -> dict[frozenset[str], str]:
    rules: dict[frozenset[str], str] = {}
    for table in metadata.tables.values():
        constraints: list[sa.UniqueConstraint | sa.PrimaryKeyConstraint | sa.Index] = [table.primary_key]
        constraints += [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
        constraints += [index for index in table.indexes if index.unique]
        for constraint in constraints:
            rules[frozenset(f"{table.name}.{column.name}" for column in constraint.columns)] = str(constraint.name)
    return rules


_UNIQUE_RULES = _unique_rules()


def broken_rule(error: IntegrityError) -> BrokenRuleError:
    original = error.orig
    state = getattr(original, "sqlstate", None)  # PostgreSQL's driver is not loaded to be recognised
    if state == _FOREIGN_KEY_VIOLATION:
        return BrokenRuleError(FOREIGN_KEY)
    if state is not None:
        return BrokenRuleError(getattr(original, "diag").constraint_name or "unnamed")  # noqa: B009 -- the driver's own
    kind, _, what = str(original).partition(" constraint failed: ")
    if kind == "UNIQUE":
        return BrokenRuleError(_UNIQUE_RULES.get(frozenset(what.split(", ")), "unnamed"))
    if kind == "CHECK":
        return BrokenRuleError(what)
    return BrokenRuleError(FOREIGN_KEY if kind.startswith("FOREIGN KEY") else "unnamed")
