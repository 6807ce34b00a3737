"""Bytes to pixels or tokens, and all examples of a run put together."""
