"""The example district: the demo street, two invented neighbours, and what happened in them."""
