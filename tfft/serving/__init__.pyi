from .bundle import save_model as save_model
from .bundle import save_thresholds as save_thresholds
