from .trials import Searched as Searched
from .trials import search as search
