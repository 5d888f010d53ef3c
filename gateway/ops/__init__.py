"""Health, metrics, logs. Imports no room."""
