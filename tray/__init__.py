"""What a person touches: the command line, later the icon and its menu."""
