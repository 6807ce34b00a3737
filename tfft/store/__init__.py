"""Arrays that are computed once and kept: by every later epoch, phase and run.

An array has a name (a fingerprint of everything that decides its values but the example) and rows, one for
each example, found by the digest of its content. Rows lie in chunks, files that are whole or not there.

The public names stand in `__init__.pyi` and are imported at their first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
