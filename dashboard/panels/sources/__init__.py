"""The panels of the pages that show how the sources are doing."""
