"""Real pictures without a file or a download: scikit-learn's handwritten digits."""

from __future__ import annotations

import functools
import io

from tfft.data.records import Record
from tfft.data.truths.labels import Label


@functools.cache
def digits() -> tuple[Record, ...]:
    """Records of 1,797 handwritten digits by 13 people: PNG, 8 x 8 pixels, ten classes.

    Source: the test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI Machine
    Learning Repository, 1998), as `sklearn.datasets.load_digits` ships it. Reading enlarges the pictures.
    """
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    source = load_digits()
    records = []
    for number, (pixels, target) in enumerate(zip(source.images, source.target, strict=True)):
        file = io.BytesIO()
        Image.fromarray(np.rint(pixels * (255 / 16)).astype(np.uint8)).save(file, format="PNG")
        records.append(Record(content=file.getvalue(), truth=Label(str(target)), where=f"demo digit {number}"))
    return tuple(records)
