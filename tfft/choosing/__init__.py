"""The choice of a backbone or a learning rate: what is measured, and what to type for the best.

The public names are listed in `__init__.pyi` and imported at first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
