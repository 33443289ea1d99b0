"""YAML files into definitions, with every error and its place."""
