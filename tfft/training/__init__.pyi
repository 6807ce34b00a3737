from .fine_tune import fine_tune as fine_tune
from .phases import Phase as Phase
from .plan import Plan as Plan
from .plan import plan_phases as plan_phases
from .predict import Predictions as Predictions
from .predict import predict as predict
from .recording import History as History
from .schedules import build_optimizer as build_optimizer
