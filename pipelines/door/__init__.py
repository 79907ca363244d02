"""The one door: every record of every source comes in here, is understood or set aside."""
