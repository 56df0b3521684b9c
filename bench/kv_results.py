#!/usr/bin/env python3
"""Writes what bench/kv_results.sh measured: the tables between the marks of a page, whose prose
stays; their figures as JSON beside it, for docs/methods.md; and a plot for each table."""

import json
import sys
from pathlib import Path

import kv_compare

QUESTION = {"shared_context": "unseen", "question_seen": "seen"}
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def change(measure, digits=2):
    return (f"{measure['change']:+.{digits}f} "
            f"[{measure['change_low']:+.{digits}f}, {measure['change_high']:+.{digits}f}]")


def going_on(context):
    yield ("| recipe | bytes, % | peak, % | read, % | KL | 1-8 | 9-32 | 33-64 | same top, % "
           "| attention | right | second copy |")
    yield "|---" * 12 + "|"
    full = context["recipes"][0]
    for arm in context["recipes"]:
        m = arm["measures"]
        kl = m["kl"]
        near = " | ".join(f"{m[name]['mean']:.2f}" for name in ("kl_1_8", "kl_9_32", "kl_33_64"))
        yield (f"| `{arm['recipe']}` | {100 * arm['bytes_share']:.1f} "
               f"| {100 * arm['bytes_peak'] / full['bytes']:.0f} "
               f"| {100 * m['pages_read']['mean']:.0f} "
               f"| {kl['mean']:.3f} [{kl['change_low']:.3f}, {kl['change_high']:.3f}] | {near} "
               f"| {100 * m['same_top']['mean']:.0f} | {m['attention_error']['mean']:.2f} "
               f"| {change(m['right'])} | {change(m['second_copy'])} |")


def against(arm, other, seed):
    """How much more divergence an arm has than another, and whether the interval holds 0."""
    if other is None:
        return "-"
    found = kv_compare.difference(arm, other, seed)
    return "{:+.3f} [{:+.3f}, {:+.3f}] ".format(*found) + kv_compare.verdict(found)


def named(arm):
    return f"`{arm['recipe']}`, {100 * arm['bytes_share']:.1f}" if arm else "-"


def won(arms, seed):
    """What comes of recipes of three families."""
    pairs = [(a, kv_compare.best_single(a, arms)) for a in arms if kv_compare.families(a) == 3]
    found = [kv_compare.verdict(kv_compare.difference(a, b, seed)) for a, b in pairs if b]
    if found:
        counts = ", ".join(f"{found.count(word)} {word}" for word in ("lower", "open", "higher"))
        yield f"\nRecipes of three families against the best one of one method: {counts}."


def compared(context, seed):
    arms = context["recipes"]
    count = len(arms[0]["measures"]["kl"]["samples"])
    yield ("KL divergence less that of the best other recipe of one method with no more bytes, and "
           "less that of chance with as many; the bootstrap is of the differences in each sample. "
           f"\"lower\" and \"higher\": the interval is without 0. Of {count} samples all have one "
           f"sign by chance alone in one of {2 ** (count - 1)} cases.\n")
    yield ("| recipe | families | bytes, % | KL less the best's | the best, its bytes, % "
           "| KL less chance's |")
    yield "|---|---|---|---|---|---|"
    for arm in arms[1:]:
        best = kv_compare.best_single(arm, arms)
        yield (f"| `{arm['recipe']}` | {kv_compare.families(arm)} | {100 * arm['bytes_share']:.1f} "
               f"| {against(arm, best, seed)} | {named(best)} "
               f"| {against(arm, kv_compare.chance(arm, arms), seed)} |")
    yield from won(arms, seed)


def by_turn(arm, task):
    names = [f"{task['name']}_{turn}" for turn in range(1, task["turns"] + 1)]
    return " ".join(f"{arm['measures'][name]['mean']:.2f}" for name in names)


def guessed(context):
    for task in (t for t in context["tasks"] if not t["reported"]):
        more = ("of so few contexts nothing is" if task["threshold"] > 1 else
                f"{task['threshold']:.2f} is")
        yield (f"`{task['name']}` is not reported: the full cache has {task['full']:.2f}; "
               f"{more} more than guessing.\n")


