from .bundle import save_model as save_model
