"""Who is in which split, and what is wrong with labelled data."""
