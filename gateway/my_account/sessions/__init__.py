"""Sessions, trusted devices and connected applications, as their holder sees them."""
