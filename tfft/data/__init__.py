"""Labelled pictures: where they come from, how they are split, read, augmented and batched.

The public names stand in `__init__.pyi` and are imported at their first use: a recipe can import this package
at its top and still answer `--help` without TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
