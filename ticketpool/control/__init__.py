"""The control socket: what people ask of a running supervisor, and its answers."""
