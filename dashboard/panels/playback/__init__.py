"""The panels of the playback: nothing on them ticks, and all of them say that it is the past."""
