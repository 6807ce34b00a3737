from .figures import Figure as Figure
from .figures import class_figures as class_figures
from .plots import confusion as confusion
from .plots import learning_curves as learning_curves
from .report import write_report as write_report
from .screen import show_plan as show_plan
from .screen import show_scores as show_scores
