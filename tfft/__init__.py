"""tfft: supervised fine-tuning of pretrained Keras networks."""

__version__ = "0.1.0"
