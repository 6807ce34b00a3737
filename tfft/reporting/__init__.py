"""What a run shows: text on the screen, the report and its figures.

The public names are listed in `__init__.pyi` and imported at first use, so a recipe can import this package at its
top and still show `--help` without TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
