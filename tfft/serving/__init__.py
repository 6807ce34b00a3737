"""Uses trained models: saves them, opens them, answers for new inputs, scores and exports.

The public names are listed in `__init__.pyi` and imported on first use: a recipe can import this package at its top
and still show `--help` without loading TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
