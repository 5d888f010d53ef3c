"""The journal of the person who looks, and a copy of what is known of them."""
