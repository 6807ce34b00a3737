from .folders import FINISHED as FINISHED
from .replay import as_json as as_json
from .run import Run as Run
from .run import open_run as open_run
from .run import rehearse as rehearse
from .run import versions as versions
