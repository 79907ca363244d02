"""From the numbers to the screen: views, panels, the hub that pushes them, and the server."""
