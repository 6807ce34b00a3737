"""The version of tfft."""

__version__ = "0.1.0"
