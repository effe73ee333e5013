"""`textmill config show`, `textmill config keys`: every knob. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, table
from textmill.cli.verb import verb, verb_group
from textmill.config.knobs import SECTIONS, all_knobs, knobs_of, value_of

if TYPE_CHECKING:
    from textmill.config.layers import Loaded
    from textmill.results import Knobs

EXAMPLES = (
    "textmill config show                         every knob as a TOML file: a start for run.toml",
    "textmill config show --origin                and where each value comes from",
    "textmill config show --arch gru --origin -c run.toml",
    "textmill config keys                         what there is, what may be said, what it means",
)


SUBVERBS = {
    "show": "Print a complete config, and where each value comes from.",
    "keys": "List every knob: what may be said, its default, its meaning.",
}


@verb_group("config", examples=EXAMPLES, verbs=SUBVERBS)
def config_command() -> None:
    """Show every knob, its value and where the value comes from.

    Layers: default, size and preset, textmill.toml of the working folder, -c FILE, --section.name VALUE.
    """


@verb("show", knobs=tuple(SECTIONS), unlisted=("generate",), examples=EXAMPLES[:3])
@click.option("--origin", is_flag=True, help="Where each value comes from.")
def show_command(shell: Shell, origin: bool) -> None:
    """Print the config that a run would have, as a complete TOML file; with --origin, where each value comes from."""
    loaded = shell.load()
    shell.show(knobs_document(loaded), origins_text if origin else lambda _: toml_text(loaded))


@verb("keys", examples=EXAMPLES[3:])
def keys_command(shell: Shell) -> None:
    """List every knob: what may be said, its default, its flag, its meaning."""
    from textmill.results import Knob, Knobs

    knobs = [Knob(key=knob.key, value=knob.default, origin="default", help=knob.help) for knob in all_knobs().values()]
    shell.show(Knobs(knobs=knobs), lambda _: keys_text())


config_command.add_command(show_command)
config_command.add_command(keys_command)


def knobs_document(loaded: Loaded) -> Knobs:
    from textmill.results import Knob, Knobs

    config = loaded.config
    return Knobs(
        knobs=[
            Knob(key=key, value=value_of(config, key), origin=loaded.origins[key], help=knob.help)
            for key, knob in knobs_of(config.model.arch).items()
        ]
    )


def toml_text(loaded: Loaded) -> str:
    from textmill.config.layers import to_toml

    return to_toml(loaded.config).rstrip("\n")


def origins_text(found: Knobs) -> str:
    return table([[knob.key, shown(knob.value), knob.origin] for knob in found.knobs])


def keys_text() -> str:
    blocks = []
    for knob in all_knobs().values():
        flag = f"  {knob.flag}" if knob.flag else ""
        blocks.append(f"{knob.key}{flag}\n  {knob.help}\n  {knob.allowed}; default: {shown(knob.default)}")
    return "\n\n".join(blocks)


def shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "[]"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
