"""Sources of examples: each finder lists the records of a folder, a table, a data set, or arrays."""