def asked(context):
    reported = [t for t in context["tasks"] if t["reported"]]
    yield from guessed(context)
    if not reported:
        return
    yield "| recipe | " + " | ".join(t["name"] for t in reported) + " |"
    yield "|---" * (len(reported) + 1) + "|"
    for arm in context["recipes"]:
        cells = [f"{arm['measures'][t['name']]['mean']:.2f} "
                 f"({change(arm['measures'][t['name']])})" for t in reported]
        yield f"| `{arm['recipe']}` | " + " | ".join(cells) + " |"
    for task in (t for t in reported if t["turns"]):
        parts = [f"`{arm['recipe']}` {by_turn(arm, task)}" for arm in context["recipes"]]
        yield f"\n`{task['name']}` by turn: " + "; ".join(parts) + "."


def times(context):
    full = context["recipes"][0]
    yield "| recipe | prefill, s | over the full cache's | decode, ms | over the full cache's |"
    yield "|---" * 5 + "|"
    for arm in context["recipes"]:
        prefill, decode = (arm[key] / full[key] for key in ("prefill_s", "decode_s"))
        yield (f"| `{arm['recipe']}` | {arm['prefill_s']:.2f} | {prefill:.2f} "
               f"| {1000 * arm['decode_s']:.1f} | {decode:.2f} |")


def seen(model, report):
    """Tasks that were asked with the question before the point and after it."""
    (context,) = report["contexts"]
    yield f"## {model}, {context['context']} tokens: the question unseen and seen\n"
    yield from guessed(context)
    yield "| recipe | task | question | accuracy | log-probability |"
    yield "|---" * 5 + "|"
    ways = [t for t in context["tasks"] if t["reported"] and not t["turns"]]
    for arm in context["recipes"]:
        for task in ways:
            accuracy, logp = (arm["measures"][task["name"] + of] for of in ("", "_logp"))
            yield (f"| `{arm['recipe']}` | {task['name'].removesuffix('_seen')} "
                   f"| {QUESTION[task['mode']]} | {accuracy['mean']:.2f} ({change(accuracy)}) "
                   f"| {change(logp)} |")
    yield ""


def section(model, report, plot):
    (context,) = report["contexts"]
    yield (f"## {model}, {context['context']} tokens: {context['samples']} samples of "
           f"{report['text']}, seed {report['seed']}, {report['isa']}\n")
    yield (f"`{report['text']}` has {report['text_tokens']} tokens, {report['text_bytes']} bytes, "
           f"SHA-256 `{report['text_sha256']}`.\n")
    yield f"![KL divergence against bytes]({plot})\n"
    for part in (going_on(context), compared(context, report["seed"]), asked(context),
                 times(context)):
        yield from part
        yield ""


def summary(model, report):
    """What docs/methods.md shows of each recipe: means, and where they differ from the full
    cache's."""
    (context,) = report["contexts"]
    shown = ["kl", "same_top", "attention_error", "second_copy",
             *(t["name"] for t in context["tasks"] if t["reported"])]
    recipes = [{"recipe": arm["recipe"], "bytes_share": round(arm["bytes_share"], 4),
                "measures": {name: {key: round(value, 4)
                                    for key, value in arm["measures"][name].items()
                                    if key != "samples"}
                             for name in shown}}
               for arm in context["recipes"]]
    return {"model": model, "context": context["context"], "samples": context["samples"],
            "recipes": recipes,
            **{key: report[key] for key in ("seed", "text", "text_sha256", "isa")}}


def first_plot(page):
    """The KL divergence against bytes, as the report's own page draws it."""
    begin = page.index("<svg")
    return page[begin:page.index("</svg>") + len("</svg>")] + "\n"


def main():
    folder, page = Path(sys.argv[1]), Path(sys.argv[2])
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    lines, summaries = [], []
    reports = {path.stem: json.loads(path.read_text(encoding="utf-8"))
               for path in folder.glob("*-*.json")}
    for name in sorted(reports, key=lambda n: (n.rsplit("-", 1)[0], int(n.rsplit("-", 1)[1]))):
        model, plot = name.rsplit("-", 1)[0], f"kv_{name}.svg"
        html = (folder / f"{name}.html").read_text(encoding="utf-8")
        (page.parent / plot).write_text(first_plot(html), encoding="utf-8")
        lines += section(model, reports[name], plot)
        summaries.append(summary(model, reports[name]))
    for path in sorted(folder.glob("seen/*.json")):
        lines += seen(path.stem, json.loads(path.read_text(encoding="utf-8")))
    page.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after,
                    encoding="utf-8")
    page.with_name("kv_results.json").write_text(json.dumps(summaries, indent=1) + "\n",
                                                 encoding="utf-8")


if __name__ == "__main__":
    main()
