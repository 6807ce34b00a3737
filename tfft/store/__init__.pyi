from .arrays import StoredArray as StoredArray
from .cache import Store as Store
from .cache import open_store as open_store
from .cache import temporary_store as temporary_store
from .rows import Rows as Rows
from .storage import Storage as Storage
