"""Where pictures with boxes come from, one file for each format."""
