"""A run of `--tune lora` -> its adapters as peft reads them, beside their base: `export --to peft`. Room: hub/.

base/ is the model that the run began from, as transformers' stock class; the folder itself is what peft lays over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from textmill.config import Config
from textmill.errors import ConfigError, RunError
from textmill.hub.leaving import (
    EXPORTING,
    Leaving,
    Written,
    equal_greedily,
    needs,
    refuse_difference,
    versions,
)
from textmill.hub.peft_format import peft_files, put_files
from textmill.hub.stock_folder import (
    StockFolder,
    compared,
    proof_of,
    quiet_transformers,
    scores_there,
    write_stock,
)
from textmill.hub.tokenizer_file import prove_tokenizer
from textmill.models import build_model
from textmill.results import Proof
from textmill.runs.checkpoint import read_tensors

BASE = "base"


@dataclass
class Base(Leaving):
    """The model that a run began from."""

    @cached_property
    def model(self) -> Any:
        tuned, start = self.run.model(self.checkpoint), self.run.start
        if start is None:
            raise RunError("the weights that this run began with are gone", where=str(self.run.path))
        base = build_model(tuned.config, tuned.vocab_size, tuned.form, device="meta")
        base.load_state_dict(read_tensors(start), assign=True)
        return base.eval().requires_grad_(False)


class PeftFolder:
    """adapter_config.json and adapter_model.safetensors, and the base as a Hugging Face folder."""

    title = "a folder of peft"

    def refuse(self, config: Config, kind: str) -> None:
        if config.train.tune != "lora":
            raise ConfigError(
                f"train.tune is {config.train.tune}: there are no adapters",
                where=EXPORTING + self.title,
                hint="Train with --from RUN --tune lora, or let the whole model leave: --to hf.",
            )
        if config.task.name != "lm":
            raise ConfigError(
                f"the adapters of a run of --task {config.task.name} come with a head of its own, which peft's folder "
                "is not written with",
                where=EXPORTING + self.title,
                hint="Let the whole model leave, adapters merged: --to hf or --to onnx.",
            )
        StockFolder().refuse(config, kind)

    def write(self, leaving: Leaving, folder: Path) -> Written:
        needs("transformers", "peft")
        (folder / BASE).mkdir()
        write_stock(Base(leaving.run, leaving.checkpoint), folder / BASE)
        put_files(folder, *peft_files(leaving.run, BASE, leaving.checkpoint))
        prompt = "从前" if leaving.is_chinese else "Once"
        return Written(
            architecture="LoRA adapters",
            python=PROGRAM.format(base=BASE, prompt=prompt),
            needs=("transformers", "peft"),
            library="peft",
            front={"base_model": BASE},
            notes=[f"{BASE}/ is the model that was tuned, as it was before; the adapters lie in this folder."],
            proof=self.prove(leaving, folder),
        )

    def prove(self, leaving: Leaving, folder: Path) -> Proof:
        """Laid over its base by peft, and compared with the run. Raises RunError where something differs."""
        n_equal = prove_tokenizer(leaving, folder / BASE, ())
        with quiet_transformers():
            import peft
            import transformers

            base: Any = transformers.AutoModelForCausalLM.from_pretrained(
                folder / BASE, local_files_only=True, dtype=torch.float32
            )
            theirs = peft.PeftModel.from_pretrained(base, folder).eval()
        difference, n_numbers = compared(leaving, lambda batch: scores_there(leaving, theirs, batch))
        refuse_difference(difference, "peft")
        n_greedy = equal_greedily(leaving, lambda ids: theirs(input_ids=ids).logits)
        return proof_of(leaving, difference, n_numbers, n_equal, n_greedy, versions("transformers", "peft"))


PROGRAM = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{base}")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base}"), ".")
found = model.generate(**tokenizer("{prompt}", return_tensors="pt"), max_new_tokens=40)
print(tokenizer.decode(found[0], skip_special_tokens=True))
"""
