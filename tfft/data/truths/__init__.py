"""What is known of an example, and the numbers that it becomes."""
