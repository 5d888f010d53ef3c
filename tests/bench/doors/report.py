"""How the figures of campaign "doors" are shown: medians with their extremes, never a bare number."""

import statistics

from tests.bench.campaign import Ratio, Series

_HEAD = ["target", "CPU us (min-max)", "ratio", "store us", "req/s", "p50 ms", "p99 ms", "PSS MB"]
_HEAD += ["first token s", "windows (refused)"]


def closed_rows(
    series: dict[str, Series], reference: str, pss: dict[str, float], cold: dict[str, list[float]]
) -> list[list[str]]:
    """One line per target; `reference` is the target the paired ratios divide by."""
    rows = [_HEAD]
    for name, one in series.items():
        low, high = one.spread("cpu_us")
        start = f"{statistics.median(cold[name]):.2f}" if cold.get(name) else "-"
        rows.append([
            name, f"{one.median('cpu_us'):.0f} ({low:.0f}-{high:.0f})", str(Ratio.between(one, series[reference])),
            f"{one.median('store_cpu_us'):.0f}", f"{one.median('per_second'):.0f}", f"{one.median('p50_ms'):.1f}",
            f"{one.median('p99_ms'):.1f}", f"{pss[name]:.0f}" if name in pss else "-", start,
            f"{len(one.values('cpu_us'))} ({one.refused})",
        ])  # fmt: skip
    return rows


def mix_rows(found: dict[str, dict[str, list[float]]]) -> list[list[str]]:
    rows = [["mix", "token p50 ms", "token p99 ms (min-max)", "worst ms", "page p50 ms", "windows"]]
    for name, units in found.items():
        middle = {unit: statistics.median(values) if values else float("nan") for unit, values in units.items()}
        low, high = min(units["p99"], default=float("nan")), max(units["p99"], default=float("nan"))
        rows.append(
            [
                name,
                f"{middle['p50']:.2f}",
                f"{middle['p99']:.1f} ({low:.1f}-{high:.1f})",
                f"{middle['worst']:.1f}",
                f"{middle['page_p50']:.0f}",
                str(len(units["p99"])),
            ]
        )
    return rows
