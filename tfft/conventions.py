"""Numbers that floors of the house have to agree on, though none of them imports another."""

IGNORED = 255
"""In the targets of a segmentation: a pixel that is neither trained on nor scored."""
NO_BOX = -1
"""In the targets and answers of a detection: the class of a row that is no box."""
TOGETHER = 48
"""Examples that go through a frozen network at a time, and multiples of which are fetched and stored together."""
