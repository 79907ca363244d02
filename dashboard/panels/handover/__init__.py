"""The panels of the hand-over of a shift."""
