"""The order of an epoch, batches, and widths of texts."""
