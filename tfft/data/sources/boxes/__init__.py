"""Sources of pictures with boxes: a module for each annotation format, and a table of them in `folders.FORMATS`."""
