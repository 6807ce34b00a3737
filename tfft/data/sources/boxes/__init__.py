"""Sources of pictures with boxes: one file for each annotation format, see `tfft.data.sources.boxes.folders.FORMATS`."""
