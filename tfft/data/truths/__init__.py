"""Ground truths of examples, and the targets they become."""
