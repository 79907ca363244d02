"""The schematic geography of the demo street: everything made up except the communities' names."""
