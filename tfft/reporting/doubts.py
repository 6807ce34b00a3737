"""Figures of a report on the data: likely label errors, and what the audit found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfft.data.examples import Splits, Texts
from tfft.data.findings import CHECKS, audit_summary
from tfft.errors import counted
from tfft.evaluation.box_errors import MISSING
from tfft.reporting.boxes import SIDE, draw_boxes
from tfft.reporting.figures import Figure, Shown, picture_uri, shortened
from tfft.reporting.plots import colours as colours_of
from tfft.training.suspects import Suspect

BY_DETECTOR = "the detector contradicts (white boxes are the given ones, the thick box is what it sees)"
BY_OTHERS = "other examples contradict"


def suspect_figure(splits: Splits, doubted: Sequence[Suspect], *, most: int = 24) -> Figure:
    """The examples whose labels are most probably wrong.

    Args:
        splits: The data.
        doubted: The likeliest first.
        most: Number of pictures or texts that are shown.
    """

    of_boxes = any(suspect.box is not None for suspect in doubted)
    width = SIDE if of_boxes else 340 if isinstance(splits.train, Texts) else 160

    def show(suspect: Suspect) -> Shown:
        examples = getattr(splits, suspect.split)
        texts = examples.texts if isinstance(examples, Texts) else None
        return Shown(
            image=picture_uri(_seen(splits, suspect), most=width) if texts is None else "",
            text="" if texts is None else shortened(texts[suspect.position]),
            caption=_caption(suspect),
            detail=f"{suspect.where} ({suspect.split}); {suspect.reason}",
        )

    shown = doubted[:most]
    return Figure(
        "Likely label errors",
        [show(suspect) for suspect in shown],
        f"{counted(len(doubted), 'label')} that {BY_DETECTOR if of_boxes else BY_OTHERS}, the likeliest first. All of "
        "them are in suspects.csv, with the reason.",
        width=width,
    )


def _caption(suspect: Suspect) -> str:
    if suspect.given == suspect.likely:
        return f"{suspect.given}, probably at another place"
    return f"{suspect.given if suspect.given == MISSING else f'labelled {suspect.given}'}, probably {suspect.likely}"


def _seen(splits: Splits, suspect: Suspect) -> np.ndarray:
    """The picture of a suspect, with its boxes and the one that a detector sees."""
    examples = getattr(splits, suspect.split)
    pixels = examples.inputs[suspect.position]
    if suspect.box is None:
        return pixels
    height, width = pixels.shape[:2]
    box, label = np.multiply(suspect.box, (width, height, width, height)), splits.labels.index(suspect.likely)
    aspect = None if splits.original_size is None else splits.original_size[0] / splits.original_size[1]
    truth, colours = np.asarray(examples.targets)[suspect.position], colours_of(len(splits.labels))
    return draw_boxes(pixels, truth, box[None], np.array([label]), colours, words=[suspect.likely], aspect=aspect)


def audit_figure(splits: Splits, *, most: int = 24, of_each: int = 4) -> Figure:
    """What is odd about the data, and examples of it that are in a split.

    Args:
        splits: The data.
        most: Number of pictures or texts that are shown.
        of_each: Number of those of one check.
    """
    places = {where: (name, index) for name, examples in splits.items() for index, where in enumerate(examples.where)}
    counts: Counter[str] = Counter()
    shown: list[Shown] = []
    for finding in splits.findings:
        if finding.where not in places or counts[finding.check] >= of_each or len(shown) >= most:
            continue
        counts[finding.check] += 1
        split, index = places[finding.where]
        examples = getattr(splits, split)
        texts = examples.texts if isinstance(examples, Texts) else None
        shown.append(
            Shown(
                image=picture_uri(examples.inputs[index]) if texts is None else "",
                text="" if texts is None else shortened(texts[index]),
                caption=finding.check,
                detail=f"{finding.where} ({split}); {finding.detail}",
            )
        )
    said = (f"{count:,} {check} ({CHECKS[check]})" for check, count in audit_summary(splits.findings).items())
    return Figure(
        "Audit of the data",
        shown,
        f"Odd among the data: {'; '.join(said)}. All of them are in audit.json.",
        width=340 if isinstance(splits.train, Texts) else 160,
    )
