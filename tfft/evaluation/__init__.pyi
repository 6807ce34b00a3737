from .boxes import best_box_thresholds as best_box_thresholds
from .boxes import detection_scores as detection_scores
from .masks import segmentation_scores as segmentation_scores
from .metrics import Scores as Scores
from .metrics import single_label_scores as single_label_scores
from .numbers import regression_scores as regression_scores
from .tags import best_thresholds as best_thresholds
from .tags import multi_label_scores as multi_label_scores
