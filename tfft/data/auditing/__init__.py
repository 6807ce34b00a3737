"""What is odd about data, before anything is trained on them."""
