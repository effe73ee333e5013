"""After the last step: the floor, the final measurement, samples, what there is to say, the report. Room: training/.

Called by session; what is done already is not done again.
"""

from __future__ import annotations

import shlex
from typing import Any

from textmill.config import Config
from textmill.evaluation import evaluate, fit_floor, save_evaluation
from textmill.files import make_folder, write_atomically
from textmill.generation import loop_rate
from textmill.messages import message, record_of
from textmill.report import render
from textmill.report.saying import command, opening_for
from textmill.report.words import language
from textmill.runs import Prepared, Run
from textmill.tables import TASKS_WITH_QUESTIONS
from textmill.tasks import task_of
from textmill.tokens import Tokenizer
from textmill.training.clock import Clock
from textmill.training.naming import default_name
from textmill.training.progress import Listener

SAMPLES_AT_THE_END = 3
LONG_PROMPT = 80  # characters
NO_ANSWERS = message("It answers no question reliably, and what it states as a fact may be wrong.")


def write_samples(model: Any, run: Run, tokenizer: Tokenizer, n: int, n_tokens: int) -> list[str]:
    """n texts, what they begin with included: always the same ones for the same weights."""
    return task_of(run.config).samples(model, tokenizer, run.config, run.info["sample_prompt"], n, n_tokens)


def close(run: Run, prepared: Prepared, clock: Clock, listener: Listener, with_report: bool = True) -> None:
    """After the last step: the floor, the final measurement, loops, the report."""
    asks = run.config.task.name in TASKS_WITH_QUESTIONS  # beside it stands what has no weights to be kept
    if not (asks or run.config.task.is_of_masks or (run.path / "floor" / "run.json").is_file()):
        with clock.doing("floor"):
            fit_floor_of(run, prepared)
    if run.info["form"] == "encoder" and not run.config.task.is_of_masks:
        with clock.doing("evaluate"):
            run.info["offer"] = offer_of(run, prepared)
            if run.config.data.make_questions:
                from textmill.evaluation.asked_documents import chosen_asking
                from textmill.tasks.answering import reader_of

                listener.notice("asking the validation documents …")
                convention, seed = run.config.eval.convention, run.config.data.split_seed
                run.info["asks"] = chosen_asking(reader_of(run), prepared, convention, seed).facts()
            run.write_info()
    if prepared.valid is not None or prepared.test is not None:
        listener.notice("measuring on held-out text …")
        with clock.doing("evaluate"):
            measured = evaluate(run)
            save_evaluation(run.path, measured)
            if run.config.data.make_questions:
                low = measured.convention.get("asked_f1_minus_evidence", [0.0])[0]
                run.info["asks"]["is_better"] = run.info["asks"]["weight"] > 0 and low > 0
    with clock.doing("sample"):
        model = run.model()
        n_tokens = max(100, run.config.train.sample_tokens)
        texts = write_samples(model, run, prepared.tokenizer, SAMPLES_AT_THE_END, n_tokens)
        for number, text in enumerate(texts):
            make_folder(run.path / "samples")
            write_atomically(run.path / "samples" / f"final-{number + 1}.txt", text)
        if run.info["form"] == "decoder":
            run.info["loops"] = {"model": loop_rate(texts), "human": human_loop_rate(prepared, texts)}
    run.info["time"] = {kind: round(seconds, 2) for kind, seconds in clock.spent.items()}
    run.info["limits"] = limits_of(run, prepared)
    run.info["messages"] = run.info.get("messages", {}) | record_of(run.info["limits"])
    run.info["next"] = next_commands(run)
    run.info["finished"] = True
    if with_report:
        report_run(run)
    run.write_info()  # last: a run that is stopped in its report makes it again


def offer_of(run: Run, prepared: Prepared) -> dict[str, Any]:
    """What an encoder's run answers with, as run.json says it."""
    if run.config.task.name in TASKS_WITH_QUESTIONS:
        from textmill.evaluation.answers import chosen_refusal

        return chosen_refusal(run, prepared).facts()
    from textmill.evaluation.labels import chosen_offer  # loads scipy, as fit_floor_of_labels does

    return chosen_offer(run, prepared).facts()


def fit_floor_of(run: Run, prepared: Prepared) -> None:
    """floor/: of a classifier tf-idf, of all others n-grams. Raises NoSpace."""
    if run.info["form"] == "encoder":
        from textmill.evaluation.labels import fit_floor_of_labels

        fit_floor_of_labels(run, prepared)
        return
    fit_floor(
        prepared.train,
        prepared.tokenizer,
        run.path / "floor",
        run.config.run.seed,
        run.config,
        documents=task_of(run.config).written(prepared.train),
    )


def report_run(run: Run) -> None:
    """report.html, README.md and plots of a run."""
    render(run.report(), run.path, language())


