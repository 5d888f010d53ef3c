"""The authenticator application: time-based codes (RFC 6238), enrolled on the account's pages, asked at sign-in (FID-02)."""
