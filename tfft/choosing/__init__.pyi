from .choice import choose as choose
from .choice import parse_budget as parse_budget
from .rates import find_rate as find_rate
from .typed import typed as typed
