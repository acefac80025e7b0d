"""What crosses between processes: frames, channels, shared words, child processes."""
