"""Scores of texts against what people wrote, by sacrebleu and rouge-score."""

from __future__ import annotations

from collections.abc import Sequence

ROUGE = ("rouge1", "rouge2", "rougeL")


def translation_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Scores of one split.

    Args:
        answers: One text for each example.
        references: One or several for each.

    Returns:
        `bleu` and `chrf` in [0, 100], of all texts together, as sacrebleu computes them by default (Post 2018,
        arXiv:1804.08771; Popovic 2015).
    """
    from sacrebleu import corpus_bleu, corpus_chrf

    most = max(map(len, references))
    # sacrebleu takes one list for each place among the references, None where a text has fewer
    columns = [[texts[place] if place < len(texts) else None for texts in references] for place in range(most)]
    return {
        "bleu": float(corpus_bleu(list(answers), columns).score),
        "chrf": float(corpus_chrf(list(answers), columns).score),
    }


def summary_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Scores of one split.

    Args:
        answers: One text for each example.
        references: One or several for each.

    Returns:
        `rouge1`, `rouge2` and `rougeL`, F1 in [0, 100] with stemming: for each text that of the reference it is nearest
        to, then the mean over the texts (Lin 2004; the maximum as Cachola et al. 2020, arXiv:2004.15011, take it).
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(ROUGE, use_stemmer=True)
    best = [scorer.score_multi(list(texts), answer) for answer, texts in zip(answers, references, strict=True)]
    return {name: 100 * sum(float(one[name].fmeasure) for one in best) / len(best) for name in ROUGE}
