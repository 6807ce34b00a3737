"""Arrays that are computed once and stored for every later epoch, phase and run.

The name of an array is a fingerprint of everything that decides its values, except the examples. It has one row for
each example, with the digest of the example as key. Rows are stored in chunks: files that are complete or do not exist.

The public names are listed in `__init__.pyi` and imported at first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
