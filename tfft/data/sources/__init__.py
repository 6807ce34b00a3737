"""Where examples come from: each finder lists records, of files on disk, of a table, of a data set."""
