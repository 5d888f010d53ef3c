"""Recovery codes: ten of them on a sheet, each good once, for the day when the telephone is lost (FID-12)."""
