"""The composition root: the only place that builds adapters and hands them to the rooms.

`stores` opens what keeps things and reads the reviewed files; `policies` turns settings into the numbers of each room;
`application` builds what uvicorn serves; `jobs` what runs beside it. Nothing else reads settings.
"""
