"""Formats that a trained model can be exported to: each writes files, opens them in its own runtime, and says how."""
