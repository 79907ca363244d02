"""The panels of the desk: figures, parts, course of time and list, each a way further down."""
