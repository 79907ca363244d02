"""What the pages of the desk read: boards, lists, case files, playback, hand-over."""
