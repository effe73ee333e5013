"""weights -> text: windows over long texts, sampling, the batched engine, stop texts, scores of given texts."""

from __future__ import annotations

from textmill.generation.assembler import TextAssembler
from textmill.generation.chat import Turn, chat_answer, chat_prompt, chat_stops
from textmill.generation.constraints import Constraint, Obeying
from textmill.generation.engine import Piece, generate
from textmill.generation.loops import Loop, find_loop, loop_rate
from textmill.generation.sampling import distribution
from textmill.generation.scoring import score
from textmill.generation.windows import Window, plan_windows
from textmill.generation.writing import Writing, Written, write

__all__ = [
    "Constraint",
    "Loop",
    "Obeying",
    "Piece",
    "TextAssembler",
    "Turn",
    "Window",
    "Writing",
    "Written",
    "chat_answer",
    "chat_prompt",
    "chat_stops",
    "distribution",
    "find_loop",
    "generate",
    "loop_rate",
    "plan_windows",
    "score",
    "write",
]
