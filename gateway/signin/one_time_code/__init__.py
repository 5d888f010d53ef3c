"""A one-time code by e-mail or SMS: rules and pages."""
