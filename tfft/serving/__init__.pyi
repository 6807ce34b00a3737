from .answering import open_answerer as open_answerer
from .answering import save_pieces as save_pieces
from .bundle import check_saving as check_saving
from .bundle import open_model as open_model
from .bundle import save_model as save_model
from .bundle import save_thresholds as save_thresholds
