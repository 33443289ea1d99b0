"""What stands before every page: bounds, headers, metrics, the path in front."""
