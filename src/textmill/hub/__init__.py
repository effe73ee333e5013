"""Other people's formats <-> ours: Hugging Face folders, GGUF. Room: hub/.

Names are loaded when they are asked for: help needs no torch.
"""

from __future__ import annotations
