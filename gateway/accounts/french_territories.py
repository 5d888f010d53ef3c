"""Where French mobile numbers come from: the default of `sms.countries` (SMS-03).

Apart from the rules of numbers, whose tables are not small and are loaded with the pages only.
"""

HOME = "FR"
FRENCH = frozenset({HOME, "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "PF", "WF"})
"""France, its departments and its collectivities overseas."""
