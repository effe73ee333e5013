"""The device that is named is one that is here, or the refusal says which are."""

import pytest
import torch

from textmill.errors import ConfigError
from textmill.runs import device_named


def machine(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_cuda_else_mps_else_cpu(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str) -> None:
    machine(monkeypatch, cuda, mps)

    assert device_named("auto") == best
    assert device_named("cpu") == "cpu"


@pytest.mark.parametrize(
    ("device", "cuda", "mps", "words"),
    [
        ("cuda", False, False, "there is no CUDA here; there is: cpu"),
        ("cuda", False, True, "there is no CUDA here; there is: mps, cpu"),
        ("mps", True, False, "there is no MPS here; there is: cuda, cpu"),
    ],
)
def test_a_device_that_is_not_here_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, device: str, cuda: bool, mps: bool, words: str
) -> None:
    machine(monkeypatch, cuda, mps)

    with pytest.raises(ConfigError) as refused:
        device_named(device)

    assert str(refused.value).startswith(f"machine.device (--device): {words}")
