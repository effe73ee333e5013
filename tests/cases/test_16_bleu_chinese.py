"""Case 16: BLEU of Chinese is taken over characters, an empty translation counts, line counts must be equal."""

import json
from pathlib import Path

import pytest

pytest.importorskip("sacrebleu", reason="BLEU and chrF are sacreBLEU's")

from textmill.errors import InputError, NothingScored
from textmill.metrics.translation import translation_scores

CASE = Path(__file__).parent / "16-bleu-chinese"
EXPECTED = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))


def lines(name: str) -> list[str]:
    return (CASE / name).read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.parametrize("language", ["zh", "zh-CN", "ja"])
def test_bleu_of_chinese_is_taken_over_characters_unasked_and_says_so(language: str) -> None:
    bleu = translation_scores(lines("hyp.zh"), lines("ref.zh"), language, resamples=50)["bleu"]
    assert bleu.value == pytest.approx(EXPECTED["bleu_by_character"], abs=1e-9)
    assert f"tok:{'char' if language == 'ja' else 'zh'}" in bleu.signature
    assert bleu.interval is not None and bleu.interval[0] < bleu.value < bleu.interval[1]


def test_split_at_blanks_it_would_be_nothing() -> None:
    assert translation_scores(lines("hyp.zh"), lines("ref.zh"), "en", resamples=2)["bleu"].value == 0.0


def test_the_reference_itself_has_100_with_an_interval_of_100() -> None:
    for score in translation_scores(lines("ref.zh"), lines("ref.zh"), "zh", resamples=20).values():
        assert (score.value, score.interval) == (100.0, (100.0, 100.0))


def test_other_line_counts_are_refused_with_both() -> None:
    with pytest.raises(InputError, match="4 translations and 5 references"):
        translation_scores(lines("hyp_short.zh"), lines("ref.zh"), "zh")
    with pytest.raises(NothingScored):
        translation_scores([], [], "zh")


def test_intervals_depend_on_the_seed_alone_and_one_line_has_none() -> None:
    one, again, other = (
        translation_scores(lines("hyp.zh"), lines("ref.zh"), "zh", resamples=40, seed=seed) for seed in (1, 1, 2)
    )
    assert one == again != other
    [single] = {s.interval for s in translation_scores(lines("hyp.zh")[:1], lines("ref.zh")[:1], "zh").values()}
    assert single is None


def test_the_interval_is_that_of_sacrebleu_scoring_each_draw() -> None:
    """Drawn lines scored as a corpus of their own give the same quantiles."""
    import numpy as np
    from sacrebleu.metrics import CHRF

    hyp, ref = lines("hyp.zh"), lines("ref.zh")
    drawn = np.random.default_rng(3).integers(5, size=(30, 5))
    values = [CHRF().corpus_score([hyp[i] for i in rows], [[ref[i] for i in rows]]).score for rows in drawn]
    expected = tuple(np.quantile(values, [0.05, 0.95]).tolist())
    chrf = translation_scores(hyp, ref, "zh", resamples=30, confidence=0.9, seed=3)["chrf"]
    assert chrf.interval == pytest.approx(expected, abs=1e-9)
