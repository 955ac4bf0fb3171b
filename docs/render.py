"""Render the tables of figures in README.md and docs/ from the JSON files in metrics/.

python docs/render.py            # write the tables
python docs/render.py --check    # write nothing; exit with 1 if a table is not up to date

A table stands between `<!-- figures: NAME -->` and `<!-- end -->`, where NAME is a key of TABLES. What the stages of
dvc.yaml measured is of the code beside it; the other files in metrics/ name the commit whose code they measured.
docs/labels.json says in words what the names in those files mean.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
INTERVAL = ("accuracy_low", "accuracy_high")
LABELS = json.loads((ROOT / "docs/labels.json").read_text(encoding="utf-8"))


def load(name: str) -> Any:
    """Return the content of a JSON file in metrics/."""
    return json.loads((ROOT / "metrics" / f"{name}.json").read_text(encoding="utf-8"))


def _commit(found: dict[str, Any]) -> str:
    return str(found["measured"]["commit"])[:7]


def table(header: str, rows: Iterable[Iterable[str]], note: str = "") -> str:
    """Return a Markdown table; `header` holds the names of the columns, of which all but the first have numbers."""
    names = header.split("|")
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + (f"\n{note}\n" if note else "")


def results() -> str:
    """Return accuracy, loss and time of every model."""
    profile = load("profile")
    seconds = {stage["stage"]: stage["seconds"] for stage in profile["stages"]} | {"all": profile["seconds"]}
    timed_at = f" ({_commit(profile)})"  # the run that was timed may be of other code than the metrics
    rows = [
        _result("**`make repro`: the default**", load("evaluation"), seconds["all"] / 60, timed_at),
        _result("Linear baseline: NB-SVM, one of its stages", load("baseline"), seconds["baseline"] / 60, timed_at),
    ] + [_result(LABELS["models"][entry["variant"]], entry, entry["minutes"]) for entry in load("results")]
    return table("Model|Accuracy|95% interval|Loss|Minutes|Test reviews|Code of", rows)


def _result(name: str, found: dict[str, Any], minutes: float | None, timed_at: str = "") -> list[str]:
    accuracy = f"{found['accuracy'] if 'accuracy' in found else found['accuracy_mean']:.2%}"
    if spread := found.get("accuracy_std"):
        accuracy += f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{100 * spread:.2f}"
    low, high = (found.get(name) for name in INTERVAL)
    interval = f"{100 * low:.2f}\N{EN DASH}{100 * high:.2f}" if low and high else ""
    time = "" if minutes is None else f"{minutes:.0f}{timed_at}"
    numbers = [f"{found['loss']:.3f}", time, f"{found['test_reviews']:,}"]
    return [name, accuracy, interval, *numbers, found.get("commit", "this version")]


def comparison() -> str:
    """Return every measure that the default and the linear baseline share."""
    default, linear = load("evaluation"), load("baseline")
    shared = [name for name, value in linear.items() if isinstance(value, float) and name not in INTERVAL]
    rows = [[name.replace("_", " "), f"{default[name]:.4f}", f"{linear[name]:.4f}"] for name in shared]
    margin = f"{100 * default['margin_over_baseline']:.2f} points (McNemar's test: p = {default['mcnemar_p']:.0e})"
    return table("Measure|Default|Linear baseline", rows, f"Margin: {margin}.")


def ablation() -> str:
    """Return the validation accuracy and loss without each part of the default."""
    found = load("ablation")
    rows = [
        [
            name,
            f"{100 * row['accuracy_mean']:.2f} ± {100 * row['accuracy_std']:.2f}%",
            f"{row['loss_mean']:.4f} ± {row['loss_std']:.4f}",
        ]
        for name, row in found["validation"].items()
    ]
    return table("Model|Validation accuracy|Validation loss", rows, f"Code of commit {_commit(found)}.")


def behaviour() -> str:
    """Return how the default and the linear baseline react to changes of a text."""
    default, linear = load("behaviour"), load("baseline_behaviour")
    rows = [[text, f"{default[name]:.3f}", f"{linear[name]:.3f}"] for name, text in LABELS["behaviour"].items()]
    return table("Change of the text|Default|Linear baseline", rows)


def behaviour_labels() -> str:
    """Return how often the labels are right on the texts that nothing was chosen on, by kind, with 95% intervals."""
    default, linear = (load(name) for name in ("behaviour_details", "baseline_behaviour_details"))

    def share(found: dict[str, float]) -> str:
        return f"{100 * found['share']:.0f}% ({100 * found['low']:.0f}\N{EN DASH}{100 * found['high']:.0f})"

    rows = []
    for group, text in LABELS["behaviour_labels"].items():
        for kind, found in default["held_out"][group].items():
            name = f"**{text}**" if kind == "all" else f"\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}{kind}"
            rows.append([name, str(found["texts"]), share(found), share(linear["held_out"][group][kind])])
    found = default["mixed"]
    rows.append(["**Praise and blame, by the verdict**", str(found["texts"]), share(found), share(linear["mixed"])])
    sentences, linear_sentences = default["all_sentences"], linear["all_sentences"]
    note = (
        f"On all {sentences['texts']} sentences the mean probability of the predicted label is "
        f"{100 * sentences['confidence']:.0f}% where {100 * sentences['share_right']:.0f}% are right (linear baseline: "
        f"{100 * linear_sentences['confidence']:.0f}% and {100 * linear_sentences['share_right']:.0f}%). The expected "
        f"calibration error there is {sentences['calibration_error']:.3f}; on so few texts a perfectly calibrated "
        f"model has {sentences['calibration_error_by_chance']:.3f} on average."
    )
    return table("Texts|Number|Default is right|Linear baseline is right", rows, note)


def speed() -> str:
    """Return the time of each part of the pipeline, and below it that of other ways to do the same work."""
    rows = []
    for path in sorted((ROOT / "metrics/speed").glob("*.json")):
        found = load(f"speed/{path.stem}")
        for title, work in found["comparisons"].items():
            for name, row in work["contenders"].items() if "ours" in work["contenders"] else []:
                label = LABELS["contenders"].get(name, name)
                label = label.get(path.stem, name) if isinstance(label, dict) else label
                label = f"**{work.get('title', title)}** ({_commit(found)})" if name == "ours" else f"- {label}"
                seconds = f"{row['median_seconds']:.{4 if row['median_seconds'] < 0.1 else 1}f}"
                factor = "" if name == "ours" else f"{row['ours_is_times_as_fast']:.2f}"
                rows.append([label, seconds, factor, f"{row['peak_mib']:,.0f}"])
    return table("Work (code of commit)|Seconds|Factor|Peak memory, MiB", rows)


def profile() -> str:
    """Return where the time of a whole run goes."""
    found = load("profile")
    rows = [
        [row["stage"], f"{row['seconds']:.0f}", f"{row['share']:.0%}", f"{row['peak_mib']:,.0f}"]
        for row in found["stages"]
    ]
    rows.append(["all, with DVC's own work", f"{found['seconds']:.0f}", "100%", ""])
    note = f"One run on {found['cores']} cores; code of commit {_commit(found)}."
    return table("Stage|Seconds|Share|Peak memory, MiB", rows, note)


def growth() -> str:
    """Return time and peak memory over the number of reviews."""
    found = load("growth")
    stages = [name for name in found if isinstance(found[name], list)]
    rows = [
        [f"{sizes[0]['reviews']:,}", *(f"{size['seconds']:,.0f} s, {size['peak_mib']:,.0f} MiB" for size in sizes)]
        for sizes in zip(*(found[name] for name in stages), strict=True)
    ]
    return table("|".join(["Reviews", *stages]), rows, f"Code of commit {_commit(found)}.")


def serving() -> str:
    """Return how many reviews a second the server answers, how long an answer takes, and its memory."""
    found = load("serving")
    measured = found["serving"]
    plain = measured["predict"]["per_second"]
    rows = [
        [name, f"{measured[key]['per_second']:,.0f}", f"{measured[key]['per_second'] / plain:.2f}"]
        for key, name in LABELS["serving"].items()
    ]
    paced, memory = measured["paced"], measured["memory"]
    notes = [
        f"At {paced['asked_per_second']:,.0f} requests a second, half of the answers take at most "
        f"{paced['median_ms']:.0f} ms, and 99% at most {paced['p99_ms']:.0f} ms.",
        f"Over {memory['requests']:,} requests, the server's memory goes from {memory['mib_before']:,.0f} to "
        f"{memory['mib_after']:,.0f} MiB.",
        f"Client and server shared the cores. Code of commit {_commit(found)}.",
    ]
    return table("Reviews of real length|Reviews a second|Of `predict`", rows, "\n".join(notes))


def faithfulness() -> str:
    """Return how much the words that `explain` ranks first matter."""
    found = load("faithfulness")
    return (
        f"Without the {found['share_of_words']:.0%} of its words that `explain` ranks first, the probability of the "
        f"predicted label falls by {found['drop_by_top_words']:.3f} on average over {found['reviews']:,} test reviews; "
        f"without as many random words, by {found['drop_by_random_words']:.3f}. (`python -m benchmarks.faithfulness`, "
        f"code of commit {_commit(found)}.)\n"
    )


TABLES = {
    function.__name__: function
    for function in (
        results,
        comparison,
        ablation,
        behaviour_labels,
        behaviour,
        faithfulness,
        speed,
        profile,
        growth,
        serving,
    )
}


def main(check: bool) -> None:
    """Write every table, or with `check` exit with a message that names the pages whose tables are not up to date."""
    outdated = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        rendered = BLOCK.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)
        if rendered != text and check:
            outdated.append(page.name)
        elif rendered != text:
            page.write_text(rendered, encoding="utf-8")
    if outdated:
        sys.exit(f"tables are not up to date in {', '.join(outdated)}: run python docs/render.py")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
