"""Files that someone drops into a folder, one file here for each format."""
