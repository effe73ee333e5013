"""`eval --writing` and `generate --copies`, as people read them. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textmill.cli.output import Shell, on_one_line, table

if TYPE_CHECKING:
    from textmill.config import Config
    from textmill.report.words import Words
    from textmill.results import Copied, WritingMeasured
    from textmill.runs import Run

SHOWN = 3  # texts with the longest passages
LONG = 160  # characters of a passage that is shown


def measure_writing(shell: Shell, run: Run, config: Config, checkpoint: str | None, n_texts: int, choose: bool) -> int:
    """Measure how RUN writes, keep it in the run, and show it."""
    from textmill.cli.plan import show_plan
    from textmill.cli.run_argument import use_threads
    from textmill.evaluation.writing import keep_chosen, refuse_what_does_not_write, save_writing
    from textmill.evaluation.writing import measure_writing as measured
    from textmill.runs.lock import locked, refuse_if_locked

    refuse_what_does_not_write(run)
    as_trained = checkpoint is None and (choose or config.generate == run.config.generate)
    keeps = as_trained and run.keeps_results
    if choose:
        refuse_if_locked(run.path)
        run.refuse_changed_files()
    if shell.dry_run:
        files = [str(run.path / "eval" / "writing.json")] * keeps + [str(run.path / "config.toml")] * choose
        plan = {"texts": n_texts, "choose": choose, "checkpoint": checkpoint or run.default_checkpoint}
        show_plan(shell, verb="eval", run=str(run.path), writes=files, plan=plan)
        return 0
    use_threads(config)
    found = measured(run, config, checkpoint, n_texts, choose, shell.notice)
    if keeps:
        save_writing(run.path, found)
    if found.chosen is not None:
        with locked(run.path):
            keep_chosen(run, found.chosen)
    shell.show(found, writing_text)
    return 0


def writing_text(found: WritingMeasured) -> str:
    from textmill.report.numbers import NO_VALUE, measure, share
    from textmill.report.words import PARTS, Words, language

    words = Words(language())
    columns = [found.model, found.people, found.sampled, found.greedy]
    rows: list[list[str]] = [
        ["", words("as it writes"), words("people"), words("temperature 1"), words("temperature 0")],
        [words("texts that loop"), *(share(each.loop_rate) for each in columns)],
        [words("interval"), *(" – ".join(share(end) for end in each.loop_interval) for each in columns)],
        [words("4 tokens repeated (rep-4)"), *(share(each.rep_4) for each in columns)],
        [words("different 3 tokens (distinct-3)"), *(share(each.distinct_3) for each in columns)],
        [words("bits per byte, by the model"), *(measure(each.bpb) for each in columns)],
        [words("texts that end"), *(share(each.ended) for each in columns)],
        [words("copied from the training text"), *(NO_VALUE if (c := e.copied) is None else share(c) for e in columns)],
    ]
    head = words(
        "%(run)s: %(n)s texts from beginnings of its %(part)s, beside as long pieces of it",
        run=found.run,
        n=f"{found.model.n_texts:,}",
        part=words(PARTS[found.data]),
    )
    blocks = [head, table(rows, right=range(1, 5))]
    if found.chosen is not None:
        stays = sum(each.stays for each in found.candidates)
        told = words(
            "Of %(n)s ways of writing tried on validation, %(stays)s loop at most two points more than people. The one "
            "nearest to people's text is chosen, and stands in the run's config.toml now:",
            n=len(found.candidates),
            stays=stays,
        )
        blocks.append(f"{told}\n  {settings_told(found.chosen)}")
    if found.loops:
        blocks.append(words("It loops more than people do."))
    else:
        blocks.append(words("It does not loop more than people do, beyond two points and chance."))
    if found.causes:
        from textmill.cli.doctor import finding_text

        blocks += [finding_text(each, words) for each in found.causes]
    elif found.loops:
        blocks.append(words("None of the known causes explains it."))
    passages = sorted(
        (each.copied for each in found.texts if each.copied is not None and each.copied.passage is not None),
        key=lambda copied: -(copied.passage.n_chars if copied.passage else 0),
    )
    if passages:
        blocks.append(words("The longest passages that stand in the training text:"))
        blocks += [copied_text(each, words) for each in passages[:SHOWN]]
    if found.notes:
        blocks.append("\n".join(words.told(note, found.messages) for note in found.notes))
    return "\n\n".join(blocks)


def settings_told(settings: dict[str, Any]) -> str:
    """As flags: --temperature 0.8 --top-p 0.95."""
    return " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in settings.items())


def copied_text(copied: Copied, words: Words) -> str:
    """How much of a text is copied, and the longest passage where it stands in the training text."""
    from textmill.report.numbers import share

    passage = copied.passage
    if passage is None:
        return words("no %(n)s characters of it stand in the training text", n=copied.least // 2)
    rows = [
        words(
            "copied: %(share)s (in stretches of %(least)s characters or more); the longest has %(n)s, from %(source)s, "
            "character %(offset)s",
            share=share(copied.n_copied / copied.n_chars),
            least=copied.least,
            n=f"{passage.n_chars:,}",
            source=on_one_line(passage.source),
            offset=f"{passage.offset:,}",
        )
    ]
    text = passage.text if len(passage.text) <= LONG else f"{passage.text[: LONG // 2]} … {passage.text[-LONG // 2 :]}"
    rows.append(f"  …{on_one_line(passage.before)}[{on_one_line(text)}]{on_one_line(passage.after)}…")
    return "\n".join(rows)
