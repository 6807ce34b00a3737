"""The order of an epoch, its batches, and the widths of texts."""
