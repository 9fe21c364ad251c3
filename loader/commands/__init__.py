"""The commands: their flags, help and examples; what they do lies in the modules that they import."""
