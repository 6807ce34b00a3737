"""Assigns examples to splits and checks labelled data."""
