"""What the gateway's pages keep in a browser about trusted devices, and the page where the browser proves one."""