def human_loop_rate(prepared: Prepared, texts: list[str]) -> float:
    """The loop rate of as long pieces of held-out text."""
    store = prepared.test or prepared.valid or prepared.train
    length = max(1, sum(map(len, texts)) // max(1, len(texts)))
    pieces: list[str] = []
    for number in range(store.n_documents):
        text = prepared.tokenizer.decode(store.document(number).tolist())
        pieces += [text[start : start + length] for start in range(0, len(text), length)]
        if len(pieces) >= 200:
            break
    return loop_rate(pieces[:200])


def limits_of(run: Run, prepared: Prepared) -> list[str]:
    """What this model cannot do, in plain words."""
    backbone = run.info["n_parameters"].get("backbone", 0)
    seq_len = run.config.model.seq_len
    limits = [
        message(
            "It has %(millions)s M parameters besides embeddings and head and has read %(megabytes)s MB of text: it "
            "imitates that text and knows nothing else.",
            millions=f"{backbone / 1e6:.1f}",
            megabytes=f"{prepared.train.n_bytes / 1e6:.2f}",
        ),
    ]
    if run.info["form"] == "encoder-decoder":
        limits += [
            message("What it writes may read well and be no translation of what it read."),
            message(
                "It reads at most %(n)s tokens at once; a longer text is translated in pieces that do not know of each "
                "other.",
                n=seq_len,
            ),
        ]
    elif run.config.task.name in TASKS_WITH_QUESTIONS:
        limits.append(
            message(
                "It points at a stretch of the passage that it is given, and knows nothing else: it counts nothing, "
                "compares nothing, and what the passage says wrongly it says too."
            )
        )
        if run.info["offer"]["least"] is None:
            limits.append(
                message(
                    "It never says that a passage holds no answer: no validation question taught it when to. What it "
                    "points at may have nothing to do with the question."
                )
            )
    elif run.config.task.is_of_masks:
        limits.append(
            message(
                "It guesses hidden words and says nothing else of a text: it is a beginning for other runs, by --from."
            )
        )
    elif run.info["form"] == "encoder":
        limits.append(
            message(
                "It knows the classes that its training texts have, and gives one of them to any text, also to one in "
                "another language or about something else; classify flags those that look unlike its own."
            )
        )
    elif run.config.model.arch == "transformer":
        limits.append(NO_ANSWERS)
        limits.append(message("It sees the last %(n)s tokens only; what lies further back is forgotten.", n=seq_len))
    else:
        limits.append(NO_ANSWERS)
        limits.append(
            message(
                "All it keeps of the past is its state, which fades; back-propagation reached %(n)s tokens back.",
                n=seq_len,
            )
        )
    progress = run.progress
    if progress.get("n_skipped") or progress.get("n_rollbacks"):
        limits.append(
            message(
                "%(skipped)s of its %(steps)s updates were skipped and it went back %(rollbacks)s times, because the "
                "loss jumped or was no number: metrics.jsonl says when.",
                skipped=progress["n_skipped"],
                steps=progress["step"],
                rollbacks=progress["n_rollbacks"],
            )
        )
    if prepared.valid is None:
        limits.append(message("Nothing was held out to choose a checkpoint by: the last one is kept."))
    return list(limits)


def next_commands(run: Run) -> list[str]:
    """What to try. A model that does not beat its floor is trained on first; where it stopped getting better by
    itself, more steps are no help, and its floor is what writes better."""
    path = str(run.path)
    prompt, sentence = opening_for(run.info["data"]["languages"])
    if run.info["form"] == "encoder-decoder":
        source = str(run.info["sample_prompt"]).split("\n")[0]
        wanted = [word for name in run.into[:1] for word in ("--to", name)]
        return [command("translate", path, *wanted, source), command("eval", path), longer(run)]
    if run.config.data.make_questions:
        question = str(run.info["sample_prompt"]).split("\n")[0].split("\t")[0]
        return [command("ask", path, question), command("eval", path), longer(run)]
    if run.config.task.name in TASKS_WITH_QUESTIONS or run.config.data.stories:
        return [command("eval", path), longer(run)]
    if run.config.task.is_of_masks:
        started = ["textmill", "train", "reviews.csv", "--task", "classify", "--from", shlex.quote(path)]
        return [" ".join(started), command("eval", path), longer(run)]
    if run.info["form"] == "encoder":
        text = str(run.info["sample_prompt"]).split("\n")[0]
        return [command("classify", path, text[:LONG_PROMPT]), command("eval", path), longer(run)]
    commands = [command("generate", path, prompt), command("chat", path), command("score", path, sentence)]
    if beats_floors(run):
        return commands
    if run.info.get("ended_at") is not None:
        return [command("generate", f"{path}/floor", prompt), *commands]
    return [longer(run), *commands]


def beats_floors(run: Run) -> bool:
    """Whether the model needs fewer bits per byte than each floor beside it; True where nothing was measured."""
    evaluation = run.evaluation()
    if evaluation is None:
        return True
    floors = [row["bpb"] for row in evaluation.baselines.values() if "bpb" in row]
    return all(evaluation.metrics["bpb"] < floor for floor in floors)


def longer(run: Run) -> str:
    """The command that takes this run to twice its steps."""
    from textmill.training.advise import training_command  # advise tries a text as -n does, which knows this file

    config = run.config
    said = [training_command({"data": config.data, "task": config.task}), "--steps", str(2 * (config.train.steps or 0))]
    if run.name != default_name(config.data.paths[0]):
        said += ["--name", shlex.quote(run.name)]
    if str(run.path.parent) != Config().run.dir:
        said += ["--runs", shlex.quote(str(run.path.parent))]
    return " ".join(said)
