#!/usr/bin/env python3
"""Writes what bench/kv_results.sh measured between the marks of a page, whose prose stays."""

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def change(measure, digits=2):
    return (f"{measure['change']:+.{digits}f} "
            f"[{measure['change_low']:+.{digits}f}, {measure['change_high']:+.{digits}f}]")


def going_on(context):
    yield "| recipe | bytes, % | peak, % | KL | 1-8 | 9-32 | 33-64 | same top, % | second copy |"
    yield "|---|---|---|---|---|---|---|---|---|"
    full = context["recipes"][0]
    for arm in context["recipes"]:
        m = arm["measures"]
        kl = m["kl"]
        near = " | ".join(f"{m[name]['mean']:.2f}" for name in ("kl_1_8", "kl_9_32", "kl_33_64"))
        yield (f"| `{arm['recipe']}` | {100 * arm['bytes_share']:.0f} "
               f"| {100 * arm['bytes_peak'] / full['bytes']:.0f} "
               f"| {kl['mean']:.3f} [{kl['change_low']:.3f}, {kl['change_high']:.3f}] | {near} "
               f"| {100 * m['same_top']['mean']:.0f} | {change(m['second_copy'])} |")


def asked(context):
    reported = [t for t in context["tasks"] if t["reported"]]
    for task in context["tasks"]:
        if not task["reported"]:
            yield (f"`{task['name']}` is not reported: the full cache has {task['full']:.2f}, "
                   f"and guessing may have {task['threshold']:.2f}.\n")
    if not reported:
        return
    yield "| recipe | " + " | ".join(t["name"] for t in reported) + " |"
    yield "|---" * (len(reported) + 1) + "|"
    for arm in context["recipes"]:
        cells = [f"{arm['measures'][t['name']]['mean']:.2f} "
                 f"({change(arm['measures'][t['name']])})" for t in reported]
        yield f"| `{arm['recipe']}` | " + " | ".join(cells) + " |"


def times(context):
    full = context["recipes"][0]
    parts = [f"`{a['recipe']}` {a['prefill_s'] / full['prefill_s']:.2f}"
             for a in context["recipes"][1:]]
    yield ("Seconds of the prompt over the full cache's " f"{full['prefill_s']:.2f}: "
           + ", ".join(parts) + ".")


def section(name, report):
    yield (f"## {name}: {report['samples']} samples of {report['text']}, seed {report['seed']}, "
           f"{report['isa']}\n")
    for context in report["contexts"]:
        yield f"### {context['context']} tokens\n"
        for part in (going_on, asked, times):
            yield from part(context)
            yield ""


def main():
    folder, page = Path(sys.argv[1]), Path(sys.argv[2])
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    lines = []
    for path in sorted(folder.glob("*.json")):
        lines += section(path.stem, json.loads(path.read_text(encoding="utf-8")))
    page.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after,
                    encoding="utf-8")


if __name__ == "__main__":
    main()
