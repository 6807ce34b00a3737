"""Scores of generated texts against references, by sacrebleu and rouge-score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROUGE = ("rouge1", "rouge2", "rougeL")


def translation_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Scores of one split.

    Args:
        answers: One generated text for each example.
        references: One or several texts for each example.

    Returns:
        `bleu` and `chrf` in [0, 100], over the whole split, with sacrebleu's defaults (Post 2018, arXiv:1804.08771;
        Popovic 2015).
    """
    from sacrebleu import corpus_bleu, corpus_chrf

    most = max(map(len, references))
    # one list for the first reference of each text, one for the second, ..., None where a text has fewer
    columns = [[texts[place] if place < len(texts) else None for texts in references] for place in range(most)]
    return {
        "bleu": float(corpus_bleu(list(answers), columns).score),
        "chrf": float(corpus_chrf(list(answers), columns).score),
    }


def summary_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Scores of one split.

    Args:
        answers: One generated text for each example.
        references: One or several texts for each example.

    Returns:
        `rouge1`, `rouge2` and `rougeL`, F1 in [0, 100] with stemming: for each text the best score over its references
        (as Cachola et al. 2020, arXiv:2004.15011), then the mean over the texts (Lin 2004).
    """
    return {name: 100 * float(values.mean()) for name, values in rouge_of_each(answers, references).items()}


def rouge_of_each(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """The scores of each text, (examples,), in [0, 1], as in `summary_scores`."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(ROUGE, use_stemmer=True)
    best = [scorer.score_multi(list(texts), answer) for answer, texts in zip(answers, references, strict=True)]
    return {name: np.array([float(one[name].fmeasure) for one in best]) for name in ROUGE}
