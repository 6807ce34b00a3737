"""Decodes pictures and masks, tokenizes texts, and assembles the splits of a run."""
