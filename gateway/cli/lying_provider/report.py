"""What the trial found: for people in French and English, as one JSON document, and as JUnit for continuous integration."""

import html
from collections.abc import Sequence
from typing import Any

from gateway.cli.lying_provider.trial import Result, Verdict

_MARKS = {Verdict.OK: "ok     ", Verdict.MISSING: "MISSING", Verdict.NOT_TESTED: "–      "}


def is_clean(results: Sequence[Result], *, strict: bool) -> bool:
    return not any(result.verdict is Verdict.MISSING and (result.check.must or strict) for result in results)


def in_words(results: Sequence[Result]) -> str:
    lines: list[str] = []
    for result in results:
        check = result.check
        mark = "advice " if result.verdict is Verdict.MISSING and not check.must else _MARKS[result.verdict]
        seen = f"  ({result.seen})" if result.seen else ""
        lines.append(f"{mark}  {check.code}{seen}")
        if result.verdict is Verdict.MISSING:
            told = (f"contrôle absent — {check.fr}", f"missing check — {check.en}", check.rule)
            lines += [f"           {line}" for line in told]
    return "\n".join(lines)


def as_document(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [
        {
            "check": result.check.code,
            "verdict": str(result.verdict),
            "required": result.check.must,
            "fr": result.check.fr,
            "en": result.check.en,
            "rule": result.check.rule,
            "seen": result.seen,
        }
        for result in results
    ]


def as_junit(results: Sequence[Result], *, strict: bool) -> str:
    failed = [result for result in results if not is_clean([result], strict=strict)]
    skipped = [result for result in results if result.verdict is Verdict.NOT_TESTED]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="passerelle test-client" tests="{len(results)}" failures="{len(failed)}" skipped="{len(skipped)}">',
    ]
    for result in results:
        inside = ""
        if result in failed:
            said = html.escape(f"{result.check.en} / {result.check.fr}")
            where = html.escape(f"{result.check.rule}; {result.seen}")
            inside = f'<failure message="{said}">{where}</failure>'
        elif result in skipped:
            inside = f'<skipped message="{html.escape(result.seen)}"/>'
        elif result.verdict is Verdict.MISSING:
            inside = f"<system-out>{html.escape(f'advice: {result.check.en}')}</system-out>"
        lines.append(f'  <testcase classname="test-client" name="{html.escape(result.check.code)}">{inside}</testcase>')
    return "\n".join([*lines, "</testsuite>", ""])
