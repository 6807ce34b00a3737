from .choice import choose as choose
from .choice import parse_budget as parse_budget
from .typed import typed as typed
