from .metrics import Scores as Scores
from .metrics import single_label_scores as single_label_scores
